r"""Temperatures of single kinds of motion: cations, and translation, rotation and vibration of the anions.

The velocities of an anion split into a part that moves it, one that turns it and a rest, orthogonal in the
mass metric, so that its kinetic energy is the sum

.. math:: K = \tfrac12 M v_c^2 + \tfrac12 L^T I^{-1} L + K_\mathrm{vib}

with the angular momentum L about the centre of mass and the inertia tensor I at the present positions. Each
part over the number of its degrees of freedom is a temperature; at equilibrium all that can move are equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openmm_anion import shape
from openmm_anion.freezing.modes import removed_degrees_of_freedom
from openmm_anion.freezing.reference import FrozenAnion
from openmm_anion.freezing.same_size import by_size
from openmm_anion.units import MOLAR_GAS_CONSTANT

Array = NDArray[np.float64]


@dataclass(frozen=True)
class KineticTemperatures:
    """Kinetic temperatures, K; NaN where nothing of that kind can move.

    Attributes
    ----------
    rest : float
        Particles outside of the anions: the cations, and whatever else is there.
    translation, rotation, vibration : float
        Motions of the anions; NaN for frozen ones.

    Examples
    --------
    >>> KineticTemperatures(rest=300.0, translation=float("nan"), rotation=310.0, vibration=290.0).rotation
    310.0
    """

    rest: float
    translation: float
    rotation: float
    vibration: float


def kinetic_temperatures(
    masses: Array,
    positions: Array,
    velocities: Array,
    anions: Sequence[FrozenAnion],
    held: Sequence[bool],
    modes: str,
) -> KineticTemperatures:
    """Split the kinetic energy by kind of motion, and return each as a temperature.

    Parameters
    ----------
    masses : (N,) array
        Masses, Da.
    positions : (N, 3) array
        Positions with whole anions, nm.
    velocities : (N, 3) array
        Velocities, nm/ps.
    anions : sequence of FrozenAnion
        The anions.
    held : sequence of bool
        Which of them are frozen; the others are free in every motion.
    modes : str
        Frozen motions.

    Returns
    -------
    KineticTemperatures
        K, with the degrees of freedom of each motion.

    Examples
    --------
    >>> pair = FrozenAnion(np.array([0, 1]), np.ones(2), np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]]))
    >>> velocities = np.array([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]])
    >>> found = kinetic_temperatures(pair.masses, pair.positions, velocities, [pair], [True], "T")
    >>> found.rotation, found.vibration, found.translation
    (120.2..., 0.0, nan)
    """
    outside = masses > 0
    energy = dict.fromkeys("TRV", 0.0)
    count = dict.fromkeys("TRV", 0)
    for same in by_size(anions):
        outside[same.indices] = False
        here, moving = positions[same.indices], velocities[same.indices]
        drift, relative = same.means(moving), here - same.means(here)[:, None]
        momentum = (same.masses[..., None] * np.cross(relative, moving - drift[:, None])).sum(axis=1)
        # A linear ion has no moment about its own axis: leave that direction out.
        cutoff = np.where(same.linear, shape.THIN**2, 1e-12)
        inverse = np.linalg.pinv(shape.inertia_tensor(here, same.masses), rcond=cutoff, hermitian=True)
        total = 0.5 * (same.masses[..., None] * moving**2).sum(axis=(1, 2))
        translation = 0.5 * same.masses.sum(axis=1) * (drift**2).sum(axis=1)
        rotation = 0.5 * (momentum * (inverse @ momentum[..., None])[..., 0]).sum(axis=1)
        for motion, part in zip("TRV", (translation, rotation, total - translation - rotation), strict=True):
            energy[motion] += float(part.sum())
    for anion, frozen in zip(anions, held, strict=True):
        for motion in "TRV":
            if not (frozen and motion in modes):
                count[motion] += removed_degrees_of_freedom(motion, len(anion.indices), anion.shape)
    rest = 0.5 * float(masses[outside] @ (velocities[outside] ** 2).sum(axis=1))
    motions = (_temperature(energy[motion], count[motion]) for motion in "TRV")
    return KineticTemperatures(_temperature(rest, 3 * int(outside.sum())), *motions)


def _temperature(energy: float, count: int) -> float:
    return 2.0 * energy / (count * MOLAR_GAS_CONSTANT) if count else float("nan")
