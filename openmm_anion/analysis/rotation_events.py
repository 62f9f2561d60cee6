"""Large-angle rotations of anions: jumps from one basin of orientation to another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from openmm_anion.analysis.best_fit import right_multiplication, rotate
from openmm_anion.analysis.dwells import dwell_means, find_dwells, turn_angle
from openmm_anion.analysis.event_count import EventCount, count_events
from openmm_anion.analysis.ions import Anion, tell_apart
from openmm_anion.analysis.oriented_anions import OrientedAnions
from openmm_anion.analysis.proper_symmetry import ends_are_alike, proper_symmetry
from openmm_anion.analysis.quantity import new_axes, variable
from openmm_anion.errors import InputError

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


class RotationEvents(OrientedAnions):
    r"""Jumps of anions from one basin of orientation to another.

    An anion dwells in a basin, the mean of its orientation there, and librates about it. It leaves when its
    orientation comes nearer to an equivalent one (the basin times a proper symmetry operation of the
    reference shape), or further than `threshold` from all of these. That is an event if it then stays for
    `settle` in a new basin: librations and excursions are none, nor is a way back. Jumps that follow each
    other faster than `settle` count as one. An event is at the first frame in its new basin, and its angle
    is that of the rotation between the means of both dwells, :math:`2 \arccos |w|`. Linear anions are
    treated by the direction of their line, and ends of different elements are told apart.

    An anion that turns freely has no basins: its events, to new orientations, only tell how often it
    has come further than the threshold. `OrientationalCorrelation` is for those.

    Frequencies are events by anions and time; an event can only be seen between the first and the last
    `settle` of a run, so the time is shorter by these.

    Parameters
    ----------
    universe : MDAnalysis.Universe
        With the trajectory.
    anions : sequence of Anion
        Anions of `find_ions`.
    threshold : float, optional
        Angle from a basin and its equivalents beyond which an orientation is a new one, rad. The default is
        45 degrees.
    settle : float, optional
        How long a new basin must be kept, ps: longer than a period of libration.
    confidence : float, optional
        Of the intervals of frequencies.
    frame_interval : float, optional
        Time between frames of the trajectory, ps. By default what the trajectory says.
    verbose : bool, optional
        Show a progress bar.

    Attributes
    ----------
    counted : dict of str to EventCount
        Number of events of each kind of anion, and its variance.
    data : xarray.Dataset
        Against `event`, in the order of time: ``event_anion``, ``event_time`` (ps), ``event_angle`` (rad),
        ``event_equivalent`` (whether the end is a permutation of ligands) and ``event_misfit`` (rad, from
        the end to the nearest equivalent of the start). By `anion`, with its ``formula``: ``events``,
        ``operations`` (how many equivalent orientations there are) and ``libration_rms`` (rad, to the mean
        of each dwell). By `kind`: ``frequency`` (1/ps) with ``frequency_low``, ``frequency_high`` and
        ``frequency_dispersion`` (see `EventCount`), the same of ``frequency_equivalent``, and ``observed``,
        the time in which rotations would be seen, of all these anions together (ps).

    Raises
    ------
    InputError
        As `OrientedAnions` does; and if threshold, settle or confidence is out of range, or the run is not
        longer than twice `settle`.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> u = mda.Universe.empty(2, trajectory=True)
    >>> ends = np.repeat([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], 20, axis=0)
    >>> _ = u.load_new(np.stack([0.0 * ends, ends], axis=1), dt=0.1)
    >>> anion = Anion("CN", np.array([0, 1]), ("C", "N"), np.array([12.0, 14.0]), None, np.array([0, 1]))
    >>> found = RotationEvents(u, [anion]).run().data
    >>> found.event_time.values, found.event_angle.values
    (array([2.]), array([1.57]))
    """

    def __init__(
        self,
        universe: Any,
        anions: Sequence[Anion],
        *,
        threshold: float = 0.25 * np.pi,
        settle: float = 1.0,
        confidence: float = 0.95,
        frame_interval: float | None = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(universe, anions, frame_interval=frame_interval, verbose=verbose)
        if not 0.0 < threshold <= np.pi:
            raise InputError(f"threshold {threshold:g} is no angle from 0 to pi; give it in rad")
        if not 0.0 <= settle < np.inf:
            raise InputError(f"settle {settle} is no time in ps")
        if not 0.0 < confidence < 1.0:
            raise InputError(f"confidence {confidence} is not between 0 and 1")
        self._threshold, self._settle, self._confidence = threshold, settle, confidence

    def _prepare(self) -> None:
        super()._prepare()
        self._orientation = self._store(len(self._anions), numbers=4)

    def _follow(self, frames: slice, centres: Array, atoms: Array, quaternions: Array) -> None:
        self._orientation.append(quaternions)

    def _finish(self, interval: float) -> None:
        settle = int(np.ceil(self._settle / interval * (1.0 - 1e-9)))
        seen = (self.n_frames - 1 - 2 * settle) * interval
        if seen <= 0.0:
            raise InputError(
                f"the run, {(self.n_frames - 1) * interval:g} ps, is not longer than twice settle "
                f"({self._settle:g} ps); take a shorter settle or a longer run"
            )
        found = [
            self._events_of(some.start + k, np.ascontiguousarray(piece[:, k]), settle)
            for some, piece in self._orientation.pieces()
            for k in range(piece.shape[1])
        ]
        frames, angles, misfits, equivalent = (
            np.concatenate([events[k] for events, _, _ in found]) for k in range(4)
        )
        counts = np.array([len(events[0]) for events, _, _ in found])
        owners = np.repeat(np.arange(len(found)), counts)
        order = np.lexsort((owners, frames))
        contents: dict[str, Any] = {
            "event_anion": ("event", owners[order]),
            "event_time": variable("event", frames[order] * interval, "ps", "time of the rotation"),
            "event_angle": variable("event", angles[order], "rad", "angle of the rotation"),
            "event_misfit": variable("event", misfits[order], "rad", "angle to an equivalent orientation"),
            "event_equivalent": ("event", equivalent[order].astype(bool)),
            "events": variable("anion", counts, "1", "number of rotations"),
            "operations": variable("anion", [number for _, number, _ in found], "1", "proper symmetry"),
            "libration_rms": variable("anion", [rms for _, _, rms in found], "rad", "libration amplitude"),
        }
        formulas = np.array([anion.formula for anion in self._anions])
        kinds = list(tell_apart(self._anions))
        whole, same = frames.astype(np.int64), equivalent.astype(bool)
        self.counted = self._counts(whole, owners, settle)
        for name, counted, meaning in (
            ("frequency", self.counted, "rotations by anion and time"),
            (
                "frequency_equivalent",
                self._counts(whole[same], owners[same], settle),
                "of these, to equivalent orientations",
            ),
        ):
            times = [seen * (formulas == kind).sum() for kind in kinds]
            ends = [(counted[kind].count, *counted[kind].interval(self._confidence)) for kind in kinds]
            for suffix, numbers in zip(("", "_low", "_high"), np.transpose(ends), strict=True):
                contents[name + suffix] = variable("kind", numbers / times, "1/ps", meaning)
            dispersions = [counted[kind].dispersion for kind in kinds]
            contents[f"{name}_dispersion"] = variable(
                "kind", dispersions, "1", "variance of the number of rotations over its mean"
            )
        observed = [seen * (formulas == kind).sum() for kind in kinds]
        contents["observed"] = variable("kind", observed, "ps", "time in which rotations would be seen")
        self.data = xr.Dataset(
            contents,
            {
                "anion": np.arange(len(found)),
                "formula": ("anion", formulas),
                "kind": kinds,
            },
        )

    def _counts(self, frames: Indices, owners: Indices, settle: int) -> dict[str, EventCount]:
        """Count events of the anions of each kind."""
        window = settle, self.n_frames - settle
        counts = {}
        for kind in tell_apart(self._anions):
            own = np.flatnonzero([anion.formula == kind for anion in self._anions])
            some = np.isin(owners, own)
            counts[kind] = count_events(
                frames[some], np.searchsorted(own, owners[some]), len(own), window, settle
            )
        return counts

    def _events_of(self, number: int, series: Array, settle: int) -> tuple[tuple[Array, ...], int, float]:
        """Frames, angles, misfits and equivalence of the events of an anion; its symmetry and libration."""
        piece = slice(self._starts[number], self._starts[number + 1])
        shape, symbols = self.references[piece], self._anions[number].symbols
        line = self.lines[number]
        if line.any():
            series = rotate(series, np.broadcast_to(line, (len(series), 3)))
            alike = ends_are_alike(shape, symbols)
            operations = np.array([np.eye(3), -np.eye(3)])[: 2 if alike else 1]
        else:
            operations = right_multiplication(proper_symmetry(shape, symbols))
        starts, labels, dwells = find_dwells(series, operations, self._threshold, settle)
        means = dwell_means(series, dwells)
        before, after = means[:-1], means[1:]
        images = np.einsum("kij,ej->kei", operations, before)
        misfits = turn_angle(images, after[None]).min(axis=0)
        inside = dwells >= 0
        rms = float(np.sqrt((turn_angle(series[inside], means[dwells[inside]]) ** 2).mean()))
        return (
            (starts.astype(float), turn_angle(before, after), misfits, (labels > 0).astype(float)),
            len(operations),
            rms,
        )

    def plot(self, axes: Any = None) -> Any:
        """Draw how many events there are of each angle; see `Quantity.plot`."""
        data = self.data
        axes = new_axes(axes)
        for kind in data.kind.values:
            angles = data.event_angle.values[data.formula.values[data.event_anion.values] == kind]
            axes.hist(np.degrees(angles), bins=36, range=(0.0, 180.0), histtype="step", label=str(kind))
        axes.set_xlabel("angle of the rotation (degrees)")
        axes.set_ylabel("events")
        axes.legend(frameon=False, fontsize="small")
        return axes
