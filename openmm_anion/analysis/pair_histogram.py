"""Histogram of the distances of all pairs of two sets of particles, each at a time of its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from openmm_anion.analysis.compiled import compiled
from openmm_anion.periodic import heights

Array = NDArray[np.float64]
FixedPoint = NDArray[np.int32]

CELL = 2.0**32
"""Of a fixed-point coordinate: the difference of two wraps around to the nearest image by itself."""


def inscribed_radius(cells: Array) -> float:
    """Return half the smallest height of cells: up to there nearest images are certain.

    The largest sphere that fits into a cell has this radius. A vector inside has fractional coordinates
    between -1/2 and 1/2, and no other image of it is in there. So rounding finds it in any cell, reduced or
    not; a cell that is not reduced only has a smaller sphere.

    Parameters
    ----------
    cells : array, shape (..., 3, 3)
        Cells, vectors as rows.

    Returns
    -------
    float
        Of the smallest cell, in the unit of the vectors.

    Examples
    --------
    >>> inscribed_radius(np.array([[3.0, 0, 0], [0, 4, 0], [0, 4, 4]]))
    1.41
    """
    return 0.5 * float(heights(cells).min())


def to_fixed_point(fractional: Array) -> FixedPoint:
    """Return fractional coordinates as whole numbers of 2^-32 of the cell, one axis after the other.

    Whole cells are lost. The rounding, 1e-8 A in a cell of 40 A, is finer than that of positions in single
    precision.

    Parameters
    ----------
    fractional : array, shape (n_frames, n_particles, 3)
        Fractional coordinates, in the cell or not.

    Returns
    -------
    array of int32, shape (n_frames, 3, n_particles)

    Examples
    --------
    >>> to_fixed_point(np.array([[[0.25, -0.25, 7.5]]])).ravel()
    array([ 1073741824, -1073741824, -2147483648], dtype=int32)
    """
    n_frames, n_particles, _ = fractional.shape
    fixed = np.empty((n_frames, 3, n_particles), dtype=np.int32)
    _round(fractional, fixed)
    return fixed


@compiled
def _round(fractional: Array, fixed: FixedPoint) -> None:
    for f in range(fractional.shape[0]):
        for p in range(fractional.shape[1]):
            for k in range(3):
                inside = fractional[f, p, k] - np.round(fractional[f, p, k])
                fixed[f, k, p] = np.int32(np.int64(np.round(inside * CELL)))


def pair_histogram(
    first: FixedPoint,
    second: FixedPoint,
    pairs: NDArray[np.int64],
    cells: Array,
    same: NDArray[np.int64],
    width: float,
    n_bins: int,
) -> NDArray[np.int64]:
    r"""Count the distances of all particles of one set from all of another, summed over pairs of frames.

    The separation is that of the nearest image of the difference of fractional coordinates, in the cell
    given for the pair of frames; see `inscribed_radius` for how far it is right. Distances are in single
    precision: one within about 1e-6 of the edge of a bin, relative to its distance, may count on either side.

    Parameters
    ----------
    first : array of int32, shape (n, 3, n_a)
        Frames of the first set, of `to_fixed_point`.
    second : array of int32, shape (m, 3, n_b)
        Frames of the second set.
    pairs : array of int, shape (k, 2)
        Which frame of `first` goes with which of `second`.
    cells : array, shape (k, 3, 3)
        Cell for each pair of frames, vectors as rows, in any orientation.
    same : array of int, shape (n_a,)
        Place in the second set of the particle that is the same, which does not count; -1 for none.
    width : float
        Width of a bin, in the unit of the cells.
    n_bins : int
        Number of bins, from distance 0.

    Returns
    -------
    array of int, shape (n_bins,)

    Examples
    --------
    >>> at = to_fixed_point(np.array([[[0.1, 0.5, 0.5], [0.9, 0.5, 0.5]]]))
    >>> pair_histogram(at, at, np.array([[0, 0]]), 10.0 * np.eye(3)[None], np.array([0, 1]), 0.75, 4)
    array([0, 0, 2, 0])
    """
    # The same cells turned so that the first vector lies along x and the second in the xy plane.
    turned = np.linalg.cholesky(cells @ cells.transpose(0, 2, 1))
    # There is a bin for whatever the rounding leaves, so no distance has to be tested.
    furthest = 0.5 * np.linalg.norm(cells, axis=2).sum(axis=1).max()
    counts = np.zeros(max(n_bins, int(furthest / width * 1.001) + 2), dtype=np.int64)
    _count(first, second, pairs, (turned / (CELL * width)).astype(np.float32), same, counts)
    return counts[:n_bins]


@compiled
def _count(
    first: FixedPoint,
    second: FixedPoint,
    pairs: NDArray[np.int64],
    cells: NDArray[np.float32],
    same: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """Bins of one particle's distances first, which the compiler does eight at a time, then the counting."""
    n_second = second.shape[2]
    bins = np.empty(n_second, dtype=np.int32)
    for pair in range(pairs.shape[0]):
        a, b, cell = first[pairs[pair, 0]], second[pairs[pair, 1]], cells[pair]
        b0, b1, b2 = b[0], b[1], b[2]
        xx, yx, yy, zx, zy, zz = cell[0, 0], cell[1, 0], cell[1, 1], cell[2, 0], cell[2, 1], cell[2, 2]
        for i in range(a.shape[1]):
            a0, a1, a2 = a[0, i], a[1, i], a[2, i]
            for j in range(n_second):
                s0 = np.float32(np.int32(b0[j] - a0))
                s1 = np.float32(np.int32(b1[j] - a1))
                s2 = np.float32(np.int32(b2[j] - a2))
                x, y, z = s0 * xx + s1 * yx + s2 * zx, s1 * yy + s2 * zy, s2 * zz
                bins[j] = np.int32(np.sqrt(x * x + y * y + z * z))
            for j in range(n_second):
                counts[np.uint64(bins[j])] += 1  # unsigned: no index from the end to look for
            if same[i] >= 0:
                counts[bins[same[i]]] -= 1
