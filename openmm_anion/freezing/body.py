"""Anions as rigid bodies: the coordinates of their atoms in the principal axes of their reference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from openmm_anion import shape
from openmm_anion.freezing.reference import FrozenAnion
from openmm_anion.freezing.straight import is_straight

Array = NDArray[np.float64]


def principal_coordinates(anion: FrozenAnion) -> Array:
    """Return the reference shape in its principal axes, longest first.

    Parameters
    ----------
    anion : FrozenAnion
        Any anion; of one that is straight what is off its line is left out.

    Returns
    -------
    array, shape (n, 3)
        nm, about the centre of mass.

    Examples
    --------
    >>> pair = FrozenAnion(np.array([0, 1]), np.ones(2), np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]]))
    >>> np.abs(principal_coordinates(pair))
    array([[0.1, 0. , 0. ],
           [0.1, 0. , 0. ]])
    """
    axes = shape.principal_axes(anion.positions, anion.masses)[1]
    if is_straight(anion):
        axes[:, 1:] = 0.0
    else:
        # Once more across the longest axis, where a slight bend is small against the rounding of the whole.
        across = anion.displacements @ axes[:, 1:]
        axes[:, 1:] = axes[:, 1:] @ np.linalg.eigh((anion.masses[:, None] * across).T @ across)[1][:, ::-1]
        axes[:, 2] = np.cross(axes[:, 0], axes[:, 1])
    return np.asarray(anion.displacements @ axes)


def body_coordinates(anions: Sequence[FrozenAnion], held: Sequence[bool], n_particles: int) -> Array:
    """Return what shows switchable projectors the bodies that they are to hold, in the place of positions.

    Parameters
    ----------
    anions : sequence of FrozenAnion
        The anions with which the projectors were made, each with its new reference.
    held : sequence of bool
        Which of them are held; the others are free.
    n_particles : int
        Particles of the System.

    Returns
    -------
    (n_particles, 3) array
        Coordinates of the atoms of each held anion in its principal axes, nm; zeros for all other particles.

    Examples
    --------
    >>> pair = FrozenAnion(np.array([2, 0]), np.array([12.0, 12.0]), np.array([[0.1, 0.5, 0], [0.1, 0.7, 0]]))
    >>> np.abs(body_coordinates([pair], [True], 3))
    array([[0.1, 0. , 0. ],
           [0. , 0. , 0. ],
           [0.1, 0. , 0. ]])
    """
    coordinates = np.zeros((n_particles, 3))
    for anion, on in zip(anions, held, strict=True):
        if on:
            coordinates[anion.indices] = principal_coordinates(anion)
    return coordinates
