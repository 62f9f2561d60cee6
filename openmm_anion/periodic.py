"""Periodic boxes: shortest images and whole molecules, in any triclinic cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def heights(box: Array) -> Array:
    """Return the three perpendicular heights of a box, or of many.

    Half the smallest one is the longest vector whose nearest image is certain.

    Parameters
    ----------
    box : (..., 3, 3) array
        Box vectors as rows.

    Returns
    -------
    (..., 3) array
        In the unit of the box.

    Examples
    --------
    >>> heights(np.diag([1.0, 2.0, 3.0]))
    array([1., 2., 3.])
    """
    return np.asarray(1.0 / np.linalg.norm(np.linalg.inv(box), axis=-2))


def cell_vectors(dimensions: Array) -> Array:
    """Return the vectors of many cells, the first along x and the second in the xy plane.

    As `MDAnalysis.lib.mdamath.triclinic_vectors` does for one: zeros where lengths and angles make no cell.

    Parameters
    ----------
    dimensions : (k, 6) array
        Three lengths, and the angles between the vectors, degrees.

    Returns
    -------
    (k, 3, 3) array
        Vectors as rows, in the unit of the lengths.

    Examples
    --------
    >>> cell_vectors(np.array([[2.0, 3.0, 4.0, 90.0, 90.0, 60.0]])).round(3)
    array([[[2.   , 0.   , 0.   ],
            [1.5  , 2.598, 0.   ],
            [0.   , 0.   , 4.   ]]])
    """
    lengths, angles = np.split(np.asarray(dimensions, dtype=np.float64), 2, axis=1)
    cosines = np.where(angles == 90.0, 0.0, np.cos(np.radians(angles)))
    a, b, c = cosines.T
    sine = np.where(c == 0.0, 1.0, np.sin(np.radians(angles[:, 2])))
    shape = np.zeros((len(lengths), 3, 3))
    with np.errstate(invalid="ignore", divide="ignore"):
        shape[:, 0, 0], shape[:, 1, 0], shape[:, 1, 1] = 1.0, c, sine
        shape[:, 2, 0], shape[:, 2, 1] = b, (a - b * c) / sine
        shape[:, 2, 2] = np.sqrt(1.0 - b**2 - shape[:, 2, 1] ** 2)
    possible = (lengths > 0.0).all(axis=1) & ((angles > 0.0) & (angles < 180.0)).all(axis=1)
    possible &= shape[:, 2, 2] > 0.0
    return np.where(possible[:, None, None], shape * lengths[:, :, None], 0.0)


def minimum_image(vectors: Array, box: Array) -> Array:
    """Shift vectors by box vectors to their image nearest to zero.

    Rounding the fractional coordinates finds every image shorter than half the smallest
    height of the box (a longer vector may keep a slightly longer image in a skewed box).

    Parameters
    ----------
    vectors : (..., 3) array
        Differences of positions, nm.
    box : (3, 3) array
        Box vectors as rows, nm.

    Returns
    -------
    (..., 3) array
        nm.

    Examples
    --------
    >>> minimum_image(np.array([0.9, 0.0, 0.0]), np.eye(3))
    array([-0.1,  0. ,  0. ])
    """
    fractional = vectors @ np.linalg.inv(box)
    return np.asarray(vectors - np.round(fractional) @ box)


def make_whole(positions: Array, box: Array) -> Array:
    """Return the atoms of one molecule as a connected whole, starting from the first atom.

    Atoms are added one by one, each at its image nearest to an atom that is already in place,
    so that molecules longer than half the box come out right too, without a list of bonds.

    Parameters
    ----------
    positions : (n, 3) array
        Positions of one molecule, wrapped in any way, nm.
    box : (3, 3) array
        Box vectors as rows, nm.

    Returns
    -------
    (n, 3) array
        nm; the first atom stays.

    Examples
    --------
    >>> make_whole(np.array([[0.05, 0.5, 0.5], [0.95, 0.5, 0.5]]), np.eye(3))
    array([[ 0.05,  0.5 ,  0.5 ],
           [-0.05,  0.5 ,  0.5 ]])
    """
    whole = np.array(positions, dtype=np.float64)
    nearest = minimum_image(whole - whole[0], box) + whole[0]
    nearest[0] = whole[0]
    distance = np.linalg.norm(nearest - whole[0], axis=1)
    waiting = np.ones(len(whole), dtype=bool)
    waiting[0] = False
    while waiting.any():
        here = int(np.argmin(np.where(waiting, distance, np.inf)))
        whole[here] = nearest[here]
        waiting[here] = False
        candidate = minimum_image(whole - whole[here], box) + whole[here]
        closer = waiting & (np.linalg.norm(candidate - whole[here], axis=1) < distance)
        nearest[closer] = candidate[closer]
        distance[closer] = np.linalg.norm(candidate[closer] - whole[here], axis=1)
    return whole


def all_whole(positions: Array, box: Array) -> Array:
    """Return many molecules of one size, each whole, starting from its first atom.

    Parameters
    ----------
    positions : (k, n, 3) array
        Positions of k molecules, wrapped in any way, nm.
    box : (3, 3) array
        Box vectors as rows, nm.

    Returns
    -------
    (k, n, 3) array
        nm; the first atom of each stays.

    Examples
    --------
    >>> all_whole(np.array([[[0.05, 0.5, 0.5], [0.95, 0.5, 0.5]]]), np.eye(3))[0, 1]
    array([-0.05,  0.5 ,  0.5 ])
    """
    whole = positions[:, :1] + minimum_image(positions - positions[:, :1], box)
    reach = np.linalg.norm(whole - positions[:, :1], axis=-1).max(axis=-1, initial=0.0)
    for number in np.flatnonzero(reach > 0.25 * heights(box).min()):  # may need a way from atom to atom
        whole[number] = make_whole(positions[number], box)
    return np.asarray(whole)


def whole_molecules(positions: Array, molecules: Sequence[NDArray[np.int64]], box: Array) -> Array:
    """Return atoms with molecules of any sizes whole, each starting from its first atom.

    Parameters
    ----------
    positions : (n, 3) array
        Positions, molecules wrapped in any way, nm.
    molecules : sequence of array of int
        Places of the atoms of each.
    box : (3, 3) array
        Box vectors as rows, nm.

    Returns
    -------
    array, shape (n, 3)
        Positions, each molecule connected.

    Examples
    --------
    >>> whole_molecules(np.array([[0.1, 0, 0], [0.9, 0, 0]]), [np.array([1, 0])], np.eye(3))[:, 0]
    array([1.1, 0.9])
    """
    whole = np.array(positions, dtype=np.float64)
    for size in {len(molecule) for molecule in molecules}:
        alike = np.array([molecule for molecule in molecules if len(molecule) == size])
        whole[alike] = all_whole(whole[alike], box)
    return whole
