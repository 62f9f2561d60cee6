"""What ions do, on average, before and after events; and what they do at other times, for comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from openmm_anion.analysis.event_windows import values_and_sums
from openmm_anion.analysis.path_store import frames_in_pieces
from openmm_anion.analysis.quantity import Quantity, new_axes, variable
from openmm_anion.errors import InputError
from openmm_anion.periodic import heights, minimum_image

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

CONTROLS = ("random", "shifted")
_BAND = (2.5, 97.5)
_CHECKED_NUMBERS = 1_000_000
"""Of a series, at a time."""
_UNITS = {1: "1", 3: "A", 4: "rad"}
"""By the length of the last axis of a series."""


def nearest_ions(
    frames: ArrayLike, places: ArrayLike, centers: ArrayLike, cells: ArrayLike, count: int = 1
) -> Indices:
    """Return events at the ions that are nearest to places: a hop of a cation, say, at the nearest anion.

    Parameters
    ----------
    frames : array_like of int, shape (n_events,)
        Frame of each event.
    places : array_like, shape (n_events, 3)
        Where it happens, A.
    centers : array_like, shape (n_frames, n_ions, 3)
        Where the ions are, wrapped or not, A.
    cells : array_like, shape (3, 3) or (n_frames, 3, 3)
        Cells, vectors as rows, A.
    count : int, optional
        How many ions for each event.

    Returns
    -------
    array of int, shape (n_events * count, 2)
        Frames and numbers of the ions, for `EventAverage`.

    Raises
    ------
    InputError
        If an event is at no frame, there are fewer ions, or the nearest one is further than half the smallest
        height of the cell, where a nearer image may exist.

    Examples
    --------
    >>> nearest_ions([0], [[9.0, 0, 0]], [[[4.0, 0, 0], [1.0, 0, 0]]], 10.0 * np.eye(3))
    array([[0, 1]])
    """
    when, where = np.asarray(frames, dtype=np.int64), np.asarray(places, dtype=np.float64)
    ions, boxes = np.asarray(centers, dtype=np.float64), np.asarray(cells, dtype=np.float64)
    if not 1 <= count <= ions.shape[1]:
        raise InputError(f"count {count}: there are {ions.shape[1]} ions")
    _check_within(when, len(ions), "frame")
    events = np.empty((len(when), count, 2), dtype=np.int64)
    for k, frame in enumerate(when):
        box = boxes if boxes.ndim == 2 else boxes[frame]
        events[k, :, 0] = frame
        events[k, :, 1] = nearest_in_frame(where[k], ions[frame], box, count, what=f"event {k}", frame=frame)
    return events.reshape(-1, 2)


def nearest_in_frame(
    place: Array, centers: Array, cell: Array, count: int = 1, *, what: str, frame: int
) -> Indices:
    """Return the numbers of the ions that are nearest to a place, the nearest first.

    Parameters
    ----------
    place : array, shape (3,)
        A.
    centers : array, shape (n_ions, 3)
        Where the ions are, wrapped or not, A.
    cell : array, shape (3, 3)
        Vectors as rows, A.
    count : int, optional
        How many ions.
    what, frame : str and int
        Named in the error.

    Returns
    -------
    array of int, shape (count,)
        Numbers of the ions.

    Raises
    ------
    InputError
        If the nearest one is further than half the smallest height of the cell.

    Examples
    --------
    >>> ions = np.array([[4.0, 0, 0], [1.0, 0, 0]])
    >>> nearest_in_frame(np.array([9.0, 0, 0]), ions, 10.0 * np.eye(3), what="a hop", frame=0)
    array([1])
    """
    distances = np.linalg.norm(minimum_image(centers - place, cell), axis=1)
    order = np.argsort(distances, kind="stable")[:count]
    if distances[order[-1]] > 0.5 * heights(cell).min():
        raise InputError(
            f"frame {frame}: the nearest ions of {what} are up to {distances[order[-1]]:.1f} A away, "
            "more than half the smallest height of the cell; take fewer, or a larger cell"
        )
    return order


class EventAverage(Quantity):
    r"""Average of series of ions about events, against the same at other times.

    .. math:: \bar a(\tau) = \frac{1}{n} \sum_e a_{j_e}(t_e + \tau)

    over events e at frame :math:`t_e` of ion :math:`j_e`: what anions do when a cation hops next to them,
    or, with roles exchanged, what cations do when the anion next to them turns. Two controls tell how far
    an average without events departs from the mean by chance: the same ions at *random* times; and all times
    *shifted* together around the record, which keeps the intervals between events. Where events
    come in groups only the second is fair, and the standard error, which takes events as independent, is
    too small. One p value for the whole window says how often a control departs as far anywhere.

    Parameters
    ----------
    events : array_like of int, shape (n_events, 2)
        Frame and number of the ion of each event, as of `nearest_ions`. Events whose window is not within
        the record are left out.
    series : mapping of str to array_like
        By name: numbers, shape (n_frames, n_ions), averaged as they are; continuous positions
        (n_frames, n_ions, 3), of which distances (A) are averaged; or unit quaternions (n_frames, n_ions, 4),
        of which angles (rad) are: see `window_values`. Maps of files, as `AnionMotion` gives them, are read
        in pieces of 160 MB.
    frame_interval : float
        Time between frames, ps.
    before, after : float
        Length of the window, ps.
    origin : float, optional
        Time in the window, relative to the event, from which distances and angles are taken, ps. By default
        the beginning of the window: from the event itself they rise to both sides, event or not.
    n_controls : int, optional
        How many of each.
    seed : int, optional
        Of the random numbers.
    units : mapping of str to str, optional
        Units of series of numbers.

    Attributes
    ----------
    data : xarray.Dataset
        Against `lag_times` (ps, negative before the event): for each series ``name``, its standard error
        ``name_error``, ``name_control``, the mean of the controls, and ``name_band``, where 95 percent of
        them are (`bound`: 2.5 and 97.5 percent); and by `control` ``name_p_value``. Numbers ``n_events``
        and ``n_left_out``.

    Raises
    ------
    InputError
        If there are no series, they have different shapes or values that are not finite, quaternions are
        not of unit length, an event is at no frame or ion, fewer than two windows are within the record,
        or an option is out of range.

    Examples
    --------
    >>> series = np.zeros((9, 1))
    >>> series[[2, 5]] = 1.0
    >>> average = EventAverage([[2, 0], [5, 0]], {"a": series}, frame_interval=0.1, before=0.1, after=0.1)
    >>> average.run().data.a.values
    array([0., 1., 0.])
    """

    def __init__(
        self,
        events: ArrayLike,
        series: Mapping[str, ArrayLike],
        *,
        frame_interval: float,
        before: float,
        after: float,
        origin: float | None = None,
        n_controls: int = 1000,
        seed: int = 0,
        units: Mapping[str, str] | None = None,
    ) -> None:
        if not 0.0 < frame_interval < np.inf:
            raise InputError(f"frame_interval {frame_interval} is no time in ps")
        if not (0.0 <= before < np.inf and 0.0 <= after < np.inf):
            raise InputError(f"window from {before} ps before to {after} ps after an event: give two times")
        if n_controls < 1:
            raise InputError(f"n_controls {n_controls}: give at least 1; a band of 95 percent needs hundreds")
        self._interval, self._n_controls, self._seed = frame_interval, n_controls, seed
        self._before, self._after = round(before / frame_interval), round(after / frame_interval)
        start = -before if origin is None else origin
        self._base = self._before + round(start / frame_interval)
        if not 0 <= self._base <= self._before + self._after:
            raise InputError(f"origin {origin} ps is not in the window from -{before:g} to {after:g} ps")
        self._series = {name: _checked(name, values) for name, values in series.items()}
        self._units = {name: _UNITS[v.shape[2]] for name, v in self._series.items()} | dict(units or {})
        shapes = {values.shape[:2] for values in self._series.values()}
        if len(shapes) != 1:
            raise InputError(
                "give at least one series"
                if not shapes
                else "the series have different numbers of frames or ions: "
                + ", ".join(f"{name} {v.shape[0]} and {v.shape[1]}" for name, v in self._series.items())
            )
        self._n_frames, n_ions = shapes.pop()
        given = np.asarray(events)
        if given.ndim != 2 or given.shape[1:] != (2,) or not np.issubdtype(given.dtype, np.integer):
            raise InputError(f"events {given.shape}: give whole numbers (frame, ion), shape (n_events, 2)")
        self._frames, self._ions = np.ascontiguousarray(given.T, dtype=np.int64)
        _check_within(self._frames, self._n_frames, "frame")
        _check_within(self._ions, n_ions, "ion")

    def run(self) -> EventAverage:
        """Average; no trajectory is read.

        Returns
        -------
        self
            With ``data``.

        Raises
        ------
        InputError
            If fewer than two events have their whole window within the record.
        """
        last = self._n_frames - 1 - self._after
        whole = (self._frames >= self._before) & (self._frames <= last)
        frames, ions = self._frames[whole], self._ions[whole]
        window = self._before + 1 + self._after
        if len(frames) < 2:
            raise InputError(
                f"{len(frames)} of {len(whole)} events have a window of {window} "
                f"frames within the {self._n_frames} of the record; take a shorter window or more events"
            )
        rng = np.random.default_rng(self._seed)
        controls = control_times(frames, self._before, last, window, self._n_controls, rng)
        variables: dict[str, xr.Variable] = {}
        for name, series in self._series.items():
            values, sums = values_and_sums(
                series, frames, controls, ions, self._before, self._after, self._base
            )
            variables |= self._average(name, values, np.array(sums) / len(frames))
        lags = np.arange(-self._before, self._after + 1) * self._interval
        self.data = xr.Dataset(
            variables
            | {
                "n_events": variable("", len(frames), "1", "events"),
                "n_left_out": variable("", int((~whole).sum()), "1", "events too near to an end"),
            },
            {
                "lag_times": variable("lag_times", lags, "ps", "time from the event"),
                "control": list(CONTROLS),
                "bound": variable("bound", _BAND, "%", "percentile"),
            },
        )
        return self

    def _average(self, name: str, values: Array, controls: Array) -> dict[str, xr.Variable]:
        """Of values in the windows of events, and the averages of controls, shape (2, n_controls, window)."""
        mean = values.mean(axis=0)
        p_values = [departure_p_value(mean, of_kind) for of_kind in controls]
        error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
        band = np.percentile(controls, _BAND, axis=1)
        unit = self._units[name]
        return {
            name: variable("lag_times", mean, unit, name),
            f"{name}_error": variable("lag_times", error, unit, f"standard error of {name}"),
            f"{name}_control": variable(
                "control lag_times", controls.mean(axis=1), unit, f"{name}, mean of controls"
            ),
            f"{name}_band": variable(
                "bound control lag_times", band, unit, f"{name}, 95 percent of controls"
            ),
            f"{name}_p_value": variable("control", p_values, "1", f"p value of {name}"),
        }

    def plot(self, axes: Any = None, *, name: str | None = None, control: str = "shifted") -> Any:
        """Draw the average of a series, by default the first, and its control; see `Quantity.plot`."""
        name = next(iter(self._series)) if name is None else name
        mean, error = self.data[name], self.data[f"{name}_error"]
        low, high = self.data[f"{name}_band"].sel(control=control)
        axes = new_axes(axes, self.data.lag_times, mean)
        axes.fill_between(self.data.lag_times, low, high, color="0.85", lw=0.0, label=f"{control} times")
        axes.errorbar(self.data.lag_times, mean, error, label="events")
        axes.axvline(0.0, color="0.6", lw=0.8)
        axes.legend(frameon=False)
        return axes


def control_times(
    frames: Indices, first: int, last: int, apart: int, n_controls: int, rng: np.random.Generator
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return frames of the controls: at random, and shifted together around the record.

    Parameters
    ----------
    frames : array of int, shape (n_events,)
        Frames of the events, from `first` to `last`.
    first, last : int
        Frames about which windows are within the record.
    apart : int
        Smallest shift, so that controls do not see the events; at most a quarter of the record.
    n_controls : int
        How many.
    rng : numpy.random.Generator
        Where the randomness comes from.

    Returns
    -------
    random, shifted : array of int32, shape (n_controls, n_events)

    Examples
    --------
    >>> random, shifted = control_times(np.array([2, 5, 6]), 1, 8, 2, 4, np.random.default_rng(0))
    >>> (np.diff(shifted, axis=1) % 8).tolist()
    [[3, 1], [3, 1], [3, 1], [3, 1]]
    """
    n = last + 1 - first
    random = rng.integers(first, last + 1, (n_controls, len(frames)), dtype=np.int32)
    least = min(apart, n // 4)
    shifts = rng.integers(least, n - least + 1, (n_controls, 1))
    return random, first + ((frames - first).astype(np.int32) + shifts.astype(np.int32)) % np.int32(n)


def departure_p_value(mean: Array, controls: Array) -> float:
    """Return how often chance departs as far from the mean as the events do, anywhere in the window.

    Departures are in standard deviations of the controls; the furthest one counts.

    Parameters
    ----------
    mean : array, shape (n,)
        Average over events.
    controls : array, shape (n_controls, n)
        Averages of the controls.

    Returns
    -------
    float
        (k + 1) / (n_controls + 1), where k controls depart as far.

    Examples
    --------
    >>> departure_p_value(np.array([0.0, 9.0]), np.random.default_rng(0).normal(size=(99, 2)))
    0.01
    """
    # The average of events is one of equals where nothing happens.
    together = np.vstack([mean, controls])
    away = np.abs(together - together.mean(axis=0))
    scale = together.std(axis=0)
    furthest = np.divide(away, scale, out=np.zeros_like(away), where=scale > 0.0).max(axis=1)
    return float((furthest >= furthest[0] * (1.0 - 1e-12)).mean())


def _checked(name: str, values: ArrayLike) -> NDArray[np.floating[Any]]:
    """A series as it is, shape (n_frames, n_ions, m); one that is a map of a file is read in pieces."""
    array = np.asarray(values)
    array = array if array.dtype.kind == "f" else array.astype(np.float64)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise InputError(
            f"series {name!r} has the shape {array.shape}; give (n_frames, n_ions), with 3 for "
            "positions or 4 for quaternions as a last axis"
        )
    columns = array if array.ndim == 3 else array[..., None]
    for begin, piece in frames_in_pieces(columns, 1 + _CHECKED_NUMBERS // max(1, columns[:1].size)):
        _check_values(name, begin, piece)
    return columns


def _check_values(name: str, begin: int, array: NDArray[np.floating[Any]]) -> None:
    """Refuse what is not finite, or no unit quaternion; `begin` is the first of these frames."""
    if not np.isfinite(array.sum(dtype=np.float64)):
        frame, ion = np.argwhere(~np.isfinite(array))[0][:2]
        raise InputError(f"series {name!r} is not finite at frame {begin + frame} of ion {ion}")
    if array.shape[2] == 4:
        off = np.abs(np.linalg.norm(array, axis=2) - 1.0)
        if off.size and off.max() > 1e-3:
            frame, ion = np.unravel_index(int(off.argmax()), off.shape)
            raise InputError(
                f"series {name!r} is no unit quaternion at frame {begin + frame} of ion {ion}; divide by its "
                "length"
            )


def _check_within(numbers: Indices, n: int, what: str) -> None:
    outside = np.flatnonzero((numbers < 0) | (numbers >= n))
    if len(outside):
        raise InputError(f"event {outside[0]} is at {what} {numbers[outside[0]]}, but there are {n}")
