"""Distinct van Hove function around anions at which something happens: before it, and after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from openmm_anion.analysis.cation_motion import CationMotion
from openmm_anion.analysis.continuous import Block, indices_of
from openmm_anion.analysis.distinct_van_hove import whole_cells
from openmm_anion.analysis.event_average import control_times
from openmm_anion.analysis.ions import Anion, center_weights
from openmm_anion.analysis.pair_histogram import inscribed_radius, pair_histogram, to_fixed_point
from openmm_anion.analysis.quantity import new_axes, variable
from openmm_anion.analysis.van_hove import bin_edges, shell_volumes, stride_of
from openmm_anion.errors import InputError

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

_BAND = (2.5, 97.5)
_DRAWN = 5
"""Lag times that a plot shows."""


class VanHoveAtEvents(CationMotion):
    r"""Cations around the centre of an anion before and after an event at it, a rotation for example.

    .. math:: g(r, \tau) = \frac{\langle V \rangle}{N_c N_e} \Big\langle \sum_e \sum_{i}
              \delta\big(\mathbf{r} - \mathbf{x}_i(t_e + \tau) + \mathbf{X}_{a_e}(t_e)\big) \Big\rangle

    for the events e at times :math:`t_e` at anions :math:`a_e`, with negative and positive :math:`\tau`. It
    is the distinct part of the van Hove function, of chosen time origins. Without an effect it is that of
    the controls: the same anions at times that are all shifted by the same, around the record.

    Parameters
    ----------
    cations : MDAnalysis.core.groups.AtomGroup
        Cations.
    anions : sequence of Anion
        Anions of `find_ions`.
    events : array_like of int, shape (n_events, 2)
        Frame (of those analysed, from 0) and number of the anion.
    window : float
        From so long before an event to so long after it, ps.
    width : float, optional
        Width of a bin, A.
    n_controls : int, optional
        How many.
    seed : int, optional
        Of the random numbers.
    frame_interval : float, optional
        Time between frames of the trajectory, ps. By default what the trajectory says.
    verbose : bool, optional
        Show a progress bar.

    Attributes
    ----------
    data : xarray.Dataset
        At ``lag_times`` (ps, negative before the event) and ``distance`` (middle of each bin, A): ``g``,
        ``g_control`` (mean of the controls) and ``g_band``, where 95 percent of them are (`bound`: 2.5 and
        97.5 percent). Numbers ``n_events``, and ``n_left_out``, too near to an end of the record.

    Raises
    ------
    InputError
        As `CationMotion` does; and if an event is at no frame or anion, fewer than two windows are within
        the record, or the window, the width or the number of controls is none.

    References
    ----------
    L. Van Hove, Phys. Rev. 95, 249 (1954), doi:10.1103/PhysRev.95.249.
    """

    def __init__(
        self,
        cations: Any,
        anions: Sequence[Anion],
        events: ArrayLike,
        *,
        window: float,
        width: float = 0.2,
        n_controls: int = 40,
        seed: int = 0,
        frame_interval: float | None = None,
        verbose: bool = False,
    ) -> None:
        if not 0.0 < window < np.inf:
            raise InputError(f"window {window} is no time in ps")
        if n_controls < 1:
            raise InputError(f"n_controls {n_controls}: give at least 1; a band of 95 percent needs 40")
        bin_edges(width, width)
        self._events = np.asarray(events, dtype=np.int64).reshape(-1, 2)
        self._window, self._width = window, width
        self._n_controls, self._seed = n_controls, seed
        first = indices_of(cations, "cation")
        atoms, self._weights = center_weights(anions)
        watched, places = np.unique(np.concatenate([first, atoms]), return_inverse=True)
        self._cation_places, self._atom_places = places[: len(first)], places[len(first) :]
        super().__init__(
            cations.universe.atoms[watched], anions, frame_interval=frame_interval, verbose=verbose
        )
        number = self._events[:, 1]
        if len(number) and not 0 <= number.min() <= number.max() < len(anions):
            raise InputError(f"an event is at anion {number.max()}, but there are {len(anions)}")

    def _prepare(self) -> None:
        super()._prepare()
        n = self.n_frames
        frames, anions = self._events.T
        if len(frames) and not 0 <= frames.min() <= frames.max() < n:
            raise InputError(f"an event is at frame {frames.max()}, but there are {n}")
        interval = stride_of(self._sliced_trajectory) * self._frame_interval
        reach = round(self._window / interval)
        whole = (frames >= reach) & (frames < n - reach)
        if whole.sum() < 2:
            raise InputError(
                f"{whole.sum()} of {len(frames)} events have a window of {2 * reach + 1} frames within the "
                f"{n} of the record; take a shorter window or more events"
            )
        rng = np.random.default_rng(self._seed)
        _, shifted = control_times(frames[whole], reach, n - 1 - reach, 2 * reach + 1, self._n_controls, rng)
        self._reach, self._left_out = reach, int((~whole).sum())
        # The events themselves, and behind them the controls: one row each, the same anions in each row.
        self._times: Indices = np.vstack([frames[whole], shifted])
        self._of = anions[whole]
        self._centers = np.empty((n, 3, len(self._weights)), dtype=np.int32)
        self._cation_at = np.empty((n, 3, len(self._cation_places)), dtype=np.int32)
        self._cells, self._radius = np.empty((n, 3, 3)), np.inf

    def _consume(self, block: Block) -> None:
        super()._consume(block)
        assert block.boxes is not None  # refused there
        self._cells[block.frames] = block.boxes
        self._radius = min(self._radius, inscribed_radius(block.boxes))

    def _follow(self, frames: slice, fractional: Array) -> None:
        if not frames.start:
            self._shift = whole_cells(fractional[0, self._atom_places], self._weights, self._first_cell)
        centers = self._weights @ (fractional[:, self._atom_places] + self._shift)
        self._centers[frames] = to_fixed_point(centers)
        self._cation_at[frames] = to_fixed_point(fractional[:, self._cation_places])

    def _finish(self, interval: float) -> None:
        edges = bin_edges(self._radius, self._width)
        lags = np.arange(-self._reach, self._reach + 1)
        g = np.empty((len(self._times), len(lags), len(edges) - 1))
        apart = np.full(1, -1, dtype=np.int64)
        for row, times in enumerate(self._times):
            # One anion per event: as if each were a frame with one particle.
            here = np.ascontiguousarray(self._centers[times, :, self._of][:, :, None])
            cells = self._cells[times]
            norm = np.abs(np.linalg.det(cells)).mean() / (len(times) * len(self._cation_places))
            for k, lag in enumerate(lags):
                pairs = np.column_stack([np.arange(len(times)), times + lag])
                counts = pair_histogram(
                    here, self._cation_at, pairs, cells, apart, self._width, len(edges) - 1
                )
                g[row, k] = counts * norm / shell_volumes(edges)
        at = "lag_times distance"
        self.data = xr.Dataset(
            {
                "g": variable(at, g[0], "1", r"$g(r, \tau)$"),
                "g_control": variable(at, g[1:].mean(axis=0), "1", "mean of controls"),
                "g_band": variable(
                    f"bound {at}", np.percentile(g[1:], _BAND, axis=0), "1", "95 percent of controls"
                ),
                "n_events": variable("", self._times.shape[1], "1", "events"),
                "n_left_out": variable("", self._left_out, "1", "events too near to an end"),
            },
            {
                "lag_times": variable("lag_times", lags * interval, "ps", "time from the event"),
                "distance": variable("distance", edges[:-1] + 0.5 * self._width, "A", "distance"),
                "bound": variable("bound", _BAND, "%", "percentile"),
            },
        )
        del self._centers, self._cation_at

    def plot(self, axes: Any = None) -> Any:
        """Draw g(r, tau) at some times, and the controls; see `Quantity.plot`."""
        data = self.data
        axes = new_axes(axes, data.distance, data.g)
        middle = data.sizes["lag_times"] // 2
        axes.fill_between(data.distance, *data.g_band[:, middle], color="0.85", lw=0.0, label="other times")
        for k in np.unique(np.linspace(0, data.sizes["lag_times"] - 1, _DRAWN).round().astype(int)):
            axes.plot(data.distance, data.g[k], lw=1.0, label=f"{float(data.lag_times[k]):+.3g} ps")
        axes.legend(frameon=False, fontsize="small")
        return axes
