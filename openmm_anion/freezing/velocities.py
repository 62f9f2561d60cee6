"""Velocities from the Maxwell-Boltzmann distribution of the motions that are not frozen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from openmm_anion.freezing.reference import FrozenAnion
from openmm_anion.units import MOLAR_GAS_CONSTANT

Array = NDArray[np.float64]


def motion_basis(anion: FrozenAnion) -> dict[str, Array]:
    """Return orthonormal bases of translation, rotation and vibration in mass-weighted coordinates.

    Parameters
    ----------
    anion : FrozenAnion
        The anion and its reference shape.

    Returns
    -------
    dict
        For ``"T"``, ``"R"`` and ``"V"`` a (k, 3n) array of rows ``sqrt(m) v``, together a complete basis.

    Examples
    --------
    >>> pair = FrozenAnion(np.array([0, 1]), np.ones(2), np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]]))
    >>> {motion: len(rows) for motion, rows in motion_basis(pair).items()}
    {'T': 3, 'R': 2, 'V': 1}
    """
    root = np.sqrt(anion.masses)
    translations = [np.outer(root, axis).ravel() for axis in np.eye(3)]
    rotations = [(root[:, None] * np.cross(axis, anion.displacements)).ravel() for axis in np.eye(3)]
    count = 2 if anion.shape == "linear" else 3
    translation = np.linalg.svd(np.array(translations), full_matrices=False)[2]
    rotation = np.linalg.svd(np.array(rotations), full_matrices=False)[2][:count]
    rigid = np.concatenate([translation, rotation])
    vibration = np.linalg.svd(rigid)[2][len(rigid) :]
    return {"T": translation, "R": rotation, "V": vibration}


def project_velocities(velocities: Array, anions: Sequence[FrozenAnion], modes: str) -> Array:
    """Take the frozen motions out of velocities, by the mass-weighted projection.

    Parameters
    ----------
    velocities : (N, 3) array
        Velocities of all particles, nm/ps.
    anions : sequence of FrozenAnion
        Anions at the positions to which the velocities belong.
    modes : str
        Frozen motions.

    Returns
    -------
    (N, 3) array
        Velocities that obey the constraints, nm/ps.

    Examples
    --------
    >>> pair = FrozenAnion(np.array([0, 1]), np.ones(2), np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]]))
    >>> project_velocities(np.array([[1.0, 1.0, 0.0], [1.0, -1.0, 0.0]]), [pair], "T")
    array([[ 0.,  1.,  0.],
           [ 0., -1.,  0.]])
    """
    result = np.array(velocities, dtype=np.float64)
    if not modes:
        return result
    for anion in anions:
        basis = motion_basis(anion)
        frozen = np.concatenate([basis[mode] for mode in modes])
        root = np.sqrt(anion.masses)[:, None]
        weighted = (root * result[anion.indices]).ravel()
        weighted -= frozen.T @ (frozen @ weighted)
        result[anion.indices] = weighted.reshape(-1, 3) / root
    return result


def draw_velocities(
    masses: Array, positions: Array, anions: Sequence[FrozenAnion], modes: str, temperature: float, seed: int
) -> Array:
    """Draw Maxwell-Boltzmann velocities in the free subspace.

    A Gaussian in mass-weighted coordinates stays one under an orthogonal projection, so that every
    free motion gets its share and the frozen ones nothing. Unless the centres are frozen, the drift
    of the whole is taken out and the kinetic energy of the other motions is left as drawn.

    Parameters
    ----------
    masses : (N,) array
        Masses, Da; particles without mass do not move.
    positions : (N, 3) array
        Positions, nm.
    anions : sequence of FrozenAnion
        The anions, frozen at these positions.
    modes : str
        Frozen motions.
    temperature : float
        Temperature, K.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    (N, 3) array
        Velocities, nm/ps.

    Examples
    --------
    >>> pair = FrozenAnion(np.array([0, 1]), np.ones(2), np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]]))
    >>> drawn = draw_velocities(pair.masses, pair.positions, [pair], "TV", 300.0, seed=1)
    >>> bool(np.abs(drawn[:, 0]).max() < 1e-12)
    True
    """
    moving = masses > 0
    velocities = np.zeros_like(positions)
    spread = np.sqrt(MOLAR_GAS_CONSTANT * temperature / masses[moving])[:, None]
    velocities[moving] = spread * np.random.default_rng(seed).normal(size=(int(moving.sum()), 3))
    velocities = project_velocities(velocities, anions, modes)
    return velocities if "T" in modes else remove_drift(masses, velocities)


def remove_drift(masses: Array, velocities: Array) -> Array:
    """Take the velocity of the centre of mass of the whole out of velocities.

    A common velocity violates no constraint of orientation or shape; with frozen centres there is no drift.

    Parameters
    ----------
    masses : (N,) array
        Masses, Da; particles without mass do not move.
    velocities : (N, 3) array
        Velocities, nm/ps.

    Returns
    -------
    (N, 3) array
        Velocities without drift, nm/ps.

    Examples
    --------
    >>> remove_drift(np.array([1.0, 3.0]), np.array([[4.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))[:, 0]
    array([ 3., -1.])
    """
    moving = masses > 0
    result = np.zeros_like(velocities)
    result[moving] = velocities[moving] - masses @ velocities / masses.sum()
    return result
