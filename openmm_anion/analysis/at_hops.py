"""What the anion nearest to a hopping cation does before and after the hop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from MDAnalysis.lib.mdamath import triclinic_vectors
from numpy.typing import NDArray

from openmm_anion.analysis.event_average import EventAverage, nearest_in_frame
from openmm_anion.analysis.ions import Anion
from openmm_anion.analysis.oriented_anions import molecules_of, starts_of, take_centres
from openmm_anion.analysis.quantity import Quantity, new_axes
from openmm_anion.errors import InputError
from openmm_anion.periodic import whole_molecules

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

SERIES = ("translation", "rotation", "shape")


class AnionsAtHops(Quantity):
    r"""Translation, rotation and shape of the nearest anion around hops, against the same at other times.

    A hop is at the anion whose centre is nearest to the middle of the jump, in the first frame after it.
    Translation and rotation are counted from the begin of the window, :math:`|x(\tau) - x(-w)|` and
    :math:`2 \arccos |q(\tau) \cdot q(-w)|`; the shape is the distance from the reference shape. Controls
    take the same anions at times that have nothing to do with the hops, see `EventAverage`.

    Parameters
    ----------
    universe : MDAnalysis.Universe
        With the trajectory.
    anions : sequence of Anion
        Anions that `motion` is of, in that order.
    hops : xarray.Dataset
        ``data`` of `DisplacementHops`.
    motion : xarray.Dataset
        ``data`` of `AnionMotion`, of the same frames.
    window : float
        From so long before a hop to so long after it, ps.
    n_controls : int, optional
        How many of each kind.
    seed : int, optional
        Of the random numbers.

    Attributes
    ----------
    data : xarray.Dataset
        That of `EventAverage` with the series ``translation`` (A), ``rotation`` (rad) and ``shape`` (A).

    Raises
    ------
    InputError
        As `EventAverage` does, with fewer than two hops, say; and if `motion` is of other anions, there is no
        cell, or the window is no time.

    Examples
    --------
    >>> AnionsAtHops(None, [], xr.Dataset(), xr.Dataset(), window=0.0)
    Traceback (most recent call last):
    openmm_anion.errors.InputError: window 0.0 is no time in ps
    """

    def __init__(
        self,
        universe: Any,
        anions: Sequence[Anion],
        hops: xr.Dataset,
        motion: xr.Dataset,
        *,
        window: float,
        n_controls: int = 500,
        seed: int = 0,
    ) -> None:
        if not 0.0 < window < np.inf:
            raise InputError(f"window {window} is no time in ps")
        if [anion.formula for anion in anions] != list(motion.formula.values):
            raise InputError("motion is of other anions; give AnionMotion(universe, anions).run().data")
        self._universe, self._anions = universe, tuple(anions)
        self._hops, self._motion = hops, motion
        self._window, self._n_controls, self._seed = window, n_controls, seed

    def run(self, start: int | None = None, stop: int | None = None, step: int | None = None) -> AnionsAtHops:
        """Find the nearest anions and average.

        Parameters
        ----------
        start, stop, step : int, optional
            The frames that `hops` and `motion` are of.

        Returns
        -------
        self
            With ``data``.

        Raises
        ------
        InputError
            If there are fewer than two frames, not as many as motion has, or one without a cell; or as
            `EventAverage.run`.
        """
        times = self._motion.time.values
        if len(times) < 2:
            raise InputError("one frame has no before and after; analyse more")
        interval = float(times[1] - times[0])
        frames = np.round(self._hops.time.values / interval).astype(np.int64)
        chosen = range(*slice(start, stop, step).indices(self._universe.trajectory.n_frames))
        if len(chosen) != len(times):
            raise InputError(f"motion is of {len(times)} frames, but {len(chosen)} are given")
        events = self._events(frames, chosen)
        self._average = EventAverage(
            events,
            {
                "translation": self._motion.displacement.values,
                "rotation": self._motion.quaternion.values,
                "shape": self._motion.misfit.values,
            },
            frame_interval=interval,
            before=self._window,
            after=self._window,
            n_controls=self._n_controls,
            seed=self._seed,
            units={"shape": "A"},
        ).run()
        self.data = self._average.data
        return self

    def _events(self, frames: Indices, chosen: range) -> Indices:
        """Frame of each hop, of those that are analysed, and number of the anion that is nearest to it."""
        indices = np.concatenate([anion.indices for anion in self._anions])
        starts, masses = starts_of(self._anions), np.concatenate([anion.masses for anion in self._anions])
        molecules = molecules_of(starts)
        cations, jumps = self._hops.cation.values, self._hops.jump.values
        events = np.column_stack([frames, np.zeros_like(frames)])
        order = np.argsort(frames, kind="stable")  # a file is read from begin to end, each frame once
        for hops in np.split(order, np.flatnonzero(np.diff(frames[order])) + 1) if len(order) else []:
            frame = chosen[frames[hops[0]]]
            ts = self._universe.trajectory[frame]
            if ts.dimensions is None:
                raise InputError(f"frame {frame} has no cell, so that no anion is the nearest")
            cell = triclinic_vectors(ts.dimensions, dtype=np.float64)
            whole = whole_molecules(ts.positions[indices].astype(np.float64), molecules, cell)
            centers = take_centres(whole[None], starts, masses)[0]
            for hop in hops:
                middle = ts.positions[cations[hop]] - 0.5 * jumps[hop]
                events[hop, 1] = nearest_in_frame(middle, centers, cell, what=f"hop {hop}", frame=frame)[0]
        return events

    def plot(self, axes: Any = None, *, control: str = "shifted") -> Any:
        """Draw each average over that of its controls; see `Quantity.plot`."""
        data = self.data
        axes = new_axes(axes, data.lag_times)
        axes.set_ylabel("around hops / at other times")
        for name in SERIES:
            expected = data[f"{name}_control"].sel(control=control).values
            there = expected > 0.0  # all of them are zero where the window begins
            ratio, error = data[name].values[there] / expected[there], data[f"{name}_error"].values[there]
            axes.errorbar(data.lag_times.values[there], ratio, error / expected[there], lw=1.0, label=name)
        axes.axhline(1.0, color="0.6", lw=0.8)
        axes.axvline(0.0, color="0.6", lw=0.8)
        axes.legend(frameon=False)
        return axes
