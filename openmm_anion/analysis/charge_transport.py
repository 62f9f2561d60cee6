"""Collective displacement of the charge: conductivity, and the Haven ratio to that of independent ions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm

from openmm_anion.analysis.collective_slope import (
    CollectiveSlope,
    collective_slope,
    default_window,
    wiener_relative_variance,
)
from openmm_anion.analysis.conductivity import (
    Interval,
    checked_level,
    einstein_helfand,
    haven_ratio,
    nernst_einstein,
)
from openmm_anion.analysis.continuous import Block, ContinuousAnalysis, indices_of
from openmm_anion.analysis.diffusion import FitWindow, RunDiffusion, run_diffusion
from openmm_anion.analysis.framework import Frame, frame_of
from openmm_anion.analysis.ions import Anion
from openmm_anion.analysis.msd import mean_squared_displacement, number_of_lags
from openmm_anion.analysis.oriented_anions import molecules_of, take_centres
from openmm_anion.analysis.quantity import new_axes, variable
from openmm_anion.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Conductivity:
    """Conductivity of one run; see `ChargeDisplacement.conductivity`.

    Attributes
    ----------
    temperature : float
        Temperature, K.
    volume : float
        Mean volume of the cell, A^3.
    level : float
        Probability with which the intervals hold the truth.
    sigma : float
        From the collective displacement (Einstein and Helfand), S/cm. Can be negative where little moves.
    sigma_interval : tuple of float
        Its interval, S/cm.
    resolved : bool
        Whether `sigma` stands above its noise; if not, only the upper end of its interval means anything.
    independent : float
        Conductivity if the ions moved independently (Nernst and Einstein), S/cm.
    independent_interval : tuple of float
        Its interval, S/cm.
    haven_ratio : float
        `independent` / `sigma`: below 1 ions move together. Not a number where `sigma` is not above zero.
    haven_interval : tuple of float
        Its interval.
    diffusion : tuple of RunDiffusion
        Self-diffusion of each group.
    slope : CollectiveSlope
        What `sigma` is made of.
    """

    temperature: float
    volume: float
    level: float
    sigma: float
    sigma_interval: Interval
    resolved: bool
    independent: float
    independent_interval: Interval
    haven_ratio: float
    haven_interval: Interval
    diffusion: tuple[RunDiffusion, ...]
    slope: CollectiveSlope


class ChargeDisplacement(ContinuousAnalysis):
    r"""Collective mean squared displacement of the charge of the mobile ions.

    .. math:: \Big\langle \Big| \sum_i q_i \left[ r_i(t) - r_i(0) \right] \Big|^2 \Big\rangle

    The sum is over all ions of the groups, in the frame that is given. In the frame of the anions, the
    cations alone carry the current; anions that exchange places may be a group, too, and count with their
    centres of mass. Without a framework the current of ions that are not all given depends on the frame.

    Parameters
    ----------
    groups : sequence of (AtomGroup or sequence of Anion, charge)
        Mobile ions and the charge of one of them, e; at least one AtomGroup.
    relative_to : sequence of Anion or of array_like of int, "system" or None
        The frame: the mean of the centres of mass of anions, the centre of mass of all atoms, or the lab.
    longest : float, optional
        Longest lag time, ps; by default the length of the trajectory. `data` takes 8 bytes per lag and ion:
        3 GB for 4,000 ions and 100,000 lags.
    frame_interval : float, optional
        Time between frames of the trajectory, ps. By default what the trajectory says.
    verbose : bool, optional
        Show a progress bar.

    Attributes
    ----------
    data : xarray.Dataset
        Against `lag_times` (ps): ``charge_msd`` (e^2 A^2), its standard error ``charge_msd_error`` as if the
        charge walked at random, ``charge_msd_by_axis``, and by `particle`, with its ``group_of_particle``,
        ``msd_by_particle`` (A^2). ``volume``: its mean, A^3, not a number without a cell; ``charge`` (e) of
        each `group`.

    Raises
    ------
    InputError
        As `ContinuousAnalysis` does; and if there is no AtomGroup, a group is empty, an atom is in two
        groups, or no charge is given.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> u = mda.Universe.empty(2, trajectory=True)
    >>> _ = u.load_new(np.array([[[0.0, 0, 0], [5, 5, 5]], [[1, 0, 0], [6, 5, 5]]]), dt=0.5)
    >>> ChargeDisplacement([(u.atoms, 1.0)], None).run().data.charge_msd.values  # twice as far, squared
    array([0., 4.])
    """

    def __init__(
        self,
        groups: Sequence[tuple[Any, float]],
        relative_to: Frame,
        *,
        longest: float | None = None,
        frame_interval: float | None = None,
        verbose: bool = False,
    ) -> None:
        universe = _universe(groups)
        ions = [_ions(group) for group, _ in groups]
        self._of_ion = np.repeat(np.arange(len(ions)), [len(group) for group in ions])
        atoms = [indices for group in ions for indices, _ in group]
        self._masses = np.concatenate([masses for group in ions for _, masses in group])
        self._starts = np.cumsum([0, *map(len, atoms)])
        mobile = np.concatenate(atoms)
        _in_one_group(mobile)
        self._charges = _charges([charge for _, charge in groups])
        self._framework = frame_of(relative_to, universe)
        super().__init__(
            universe,
            np.concatenate([mobile, self._framework.indices]),
            molecules=[
                *molecules_of(self._starts),
                *(molecule + len(mobile) for molecule in self._framework.molecules),
            ],
            frame_interval=frame_interval,
            verbose=verbose,
        )
        self._longest = longest

    def _prepare(self) -> None:
        super()._prepare()
        self._moved = self._store(len(self._of_ion))
        self._charge = np.empty((self.n_frames, 3))
        self._volumes = np.full(self.n_frames, np.nan)

    def _consume(self, block: Block) -> None:
        n = self._starts[-1]
        origin = self._framework.origin(block.positions[:, n:])
        centres = take_centres(block.positions[:, :n], self._starts, self._masses)
        centres -= origin[:, None]
        self._moved.append(centres)
        self._charge[block.frames] = self._charges[self._of_ion] @ centres
        if block.boxes is not None:
            self._volumes[block.frames] = np.linalg.det(block.boxes)

    def _finish(self, interval: float) -> None:
        lags = number_of_lags(self.n_frames, interval, self._longest)
        by_axis = mean_squared_displacement(self._charge[..., None], lags)
        msd = np.empty((len(self._of_ion), lags)).T
        for some, path in self._moved.pieces():
            mean_squared_displacement(path, lags, out=msd[:, some])
        error = np.zeros(lags)
        relative = wiener_relative_variance(self.n_frames, np.arange(1, lags))
        error[1:] = np.sqrt((by_axis[1:] ** 2).sum(axis=1) * relative)
        squared = "e^2 A^2"
        self.data = xr.Dataset(
            {
                "charge_msd": variable(
                    "lag_times", by_axis.sum(axis=1), squared, "squared displacement of the charge"
                ),
                "charge_msd_error": variable("lag_times", error, squared, "its standard error"),
                "charge_msd_by_axis": variable("lag_times xyz", by_axis, squared, "the same along each axis"),
                "msd_by_particle": variable("lag_times particle", msd, "A^2", "squared displacement"),
                "volume": variable("", self._volumes.mean(), "A^3", "mean volume"),
                "charge": variable("group", self._charges, "e", "charge of an ion"),
            },
            {
                "lag_times": variable("lag_times", np.arange(lags) * interval, "ps", "lag time"),
                "xyz": list("xyz"),
                "group_of_particle": ("particle", self._of_ion),
            },
        )
        del self._charge, self._volumes

    def conductivity(
        self,
        temperature: float,
        *,
        hop_length: float,
        window: FitWindow | None = None,
        volume: float | None = None,
        level: float = 0.68,
    ) -> Conductivity:
        r"""Return the conductivity, that of independent ions, and the Haven ratio.

        Both come from slopes over the same lags. The collective displacement is a single series, so its
        error is large: to halve it, run four times as long. The size of the cell does not help.

        Parameters
        ----------
        temperature : float
            Temperature, K.
        hop_length : float
            Length of an elementary jump, A; the distance between neighbouring cations will do.
        window : FitWindow, optional
            Lags to use; by default those of `collective_slope`.
        volume : float, optional
            Volume of the cell, A^3; by default the mean of the run.
        level : float, optional
            Probability with which intervals hold the truth.

        Returns
        -------
        Conductivity

        Raises
        ------
        InputError
            If the analysis has not been run, temperature, volume or hop length are not above zero, or the
            window has too few lags; and as `run_diffusion` does.
        """
        data, z = self.data, float(norm.ppf(0.5 * (1.0 + checked_level(level))))
        if not 0.0 < hop_length < np.inf:
            raise InputError(f"hop_length {hop_length:g} A is no length above zero")
        mean_volume = float(data.volume) if volume is None else volume
        if np.isnan(mean_volume):
            raise InputError("the trajectory has no cell, so its volume is unknown; give volume in A^3")
        lags = data.lag_times.values
        duration = float((self.n_frames - 1) * lags[1])
        chosen = default_window(duration) if window is None else window
        fit = collective_slope(
            lags,
            data.charge_msd_by_axis.values,
            n_frames=self.n_frames,
            one_event=float((self._charges**2).max()) * hop_length**2 / duration,
            window=chosen,
        )
        numbers = np.bincount(self._of_ion)
        curves = data.msd_by_particle.values
        diffusion = tuple(
            run_diffusion(lags, curves[:, self._of_ion == group], hop_length=hop_length, window=chosen)
            for group in range(len(numbers))
        )
        shares = np.array(
            [
                nernst_einstein(n, charge, 1.0, mean_volume, temperature)
                for n, charge in zip(numbers, self._charges, strict=True)
            ]
        )
        independent = float(shares @ [one.d for one in diffusion])
        spread = z * float(np.linalg.norm(shares * [one.standard_error for one in diffusion]))
        independent_interval = max(independent - spread, 0.0), max(independent, 0.0) + spread
        low, high = (einstein_helfand(end, mean_volume, temperature) for end in fit.interval(level))
        sigma = einstein_helfand(fit.slope, mean_volume, temperature)
        ratio, ratio_interval = haven_ratio(independent, independent_interval, sigma, (low, high))
        return Conductivity(
            temperature=temperature,
            volume=mean_volume,
            level=level,
            sigma=sigma,
            sigma_interval=(low, high),
            resolved=fit.resolved,
            independent=independent,
            independent_interval=independent_interval,
            haven_ratio=ratio,
            haven_interval=ratio_interval,
            diffusion=diffusion,
            slope=fit,
        )

    def plot(self, axes: Any = None) -> Any:
        """Draw the squared displacement of the charge with its error; see `Quantity.plot`."""
        data = self.data
        axes = new_axes(axes, data.lag_times, data.charge_msd)
        axes.plot(data.lag_times, data.charge_msd)
        low, high = data.charge_msd - data.charge_msd_error, data.charge_msd + data.charge_msd_error
        axes.fill_between(data.lag_times, low, high, alpha=0.25, lw=0.0)
        return axes


def _universe(groups: Sequence[tuple[Any, float]]) -> Any:
    universes = [group.universe for group, _ in groups if hasattr(group, "universe")]
    if not universes:
        raise InputError("no group is an AtomGroup; give pairs such as (universe.select_atoms(...), 1.0)")
    if any(universe is not universes[0] for universe in universes):
        raise InputError("the groups are of different universes; take all of them from one")
    return universes[0]


def _ions(group: Any) -> list[tuple[NDArray[np.int64], Array]]:
    """Atoms and masses of each ion; where there is one atom, its mass does not matter."""
    if hasattr(group, "universe"):
        return [(np.array([index]), np.ones(1)) for index in indices_of(group, "cation")]
    anions = list(group)
    if not anions or not all(isinstance(anion, Anion) for anion in anions):
        raise InputError("a group is neither an AtomGroup nor some anions of find_ions")
    return [(anion.indices, anion.masses) for anion in anions]


def _in_one_group(atoms: NDArray[np.int64]) -> None:
    different, counts = np.unique(atoms, return_counts=True)
    if counts.max() > 1:
        raise InputError(f"atom {different[counts.argmax()]} is in two groups; its charge would count twice")


def _charges(charges: Sequence[float]) -> Array:
    result = np.asarray(charges, dtype=np.float64)
    if not np.isfinite(result).all() or not result.any():
        raise InputError(f"charges {list(charges)} carry no current; give the charge of an ion in e")
    return result
