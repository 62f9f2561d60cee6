"""Time the analysis against its peers, in one run, on one thread, on data with a known truth.

    OMP_NUM_THREADS=1 python benchmarks/analysis_speed.py [--frames 5000] [--repeat 3]

1,024 atoms: 384 cations that hop on 768 sites, 128 PS4 that vibrate, librate and jump; orthorhombic,
triclinic, and in a cell that breathes while the crystal drifts, all wrapped; MDAnalysis' displacements, which
take positions as they are, get continuous ones, and in the second row its `NoJump` before. Figures are CPU
seconds, the smallest of a few runs, less the time that the same frames take to be read. In the first row ours
and MDAnalysis' runs take turns, and the last column is the median of the ratios. MDAnalysis and mdtraj
are there in any case; `pip install tidynamics` brings the third peer, which those displacements need as well,
and `pip install kinisi` the fourth, which is called once: it takes a minute for a thousand lags.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import MDAnalysis as mda
import mdtraj
import numpy as np
from MDAnalysis.analysis.base import AnalysisBase
from MDAnalysis.analysis.msd import EinsteinMSD
from MDAnalysis.lib.mdamath import triclinic_box
from MDAnalysis.transformations.nojump import NoJump
from synthetic_conductor import HOP_RATE, INTERVAL, JUMP_RATE, Conductor, conductor

from openmm_anion.analysis.diffusion import run_diffusion
from openmm_anion.analysis.distinct_van_hove import VanHoveDistinct
from openmm_anion.analysis.hops import SiteHops
from openmm_anion.analysis.ions import Ions, find_ions
from openmm_anion.analysis.legendre import legendre_correlation
from openmm_anion.analysis.msd import MeanSquaredDisplacement
from openmm_anion.analysis.residence import ResidenceCorrelation
from openmm_anion.analysis.rotation_events import RotationEvents
from openmm_anion.analysis.sites import Sites
from openmm_anion.text_table import columns

try:
    import tidynamics
except ImportError:
    tidynamics = None

try:
    import kinisi.analyze
    import scipp
except ImportError:
    kinisi = None

LAGS = 20
PAIRS = 9114
"""Pairs of frames of a van Hove function, in all."""
SHELL = 4.5
"""Radius of the shell of an anion, A."""
_LEAST = 3.0
"""CPU seconds of all calls of a job together, or more."""


class Reading(AnalysisBase):
    """Reads frames, and does nothing with them."""

    def __init__(self, universe: Any) -> None:
        super().__init__(universe.trajectory)

    def _single_frame(self) -> None:
        _ = self._ts.positions


def universe_of(made: Conductor, wrapped: bool = True) -> Any:
    """The trajectory in memory, with elements and cells."""
    universe = mda.Universe.empty(made.positions.shape[1], trajectory=True)
    n_cations = len(made.cations)
    universe.add_TopologyAttr("elements", ["P", "S", "S", "S", "S"] * made.n_anions + ["Li"] * n_cations)
    universe.add_TopologyAttr("masses", [30.974, *[32.06] * 4] * made.n_anions + [6.94] * n_cations)
    boxes = np.array([triclinic_box(*box) for box in made.boxes.astype(np.float32)])
    positions = made.wrapped() if wrapped else made.positions
    universe.load_new(positions.astype(np.float32), dimensions=boxes, dt=INTERVAL)
    return universe


def seconds(call: Callable[[], object], repeat: int, less: float = 0.0) -> float:
    """CPU seconds of a call, the smallest of a few; it has been called before, so that it is compiled.

    Short ones are called more often, as what else the processor does weighs most there.
    """
    call()
    times: list[float] = []
    while len(times) < repeat or sum(times) < _LEAST:
        begin = time.process_time()
        call()
        times.append(time.process_time() - begin)
    return max(min(times) - less, 1e-3)


def in_turn(
    ours: Callable[[], object], peers: Callable[[], object], reading: Callable[[], object], turns: int
) -> tuple[float, float, float]:
    """CPU seconds of two calls less those of reading, the smallest of each, and the median of their ratios.

    They take turns, as the speed of a processor that others use as well changes from second to second.
    """
    times = np.empty((turns + 1, 3))
    for row in times:
        for k, call in enumerate((ours, peers, reading)):
            begin = time.process_time()
            call()
            row[k] = time.process_time() - begin
    less = times[1:, :2] - times[1:, 2:]  # without the first, which compiles
    mine, theirs = (times[1:].min(axis=0) - times[1:, 2].min())[:2]
    return float(mine), float(theirs), float(np.median(less[:, 1] / less[:, 0]))


def bond_vectors(made: Conductor) -> np.ndarray[Any, Any]:
    """Unit vectors from P to S, (frames, bonds, 3)."""
    anions = made.positions[:, : 5 * made.n_anions].reshape(len(made.positions), -1, 5, 3)
    bonds = (anions[:, :, 1:] - anions[:, :, :1]).reshape(len(anions), -1, 3)
    return np.asarray(bonds / np.linalg.norm(bonds, axis=-1, keepdims=True))


def jobs(
    made: Conductor, universe: Any, ions: Ions, args: argparse.Namespace
) -> list[tuple[str, float, str, float, float]]:
    """Name, our seconds, peer, its seconds, and how many times ours that is."""
    n, repeat = args.frames, args.repeat
    cations = universe.atoms[ions.cations]
    reading = seconds(lambda: Reading(universe).run(), repeat)
    rows: list[tuple[str, float, str, float, float]] = []

    def add(job: str, ours: float, peer: str = "", theirs: float = np.nan) -> None:
        rows.append((job, ours, peer, theirs, theirs / ours))

    def transport(atoms: Any, frame: Any, longest: float | None = None) -> None:
        data = MeanSquaredDisplacement(atoms, frame, longest=longest).run().data
        run_diffusion(data.lag_times.values, data.msd_by_particle.values, hop_length=2.8)

    whole = universe_of(made, wrapped=False).atoms[ions.cations]
    jumping = np.nan
    continuous = "MSD of all cations, all lags, and D, from continuous positions"
    if tidynamics:
        mine, plain, ratio = in_turn(
            lambda: transport(whole, None),
            lambda: EinsteinMSD(whole).run(),
            lambda: Reading(universe).run(),
            9,
        )
        rows.append((continuous, mine, "MDAnalysis", plain, ratio))
        jumping = no_jump_displacements(made, ions.cations) - reading
    else:
        add(continuous, seconds(lambda: transport(whole, None), repeat, reading), "MDAnalysis")
    ours = seconds(lambda: transport(cations, ions.anions), repeat, reading)
    add("the same in the frame of the anions, from wrapped ones", ours, "MDAnalysis, NoJump", jumping)
    if kinisi and np.ptp(made.boxes, axis=0).max() == 0.0:
        few = 0.02 * n * INTERVAL
        ours = seconds(lambda: transport(whole, None, longest=few), repeat, reading)
        add("displacements at the first 2 % of all lags, and D", ours, "kinisi", kinisi_diffusion(whole, few))
        many = 0.2 * n * INTERVAL
        ours = seconds(lambda: transport(whole, None, longest=many), repeat, reading)
        add("at the first 20 %", ours, "kinisi", kinisi_diffusion(whole, many))

    lags = np.unique(np.geomspace(1, n // 4, LAGS).astype(int))
    origins = max(1, n * LAGS // PAIRS)

    def van_hove(group: Any) -> None:
        VanHoveDistinct(cations, group, lags=lags * INTERVAL, origins=origins, relative_to=ions.anions).run()

    both = seconds(lambda: (van_hove(ions.anions), van_hove(cations)), repeat, 2 * reading)
    name = f"distinct van Hove, {LAGS} lags, cation-anion and cation-cation"
    add(name, both, "mdtraj", mdtraj_van_hove(made, lags, origins, args))

    vectors = bond_vectors(made)
    ours = seconds(lambda: (legendre_correlation(vectors, 1), legendre_correlation(vectors, 2)), repeat)
    add("C1 and C2 of 512 bonds, all lags", ours, "tidynamics", tidynamics_legendre(vectors))

    def residence() -> None:
        ResidenceCorrelation(cations, ions.anions, cutoff=SHELL).run().of_kind("continuous")

    add("residence of all cations at all anions, both kinds", seconds(residence, repeat, reading))
    if not made.breathing:
        sites = Sites.at(made.sites, made.boxes[0])
        hops = seconds(lambda: SiteHops(cations, sites, ions.anions, settle=0.1).run(), repeat, reading)
        add("hops between 768 sites", hops)
    turns = seconds(lambda: RotationEvents(universe, ions.anions, settle=0.5).run(), repeat, reading)
    add("rotation events of all anions", turns)
    return rows


def no_jump_displacements(made: Conductor, cations: Any) -> float:
    """Seconds of MDAnalysis' displacements behind its `NoJump`, without a frame to be relative to."""
    universe = universe_of(made)
    begin = time.process_time()
    universe.trajectory.add_transformations(NoJump())  # all frames at once, as they are in memory
    EinsteinMSD(universe.atoms[cations]).run()
    return time.process_time() - begin


