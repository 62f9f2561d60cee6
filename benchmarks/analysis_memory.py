"""Peak memory of the analysis of a trajectory that is larger than that: 100,000 frames of 10,000 atoms.

    OMP_NUM_THREADS=1 python benchmarks/analysis_memory.py [QUANTITY ...] [--frames 100000] [--atoms 10000]

The trajectory (12 GB as a DCD file) is made frame by frame while it is read, and never exists as a whole: PS4
anions that vibrate at their places, and cations that walk with a known diffusion coefficient, wrapped into
the cell. Each quantity is computed in a process of its own, whose peak memory (resident set) is printed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import MDAnalysis as mda
import numpy as np
import xarray as xr
from MDAnalysis.coordinates.base import ReaderBase

from openmm_anion.analysis.anion_motion import AnionMotion
from openmm_anion.analysis.at_hops import AnionsAtHops
from openmm_anion.analysis.charge_transport import ChargeDisplacement
from openmm_anion.analysis.coupling import Coupling
from openmm_anion.analysis.density import CationDensity
from openmm_anion.analysis.diffusion import run_diffusion
from openmm_anion.analysis.displacement_hops import DisplacementHops
from openmm_anion.analysis.distinct_van_hove import VanHoveDistinct
from openmm_anion.analysis.ions import Ions, find_ions
from openmm_anion.analysis.msd import MeanSquaredDisplacement
from openmm_anion.analysis.orientation import OrientationalCorrelation
from openmm_anion.analysis.residence import ResidenceCorrelation
from openmm_anion.analysis.rotation_events import RotationEvents
from openmm_anion.text_table import columns

SPACING, INTERVAL = 7.2, 0.05
"""Of anions, A; between frames, ps."""
STEP = 0.05
"""Root mean square of the step of a cation between frames, along each axis, A."""
TETRAHEDRON = np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 1.18


class Walk(ReaderBase):
    """A trajectory that is made while it is read."""

    format = "WALK"
    units = {"time": "ps", "length": "Angstrom"}  # noqa: RUF012  # as readers of MDAnalysis have it

    def __init__(self, filename: str, frames: int = 0, cells: int = 0, cations: int = 0, **options: Any):
        super().__init__(filename, **options)
        self.n_frames, self._cells, self._n_cations = frames, cells, cations
        self.n_atoms = 5 * cells**3 + cations
        self.ts = self._Timestep(self.n_atoms, **self._ts_kwargs)
        self.ts.dt = INTERVAL
        self._reopen()
        self._read_next_timestep()

    def _reopen(self) -> None:
        self.ts.frame = -1
        self._random = np.random.default_rng(1)
        centers = (np.array(list(np.ndindex(3 * (self._cells,)))) + 0.5) * SPACING
        self._anions = (centers[:, None] + TETRAHEDRON).reshape(-1, 3).astype(np.float32)
        places = self._random.random((self._n_cations, 3)) * SPACING * self._cells
        self._walkers = places.astype(np.float32)

    def _read_next_timestep(self, ts: Any = None) -> Any:
        if self.ts.frame >= self.n_frames - 1:
            raise EOFError
        n, edge = len(self._anions), np.float32(SPACING * self._cells)
        noise = self._random.standard_normal((self.n_atoms, 3), dtype=np.float32)
        self.ts.positions[:n] = self._anions + np.float32(0.05) * noise[:n]
        self._walkers += np.float32(STEP) * noise[n:]
        self._walkers -= edge * np.floor(self._walkers / edge)
        self.ts.positions[n:] = self._walkers
        self.ts.dimensions = [edge, edge, edge, 90, 90, 90]
        self.ts.frame += 1
        return self.ts

    def _read_frame(self, frame: int) -> Any:
        if frame <= self.ts.frame:
            self._reopen()
        while self.ts.frame < frame:
            self._read_next_timestep()
        return self.ts


def ions_of(args: argparse.Namespace) -> Ions:
    """About as many atoms as asked for, three eighths of them cations."""
    cells = round((args.atoms / 8) ** (1 / 3))
    cations = 3 * cells**3
    universe = mda.Universe.empty(5 * cells**3 + cations, trajectory=True)
    universe.add_TopologyAttr("elements", ["P", "S", "S", "S", "S"] * cells**3 + ["Li"] * cations)
    universe.add_TopologyAttr("masses", [30.974, *[32.06] * 4] * cells**3 + [6.94] * cations)
    universe.load_new("walk", format=Walk, frames=args.frames, cells=cells, cations=cations)
    return find_ions(universe, "Li", "PS4")


def msd(ions: Ions, duration: float) -> str:
    """Diffusion coefficient, with lags up to a quarter of the run."""
    quantity = MeanSquaredDisplacement(
        ions.universe.atoms[ions.cations], ions.anions, longest=0.25 * duration
    )
    data = quantity.run().data
    found = run_diffusion(data.lag_times.values, data.msd_by_particle.values, hop_length=3.0)
    return f"D = {found.d:.5f} +- {found.standard_error:.5f} A^2/ps; made with {STEP**2 / (2 * INTERVAL):.5f}"


def van_hove(ions: Ions, duration: float) -> str:
    """Cations around anions."""
    cations = ions.universe.atoms[ions.cations]
    lags = np.round(np.array([0.0, 0.1, 0.25]) * duration / INTERVAL) * INTERVAL
    data = VanHoveDistinct(cations, ions.anions, lags=lags, relative_to=ions.anions).run().data
    return f"g at large distances {float(data.g[:, -20:].mean()):.4f}"


def residence(ions: Ions, duration: float) -> str:
    """Of cations in the shells of anions."""
    data = ResidenceCorrelation(ions.universe.atoms[ions.cations], ions.anions, cutoff=4.5).run().data
    uniform = 3 * 4 / 3 * np.pi * (4.5 / SPACING) ** 3
    return f"coordination {float(data.coordination[0]):.3f}; uniform {uniform:.3f}"


def density(ions: Ions, duration: float) -> str:
    """On a grid."""
    data = CationDensity(ions.universe.atoms[ions.cations], ions.anions).run().data
    return f"mean {float(data.density.mean()):.5f} per A^3; uniform {3 / SPACING**3:.5f}"


def hops(ions: Ions, duration: float) -> str:
    """By displacements; a walker that never rests makes many."""
    cations = ions.universe.atoms[ions.cations]
    data = DisplacementHops(cations, ions.anions, length=2.0, settle=1.0, above_noise=True).run().data
    return f"{data.sizes['event']} hops over {float(data.shortest):.2f} A"


def orientation(ions: Ions, duration: float) -> str:
    """Of anions that stand still."""
    data = OrientationalCorrelation(ions.universe, ions.anions).run().data
    return f"{data.sizes['lag_times']} lags"


def charge(ions: Ions, duration: float) -> str:
    """Conductivity at 300 K, with lags up to a quarter of the run."""
    cations = ions.universe.atoms[ions.cations]
    quantity = ChargeDisplacement([(cations, 1.0)], ions.anions, longest=0.25 * duration).run()
    found = quantity.conductivity(300.0, hop_length=3.0)
    low, high = found.haven_interval
    return f"Haven ratio {found.haven_ratio:.2f}, {low:.2f} to {high:.2f}; independent walkers have 1"


def motion(ions: Ions, duration: float) -> str:
    """Of anions that stand still and vibrate."""
    data = AnionMotion(ions.universe, ions.anions).run().data
    last = data.isel(time=-1)
    return f"libration {float(data.libration_rms.mean()):.4f}, in the end {float(last.angle.mean()):.4f} rad"


def anions_at_hops(ions: Ions, duration: float) -> str:
    """Their motion, and what it is around a thousand moments that are taken for hops."""
    moved = AnionMotion(ions.universe, ions.anions).run().data
    rng = np.random.default_rng(1)
    hops = xr.Dataset(
        {
            "time": ("event", rng.uniform(0.0, duration, 1000)),
            "cation": ("event", rng.choice(ions.cations, 1000)),
            "jump": (("event", "xyz"), rng.normal(size=(1000, 3))),
        }
    )
    data = AnionsAtHops(ions.universe, ions.anions, hops, moved, window=2.0).run().data.isel(lag_times=-1)
    usual = data.sel(control="shifted").translation_control
    return f"moved by {float(data.translation / usual):.3f} of what they do at other times"


def rotations(ions: Ions, duration: float) -> str:
    """Of anions that do not turn."""
    return f"{RotationEvents(ions.universe, ions.anions).run().data.sizes['event']} events"


def coupling(ions: Ions, duration: float) -> str:
    """Of cations and anions that do not know of each other."""
    data = Coupling(ions.universe.atoms[ions.cations], ions.anions, cutoff=4.5).run().data
    return f"coupling {float(np.abs(data.coupling).max()):.0e} at most"


QUANTITIES = (
    msd, van_hove, residence, density, hops, orientation, charge, motion, rotations, coupling, anions_at_hops
)  # fmt: skip
JOBS = {f.__name__.replace("_", "-"): f for f in QUANTITIES}


def job(name: str, args: argparse.Namespace) -> tuple[str, float, float]:
    """What came out, minutes, and GB."""
    warnings.simplefilter("ignore")
    begin = time.monotonic()
    told = JOBS[name](ions_of(args), (args.frames - 1) * INTERVAL)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return told, (time.monotonic() - begin) / 60.0, peak


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "quantities", nargs="*", choices=[*JOBS, []], metavar="QUANTITY", help=", ".join(JOBS)
    )
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--atoms", type=int, default=10_000)
    args = parser.parse_args()
    if not set(args.quantities) <= JOBS.keys():
        parser.error(f"quantities are {', '.join(JOBS)}")
    table = [("quantity", "peak memory (GB)", "minutes", "")]
    for name in args.quantities or JOBS:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as own:
            told, minutes, peak = own.submit(job, name, args).result()
        table.append((name, f"{peak:.2f}", f"{minutes:.1f}", told))
    print(f"{args.frames} frames of about {args.atoms} atoms")
    print("\n".join(columns(table)))


if __name__ == "__main__":
    main()
