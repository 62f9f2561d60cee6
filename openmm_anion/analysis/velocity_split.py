"""Velocities of molecules, split into translation, rotation and vibration."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from openmm_anion.analysis.compiled import compiled

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

_FLATTEST = 1e-3
"""Of the largest principal moment of inertia: about an axis with less than that nothing turns."""


@compiled
def split_velocities(
    atoms: Array, velocities: Array, starts: Indices, masses: Array, linear: NDArray[np.bool_]
) -> tuple[Array, Array, Array]:
    r"""Return the translation, rotation and vibration in velocities of molecules.

    With the centre of mass :math:`u`, the angular momentum L and inertia tensor I about it,

    .. math:: v_i = u + \omega \times r_i + w_i, \qquad \omega = I^{-1} L

    The parts are orthogonal, :math:`\sum_i m_i (\omega \times r_i) \cdot w_i = 0` and so on: kinetic
    energies add up. Linear molecules do not turn about their line.

    Parameters
    ----------
    atoms : array, shape (n_frames, n_atoms, 3)
        Positions about the centre of mass of the molecule.
    velocities : array, shape (n_frames, n_atoms, 3)
        Velocities.
    starts : array of int, shape (n_molecules + 1,)
        Molecule a has the atoms from ``starts[a]`` to ``starts[a + 1]``.
    masses : array, shape (n_atoms,)
        Masses.
    linear : array of bool, shape (n_molecules,)
        Which of them are linear.

    Returns
    -------
    translation : array, shape (n_frames, n_molecules, 3)
        Velocities of the centres of mass.
    rotation, vibration : array, shape (n_frames, n_atoms, 3)
        The other two parts.
    """
    n_frames, n_molecules = len(atoms), len(starts) - 1
    centres = np.zeros((n_frames, n_molecules, 3))
    rotation = np.empty_like(velocities)
    vibration = np.empty_like(velocities)
    inertia = np.empty((3, 3))
    momentum = np.empty(3)
    for f in range(n_frames):
        for a in range(n_molecules):
            centre = centres[f, a]
            mass = 0.0
            inertia[:] = 0.0
            momentum[:] = 0.0
            for i in range(starts[a], starts[a + 1]):
                mass += masses[i]
                for k in range(3):
                    centre[k] += masses[i] * velocities[f, i, k]
            for k in range(3):
                centre[k] /= mass
            for i in range(starts[a], starts[a + 1]):
                x, y, z = atoms[f, i, 0], atoms[f, i, 1], atoms[f, i, 2]
                u = velocities[f, i, 0] - centre[0]
                v = velocities[f, i, 1] - centre[1]
                w = velocities[f, i, 2] - centre[2]
                m = masses[i]
                momentum[0] += m * (y * w - z * v)
                momentum[1] += m * (z * u - x * w)
                momentum[2] += m * (x * v - y * u)
                inertia[0, 0] += m * (y * y + z * z)
                inertia[1, 1] += m * (x * x + z * z)
                inertia[2, 2] += m * (x * x + y * y)
                inertia[0, 1] -= m * x * y
                inertia[0, 2] -= m * x * z
                inertia[1, 2] -= m * y * z
            inertia[1, 0], inertia[2, 0], inertia[2, 1] = inertia[0, 1], inertia[0, 2], inertia[1, 2]
            omega = _angular_velocity(inertia, momentum, linear[a])
            for i in range(starts[a], starts[a + 1]):
                x, y, z = atoms[f, i, 0], atoms[f, i, 1], atoms[f, i, 2]
                rotation[f, i, 0] = omega[1] * z - omega[2] * y
                rotation[f, i, 1] = omega[2] * x - omega[0] * z
                rotation[f, i, 2] = omega[0] * y - omega[1] * x
                for k in range(3):
                    vibration[f, i, k] = velocities[f, i, k] - centre[k] - rotation[f, i, k]
    return centres, rotation, vibration


@compiled
def _angular_velocity(inertia: Array, momentum: Array, linear: bool) -> Array:
    """The inverse of the inertia tensor times the angular momentum, without axes nothing turns about."""
    omega = np.zeros(3)
    if not linear:
        a, b, c = inertia[0, 0], inertia[1, 1], inertia[2, 2]
        d, e, f = inertia[0, 1], inertia[0, 2], inertia[1, 2]
        p, q, r = b * c - f * f, e * f - d * c, d * f - e * b
        determinant = a * p + d * q + e * r
        # No moment is larger than half the trace, so then none is too flat; the usual case, and fast.
        if determinant > _FLATTEST * (0.5 * (a + b + c)) ** 3:
            s, t, u = a * c - e * e, d * e - a * f, a * b - d * d
            omega[0] = (p * momentum[0] + q * momentum[1] + r * momentum[2]) / determinant
            omega[1] = (q * momentum[0] + s * momentum[1] + t * momentum[2]) / determinant
            omega[2] = (r * momentum[0] + t * momentum[1] + u * momentum[2]) / determinant
            return omega
    moments, axes = np.linalg.eigh(inertia)
    for k in range(1 if linear else 0, 3):
        if moments[k] > _FLATTEST * moments[2]:
            along = 0.0
            for j in range(3):
                along += axes[j, k] * momentum[j]
            for j in range(3):
                omega[j] += along / moments[k] * axes[j, k]
    return omega