def kinisi_diffusion(cations: Any, longest: float) -> float:
    """Seconds of kinisi for displacements at all lags up to one, and D; reading included, which is little."""
    lags = np.arange(1, round(longest / INTERVAL) + 1) * INTERVAL
    begin = time.process_time()
    found = kinisi.analyze.DiffusionAnalyzer.from_universe(
        cations.universe,
        specie_indices=scipp.array(dims=["particle"], values=cations.indices),
        time_step=scipp.scalar(INTERVAL, unit="ps"),
        step_skip=scipp.scalar(1),
        dt=scipp.array(dims=["time interval"], values=lags, unit="ps"),
        progress=False,
    )
    found.diffusion(scipp.scalar(0.3 * longest, unit="ps"), progress=False)
    return time.process_time() - begin


def mdtraj_van_hove(made: Conductor, lags: Any, origins: int, args: argparse.Namespace) -> float:
    """Seconds of mdtraj for as many pairs of frames, from some of the lags."""
    n = args.frames
    topology = mdtraj.Topology()
    chain = topology.add_chain()
    for _ in range(made.positions.shape[1]):
        topology.add_atom("C", mdtraj.element.carbon, topology.add_residue("X", chain))
    trajectory = mdtraj.Trajectory(made.wrapped() / 10.0, topology)
    trajectory.unitcell_vectors = made.boxes / 10.0
    centers = np.arange(0, 5 * made.n_anions, 5)
    cations = made.cations
    radius = float(0.45 * np.linalg.norm(made.boxes[0], axis=1).min() / 10.0)
    few = lags[:: max(1, len(lags) // 3)]
    begin = time.process_time()
    for group in (centers, cations):
        pairs = np.array([(i, j) for i in cations for j in group if i != j])
        for lag in few:
            starts = np.arange(0, n - lag, origins)
            times = np.column_stack([starts, starts + lag])
            mdtraj.compute_rdf_t(trajectory, pairs, times, r_range=(0.0, radius), self_correlation=False)
    return (time.process_time() - begin) * len(lags) / len(few)


def tidynamics_legendre(vectors: Any) -> float:
    """Seconds of tidynamics for C1 and C2."""
    if tidynamics is None:
        return np.nan
    begin = time.process_time()
    for bond in range(vectors.shape[1]):
        x = vectors[:, bond]
        tidynamics.acf(x)
        for a, b in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)):
            tidynamics.acf(x[:, a] * x[:, b])
    return time.process_time() - begin


