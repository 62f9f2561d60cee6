"""How long anions keep their orientation: correlation of bond directions, and of tetrahedra as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from openmm_anion.analysis.continuous import Block, ContinuousAnalysis
from openmm_anion.analysis.correlation_time import deal, jackknife_error, leave_one_out
from openmm_anion.analysis.decay import Decay, fit_decay, refit_time
from openmm_anion.analysis.directions import Directions
from openmm_anion.analysis.ions import Anion, tell_apart
from openmm_anion.analysis.legendre import HIGHEST_ORDER, legendre_correlation, rotor_correlation
from openmm_anion.analysis.moments import Moments
from openmm_anion.analysis.msd import number_of_lags
from openmm_anion.analysis.oriented_anions import molecules_of, polyatomic, starts_of, take_centres
from openmm_anion.analysis.quantity import new_axes, variable
from openmm_anion.errors import InputError

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


class OrientationalCorrelation(ContinuousAnalysis):
    r"""Correlation in time of the directions from the centre of each anion to its ligands.

    .. math:: C_l(t) = \langle P_l[u(0) \cdot u(t)] \rangle

    over all times, ligands and anions of a formula; u points from the central atom, or from the centre of
    mass where there is none. For XY4 tetrahedra also the correlation of their rotor functions (see
    `rotor_correlation`), divided by its value at 0: it does not see which ligand is where, so it falls by
    librations and by turns to orientations that are not equivalent, not by jumps between equivalent ones.

    The correlation time is that of a stretched exponential with a plateau (see `Decay`), fitted from
    `librations` to a quarter of the run: later lags are mostly noise. Where it does not decay in this
    window, or not to its end, there is no time, and a note says why.

    Parameters
    ----------
    universe : MDAnalysis.Universe
        With the trajectory.
    anions : sequence of Anion
        Anions of `find_ions`.
    orders : sequence of int, optional
        Orders l, 1 to 3.
    longest : float, optional
        Longest lag time, ps; by default the length of the trajectory.
    librations : float, optional
        Lag time from which correlations are fitted, ps: longer than a period of libration, and shorter than
        the time between jumps.
    frame_interval : float, optional
        Time between frames of the trajectory, ps. By default what the trajectory says.
    verbose : bool, optional
        Show a progress bar.

    Attributes
    ----------
    data : xarray.Dataset
        Against `lag_times` (ps) and `kind`: ``c1``, ``c2`` ... and their standard errors over anions
        ``c1_error`` ..., and ``rotor`` if there are XY4 tetrahedra (not a number for other kinds). Against
        `order` and `kind`: ``tau`` (ps), ``frequency`` (1/tau, 1/ps), their standard errors ``tau_error``
        and ``frequency_error``, ``amplitude`` and ``plateau`` of the decay, and ``note``.

    Raises
    ------
    InputError
        As `ContinuousAnalysis` does; and if there are no anions, an order is unknown, or a ligand is on its
        centre.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> u = mda.Universe.empty(2, trajectory=True)
    >>> turn = 0.1 * np.arange(50)
    >>> ends = np.stack([np.cos(turn), np.sin(turn), 0.0 * turn], axis=1)
    >>> _ = u.load_new(np.stack([0.0 * ends, ends], axis=1), dt=0.1)
    >>> anion = Anion("CN", np.array([0, 1]), ("C", "N"), np.array([12.0, 14.0]), 0, np.array([1]))
    >>> OrientationalCorrelation(u, [anion], librations=0.1).run().data.c1.values[10].round(3)
    array([0.54])
    """

    def __init__(
        self,
        universe: Any,
        anions: Sequence[Anion],
        *,
        orders: Sequence[int] = (1, 2),
        longest: float | None = None,
        librations: float = 0.5,
        frame_interval: float | None = None,
        verbose: bool = False,
    ) -> None:
        # One kind after the other, so that their vectors are slices.
        kinds = tell_apart(polyatomic(anions))
        self._anions = [anion for kind in kinds.values() for anion in kind]
        self._kinds = kinds
        self._orders = tuple(orders)
        if not self._orders or not set(self._orders) <= set(range(1, HIGHEST_ORDER + 1)):
            raise InputError(f"orders {list(orders)}: give numbers from 1 to {HIGHEST_ORDER}")
        if not 0.0 < librations < np.inf:
            raise InputError(f"librations {librations} is no time in ps")
        for name, group in kinds.items():
            if len({len(anion.ligands) for anion in group}) > 1:
                raise InputError(f"{name} ions have different numbers of ligands; analyse them apart")
        self._starts, self._directions = starts_of(self._anions), Directions(self._anions)
        self._masses = np.concatenate([anion.masses for anion in self._anions])
        super().__init__(
            universe,
            np.concatenate([anion.indices for anion in self._anions]),
            molecules=molecules_of(self._starts),
            frame_interval=frame_interval,
            verbose=verbose,
        )
        self._longest, self._librations = longest, librations

    def _prepare(self) -> None:
        super()._prepare()
        sizes = [(len(group), len(group[0].ligands)) for group in self._kinds.values()]
        self._paths = [
            self._store(anions * ligands, together=[ligands] * anions, dtype=np.float32)
            for anions, ligands in sizes
        ]
        ends = np.cumsum([0, *(anions * ligands for anions, ligands in sizes)])
        self._of_kind = [slice(begin, end) for begin, end in pairwise(ends)]

    def _consume(self, block: Block) -> None:
        take_centres(block.positions, self._starts, self._masses)
        vectors = np.empty((len(block.positions), len(self._directions), 3), dtype=np.float32)
        self._directions.fill(block.positions, self.frames[block.frames], vectors)
        for paths, some in zip(self._paths, self._of_kind, strict=True):
            paths.append(vectors[:, some])

    def _finish(self, interval: float) -> None:
        lags = number_of_lags(self.n_frames, interval, self._longest)
        lag_times = np.asarray(np.arange(lags) * interval, dtype=np.float64)
        end = min(0.25 * (self.n_frames - 1) * interval, lag_times[-1])
        shape = (lags, len(self._kinds))
        curves = {f"c{order}": np.empty(shape) for order in self._orders}
        errors = {name: np.full(shape, np.nan) for name in curves}
        rotor = np.full(shape, np.nan)
        decays: list[list[Decay]] = []
        decay_errors: list[list[tuple[float, float]]] = []
        for k, (group, paths) in enumerate(zip(self._kinds.values(), self._paths, strict=True)):
            tetrahedral = all(_is_tetrahedral(anion) for anion in group)
            over_anions = {name: Moments() for name in (*curves, "rotor")}
            dealt = deal(len(group))
            sums = {name: np.zeros((dealt.max() + 1, lags)) for name in curves}
            for some, piece in paths.pieces():
                vectors = piece.reshape(self.n_frames, -1, len(group[0].ligands), 3)
                owners = dealt[some.start // vectors.shape[2] :][: vectors.shape[1]]
                for order, name in zip(self._orders, curves, strict=True):
                    single = legendre_correlation(vectors, order, lags)
                    over_anions[name].add(single)
                    for owner in np.unique(owners):
                        sums[name][owner] += single[:, owners == owner].sum(axis=1)
                if tetrahedral:
                    over_anions["rotor"].add(rotor_correlation(vectors, lags))
            for name, curve in curves.items():
                curve[:, k] = over_anions[name].mean
                if len(group) > 1:
                    errors[name][:, k] = over_anions[name].error
            if tetrahedral and over_anions["rotor"].mean[0] > 0.5:  # a flat XY4 has none
                rotor[:, k] = over_anions["rotor"].mean / over_anions["rotor"].mean[0]
            decays.append(
                [fit_decay(lag_times, curve[:, k], self._librations, end) for curve in curves.values()]
            )
            decay_errors.append(
                [
                    _decay_errors(
                        sums[name],
                        np.bincount(dealt).astype(np.float64),
                        lag_times,
                        self._librations,
                        end,
                        decay,
                    )
                    for name, decay in zip(curves, decays[-1], strict=True)
                ]
            )
        contents: dict[str, Any] = {}
        for order, name in zip(self._orders, curves, strict=True):
            meaning = f"orientational correlation, l = {order}"
            contents[name] = variable("lag_times kind", curves[name], "1", meaning)
            contents[f"{name}_error"] = variable(
                "lag_times kind", errors[name], "1", f"standard error, l = {order}"
            )
        if np.isfinite(rotor).any():
            contents["rotor"] = variable("lag_times kind", rotor, "1", "correlation of rotor functions")
        times = np.array([[decay.time for decay in row] for row in decays]).T
        of_order = "order kind"
        contents["tau"] = variable(of_order, times, "ps", "correlation time")
        contents["frequency"] = variable(of_order, 1.0 / times, "1/ps", "rotation frequency")
        tau_error, frequency_error = np.array(decay_errors).T
        contents["tau_error"] = variable(of_order, tau_error, "ps", "standard error of the correlation time")
        contents["frequency_error"] = variable(
            of_order, frequency_error, "1/ps", "standard error of the rotation frequency"
        )
        for name, meaning in (
            ("amplitude", "amplitude of the decay"),
            ("plateau", "plateau of the correlation"),
        ):
            values = np.array([[getattr(decay, name) for decay in row] for row in decays]).T
            contents[name] = variable(of_order, values, "1", meaning)
        contents["note"] = (of_order.split(), np.array([[decay.note for decay in row] for row in decays]).T)
        self.data = xr.Dataset(
            contents,
            {
                "lag_times": variable("lag_times", lag_times, "ps", "lag time"),
                "kind": list(self._kinds),
                "order": list(self._orders),
            },
        )

    def plot(self, axes: Any = None) -> Any:
        """Draw the correlations against the lag time, up to where they are fitted; see `Quantity.plot`."""
        data = self.data
        names = [f"c{order}" for order in data.order.values] + ["rotor"] * ("rotor" in data)
        axes = new_axes(axes, data.lag_times, data[names[0]])
        axes.set_ylabel("orientational correlation")
        for kind in data.kind.values:
            for name in names:
                curve = data[name].sel(kind=kind)
                if np.isfinite(curve[0]):
                    axes.plot(data.lag_times, curve, label=f"{kind} {name}", lw=1.0)
        axes.set_xlim(
            0.0, min(0.25 * (self.n_frames - 1), len(data.lag_times) - 1) * float(data.lag_times[1])
        )
        axes.legend(frameon=False, fontsize="small")
        return axes


def _decay_errors(
    sums: Array, sizes: Array, lag_times: Array, begin: float, end: float, decay: Decay
) -> tuple[float, float]:
    """Standard errors of the time of a decay and of its inverse, from sums over groups of anions."""
    if len(sums) < 2 or not np.isfinite(decay.time):
        return np.nan, np.nan
    without = leave_one_out(sums) / leave_one_out(sizes)[:, None]
    times = np.array([refit_time(lag_times, curve, begin, end, decay) for curve in without])
    return float(jackknife_error(times)), float(jackknife_error(1.0 / times))


def _is_tetrahedral(anion: Anion) -> bool:
    kinds = {anion.symbols[ligand] for ligand in anion.ligands}
    return (
        anion.center is not None and len(anion.symbols) == 5 and len(anion.ligands) == 4 and len(kinds) == 1
    )
