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
    """

    rest: float
    translation: float
    rotation: float
    vibration: float


def kinetic_temperatures(
    masses: Array, positions: Array, velocities: Array, anions: Sequence[FrozenAnion], modes: str
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
    modes : str
        Frozen motions.
    """
    outside = np.ones(len(masses), dtype=bool)
    energy = dict.fromkeys("TRV", 0.0)
    count = dict.fromkeys("TRV", 0)
    for anion in anions:
        outside[anion.indices] = False
        here, moving = positions[anion.indices], velocities[anion.indices]
        drift = shape.center_of_mass(moving, anion.masses)
        relative = here - shape.center_of_mass(here, anion.masses)
        momentum = (anion.masses[:, None] * np.cross(relative, moving - drift)).sum(axis=0)
        # A linear ion has no moment about its own axis: leave that direction out.
        cutoff = shape.THIN**2 if anion.shape == "linear" else 1e-12
        inverse = np.linalg.pinv(shape.inertia_tensor(here, anion.masses), rcond=cutoff, hermitian=True)
        total = 0.5 * float(anion.masses @ (moving**2).sum(axis=1))
        translation = 0.5 * float(anion.masses.sum() * drift @ drift)
        rotation = 0.5 * float(momentum @ inverse @ momentum)
        for motion, part in zip("TRV", (translation, rotation, total - translation - rotation), strict=True):
            energy[motion] += part
            count[motion] += removed_degrees_of_freedom(motion, len(anion.indices), anion.shape)
    loose = outside & (masses > 0)
    rest = 0.5 * float(masses[loose] @ (velocities[loose] ** 2).sum(axis=1))
    motions = (_temperature(energy[motion], 0 if motion in modes else count[motion]) for motion in "TRV")
    return KineticTemperatures(_temperature(rest, 3 * int(loose.sum())), *motions)


def _temperature(energy: float, count: int) -> float:
    return 2.0 * energy / (count * MOLAR_GAS_CONSTANT) if count else float("nan")
