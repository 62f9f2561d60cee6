"""A study directory with known truth: cations that hop on a grid among librating PS4 anions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from openmm import Vec3, app, unit
from scipy.signal import lfilter
from scipy.spatial.transform import Rotation

from openmm_anion.analysis.ions import Anion
from openmm_anion.study.layout import RunKey, StudyLayout

SPACING = 3.5
"""Distance between cation sites, A: the length of a hop."""

SITES = 4
"""Sites along each edge of the cubic box."""

BOX = SPACING * SITES
CUBIC = [BOX, BOX, BOX, 90.0, 90.0, 90.0]
N_CATIONS = 48
N_ANIONS = 16
BOND = 1.0
"""Short, so that anions do not touch."""
FRAME_INTERVAL = 0.1
TETRAHEDRON = BOND / np.sqrt(3.0) * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
PS4_MASSES = np.array([30.974] + [32.06] * 4)

Array = NDArray[np.float64]


def ps4(first: int) -> Anion:
    """The anion whose atoms, P and four S, begin at a number."""
    return Anion("PS4", np.arange(first, first + 5), ("P", *"SSSS"), PS4_MASSES, 0, np.arange(1, 5))


ANIONS = [ps4(5 * a) for a in range(N_ANIONS)]
CATIONS = slice(5 * N_ANIONS, None)


def hopping(rng: np.random.Generator, n_particles: int, n_frames: int, d: float, dt: float) -> Array:
    """Random walks on a cubic grid with diffusion coefficient `d` (A^2/ps), (frames, particles, 3), A."""
    hops = rng.poisson(6.0 * d * dt / SPACING**2, (n_frames, n_particles))
    hops[0] = 0
    steps = np.zeros((n_frames, n_particles, 3))
    np.put_along_axis(
        steps,
        rng.integers(0, 3, (n_frames, n_particles, 1)),
        (rng.choice([-1.0, 1.0], hops.shape) * np.sqrt(hops) * SPACING)[..., None],
        axis=2,
    )
    return np.asarray(np.cumsum(steps, axis=0))


def hopping_in_strings(
    rng: np.random.Generator, n_particles: int, n_frames: int, d: float, dt: float, burst: float
) -> Array:
    """As `hopping`, but cations hop together: strings of m, geometrically distributed.

    The number of hops has the variance of single ones times ``burst = <m^2> / <m>``.
    """
    mean = 0.5 * (burst + 1.0)
    strings = rng.poisson(6.0 * d * dt / SPACING**2 * n_particles / mean, n_frames - 1)
    steps = np.zeros((n_frames, n_particles, 3))
    for frame in np.repeat(np.arange(1, n_frames), strings):
        movers = rng.permutation(n_particles)[: rng.geometric(1.0 / mean)]
        directions = rng.integers(0, 3, len(movers))
        steps[frame, movers, directions] += rng.choice([-SPACING, SPACING], len(movers))
    return np.asarray(np.cumsum(steps, axis=0))


def jiggle(
    rng: np.random.Generator, shape: tuple[int, ...], amplitude: float, dt: float, tau: float = 0.1
) -> Array:
    """Correlated noise about zero along the first axis: vibrations."""
    memory = np.exp(-dt / tau)
    warm_up = 100
    noise = rng.normal(size=(shape[0] + warm_up, *shape[1:])) * amplitude * np.sqrt(1.0 - memory**2)
    return np.asarray(lfilter([1.0], [1.0, -memory], noise, axis=0)[warm_up:])


def anion_centres() -> Array:
    grid = np.stack(np.meshgrid(*[np.arange(SITES)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    chosen = grid[grid.sum(axis=1) % SITES == 0]
    return SPACING * (chosen + 0.5)


def trajectory(rng: np.random.Generator, n_frames: int, d: float, *, drift: float = 0.3) -> Array:
    """Positions (frames, atoms, 3) in A: anions first (P, 4 S each), then cations; all of it drifts."""
    librations = jiggle(rng, (n_frames, N_ANIONS, 3), 0.15, FRAME_INTERVAL, tau=0.3)
    turns = Rotation.from_rotvec(librations.reshape(-1, 3)).as_matrix().reshape(n_frames, N_ANIONS, 3, 3)
    ligands = np.einsum("taij,kj->taki", turns, TETRAHEDRON)
    shape = np.concatenate([np.zeros((n_frames, N_ANIONS, 1, 3)), ligands], axis=2)
    shape += jiggle(rng, shape.shape, 0.03, FRAME_INTERVAL)
    anions = (
        anion_centres()[:, None, :] + jiggle(rng, (n_frames, N_ANIONS, 1, 3), 0.08, FRAME_INTERVAL) + shape
    )
    grid = np.stack(np.meshgrid(*[np.arange(SITES)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    start = SPACING * grid[np.linspace(0, len(grid) - 1, N_CATIONS).astype(int)]
    cations = start + hopping(rng, N_CATIONS, n_frames, d, FRAME_INTERVAL)
    cations += jiggle(rng, cations.shape, 0.3, FRAME_INTERVAL)
    together = np.concatenate([anions.reshape(n_frames, -1, 3), cations], axis=1)
    return together + drift * FRAME_INTERVAL * np.arange(n_frames)[:, None, None]


def topology() -> app.Topology:
    result = app.Topology()
    chain = result.addChain()
    for _ in range(N_ANIONS):
        residue = result.addResidue("PS4", chain)
        result.addAtom("P", app.element.phosphorus, residue)
        for k in range(4):
            result.addAtom(f"S{k + 1}", app.element.sulfur, residue)
    for _ in range(N_CATIONS):
        result.addAtom("NA", app.element.sodium, result.addResidue("NA", chain))
    result.setPeriodicBoxVectors(np.eye(3) * BOX * unit.angstrom)
    return result


def write_dcd(path: Path, positions: Array) -> None:
    vectors = [Vec3(*row) for row in np.eye(3) * BOX * 0.1] * unit.nanometer
    with path.open("wb") as file:
        dcd = app.DCDFile(file, topology(), 0.002 * unit.picosecond, interval=round(FRAME_INTERVAL / 0.002))
        for frame in positions:
            dcd.writeModel(frame * unit.angstrom, periodicBoxVectors=vectors)


def write_run(
    folder: Path,
    positions: Array,
    *,
    mode: str,
    temperature: float = 850.0,
    snapshot: int = 0,
    rng: np.random.Generator,
    **record: Any,
) -> None:
    folder.mkdir(parents=True)
    n = len(positions)
    write_dcd(folder / "trajectory.dcd", positions)
    kelvin = temperature * (1.0 + jiggle(rng, (n,), 0.07, FRAME_INTERVAL))
    kinetic = 0.5 * 380 * 0.0083144626 * kelvin
    table = np.column_stack(
        [
            FRAME_INTERVAL * np.arange(n),
            -40000.0 + 30.0 * jiggle(rng, (n,), 1.0, FRAME_INTERVAL),
            kinetic,
            kelvin,
            np.abs(rng.normal(size=n)) * 1e-9 * bool(mode),
        ]
    )
    header = "time_ps,potential_kj_mol,kinetic_kj_mol,temperature_K,constraint_violation_nm"
    np.savetxt(folder / "thermodynamics.csv", table, delimiter=",", header=header, comments="", fmt="%.8g")
    contents: dict[str, Any] = {
        "mode": mode,
        "temperature_K": temperature,
        "snapshot": snapshot,
        "status": "finished",
        "timestep_ps": 0.002,
        "steps": n * 50,
        "frame_interval_ps": FRAME_INTERVAL,
        "frames": n,
        "degrees_of_freedom": 381 - 48 * bool(mode),
        "seed": 7 + snapshot,
        "platform": "CPU",
        "precision": "mixed",
        "versions": {"openmm-anion": "0.1.0", "openmm": "8.6.1", "torch": "2.12.1"},
        "wall_s": 61.0,
        "steps_per_s": 95.0,
        "broken": [],
    }
    (folder / "run.json").write_text(json.dumps(contents | record))


def write_study(
    directory: Path,
    diffusivities: Mapping[str, float],
    *,
    temperature: float = 850.0,
    snapshots: int = 2,
    seeds: int = 1,
    n_frames: int = 401,
    seed: int = 1,
) -> Path:
    """Write a study; `diffusivities` gives D (A^2/ps) of each mode, ``"free"`` among them."""
    rng = np.random.default_rng(seed)
    directory.mkdir(parents=True)
    n_atoms = 5 * N_ANIONS + N_CATIONS
    structure = {
        "symbols": ["P", "S", "S", "S", "S"] * N_ANIONS + ["Na"] * N_CATIONS,
        "masses": [30.974, 32.06, 32.06, 32.06, 32.06] * N_ANIONS + [22.99] * N_CATIONS,
        "anions": [
            {
                "formula": "PS4",
                "indices": list(range(5 * a, 5 * a + 5)),
                "bonds": [[5 * a, 5 * a + k] for k in range(1, 5)],
            }
            for a in range(N_ANIONS)
        ],
        "cations": list(range(5 * N_ANIONS, n_atoms)),
        "cation": "Na",
        "anion": ["PS4"],
        "n_atoms": n_atoms,
        "potential": {"name": "na3ps4", "force_rmse_meV_A": 41.0, "energy_rmse_meV_atom": 1.4},
        "temperatures": [temperature],
        "modes": list(diffusivities),
        "snapshots": snapshots,
    } | ({"seeds": seeds} if seeds > 1 else {})
    (directory / "structure.json").write_text(json.dumps(structure))
    settings = {"structure": {"file": "Na3PS4.cif"}, "dynamics": {"modes": ["free", "T", "R", "V"]}}
    (directory / "study.json").write_text(json.dumps(settings))
    reference = np.concatenate(
        [
            (anion_centres()[:, None, :] + np.vstack([np.zeros(3), TETRAHEDRON])).reshape(-1, 3),
            trajectory(rng, 1, 0.0)[0, 5 * N_ANIONS :],
        ]
    )
    with (directory / "topology.pdb").open("w") as file:
        app.PDBFile.writeFile(topology(), reference * unit.angstrom, file)
    for snapshot in range(snapshots):
        for mode, d in diffusivities.items():
            for repeat in range(seeds):
                write_run(
                    StudyLayout(directory).run(RunKey(temperature, snapshot, mode, repeat)),
                    trajectory(rng, n_frames, d),
                    mode="" if mode == "free" else mode,
                    temperature=temperature,
                    snapshot=snapshot,
                    rng=rng,
                    **({"repeat": repeat} if repeat else {}),
                )
    return directory


def change_run(directory: Path, run: str, **changes: Any) -> None:
    """Overwrite entries of a ``run.json``; `run` is e.g. ``"T850K/snapshot-0/R"``."""
    path = directory / "runs" / run / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