def truth(made: Conductor, ions: Ions, universe: Any) -> str:
    """What was put in, and what is found."""
    sites = Sites.at(made.sites, made.boxes[0])
    hops = SiteHops(universe.atoms[ions.cations], sites, ions.anions, settle=0.1, radius=1.2).run()
    turns = RotationEvents(universe, ions.anions, settle=0.5).run().data
    return (
        f"{made.hops} hops were made (tries at {HOP_RATE}/ps), {hops.data.sizes['event']} are found; "
        f"{made.jumps} jumps of anions ({JUMP_RATE}/ps), {turns.sizes['event']} are found"
    )


def main() -> None:
    """Print a table per cell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, default=5000)
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    for name, tilted, breathing in (
        ("orthorhombic", False, False),
        ("triclinic", True, False),
        ("breathing and drifting", False, True),
    ):
        made = conductor(args.frames, tilted=tilted, breathing=breathing)
        universe = universe_of(made)
        ions = find_ions(universe, "Li", "PS4")
        assert len(ions.anions) == made.n_anions
        table = [("job", "ours (s)", "peer", "(s)", "times")]
        for job, ours, peer, theirs, ratio in jobs(made, universe, ions, args):
            known = np.isfinite(theirs)
            table.append(
                (
                    job,
                    f"{ours:.2f}",
                    peer,
                    f"{theirs:.2f}" if known else "-",
                    f"{ratio:.1f}" if known else "-",
                )
            )
        print(f"\n{name}, {args.frames} frames, {made.positions.shape[1]} atoms")
        print("\n".join(columns(table)))
        if not breathing:
            print(truth(made, ions, universe))


if __name__ == "__main__":
    main()
