"""What freezing costs: step time of each mode over that of OpenMM's own integrator on the same System.

    python benchmarks/freeze_overhead.py [--platform CPU] [--precision mixed] [--threads 1]
                                         [--anions 32 256 2048] [--potential na3ps4] [--blocks 15]

A salt of tetrahedral XY4- anions and cations (six atoms per formula unit, PME) of 192 to 12,288 atoms, or
with --potential the crystal of examples/na3ps4 under a machine-learned potential. All integrators run in turn
in one process, block by block; each figure is the median over blocks (and the middle half of them) of the
ratio to the reference in the same block, so that a machine whose speed drifts does not decide. Verlet is
compared with Verlet, Langevin with Langevin, and stochastic rescaling with Verlet.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openmm

from openmm_anion import FrozenSystem, find_polyanions, freeze
from openmm_anion.integrators import BussiIntegrator, LangevinMiddleIntegrator, VerletIntegrator

MODES = ("free", "T", "R", "V", "TR", "TV", "RV", "TRV")
TEMPERATURE, FRICTION = 300.0, 1.0
Frozen = Callable[[FrozenSystem, float], openmm.Integrator]
ENSEMBLES: dict[str, tuple[Frozen, str]] = {
    "Verlet": (VerletIntegrator, "Verlet"),
    "Bussi": (lambda frozen, dt: BussiIntegrator(frozen, TEMPERATURE, 0.5, dt, 1), "Verlet"),
    "Langevin": (
        lambda frozen, dt: LangevinMiddleIntegrator(frozen, TEMPERATURE, FRICTION, dt, 1),
        "Langevin",
    ),
}


def salt(n_anions: int) -> tuple[openmm.System, np.ndarray, list[list[int]]]:
    """XY4- and cations on a rocksalt lattice, bonds, angles and PME."""
    side = round((2 * n_anions) ** (1 / 3))
    if side**3 != 2 * n_anions:
        raise SystemExit(f"--anions {n_anions}: twice the number must be a cube (32, 108, 256, 2048, ...)")
    spacing = 0.31
    tetrahedron = 0.122 / np.sqrt(3) * np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    system = openmm.System()
    system.setDefaultPeriodicBoxVectors(*np.diag([side * spacing] * 3))
    pair = openmm.NonbondedForce()
    pair.setNonbondedMethod(openmm.NonbondedForce.PME)
    pair.setCutoffDistance(min(0.9, 0.49 * side * spacing))
    bonds, angles = openmm.HarmonicBondForce(), openmm.HarmonicAngleForce()
    positions, anions = [], []
    for site in np.ndindex(side, side, side):
        center = spacing * (np.array(site) + 0.5)
        if sum(site) % 2:
            system.addParticle(22.99)
            pair.addParticle(1.0, 0.22, 0.4)
            positions.append(center)
            continue
        anion = list(range(len(positions), len(positions) + 5))
        anions.append(anion)
        for k, index in enumerate(anion):
            system.addParticle(10.81 if k == 0 else 4.0)
            pair.addParticle(0.4 if k == 0 else -0.35, 0.33 if k == 0 else 0.26, 0.4)
            for other in anion[:k]:
                pair.addException(index, other, 0.0, 1.0, 0.0)
            if k:
                bonds.addBond(anion[0], index, 0.122, 1.0e5)
                for other in anion[1:k]:
                    angles.addAngle(index, anion[0], other, np.arccos(-1 / 3), 300.0)
        positions += list(center + tetrahedron)
    for force in (pair, bonds, angles):
        system.addForce(force)
    return system, np.array(positions), anions


def crystal(potential: str) -> tuple[openmm.System, np.ndarray, list[list[int]]]:
    """The crystal of the example study under a machine-learned potential."""
    from openmm_anion import models
    from openmm_anion.structure import build_system, read_structure

    atoms = read_structure(Path(__file__).parents[1] / "examples" / "na3ps4" / "na3ps4.cif", (2, 2, 2))
    atoms.rattle(0.05, seed=1)
    anions = find_polyanions(atoms, "PS4")
    system = build_system(atoms)
    models.load(potential).add_to(system, list(atoms.symbols))
    return system, anions.positions, [anion.indices.tolist() for anion in anions]


class Runner:
    """A Context that is timed block by block."""

    def __init__(
        self,
        frozen: FrozenSystem,
        integrator: openmm.Integrator,
        platform: openmm.Platform,
        properties: dict[str, str],
    ) -> None:
        self.context = openmm.Context(frozen.system, integrator, platform, properties)
        frozen.initialize(self.context, TEMPERATURE, seed=1)
        self.integrator = integrator
        self.block(20)

    def block(self, steps: int) -> float:
        """Milliseconds per step over some steps."""
        self.context.getState(positions=True)  # wait for the device
        begin = time.perf_counter()
        self.integrator.step(steps)
        self.context.getState(positions=True)
        return 1e3 * (time.perf_counter() - begin) / steps


def measure(
    system: openmm.System,
    positions: np.ndarray,
    anions: list[list[int]],
    arguments: argparse.Namespace,
    timestep: float,
) -> None:
    """Print one table."""
    platform = openmm.Platform.getPlatformByName(arguments.platform)
    properties = {"Threads": str(arguments.threads)} if arguments.platform == "CPU" else {}
    if arguments.platform in ("CUDA", "OpenCL"):
        properties = {"Precision": arguments.precision}
    free = freeze(system, anions, "free", positions=positions)
    references = {
        "Verlet": Runner(free, openmm.VerletIntegrator(timestep), platform, properties),
        "Langevin": Runner(
            free, openmm.LangevinMiddleIntegrator(TEMPERATURE, FRICTION, timestep), platform, properties
        ),
    }
    first = references["Verlet"].block(20)
    steps = max(5, round(arguments.milliseconds / first))
    n_atoms = system.getNumParticles()
    print(f"{n_atoms} atoms, {len(anions)} anions, {arguments.platform}: {first:.3f} ms per Verlet step")
    print(f"{'mode':6}" + "".join(f"{name:>20}" for name in ENSEMBLES))
    for mode in MODES:
        frozen = freeze(system, anions, mode, positions=positions)
        cells = []
        for make, reference in ENSEMBLES.values():
            runner = Runner(frozen, make(frozen, timestep), platform, properties)
            ratios = []
            for _ in range(arguments.blocks):
                base = references[reference].block(steps)
                ratios.append(runner.block(steps) / base)
            low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
            cells.append(f"{middle:6.2f} ({low:.2f}-{high:.2f})")
        print(f"{mode:6}" + "".join(f"{cell:>20}" for cell in cells), flush=True)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--platform", default="CPU")
    parser.add_argument("--precision", default="mixed")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--anions", type=int, nargs="*", default=[32, 256, 2048])
    parser.add_argument(
        "--potential", help="time the crystal of the example study with this potential instead"
    )
    parser.add_argument("--blocks", type=int, default=15)
    parser.add_argument("--milliseconds", type=float, default=200.0, help="length of a block")
    arguments = parser.parse_args()
    if arguments.potential:
        import torch

        torch.set_num_threads(arguments.threads)
        measure(*crystal(arguments.potential), arguments, timestep=0.002)
        return
    for number in arguments.anions:
        measure(*salt(number), arguments, timestep=0.0005)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
