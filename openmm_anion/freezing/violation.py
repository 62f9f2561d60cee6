"""How far anions are from where they are frozen: centre, orientation and shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openmm_anion import shape
from openmm_anion.freezing.reference import FrozenAnion
from openmm_anion.periodic import make_whole, minimum_image

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Violation:
    """Largest violation over all anions; NaN where the motion is not frozen.

    Attributes
    ----------
    translation : float
        Distance of a centre of mass from its reference, nm.
    rotation : float
        Rotation ``|G^-1 sum m_i d_i x (x_i - c)|`` from the Eckart orientation, rad.
    shape : float
        Distance of an atom from its place in the best fitting reference shape, nm.
    displacement : float
        The largest of them as a distance, nm: a rotation counts as the arc of the outermost atom; zero
        when nothing is frozen.
    angular_velocity : float
        Angular velocity ``|I^-1 sum m_i (x_i - c) x v_i|``, rad/ps, where rotation is frozen as zero angular
        momentum and velocities are known.
    """

    translation: float
    rotation: float
    shape: float
    displacement: float
    angular_velocity: float = float("nan")

    def __str__(self) -> str:
        named = (
            ("centre off by", self.translation, "nm"),
            ("turned by", self.rotation, "rad"),
            ("shape off by", self.shape, "nm"),
            ("turning at", self.angular_velocity, "rad/ps"),
        )
        return (
            ", ".join(f"{what} {value:.1e} {unit}" for what, value, unit in named if not np.isnan(value))
            or "free"
        )


def measure_violation(positions: Array, box: Array, anions: Sequence[FrozenAnion], modes: str) -> Violation:
    """Measure the largest violation of each frozen motion.

    Parameters
    ----------
    positions : (N, 3) array
        Positions of all particles, nm; anions may be wrapped.
    box : (3, 3) array
        Box vectors as rows, nm.
    anions : sequence of FrozenAnion
        The anions and where they are frozen.
    modes : str
        Canonical modes.
    """
    worst = dict.fromkeys(modes, 0.0)
    arc = 0.0
    for anion in anions:
        here = make_whole(positions[anion.indices], box)
        center = shape.center_of_mass(here, anion.masses)
        relative = here - center
        if "T" in worst:
            away = float(np.linalg.norm(minimum_image(center - anion.center, box)))
            worst["T"] = max(worst["T"], away)
        if "R" in worst:
            angle = float(np.linalg.norm(eckart_rotation(relative, anion)))
            worst["R"] = max(worst["R"], angle)
            arc = max(arc, angle * float(np.linalg.norm(anion.displacements, axis=1).max()))
        if "V" in worst:
            off = np.linalg.norm(relative - best_fit(relative, anion), axis=1).max()
            worst["V"] = max(worst["V"], float(off))
    displacement = max(worst.get("T", 0.0), arc, worst.get("V", 0.0))
    translation, rotation, off_shape = (worst.get(mode, float("nan")) for mode in "TRV")
    return Violation(translation, rotation, off_shape, displacement)


def largest_angular_velocity(
    positions: Array, velocities: Array, box: Array, anions: Sequence[FrozenAnion]
) -> float:
    """Return the largest angular velocity ``|I^-1 L|`` of an anion about its centre of mass, rad/ps.

    Of a linear anion the part across its axis, the line ``sum m_i s_i (x_i - c)`` with the reference places
    s_i along it.

    Parameters
    ----------
    positions : (N, 3) array
        Positions of all particles, nm; anions may be wrapped.
    velocities : (N, 3) array
        Their velocities, nm/ps.
    box : (3, 3) array
        Box vectors as rows, nm.
    anions : sequence of FrozenAnion
        The anions.
    """
    worst = 0.0
    for anion in anions:
        arms = make_whole(positions[anion.indices], box)
        arms = arms - shape.center_of_mass(arms, anion.masses)
        momentum = (anion.masses[:, None] * np.cross(arms, velocities[anion.indices])).sum(axis=0)
        inertia = shape.inertia_tensor(arms, anion.masses)
        if anion.shape == "linear":
            along = anion.displacements @ anion.inverse_inertia[1][:, 0]
            axis = (anion.masses * along) @ arms
            across = np.eye(3) - np.outer(axis, axis) / (axis @ axis)
            turn = np.linalg.pinv(across @ inertia @ across, rcond=1e-3) @ (across @ momentum)
        else:
            turn = np.linalg.solve(inertia, momentum)
        worst = max(worst, float(np.linalg.norm(turn)))
    return worst


def eckart_rotation(relative: Array, anion: FrozenAnion) -> Array:
    """Return the rotation vector ``G^-1 sum m d x (x - c)``, (3,), rad, exact for small angles.

    Parameters
    ----------
    relative : (n, 3) array
        Positions relative to the centre of mass, nm.
    anion : FrozenAnion
        The reference.
    """
    momentum = (anion.masses[:, None] * np.cross(anion.displacements, relative)).sum(axis=0)
    inverse, axes = anion.inverse_inertia
    return np.asarray(axes @ (inverse * (axes.T @ momentum)))


def best_fit(relative: Array, anion: FrozenAnion) -> Array:
    """Return the reference shape turned to fit best, ``Q d_i`` (Kabsch 1976, doi:10.1107/S0567739476001873).

    Parameters
    ----------
    relative : (n, 3) array
        Positions relative to the centre of mass, nm.
    anion : FrozenAnion
        The reference.
    """
    left, _, right = np.linalg.svd((anion.masses[:, None] * relative).T @ anion.displacements)
    proper = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    return np.asarray(anion.displacements @ (left @ proper @ right).T)
