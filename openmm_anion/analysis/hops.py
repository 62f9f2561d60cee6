"""When cations hop from site to site, and how long they stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from openmm_anion.analysis.cation_motion import LARGEST_STRAIN, CationMotion
from openmm_anion.analysis.compiled import compiled
from openmm_anion.analysis.event_count import count_events
from openmm_anion.analysis.framework import Frame
from openmm_anion.analysis.quantity import new_axes, variable
from openmm_anion.analysis.residence_times import (
    Flags,
    Stays,
    frames_of,
    hop_rate,
    settled_stays,
    stay_survival,
    stays_until_the_next,
)
from openmm_anion.analysis.sites import NearestSite, Sites, nearest_candidate
from openmm_anion.errors import InputError

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Hops:
    """Rows of `Stays` that a hop leads to, in the order of time."""

    rows: Indices
    follows: Flags
    """Whether the cation hopped before."""
    returns: Flags
    """Whether it goes back to where it was before that."""
    cation_frames: int
    """Frames at which hops would have been seen, summed over cations."""


def _hops(stays: Stays, settle: int, n_frames: int) -> _Hops:
    """Hops that are at least `settle` frames from both ends of the record."""
    earliest = np.maximum(settle, stays.begin[stays.first] + 1)
    seen = np.maximum(n_frames - settle + 1 - earliest, 0)
    whether = ~stays.first & (stays.begin >= settle) & (stays.begin <= n_frames - settle)
    rows = np.flatnonzero(whether)
    rows = rows[np.lexsort((stays.cation[rows], stays.begin[rows]))]
    follows = ~stays.first[rows - 1]
    before = np.where(follows, rows - 2, rows)
    same = (stays.site[rows] == stays.site[before]) & (stays.image[rows] == stays.image[before]).all(axis=1)
    return _Hops(rows, follows, follows & same, int(seen.sum()))


@compiled
def _enter_sites(
    fractional: Array,
    first_frame: int,
    shape: Indices,
    start: Indices,
    positions: Array,
    numbers: Indices,
    images: Indices,
    cell: Array,
    furthest: float,
    sites: Array,
    core: Array,
    current: NDArray[np.int32],
    entries: NDArray[np.int32],
) -> tuple[int, int]:
    """Write down who enters which site when: frame, cation, site and its image.

    Between sites a cation stays what it was in `current` (site and image, one row per cation). It is only
    looked for where it is when it is not in the `core` of its site (at `sites`, fractional).

    Returns
    -------
    n_entries, n_within : int
        Rows written; and positions within the radius of a site.
    """
    n, within = 0, 0
    for f in range(fractional.shape[0]):
        for p in range(fractional.shape[1]):
            a, b, c = fractional[f, p, 0], fractional[f, p, 1], fractional[f, p, 2]
            s = current[p, 0]
            if s >= 0:
                u, v, w = (
                    a - sites[s, 0] - current[p, 1],
                    b - sites[s, 1] - current[p, 2],
                    c - sites[s, 2] - current[p, 3],
                )
                x = u * cell[0, 0] + v * cell[1, 0] + w * cell[2, 0]
                y = u * cell[0, 1] + v * cell[1, 1] + w * cell[2, 1]
                z = u * cell[0, 2] + v * cell[1, 2] + w * cell[2, 2]
                if x * x + y * y + z * z < core[s]:
                    within += 1
                    continue
            m, i, j, k = nearest_candidate(a, b, c, shape, start, positions, cell, furthest)
            if m < 0:
                continue
            within += 1
            i, j, k = i + images[m, 0], j + images[m, 1], k + images[m, 2]
            s = numbers[m]
            if s != current[p, 0] or i != current[p, 1] or j != current[p, 2] or k != current[p, 3]:
                current[p, 0], current[p, 1], current[p, 2], current[p, 3] = s, i, j, k
                entries[n, 0], entries[n, 1] = first_frame + f, p
                entries[n, 2:] = current[p]
                n += 1
    return n, within


class SiteHops(CationMotion):
    r"""Hops of cations between sites, and how long they stay.

    A cation belongs to the site whose `radius` it entered last and so keeps its site on the way: going to
    and fro across a border is no hop (core sets, also known as milestones). Without a radius it belongs to
    the nearest site at any time. Hops *last* if the cation then stays at least `settle`, and came from
    where it had stayed as long; shorter stays are left out, and what they separate is joined.

    The rate is the number of hops by the time in which they can be seen, which for hops that last begins
    `settle` after the record does, and ends as much before. The mean residence time is its inverse. The
    survival of a stay is the Kaplan-Meier estimate from all stays whose beginning was seen.

    Sites move with the framework and the cell; they are where the framework is in the first frame.

    Parameters
    ----------
    cations : MDAnalysis.core.groups.AtomGroup
        Atoms that hop.
    sites : Sites
        Given or found, see `find_sites`. Distances are measured in their cell, jumps in the mean cell.
    relative_to : sequence of Anion or of array_like of int, "system" or None
        The frame; see `CationMotion`.
    radius : float, optional
        Of a site, A. Half the distance between sites is too much, the amplitude of vibration too little.
    settle : float, optional
        How long a stay must be to count for hops that last, ps.
    frame_interval : float, optional
        Time between frames of the trajectory, ps. By default what the trajectory says.
    verbose : bool, optional
        Show a progress bar.

    Attributes
    ----------
    stays : Stays
        All stays, their times in frames.
    data : xarray.Dataset
        Along ``event``, in the order of time: ``cation`` (index of the atom), ``time`` (of the first frame at
        the new site, from the first frame analysed, ps), ``from_site``, ``to_site``, the vector ``jump``
        between the two (A) and its length ``jump_length``, and ``returns`` (whether the cation goes back to
        where it was before the last hop). ``hop_rate`` per cation (1/ps) with ``hop_rate_interval`` and
        ``hop_rate_dispersion`` (see `EventCount`), ``return_fraction`` of hops that follow another one. The
        same with ``lasting_`` before the names, along ``lasting_event``.

        ``residence_time`` (mean, ps) and its interval; ``survival`` (kind, stay_times) with
        ``survival_error``; ``transitions`` (kind, to_kind), numbers of hops, and ``lasting_transitions``.

        Along ``site``: ``site_position`` in the mean cell, ``occupancy``, ``departures`` and
        ``site_residence_time``, the time at the site by its number of departures. ``within_radius`` is the
        share of positions that are within the radius of a site.

    Raises
    ------
    InputError
        As `CationMotion` does; and if the cell of the sites is another one, a number is out of range, or no
        cation comes near a site.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> u = mda.Universe.empty(1, trajectory=True)
    >>> x = np.array([[[0.1, 0, 0]], [[0.9, 0, 0]], [[1.1, 0, 0]], [[2.0, 0, 0]], [[1.9, 0, 0]]])
    >>> _ = u.load_new(x, dimensions=[[4.0, 4.0, 4.0, 90, 90, 90]] * 5, dt=0.5)
    >>> sites = Sites([[0.0, 0.0, 0.0], [0.5, 0.0, 0.0]], 4.0 * np.eye(3))
    >>> data = SiteHops(u.atoms, sites, None, radius=0.8, settle=0.5).run().data
    >>> data.time.values, data.jump.values
    (array([1.5]), array([[2., 0., 0.]]))
    """

    def __init__(
        self,
        cations: Any,
        sites: Sites,
        relative_to: Frame,
        *,
        radius: float | None = None,
        settle: float = 1.0,
        frame_interval: float | None = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(cations, relative_to, frame_interval=frame_interval, verbose=verbose)
        self._sites, self._settle = sites, settle
        self._nearest = NearestSite(sites, radius)

    def _prepare(self) -> None:
        super()._prepare()
        self._current = np.full((len(self._cations), 4), -1, dtype=np.int32)
        self._entries: list[NDArray[np.int32]] = []
        self._within = 0

    def _follow(self, frames: slice, fractional: Array) -> None:
        if not frames.start:
            self._same_cell()
        k, n = fractional.shape[:2]
        entries = np.empty((k * n, 6), dtype=np.int32)
        n_entries, within = _enter_sites(
            fractional,
            frames.start,
            *self._nearest.table,
            self._sites.fractional,
            self._nearest.core,
            self._current,
            entries,
        )
        self._entries.append(entries[:n_entries].copy())
        self._within += within

    def _same_cell(self) -> None:
        ours, theirs = self._first_cell, self._sites.cell
        lengths = np.linalg.norm(ours, axis=1)
        # Lengths and angles only: fractional coordinates are the same in any orientation.
        difference = np.abs(ours @ ours.T - theirs @ theirs.T) / np.outer(lengths, lengths)
        if difference.max() > 2.0 * LARGEST_STRAIN:
            raise InputError(
                f"the sites are for a cell with edges {np.linalg.norm(theirs, axis=1).round(2)} A, but that "
                f"of the trajectory has {lengths.round(2)} A or other angles; give sites of the same cell"
            )

    def _finish(self, interval: float) -> None:
        n = self.n_frames
        settle = frames_of(self._settle, interval, n, fewest=1)
        entries = np.concatenate(self._entries).astype(np.int64)
        if not len(entries):
            raise InputError(
                f"no cation comes within {self._nearest.radius:g} A of a site; give sites where they are in "
                "the first frame of the trajectory, or a larger radius"
            )
        entries = entries[np.argsort(entries[:, 1], kind="stable")]
        begin, cation, site, image = entries[:, 0], entries[:, 1], entries[:, 2], entries[:, 3:]
        self.stays = stays_until_the_next(cation, site, image, begin, n)
        self._lasting = settled_stays(self.stays, settle)
        every = self._events(self.stays, 1, settle, interval, "")
        self.data = xr.Dataset(
            {
                **every,
                **self._events(self._lasting, settle, settle, interval, "lasting_"),
                **self._residence(interval, every),
                "within_radius": variable(
                    "", self._within / (n * len(self._cations)), "1", "share of positions at sites"
                ),
            },
            {"kind": list(dict.fromkeys(self._sites.kinds)), "xyz": ["x", "y", "z"]},
        )
        del self._entries

    def _events(
        self, stays: Stays, apart: int, settle: int, interval: float, name: str
    ) -> dict[str, xr.Variable]:
        """The table of hops that are some frames `apart` from both ends, and what follows from it."""
        hops = _hops(stays, apart, self.n_frames)
        rows, what = hops.rows, "lasting hop" if name else "hop"
        origin, goal = stays.site[rows - 1], stays.site[rows]
        at = self._sites.fractional[stays.site] + stays.image
        jumps = (at[rows] - at[rows - 1]) @ self.mean_cell
        window = apart, self.n_frames - apart + 1
        counted = count_events(stays.begin[rows], stays.cation[rows], len(self._cations), window, settle)
        rate, bounds = hop_rate(counted, max(hops.cation_frames, 1) * interval)
        share = hops.returns.sum() / hops.follows.sum() if hops.follows.any() else np.nan
        event = f"{name}event"
        table = {
            "cation": variable(event, self._cations[stays.cation[rows]], "1", "atom"),
            "time": variable(event, stays.begin[rows] * interval, "ps", f"time of a {what}"),
            "from_site": variable(event, origin, "1", "site it leaves"),
            "to_site": variable(event, goal, "1", "site it enters"),
            "jump": variable(f"{event} xyz", jumps, "A", "jump"),
            "jump_length": variable(event, np.linalg.norm(jumps, axis=1), "A", "jump length"),
            "returns": variable(event, hops.returns, "1", "goes back at once"),
            "hop_rate": variable("", rate, "1/ps", f"{what}s per cation"),
            "hop_rate_interval": variable("bound", bounds, "1/ps", "95 percent interval"),
            "hop_rate_dispersion": variable(
                "", counted.dispersion, "1", f"variance of the number of {what}s over its mean"
            ),
            "return_fraction": variable("", share, "1", f"share of {what}s that go back at once"),
            "transitions": variable(
                "kind to_kind", self._between_kinds(origin, goal), "1", f"number of {what}s"
            ),
        }
        return {name + key: value for key, value in table.items()}

    def _between_kinds(self, origin: Indices, goal: Indices) -> Indices:
        kinds = list(dict.fromkeys(self._sites.kinds))
        number = np.array([kinds.index(kind) for kind in self._sites.kinds])
        return transition_matrix(number[origin], number[goal], len(kinds))

    def _residence(self, interval: float, every: dict[str, xr.Variable]) -> dict[str, xr.Variable]:
        stays, n_sites = self.stays, len(self._sites)
        watched = stays.watched
        at_risk = np.bincount(stays.site, watched, n_sites) * interval
        at_site = np.bincount(stays.site, stays.end - stays.begin, n_sites)
        departures = np.bincount(stays.site[~stays.last], minlength=n_sites)
        kinds = np.array(self._sites.kinds)[stays.site]
        seen = ~stays.first
        n_times = int(watched[seen].max(initial=0)) + 1
        curves = [
            stay_survival(watched[seen & (kinds == kind)], ~stays.last[seen & (kinds == kind)], n_times)
            for kind in dict.fromkeys(self._sites.kinds)
        ]
        with np.errstate(divide="ignore", invalid="ignore"):
            rates = [float(every["hop_rate"]), *every["hop_rate_interval"].values[::-1]]
            times, by_site = 1.0 / np.array(rates), at_risk / departures
        return {
            "residence_time": variable("", times[0], "ps", "mean residence time"),
            "residence_time_interval": variable("bound", times[1:], "ps", "95 percent interval"),
            "stay_times": variable("stay_times", np.arange(n_times) * interval, "ps", "residence time"),
            "survival": variable("kind stay_times", [curve[0] for curve in curves], "1", "share still there"),
            "survival_error": variable("kind stay_times", [c[1] for c in curves], "1", "standard error"),
            "site_position": variable(
                "site xyz", self._sites.fractional @ self.mean_cell, "A", "position of the site"
            ),
            "occupancy": variable("site", at_site / self.n_frames, "1", "mean number of cations"),
            "departures": variable("site", departures, "1", "number of hops away"),
            "site_residence_time": variable("site", by_site, "ps", "mean residence time"),
        }

    def transition_matrix(self, *, lasting: bool = False) -> Indices:
        """Number of hops from each site (row) to each site (column).

        Parameters
        ----------
        lasting : bool, optional
            Only hops that last.

        Returns
        -------
        ndarray of int, shape (n_sites, n_sites)
        """
        name = "lasting_" if lasting else ""
        origin, goal = (self.data[name + end].values for end in ("from_site", "to_site"))
        return transition_matrix(origin, goal, len(self._sites))

    def plot(self, axes: Any = None) -> Any:
        """Draw the survival of stays against time; see `Quantity.plot`."""
        axes = new_axes(axes, self.data.stay_times, self.data.survival)
        for kind in self.data.kind.values:
            axes.semilogy(self.data.stay_times, self.data.survival.sel(kind=kind), label=kind)
        if self.data.sizes["kind"] > 1:
            axes.legend(frameon=False)
        return axes


def transition_matrix(origin: Indices, goal: Indices, n: int) -> Indices:
    """Count pairs.

    Parameters
    ----------
    origin, goal : array of int, shape (number of hops,)
        From where to where.
    n : int
        Number of places.

    Returns
    -------
    ndarray of int, shape (n, n)

    Examples
    --------
    >>> transition_matrix(np.array([0, 1, 0]), np.array([1, 0, 1]), 2)
    array([[0, 2],
           [1, 0]])
    """
    return np.asarray(np.bincount(origin * n + goal, minlength=n * n).reshape(n, n), dtype=np.int64)
