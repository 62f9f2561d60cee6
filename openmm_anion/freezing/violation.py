"""How far anions are from where they are frozen: centre, orientation and shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openmm_anion import shape
from openmm_anion.freezing.reference import FrozenAnion
from openmm_anion.freezing.same_size import SameSize, by_size
from openmm_anion.periodic import all_whole, minimum_image

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
        The largest of them as a distance, nm: a rotation counts as the longest arc of an atom; zero when
        nothing is frozen.
    angular_velocity : float
        Angular velocity ``|I^-1 sum m_i (x_i - c) x v_i|``, rad/ps, where rotation is frozen as zero angular
        momentum and velocities are known.

    Examples
    --------
    >>> print(Violation(1e-11, float("nan"), float("nan"), 1e-11))
    centre off by 1.0e-11 nm
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


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Where every anion is relative to its reference, whether the motion is frozen or not.

    Attributes
    ----------
    translation : (A,) array
        Distance of the centre of mass from its reference, nm.
    rotation : (A,) array
        Angle ``2 arccos |w|`` of the rotation that fits the reference shape best (w: scalar part of its
        quaternion), rad; of a linear anion the angle of its axis.
    shape : (A,) array
        Largest distance of an atom from its place in the best fitting reference shape, nm.
    violation : Violation
        Largest violation of each frozen motion over the frozen anions.
    """

    translation: Array
    rotation: Array
    shape: Array
    violation: Violation


def diagnose(
    positions: Array,
    box: Array,
    anions: Sequence[FrozenAnion],
    held: Sequence[bool],
    modes: str,
    velocities: Array | None = None,
    *,
    all_motions: bool = True,
) -> Diagnosis:
    """Compare every anion with its reference.

    Parameters
    ----------
    positions : (N, 3) array
        Positions of all particles, nm; anions may be wrapped.
    box : (3, 3) array
        Box vectors as rows, nm.
    anions : sequence of FrozenAnion
        The anions and their references.
    held : sequence of bool
        Which of them are frozen.
    modes : str
        Canonical modes whose positions are held (without R where it is zero angular momentum).
    velocities : (N, 3) array, optional
        Velocities, nm/ps, where rotation is frozen as zero angular momentum.
    all_motions : bool, optional
        False for `Diagnosis.violation` alone, at half the cost; what is not frozen is then zero.

    Returns
    -------
    Diagnosis
        For each anion.

    Examples
    --------
    >>> pair = FrozenAnion(np.array([0, 1]), np.ones(2), np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]]))
    >>> found = diagnose(pair.positions + [0.0, 0.1, 0.0], np.eye(3), [pair], [True], "R")
    >>> found.translation, found.rotation
    (array([0.1]), array([0.]))
    """
    seen = "TRV" if all_motions else modes
    away, angle, off, eckart, arc, turning = (np.zeros(len(anions)) for _ in range(6))
    for same in by_size(anions):
        here = all_whole(positions[same.indices], box)
        center = same.means(here)
        relative = here - center[:, None]
        displacements = same.positions - same.means(same.positions)[:, None]
        numbers, straight = same.numbers, same.linear
        away[numbers] = np.linalg.norm(minimum_image(center - same.means(same.positions), box), axis=-1)
        if "V" in seen:
            turn = shape.best_rotation(displacements, relative, same.masses)
            if straight.any():
                turn[straight] = shape.best_line_rotation(
                    displacements[straight],
                    relative[straight],
                    same.masses[straight],
                    same.axes[straight, :, 0],
                )
            fitted = displacements @ np.swapaxes(turn, -1, -2)
            off[numbers] = np.linalg.norm(relative - fitted, axis=-1).max(axis=-1)
            angle[numbers] = shape.rotation_angle(turn)
            if straight.any():
                angle[numbers] = np.where(
                    straight, _axis_angles(displacements, relative, same), angle[numbers]
                )
        if "R" in seen:
            rotations = _eckart_rotations(relative, displacements, same)
            eckart[numbers] = np.linalg.norm(rotations, axis=-1)
            arc[numbers] = np.linalg.norm(np.cross(rotations[:, None], displacements), axis=-1).max(axis=-1)
        if velocities is not None:
            turning[numbers] = _angular_velocities(relative, velocities[same.indices], displacements, same)
    on = np.asarray(held, dtype=bool)

    def worst(values: Array, frozen: bool) -> float:
        return float(values[on].max(initial=0.0)) if frozen else float("nan")

    violation = Violation(
        translation=worst(away, "T" in modes),
        rotation=worst(eckart, "R" in modes),
        shape=worst(off, "V" in modes),
        displacement=max(
            [0.0, *(worst(v, True) for v, m in ((away, "T"), (arc, "R"), (off, "V")) if m in modes)]
        ),
        angular_velocity=worst(turning, velocities is not None),
    )
    return Diagnosis(away, angle, off, violation)


def _axis_angles(reference: Array, relative: Array, same: SameSize) -> Array:
    """Angle between the axes of linear anions, the lines ``sum m s x`` with their places s along it."""
    axis, before = _axes(reference, relative, same), _axes(reference, reference, same)
    sine = np.linalg.norm(np.cross(axis, before), axis=-1)
    return np.asarray(np.arctan2(sine, (axis * before).sum(axis=-1)))


def _axes(reference: Array, relative: Array, same: SameSize) -> Array:
    """The vectors ``sum m s x`` of all anions, which have a meaning for linear ones."""
    along = (reference * same.axes[:, None, :, 0]).sum(axis=-1)
    return np.asarray(((same.masses * along)[..., None] * relative).sum(axis=1))


def _eckart_rotations(relative: Array, displacements: Array, same: SameSize) -> Array:
    """Rotation vectors ``G^-1 sum m d x (x - c)``, (k, 3), rad, exact for small angles."""
    momentum = (same.masses[..., None] * np.cross(displacements, relative)).sum(axis=1)
    inside = (np.swapaxes(same.axes, -1, -2) @ momentum[..., None])[..., 0]
    return np.asarray((same.axes @ (same.inverse_inertia * inside)[..., None])[..., 0])


def _angular_velocities(relative: Array, velocities: Array, reference: Array, same: SameSize) -> Array:
    """Angular velocities ``|I^-1 L|`` about the centres, rad/ps; of linear anions across the axis."""
    momentum = (same.masses[..., None] * np.cross(relative, velocities)).sum(axis=1)
    inertia = shape.inertia_tensor(relative, same.masses)
    axis = _axes(reference, relative, same)
    axis = axis / np.linalg.norm(axis, axis=-1, keepdims=True)
    across = np.eye(3) - same.linear[:, None, None] * axis[..., None] * axis[:, None]
    inverse = np.linalg.pinv(across @ inertia @ across, rcond=1e-3, hermitian=True)
    return np.asarray(np.linalg.norm((inverse @ across @ momentum[..., None])[..., 0], axis=-1))
