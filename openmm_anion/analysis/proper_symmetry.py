"""Rotations that leave a molecule as it is, found from its mean shape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from openmm_anion.analysis.best_fit import fit_rotations, rotate

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

SYMMETRY_TOLERANCE = 0.15
"""How far a symmetry operation may leave an atom from its place, of the largest distance to the centre."""


def proper_symmetry(shape: Array, symbols: Sequence[str], tolerance: float = SYMMETRY_TOLERANCE) -> Array:
    """Find the proper rotations that exchange equal atoms of a shape and else leave it as it is.

    Two atoms that are not on a line with the centre are tried on all pairs like them; every such rotation
    that brings each atom onto an equal one is fitted to its permutation.

    Parameters
    ----------
    shape : array, shape (n, 3)
        Atoms about their centre, not all on a line.
    symbols : sequence of str
        Their elements.
    tolerance : float, optional
        How far from its place an atom may come, of the largest distance to the centre.

    Returns
    -------
    array, shape (n_operations, 4)
        Unit quaternions, the identity first: 12 for XY4, 24 for XY6, 60 for B12H12, 6 for planar XY3.

    Examples
    --------
    >>> flat = np.array([[0, 0, 0], [1, 0, 0], [-0.5, 0.75**0.5, 0], [-0.5, -(0.75**0.5), 0]])
    >>> len(proper_symmetry(flat, ["N", "O", "O", "O"])), len(proper_symmetry(flat, ["N", "O", "O", "F"]))
    (6, 2)
    """
    return rotations_onto(shape, shape, symbols, tolerance)


def rotations_onto(
    shape: Array, target: Array, symbols: Sequence[str], tolerance: float = SYMMETRY_TOLERANCE
) -> Array:
    """Find the proper rotations that bring each atom of a shape onto an equal atom of another one.

    Of a target that is the shape itself these are its proper symmetry operations, see `proper_symmetry`. Of
    two molecules of one kind they are all ways to lay one over the other, whichever atom comes first.

    Parameters
    ----------
    shape, target : array, shape (n, 3)
        Atoms about their centre, not all on a line.
    symbols : sequence of str
        Elements of both.
    tolerance : float, optional
        How far from its place an atom may come, of the largest distance to the centre.

    Returns
    -------
    array, shape (n_rotations, 4)
        Unit quaternions, that with equal order of atoms first if it is one; empty if nothing fits.

    Examples
    --------
    >>> flat = np.array([[1, 0, 0], [-0.5, 0.75**0.5, 0], [-0.5, -(0.75**0.5), 0]])
    >>> len(rotations_onto(flat, flat[[1, 0, 2]], "OOO")), len(rotations_onto(flat, 2.0 * flat, "OOO"))
    (6, 0)
    """
    kinds = np.array(list(symbols))
    radii, target_radii = np.linalg.norm(shape, axis=1), np.linalg.norm(target, axis=1)
    reach = tolerance * radii.max()
    apart, target_apart = _distances(shape), _distances(target)
    areas, target_areas = _areas(shape), _areas(target)
    i, j = np.unravel_index(int(areas.argmax()), areas.shape)
    like_i, like_j = ((kinds == kinds[a]) & (np.abs(target_radii - radii[a]) < 2.0 * reach) for a in (i, j))
    pairs = (
        like_i[:, None]
        & like_j
        & (np.abs(target_apart - apart[i, j]) < 2.0 * reach)
        & (target_areas > 0.1 * areas[i, j])
    )
    k, m = np.nonzero(pairs)
    rotations = _axes_of(target[k], target[m]) @ _axes_of(shape[i], shape[j]).T
    distances = np.linalg.norm((shape @ np.swapaxes(rotations, 1, 2))[:, :, None] - target, axis=-1)
    distances[:, kinds[:, None] != kinds] = np.inf
    places = distances.argmin(axis=2)
    # Two atoms that are brought into place exactly leave the others all the error, so twice the reach.
    fits = (np.sort(places, axis=1) == np.arange(len(shape))).all(axis=1)
    fits &= distances.min(axis=2).max(axis=1) < 2.0 * reach
    # The identity is the first of the sorted permutations.
    images = target[np.unique(np.vstack([np.arange(len(shape)), places[fits]]), axis=0)]
    operations = fit_rotations(images, np.array([0, len(shape)]), np.ones(len(shape)), shape)[:, 0]
    errors = np.linalg.norm(rotate(operations[:, None], shape[None]) - images, axis=-1).max(axis=1)
    return np.asarray(operations[errors < reach])


def _distances(shape: Array) -> Array:
    return np.asarray(np.linalg.norm(shape[:, None] - shape, axis=-1))


def _areas(shape: Array) -> Array:
    return np.asarray(np.linalg.norm(np.cross(shape[:, None], shape), axis=-1))


def _axes_of(a: Array, b: Array) -> Array:
    """Axes as columns: the bisector of two vectors, across it in their plane, and their normal."""
    normal = np.cross(a, b)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    along = a / np.linalg.norm(a, axis=-1, keepdims=True) + b / np.linalg.norm(b, axis=-1, keepdims=True)
    along /= np.linalg.norm(along, axis=-1, keepdims=True)
    return np.stack([along, np.cross(normal, along), normal], axis=-1)


def ends_are_alike(shape: Array, symbols: Sequence[str], tolerance: float = SYMMETRY_TOLERANCE) -> bool:
    """Tell whether a linear shape turned by 180 degrees is the same.

    Parameters
    ----------
    shape : array, shape (n, 3)
        Atoms about their centre.
    symbols : sequence of str
        Their elements.
    tolerance : float, optional
        How far from its place an atom may come, of the largest distance to the centre.

    Returns
    -------
    bool
        Whether each atom comes to the place of one of the same element.

    Examples
    --------
    >>> rod = np.array([[-1.0, 0, 0], [0, 0, 0], [1, 0, 0]])
    >>> ends_are_alike(rod, ["N", "N", "N"]), ends_are_alike(rod, ["S", "C", "N"])
    (True, False)
    """
    kinds = np.array(symbols)
    distances = np.linalg.norm(shape[:, None] + shape[None], axis=-1)
    distances[kinds[:, None] != kinds[None]] = np.inf
    places = distances.argmin(axis=1)
    reach = tolerance * np.linalg.norm(shape, axis=1).max()
    return len(set(places)) == len(shape) and bool(distances.min(axis=1).max() < reach)
