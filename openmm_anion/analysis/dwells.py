"""From when to when an orientation stays in a basin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from openmm_anion.analysis.best_fit import angle_between
from openmm_anion.analysis.compiled import compiled

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@compiled
def find_dwells(
    series: Array, operations: Array, threshold: float, settle: int
) -> tuple[Indices, Indices, Indices]:
    """Follow an orientation from basin to basin.

    A basin is the mean of the orientation while it dwells there. Out of it is nearer to an equivalent
    orientation, or more than the threshold from all of them. A new basin counts once it has been kept for
    `settle` frames on end; what happens on the way, or ends where it began, does not. So nothing counts
    before the first basin was kept as long.

    Parameters
    ----------
    series : array, shape (n_frames, 4) or (n_frames, 3)
        Unit quaternions, signs do not matter; or directions.
    operations : array, shape (n, 4, 4) or (n, 3, 3)
        Matrices that make equivalent orientations of one, the unit matrix first.
    threshold : float
        Angle, rad.
    settle : int
        Frames after the first one in a new basin.

    Returns
    -------
    starts : array of int, shape (n_events,)
        First frame in the new basin of each event.
    labels : array of int, shape (n_events,)
        Which operation makes the new basin of the old one; -1 if none does.
    dwells : array of int, shape (n_frames,)
        Basin of each frame, from 0, event e leads to e + 1; -1 on the way and on excursions.

    Examples
    --------
    >>> series = np.array([[1.0, 0.0, 0.0]] * 3 + [[0.0, 1.0, 0.0]] * 4)
    >>> find_dwells(series, np.eye(3)[None], 0.5, 2)[0]
    array([3])
    """
    n, d = series.shape
    half = d == 4
    near = np.cos(0.5 * threshold) if half else np.cos(threshold)
    starts, labels = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    dwells = np.empty(n, dtype=np.int64)
    dwells[:] = -1
    basin, ahead, centre = series[0].copy(), np.zeros(d), np.zeros(d)
    place = series[0].copy()
    dwells[0] = 0
    inside, count, label, start = 1, 0, 0, 0
    for t in range(1, n):
        q = series[t]
        best, nearest = -2.0, 0
        for k in range(operations.shape[0]):
            same = 0.0
            for i in range(d):
                image = 0.0
                for j in range(d):
                    image += operations[k, i, j] * place[j]
                same += image * q[i]
            same = abs(same) if half else same
            if same > best + 1e-12:
                best, nearest = same, k
        lone = _likeness(centre, q, half) if label == -1 else -2.0
        elsewhere = best < near or lone > best
        if nearest == 0 and not elsewhere:
            _add(basin, q, place, half)
            dwells[t] = count
            inside += 1
            label = 0
            continue
        here = -1 if elsewhere else nearest
        if here != label or (here == -1 and lone < near):
            label, start = here, t
            ahead[:] = 0.0
        _add(ahead, q, centre, half)
        if t - start < settle:
            continue
        if label == -1:
            for k in range(operations.shape[0]):
                same = 0.0
                for i in range(d):
                    for j in range(d):
                        same += operations[k, i, j] * place[j] * centre[i]
                if (abs(same) if half else same) >= near:
                    label = 0
            if label == 0:
                continue
        if count > 0 or inside > settle:
            starts[count], labels[count] = start, label
            count += 1
        else:
            dwells[:start] = -1
        inside = t - start + 1
        dwells[start : t + 1] = count
        for k in range(d):  # quicker to compile than slices
            basin[k], place[k] = ahead[k], centre[k]
        label = 0
    return starts[:count], labels[:count], dwells


@compiled
def _likeness(a: Array, b: Array, half: bool) -> float:
    same = 0.0
    for k in range(len(a)):
        same += a[k] * b[k]
    return abs(same) if half else same


@compiled
def _add(total: Array, q: Array, mean: Array, half: bool) -> None:
    """Add an orientation to a sum of such, and normalize that to its mean."""
    same, length = 0.0, 0.0
    for k in range(len(q)):
        same += total[k] * q[k]
    sign = -1.0 if half and same < 0.0 else 1.0
    for k in range(len(q)):
        total[k] += sign * q[k]
        length += total[k] ** 2
    for k in range(len(q)):
        mean[k] = total[k] / np.sqrt(length)


def dwell_means(series: Array, dwells: Indices) -> Array:
    """Return the mean orientation of each dwell, and of frames without one nothing.

    Parameters
    ----------
    series : array, shape (n_frames, 4) or (n_frames, 3)
        Unit quaternions, or directions.
    dwells : array of int, shape (n_frames,)
        As `find_dwells` returns them.

    Returns
    -------
    array, shape (n_dwells, 4) or (n_dwells, 3)

    Examples
    --------
    >>> dwell_means(np.array([[1.0, 0, 0, 0], [-1, 0, 0, 0], [0, 1, 0, 0]]), np.array([0, 0, 1]))
    array([[1., 0., 0., 0.],
           [0., 1., 0., 0.]])
    """
    inside = np.flatnonzero(dwells >= 0)
    x, which = series[inside], dwells[inside]
    numbers, firsts = np.unique(which, return_index=True)
    if series.shape[1] == 4:
        same = (x * x[firsts][np.searchsorted(numbers, which)]).sum(axis=1)
        x = np.where(same < 0.0, -1.0, 1.0)[:, None] * x
    sums = np.zeros((which.max(initial=-1) + 1, series.shape[1]))
    np.add.at(sums, which, x)
    return np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True))


def turn_angle(a: Array, b: Array) -> Array:
    r"""Return angles between orientations, rad: :math:`2 \arccos |a \cdot b|`, of directions the angle.

    Parameters
    ----------
    a, b : array, shape (..., 4) or (..., 3)
        Unit quaternions, or directions.

    Returns
    -------
    array, shape (...)
        From 0 to pi.

    Examples
    --------
    >>> float(turn_angle(np.array([1.0, 0, 0, 0]), np.array([0, 0, -1.0, 0])).round(4))
    3.1416
    """
    if a.shape[-1] == 4:
        return angle_between(a, b)
    return np.asarray(2.0 * np.arctan2(np.linalg.norm(a - b, axis=-1), np.linalg.norm(a + b, axis=-1)))
