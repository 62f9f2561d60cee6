"""One small run that every peer analyses too, and what we find in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import MDAnalysis as mda
import numpy as np
from MDAnalysis.lib.mdamath import triclinic_box
from numpy.typing import NDArray
from scipy.signal.windows import hann
from synthetic_conductor import Conductor, conductor

from openmm_anion.analysis.arrhenius import arrhenius_fit
from openmm_anion.analysis.charge_transport import ChargeDisplacement
from openmm_anion.analysis.conductivity import nernst_einstein
from openmm_anion.analysis.diffusion import FitWindow, RunDiffusion, run_diffusion
from openmm_anion.analysis.distinct_van_hove import VanHoveDistinct
from openmm_anion.analysis.hops import SiteHops
from openmm_anion.analysis.ions import Anion, find_ions
from openmm_anion.analysis.msd import MeanSquaredDisplacement
from openmm_anion.analysis.orientation import OrientationalCorrelation
from openmm_anion.analysis.sites import Sites
from openmm_anion.analysis.spectrum import VibrationalSpectrum
from openmm_anion.analysis.van_hove import VanHoveSelf

Array = NDArray[np.float64]

N_FRAMES = 400
DT = 0.05
"""Time between frames, ps."""
GRID = (3, 3, 3)
LAG = 100
"""Frames between the two times of van Hove functions."""
ORIGINS = 20
"""Their time origins, the first of all frames: one peer takes hours for many."""
WIDTH, LONGEST = 0.25, 6.0
"""Of their bins and where these end, A."""
RADIUS = 0.6
"""Of a site, A."""
WINDOW = FitWindow(2.0, 5.0)
TEMPERATURE = 600.0
KELVIN = np.array([500.0, 600.0, 750.0, 900.0])
DIFFUSIVITIES = 2.0 * np.exp(-0.3 / (8.617e-5 * KELVIN)) * [1.1, 0.9, 0.95, 1.1]
"""With an activation energy of about 0.3 eV."""
STRIDE = 10
"""Of the curves that are kept in a file."""


@dataclass(frozen=True, eq=False)
class PeerRun:
    """A conductor of `benchmarks/synthetic_conductor.py`, wrapped, rounded to single precision.

    Attributes
    ----------
    made : Conductor
        What was made.
    """

    made: Conductor

    @cached_property
    def positions(self) -> Array:
        """In the cell, A: PS4 after PS4, then Li."""
        return self.made.wrapped().astype(np.float32).astype(np.float64)

    @cached_property
    def continuous(self) -> Array:
        """Across the faces of the cell, A."""
        moved = np.round((self.made.positions - self.positions) @ np.linalg.inv(self.box)) @ self.box
        return np.asarray(self.positions + moved)

    @cached_property
    def velocities(self) -> Array:
        """Differences of positions, A/ps."""
        return np.gradient(self.continuous, DT, axis=0).astype(np.float32).astype(np.float64)

    @property
    def box(self) -> Array:
        """Cell, vectors as rows, A."""
        return self.made.boxes[0]

    @property
    def symbols(self) -> list[str]:
        """Elements."""
        return ["P", "S", "S", "S", "S"] * self.made.n_anions + ["Li"] * len(self.made.cations)

    @property
    def cations(self) -> NDArray[np.int64]:
        """Atoms that hop."""
        return self.made.cations

    @property
    def centers(self) -> NDArray[np.int64]:
        """P atoms."""
        return np.arange(0, 5 * self.made.n_anions, 5)

    @property
    def framework(self) -> list[list[int]]:
        """All atoms but Li, each for itself: peers take their mean for the drift."""
        return [[atom] for atom in range(5 * self.made.n_anions)]

    @cached_property
    def universe(self) -> Any:
        """For us."""
        universe = mda.Universe.empty(len(self.symbols), trajectory=True)
        universe.add_TopologyAttr("elements", self.symbols)
        masses = {"P": 30.974, "S": 32.06, "Li": 6.94}
        universe.add_TopologyAttr("masses", [masses[symbol] for symbol in self.symbols])
        universe.load_new(
            self.positions.astype(np.float32),
            velocities=self.velocities.astype(np.float32),
            dimensions=np.tile(triclinic_box(*self.box.astype(np.float32)), (len(self.positions), 1)),
            dt=DT,
        )
        return universe

    @cached_property
    def anions(self) -> tuple[Anion, ...]:
        """PS4."""
        return find_ions(self.universe, "Li", "PS4").anions


@cache
def peer_run(*, tilted: bool) -> PeerRun:
    """The run in an orthorhombic or a triclinic cell: 27 PS4 and 81 Li, 20 ps."""
    return another_run(4, tilted=tilted)


def another_run(seed: int, *, tilted: bool) -> PeerRun:
    """A run like it."""
    return PeerRun(conductor(N_FRAMES, tilted=tilted, seed=seed, anion_grid=GRID, interval=DT))


def checksum(run: PeerRun) -> float:
    """A number that tells whether this is the run that the peers had."""
    return float(np.abs(run.made.positions[:: N_FRAMES // 7]).sum())


def diffusion(run: PeerRun) -> RunDiffusion:
    """D of Li relative to the framework."""
    data = MeanSquaredDisplacement(run.universe.atoms[run.cations], run.framework).run().data
    curves = data.lag_times.values, data.msd_by_particle.values
    return run_diffusion(*curves, hop_length=3.0, window=WINDOW)


def ours(run: PeerRun) -> dict[str, Array]:
    """Every quantity that a peer has too, by name; curves every `STRIDE` lags."""
    li = run.universe.atoms[run.cations]
    found: dict[str, Array] = {}
    for frame, name in ((None, "msd in the lab"), (run.framework, "msd")):
        data = MeanSquaredDisplacement(li, frame).run().data
        found[name] = data.msd.values[::STRIDE]
    coefficient = diffusion(run)
    found["D"] = np.array([coefficient.d])
    found["error of D"] = np.array([coefficient.particle_error])
    # Each charge is one, so the square of the sum, by the number of ions, is what peers call it.
    charge = ChargeDisplacement([(li, 1.0)], run.framework).run().data
    found["charge displacement"] = charge.charge_msd.values[::STRIDE] / len(li)
    volume = abs(np.linalg.det(run.box))
    found["Nernst-Einstein"] = np.array([nernst_einstein([len(li)], [1.0], [1.0], volume, TEMPERATURE)])
    fit = arrhenius_fit(KELVIN, DIFFUSIVITIES, 0.1 * DIFFUSIVITIES)
    found["Arrhenius"] = np.array([fit.activation_energy, fit.prefactor])
    early: dict[str, Any] = {"stop": LAG + ORIGINS}
    bins: dict[str, Any] = {"width": WIDTH, "longest_distance": LONGEST}
    self_part = VanHoveSelf(li, run.framework, lags=[LAG * DT], **bins).run(**early).data
    found["self van Hove"] = self_part.radial.values[0]
    groups = {"Li-Li": (li, li), "P-Li": (run.universe.atoms[run.centers], li)}
    for name, (a, b) in groups.items():
        for frame, where in ((None, " in the lab"), (run.framework, "")):
            distinct = VanHoveDistinct(a, b, lags=[LAG * DT], origins=1, relative_to=frame, **bins)
            found[f"distinct van Hove {name}{where}"] = distinct.run(**early).data.radial.values[0]
    turns = OrientationalCorrelation(run.universe, run.anions).run().data
    for name in ("c1", "c2"):
        found[name] = turns[name].values[::STRIDE, 0]
    hops = SiteHops(li, Sites.at(run.made.sites, run.box), None, radius=RADIUS, settle=DT).run()
    found["hops from each site"] = hops.transition_matrix().sum(axis=1)
    found["hops to each site"] = hops.transition_matrix().sum(axis=0)
    found["share at sites"] = np.array([hops.data.within_radius.item()])
    spectrum = VibrationalSpectrum(li, run.anions, segment=N_FRAMES // 4 * DT).run().data
    found["spectrum"] = spectrum.spectrum.sel(part="cations").values
    return found


def hann_segments(series: Array) -> list[Array]:
    """Half-overlapping quarters of a series under a Hann window, of which a plain transform is the power."""
    size = N_FRAMES // 4
    window = hann(size, sym=False)
    window /= np.sqrt(np.mean(window**2))
    return [window * series[k : k + size] for k in range(0, N_FRAMES - size + 1, size // 2)]


TOLERANCES: dict[str, tuple[float, float]] = {
    "msd": (1e-6, 5e-5),
    "msd in the lab": (1e-6, 5e-5),
    "charge displacement": (1e-6, 5e-5),
    "Nernst-Einstein": (1e-6, 0.0),
    "Arrhenius": (1e-6, 0.0),
    "self van Hove": (0.0, 1e-3),
    "distinct van Hove": (0.0, 2e-3),
    "c1": (0.0, 1e-5),
    "c2": (0.0, 1e-5),
    "hops from each site": (0.0, 0.0),
    "hops to each site": (0.0, 0.0),
    "share at sites": (0.0, 1e-5),
    "spectrum": (1e-6, 1e-6),
}
"""Relative and absolute. A single distance at the edge of a bin that single precision moves is 2e-3 / A."""


def assert_equal(found: dict[str, Array], theirs: dict[str, Any]) -> None:
    """Compare what a peer says with what we say; D has two errors, all else is a number."""
    for name, value in theirs.items():
        expected = np.asarray(value, dtype=np.float64)
        if name in ("D", "error of D"):
            continue
        relative, absolute = TOLERANCES["distinct van Hove" if name.startswith("distinct") else name]
        known = np.isfinite(expected)  # a peer may leave short lags out
        assert np.ptp(expected[known]) > 0.0 or expected.size == 1
        np.testing.assert_allclose(
            found[name][known], expected[known], rtol=relative, atol=absolute, err_msg=name
        )
    if "D" in theirs:
        error, their_error = found["error of D"].item(), float(np.ravel(theirs["error of D"])[0])
        assert abs(found["D"].item() - float(np.ravel(theirs["D"])[0])) < error + their_error
        # Its windows do not overlap, so it says up to twice the spread of independent runs, which ours is.
        assert 0.4 < error / their_error < 1.2
