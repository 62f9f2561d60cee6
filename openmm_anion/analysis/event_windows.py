"""Windows of series about events, from series that may be maps of files larger than memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmm_anion.analysis.compiled import compiled
from openmm_anion.analysis.path_store import frames_in_pieces

Array = NDArray[np.float64]
Indices = NDArray[np.integer[Any]]

PIECE_NUMBERS = 20_000_000
"""Numbers of a series that are copied at a time: 160 MB."""


def window_values(series: Array, frames: Indices, ions: Indices, before: int, after: int, base: int) -> Array:
    r"""Return what ions do in a window about their events.

    A number for each ion as it is; a position as the distance from where it was, and a quaternion
    as the angle of the rotation from what it was, in frame `base` of the window:

    .. math:: |x(t) - x(t_0)|, \qquad 2 \arccos |q(t) \cdot q(t_0)|

    Parameters
    ----------
    series : array, shape (n_frames, n_ions, m)
        Numbers (m = 1), continuous positions (3) or unit quaternions (4).
    frames, ions : array of int, shape (n_events,)
        Events; windows must be within the series.
    before, after : int
        Frames of the window before and after an event.
    base : int
        Frame of the window that positions and quaternions are compared with, from 0.

    Returns
    -------
    array, shape (n_events, before + 1 + after)

    Examples
    --------
    >>> walk = np.array([[[0.0, 0, 0]], [[0, 0, 2]], [[0, 3, 2]]])
    >>> window_values(walk, np.array([1]), np.array([0]), 1, 1, 0)
    array([[0. , 2. , 3.606]])
    """
    return values_and_sums(series, frames, [], ions, before, after, base)[0]


def values_and_sums(
    series: NDArray[Any],
    frames: Indices,
    controls: Sequence[Indices],
    ions: Indices,
    before: int,
    after: int,
    base: int,
) -> tuple[Array, list[Array]]:
    """Return `window_values` of events, and for each of many controls the sum over the same ions.

    The series is gone through once, some 160 MB at a time.

    Parameters
    ----------
    series, frames, ions, before, after, base
        See `window_values`.
    controls : sequence of array of int, shape (n_controls, n_events)
        Frames at which the ions are looked at instead.

    Returns
    -------
    values : array, shape (n_events, before + 1 + after)
        Of the events.
    sums : list of array, shape (n_controls, before + 1 + after)
        Of the controls.

    Examples
    --------
    >>> series = np.arange(6.0)[:, None, None] ** 2
    >>> at, zero = np.array([1, 3]), np.zeros(2, dtype=np.int64)
    >>> values, (sums,) = values_and_sums(series, at, [np.array([[1, 4]])], zero, 1, 1, 0)
    >>> values.tolist(), sums.tolist()
    ([[0.0, 1.0, 4.0], [4.0, 9.0, 16.0]], [[9.0, 17.0, 29.0]])
    """
    window = before + 1 + after
    values = np.empty((len(frames), window))
    sums = [np.zeros((len(times), window)) for times in controls]
    used, column = np.unique(ions, return_inverse=True)
    for begin, some, paths in _pieces(series, used, window):
        _read(paths, begin + before, some, frames, column, base, values)
        for times, sum_of in zip(controls, sums, strict=True):
            _add(paths, begin + before, some, times, column, base, sum_of)
    return values, sums


def _pieces(series: NDArray[Any], ions: Indices, window: int) -> Iterator[tuple[int, int, Array]]:
    """Yield the first frame, the number of the first ion, and paths, shape (some ions, some frames, m).

    Every window is in one piece: pieces of the same ions share all but a frame of a window.
    """
    n_ions, m = series.shape[1:]
    at_a_time = max(1, PIECE_NUMBERS // (2 * window * m))
    for first in range(0, len(ions), at_a_time):
        some = ions[first : first + at_a_time]
        n_starts = max(window, PIECE_NUMBERS // (len(some) * m) - window)
        for begin, part in frames_in_pieces(series, n_starts, window - 1):
            chosen = part if len(some) == n_ions else part.take(some, axis=1)
            yield begin, first, np.ascontiguousarray(np.swapaxes(chosen, 0, 1), dtype=np.float64)


@compiled
def _read(
    paths: Array, origin: int, first: int, frames: Indices, column: Indices, base: int, values: Array
) -> None:
    """Write the windows that are in these paths; an event in frame `origin` has its window at their begin."""
    last = paths.shape[1] - values.shape[1]
    for e in range(len(frames)):
        start, i = frames[e] - origin, column[e] - first
        if 0 <= start <= last and 0 <= i < len(paths):
            _window(paths[i], start, base, values[e])


@compiled
def _add(
    paths: Array, origin: int, first: int, times: Indices, column: Indices, base: int, sums: Array
) -> None:
    """Add up the windows of each row of `times` that are in these paths."""
    last = paths.shape[1] - sums.shape[1]
    values = np.empty(sums.shape[1])
    for c in range(len(times)):
        for e in range(times.shape[1]):
            start, i = times[c, e] - origin, column[e] - first
            if 0 <= start <= last and 0 <= i < len(paths):
                _window(paths[i], start, base, values)
                for k in range(len(values)):
                    sums[c, k] += values[k]


@compiled
def _window(path: Array, start: int, base: int, values: Array) -> None:
    m = path.shape[1]
    for k in range(len(values)):
        if m == 1:
            values[k] = path[start + k, 0]
            continue
        square, sum_square = 0.0, 0.0
        for c in range(m):
            now, then = path[start + k, c], path[start + base, c]
            square += (now - then) ** 2
            sum_square += (now + then) ** 2
        if m == 3:
            values[k] = np.sqrt(square)
        else:  # keeps the digits of small angles, which the arc cosine does not
            near, far = min(square, sum_square), max(square, sum_square)
            values[k] = 4.0 * np.arctan2(np.sqrt(near), np.sqrt(far))
