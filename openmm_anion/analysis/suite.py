"""All quantities of one trajectory, with sensible settings where none are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from MDAnalysis.lib.distances import distance_array
from scipy.ndimage import gaussian_filter1d

from openmm_anion.analysis import headlines
from openmm_anion.analysis.anion_motion import AnionMotion
from openmm_anion.analysis.at_hops import AnionsAtHops
from openmm_anion.analysis.charge_transport import ChargeDisplacement
from openmm_anion.analysis.continuous import time_step
from openmm_anion.analysis.coupling import Coupling
from openmm_anion.analysis.density import CationDensity
from openmm_anion.analysis.displacement_hops import DisplacementHops
from openmm_anion.analysis.distinct_van_hove import VanHoveDistinct
from openmm_anion.analysis.hops import SiteHops
from openmm_anion.analysis.ions import Ions
from openmm_anion.analysis.msd import MeanSquaredDisplacement
from openmm_anion.analysis.non_gaussian import NonGaussianParameter
from openmm_anion.analysis.orientation import OrientationalCorrelation
from openmm_anion.analysis.parallel_reading import ParallelReading
from openmm_anion.analysis.quantity import Quantity
from openmm_anion.analysis.residence import ResidenceCorrelation
from openmm_anion.analysis.rotation_events import RotationEvents
from openmm_anion.analysis.sites import find_sites
from openmm_anion.analysis.spectrum import VibrationalSpectrum
from openmm_anion.analysis.van_hove import VanHoveSelf
from openmm_anion.analysis.van_hove_at_events import VanHoveAtEvents
from openmm_anion.errors import InputError

SETTLE = 1.0
"""How long a hop or a rotation must last, ps; a tenth of a run that is shorter than ten times that."""
LAGS = (0.01, 0.03, 0.1, 0.25)
"""Lag times of van Hove functions, of the length of the run."""
FEWEST_FRAMES = 2
SHELL_WIDTH = 0.1
"""Of the bins in which the edge of the first shell is looked for, A."""


@dataclass(frozen=True)
class Choices:
    """What a user may choose; None leaves it to the trajectory.

    Attributes
    ----------
    frames : slice
        Frames to use.
    frame_interval : float or None
        Time between frames of the file, ps.
    lags : tuple of float
        Lag times of van Hove functions, ps.
    settle : float or None
        How long a hop or a rotation must last, ps.
    hop_length : float or None
        Shortest hop, A; by default half the distance between neighbouring cations, or twice the noise of
        mean positions where that is more.
    cutoff : float or None
        Radius of the shell of an anion, A; by default the first minimum of the radial distribution of
        cations about anion centres.
    temperature : float or None
        Temperature for conductivities, K.
    charge : float
        Charge of a cation, e.
    verbose : bool
        Show progress.
    workers : int
        Processes that read frames.

    Examples
    --------
    >>> Choices(frames=slice(0, 100), temperature=900.0).cutoff is None
    True
    """

    frames: slice = field(default_factory=lambda: slice(None))
    frame_interval: float | None = None
    lags: tuple[float, ...] = ()
    settle: float | None = None
    hop_length: float | None = None
    cutoff: float | None = None
    temperature: float | None = None
    charge: float = 1.0
    verbose: bool = False
    workers: int = 1


@dataclass(frozen=True)
class Outcome:
    """A quantity, or why there is none.

    Attributes
    ----------
    name : str
        Name of the quantity.
    quantity : Quantity or None
        With its results.
    headline : str
        The result in one line, or the reason.
    numbers : dict
        The most important numbers by name, with their units in the name.

    Examples
    --------
    >>> Outcome("msd", None, "not computed: the trajectory has no cell", {}).numbers
    {}
    """

    name: str
    quantity: Quantity | None
    headline: str
    numbers: dict[str, float]


class Suite:
    """Compute every quantity of a trajectory, one after the other.

    Parameters
    ----------
    ions : Ions
        From `find_ions`.
    choices : Choices, optional
        Settings.

    Raises
    ------
    InputError
        If fewer than two frames are chosen, or the time between them is not known.

    Examples
    --------
    >>> sorted(QUANTITIES)[:3]
    ['anion-motion', 'anions-at-hops', 'cations-at-rotations']
    """

    def __init__(self, ions: Ions, choices: Choices | None = None) -> None:
        self.ions, self.choices = ions, choices or Choices()
        self.cations = ions.universe.atoms[ions.cations]
        self.anions = ions.anions
        trajectory, chosen = ions.universe.trajectory, self.choices.frames
        frames = range(*chosen.indices(trajectory.n_frames))
        if len(frames) < FEWEST_FRAMES:
            raise InputError(
                f"{len(frames)} of the {trajectory.n_frames} frames are chosen; at least {FEWEST_FRAMES} are "
                "needed"
            )
        interval = self.choices.frame_interval or time_step(trajectory)
        self.n_frames, self.interval = len(frames), interval * frames.step
        self.duration = (self.n_frames - 1) * self.interval
        self.done: dict[str, Any] = {}

    def run(self, names: list[str] | None = None) -> Iterator[Outcome]:
        """Compute quantities in turn; one that cannot be computed says why and stops no other.

        Parameters
        ----------
        names : list of str, optional
            Which; by default all.

        Yields
        ------
        Outcome
            Of each quantity, in the order of `names`.
        """
        for name in names or QUANTITIES:
            make, tell = QUANTITIES[name]
            try:
                quantity = self.computed(name, make)
                headline, numbers = tell(self, quantity.data)
            except InputError as error:
                yield Outcome(name, None, f"not computed: {error}", {})
            else:
                yield Outcome(name, quantity, headline, numbers)

    def computed(self, name: str, make: Make) -> Any:
        """A quantity, run once.

        Parameters
        ----------
        name : str
            Of the quantity, a key of `QUANTITIES`.
        make : callable
            Makes it from the suite, where it has not been run yet.

        Returns
        -------
        Quantity
            After its run; the same object each time.
        """
        if name not in self.done:
            self.done[name] = self._over_frames(make(self))
        return self.done[name]

    def _over_frames(self, quantity: Any) -> Any:
        chosen, workers = self.choices.frames, self.choices.workers
        several = workers > 1 and isinstance(quantity, ParallelReading)
        how = {"backend": "multiprocessing", "n_workers": workers} if several else {}
        return quantity.run(chosen.start, chosen.stop, chosen.step, **how)

    def options(self) -> dict[str, Any]:
        """Keywords that every quantity takes.

        Returns
        -------
        dict
            ``frame_interval`` (ps, or None) and ``verbose``.
        """
        return {"frame_interval": self.choices.frame_interval, "verbose": self.choices.verbose}

    @property
    def settle(self) -> float:
        """How long a hop or a rotation must last, ps: a whole number of frames."""
        wanted = self.choices.settle or min(SETTLE, 0.1 * self.duration)
        return max(2, round(wanted / self.interval)) * self.interval

    @property
    def window(self) -> float:
        """What is looked at before and after an event, ps: a whole number of frames."""
        return max(2, round(min(2.0 * self.settle, 0.1 * self.duration) / self.interval)) * self.interval

    @property
    def lags(self) -> list[float]:
        """Lag times of van Hove functions, ps."""
        if self.choices.lags:
            return list(self.choices.lags)
        frames = {max(1, round(share * (self.n_frames - 1))) for share in LAGS}
        return [frame * self.interval for frame in sorted(frames)]

    @cached_property
    def neighbour_distance(self) -> float:
        """Median distance of a cation to its nearest neighbour in the first frame, A."""
        frame = self.ions.universe.trajectory[0]
        positions = frame.positions[self.ions.cations]
        distances = distance_array(positions, positions, box=frame.dimensions)
        np.fill_diagonal(distances, np.inf)
        return float(np.median(distances.min(axis=1)))

    @property
    def hop_length(self) -> float:
        """Shortest hop, A."""
        return self.choices.hop_length or 0.5 * self.neighbour_distance

    @cached_property
    def cutoff(self) -> float:
        """Radius of the shell of an anion, A."""
        if self.choices.cutoff:
            return self.choices.cutoff
        g = VanHoveDistinct(
            self.cations,
            self.anions,
            lags=[0.0],
            width=SHELL_WIDTH,
            relative_to=self.anions,
            **self.options(),
        )
        data = self._over_frames(g).data
        return first_minimum(data.distance.values, data.g.values[0])


def first_minimum(distance: Any, g: Any) -> float:
    """Return the distance of the first minimum behind the first peak of a radial distribution.

    Parameters
    ----------
    distance, g : array, shape (n,)
        The function, smoothed here over two bins.

    Returns
    -------
    float
        In the unit of `distance`.

    Raises
    ------
    InputError
        If there is none.

    Examples
    --------
    >>> r = np.arange(0.05, 6.0, 0.1)
    >>> first_minimum(r, np.exp(-((r - 3) ** 2) / 0.1) + np.exp(-((r - 5) ** 2) / 0.2))
    3.85
    """
    smooth = gaussian_filter1d(np.asarray(g, dtype=np.float64), 2.0)
    peak = int(np.argmax(smooth > 0.5 * smooth.max()))
    peak += int(np.argmax(np.append(np.diff(smooth[peak:]), -1.0) < 0.0))
    rises = np.flatnonzero(np.diff(smooth[peak:]) > 0.0)
    if not len(rises):
        raise InputError("cations have no first shell about the anions in this cell; give the cutoff in A")
    return float(distance[peak + rises[0]])


Make = Callable[[Suite], Any]
"""Makes what has ``run(start, stop, step)`` and ``data``: a `Quantity`."""


def _density(suite: Suite) -> CationDensity:
    return CationDensity(suite.cations, suite.anions, **suite.options())


def _site_hops(suite: Suite) -> SiteHops:
    density = suite.computed("density", _density)
    sites = find_sites(density.data)
    return SiteHops(suite.cations, sites, suite.anions, settle=suite.settle, **suite.options())


def _charge(suite: Suite) -> ChargeDisplacement:
    return ChargeDisplacement([(suite.cations, suite.choices.charge)], suite.anions, **suite.options())


def _residence(suite: Suite) -> ResidenceCorrelation:
    return ResidenceCorrelation(suite.cations, suite.anions, cutoff=suite.cutoff, **suite.options())


def _coupling(suite: Suite) -> Coupling:
    return Coupling(suite.cations, suite.anions, cutoff=suite.cutoff, **suite.options())


def _van_hove(group: str) -> Make:
    def make(suite: Suite) -> VanHoveDistinct:
        other = suite.cations if group == "cations" else suite.anions
        return VanHoveDistinct(
            suite.cations,
            other,
            lags=[0.0, *suite.lags],
            relative_to=suite.anions,
            **suite.options(),
        )

    return make


def _rotations(suite: Suite) -> RotationEvents:
    return RotationEvents(suite.ions.universe, suite.anions, settle=suite.settle, **suite.options())


def _hops(suite: Suite) -> DisplacementHops:
    return DisplacementHops(
        suite.cations,
        suite.anions,
        length=suite.hop_length,
        settle=suite.settle,
        above_noise=suite.choices.hop_length is None,
        **suite.options(),
    )


def _motion(suite: Suite) -> AnionMotion:
    return AnionMotion(suite.ions.universe, suite.anions, **suite.options())


def _at_hops(suite: Suite) -> AnionsAtHops:
    hops, motion = suite.computed("hops", _hops).data, suite.computed("anion-motion", _motion).data
    return AnionsAtHops(suite.ions.universe, suite.anions, hops, motion, window=suite.window)


def _at_rotations(suite: Suite) -> VanHoveAtEvents:
    turns = suite.computed("rotations", _rotations).data
    frames = np.round(turns.event_time.values / suite.interval).astype(np.int64)
    events = np.column_stack([frames, turns.event_anion.values.astype(np.int64)])
    if len(events) < 2:
        raise InputError(f"{len(events)} rotations of anions are no average; run longer, or hotter")
    return VanHoveAtEvents(suite.cations, suite.anions, events, window=suite.window, **suite.options())


Tell = Callable[[Suite, xr.Dataset], tuple[str, dict[str, float]]]

QUANTITIES: dict[str, tuple[Make, Tell]] = {
    "msd": (
        lambda s: MeanSquaredDisplacement(s.cations, s.anions, tensor=True, **s.options()),
        headlines.msd,
    ),
    "charge": (_charge, headlines.charge),
    "non-gaussian": (
        lambda s: NonGaussianParameter(s.cations, s.anions, **s.options()),
        headlines.non_gaussian,
    ),
    "van-hove-self": (
        lambda s: VanHoveSelf(s.cations, s.anions, lags=s.lags, **s.options()),
        headlines.van_hove_self,
    ),
    "van-hove-cation-anion": (_van_hove("anions"), headlines.van_hove_distinct),
    "van-hove-cation-cation": (_van_hove("cations"), headlines.van_hove_distinct),
    "density": (_density, headlines.density),
    "hops": (_hops, headlines.hops),
    "site-hops": (_site_hops, headlines.site_hops),
    "anion-motion": (_motion, headlines.anion_motion),
    "orientation": (
        lambda s: OrientationalCorrelation(s.ions.universe, s.anions, **s.options()),
        headlines.orientation,
    ),
    "rotations": (_rotations, headlines.rotations),
    "anions-at-hops": (_at_hops, headlines.at_hops),
    "cations-at-rotations": (_at_rotations, headlines.at_rotations),
    "residence": (_residence, headlines.residence),
    "coupling": (_coupling, headlines.coupling),
    "spectrum": (
        lambda s: VibrationalSpectrum(s.cations, s.anions, **s.options()),
        headlines.spectrum,
    ),
}
"""Every quantity: how it is made, and how it is told in one line."""
