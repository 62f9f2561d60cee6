"""What freezing costs: step time of each mode over that of OpenMM's own integrator on the same System.

    python benchmarks/freeze_overhead.py [--platform CPU] [--precision mixed] [--threads 1]
                                         [--shape tetrahedron] [--atoms 200 1500 12000] [--projector]
                                         [--modes V TV] [--potential na3ps4] [--blocks 15] [--cpu-time]

A salt of `model_salts.py` (tetrahedron: BH4, octahedron: PF6, cage: B12H12, planar: NO3, linear: SCN; PME)
after 200 steps at 300 K, or with --potential the crystal of examples/na3ps4 under a machine-learned
potential. Shapes are held by OpenMM's distance constraints where these can, or with --projector all by a
projector.

All integrators run in turn in one process, block by block; each figure is the median over blocks (and the
middle half of them) of the ratio to the reference in the same block, so that a machine whose speed drifts
does not decide. Verlet is compared with Verlet, Langevin with Langevin, and stochastic rescaling with Verlet.
A line with a star is that of OpenMM's own integrators, where they hold all that is frozen. "4 lines" is a
CustomIntegrator of as many lines as any projection takes, of which two do nothing: the floor for all others.
With --cpu-time it is the time of the processor that counts, and not that on the wall, of which other programs
take their share.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openmm
from model_salts import ANIONS, salt

from openmm_anion import FrozenSystem, find_polyanions, freeze
from openmm_anion.freezing import vibration
from openmm_anion.integrators import BussiIntegrator, LangevinMiddleIntegrator, VerletIntegrator
from openmm_anion.integrators.drift import CONSTRAINT_TOLERANCE

MODES = ("free", "T", "R", "V", "TR", "TV", "RV", "TRV")
TEMPERATURE, FRICTION = 300.0, 1.0
SALT_TIMESTEP, CRYSTAL_TIMESTEP = 0.0005, 0.002
Frozen = Callable[[FrozenSystem, float], openmm.Integrator]
ENSEMBLES: dict[str, tuple[Frozen, str]] = {
    "Verlet": (VerletIntegrator, "Verlet"),
    "Bussi": (lambda frozen, dt: BussiIntegrator(frozen, TEMPERATURE, 0.5, dt, 1), "Verlet"),
    "Langevin": (
        lambda frozen, dt: LangevinMiddleIntegrator(frozen, TEMPERATURE, FRICTION, dt, 1),
        "Langevin",
    ),
}
OPENMM: dict[str, tuple[Frozen, str]] = {
    "Verlet": (lambda frozen, dt: _exact(openmm.VerletIntegrator(dt)), "Verlet"),
    "Langevin": (
        lambda frozen, dt: _exact(openmm.LangevinMiddleIntegrator(TEMPERATURE, FRICTION, dt)),
        "Langevin",
    ),
}
"""For what OpenMM holds alone."""


def four_lines(frozen: FrozenSystem, timestep: float) -> openmm.Integrator:
    """Verlet, and two lines that compute what is there already."""
    integrator = openmm.CustomIntegrator(timestep)
    integrator.setIntegrationForceGroups(frozen.integration_groups)
    integrator.addUpdateContextState()
    for variable, value in (("v", "v + dt*f/m"), ("x", "x + dt*v"), ("v", "v"), ("x", "x")):
        integrator.addComputePerDof(variable, value)
    return integrator


def _exact(integrator: openmm.Integrator) -> openmm.Integrator:
    integrator.setConstraintTolerance(CONSTRAINT_TOLERANCE)
    return integrator


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


def device(arguments: argparse.Namespace) -> tuple[openmm.Platform, dict[str, str]]:
    """The platform and its properties."""
    properties = {"Threads": str(arguments.threads)} if arguments.platform == "CPU" else {}
    if arguments.platform in ("CUDA", "OpenCL"):
        properties = {"Precision": arguments.precision}
    return openmm.Platform.getPlatformByName(arguments.platform), properties


def shaken(system: openmm.System, positions: np.ndarray, arguments: argparse.Namespace) -> np.ndarray:
    """Positions after a short run: on their ideal places no force would turn the anions, or bend them."""
    integrator = openmm.LangevinMiddleIntegrator(TEMPERATURE, 50.0, SALT_TIMESTEP)
    integrator.setRandomNumberSeed(1)
    context = openmm.Context(system, integrator, *device(arguments))
    context.setPositions(positions)
    context.setVelocitiesToTemperature(TEMPERATURE, 1)
    integrator.step(200)
    state = context.getState(positions=True)
    return np.array(state.getPositions(asNumpy=True).value_in_unit(openmm.unit.nanometer))


class Runner:
    """A Context that is timed block by block."""

    def __init__(
        self, frozen: FrozenSystem, integrator: openmm.Integrator, arguments: argparse.Namespace
    ) -> None:
        self.clock = time.process_time if arguments.cpu_time else time.perf_counter
        self.context = openmm.Context(frozen.system, integrator, *device(arguments))
        frozen.initialize(self.context, TEMPERATURE, seed=1)
        self.integrator = integrator
        self.block(20)

    def block(self, steps: int) -> float:
        """Milliseconds per step over some steps."""
        self.context.getState(positions=True)  # wait for the device
        begin = self.clock()
        self.integrator.step(steps)
        self.context.getState(positions=True)
        return 1e3 * (self.clock() - begin) / steps


def measure(
    system: openmm.System,
    positions: np.ndarray,
    anions: list[list[int]],
    arguments: argparse.Namespace,
    timestep: float,
) -> None:
    """Print one table."""
    free = freeze(system, anions, "free", positions=positions)
    langevin = openmm.LangevinMiddleIntegrator(TEMPERATURE, FRICTION, timestep)
    references = {
        "Verlet": Runner(free, openmm.VerletIntegrator(timestep), arguments),
        "Langevin": Runner(free, langevin, arguments),
    }
    first = references["Verlet"].block(20)
    steps = max(5, round(arguments.milliseconds / first))
    n_atoms = system.getNumParticles()
    print(f"{n_atoms} atoms, {len(anions)} anions, {arguments.platform}: {first:.3f} ms per Verlet step")
    print(f"{'mode':8}" + "".join(f"{name:>20}" for name in ENSEMBLES))
    for mode in arguments.modes:
        frozen = freeze(system, anions, mode, positions=positions)
        lines = {mode: ENSEMBLES}
        if mode == "free":
            lines["4 lines"] = {"Verlet": (four_lines, "Verlet")}
        elif frozen.held_by_openmm:
            lines[f"{mode} *"] = OPENMM
        for line, ensembles in lines.items():
            cells = dict.fromkeys(ENSEMBLES, "")
            for name, (make, reference) in ensembles.items():
                runner = Runner(frozen, make(frozen, timestep), arguments)
                ratios = []
                for _ in range(arguments.blocks):
                    base = references[reference].block(steps)
                    ratios.append(runner.block(steps) / base)
                low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
                cells[name] = f"{middle:6.2f} ({low:.2f}-{high:.2f})"
            print(f"{line:8}" + "".join(f"{cell:>20}" for cell in cells.values()), flush=True)


def timing_options() -> argparse.ArgumentParser:
    """Options of `measure`."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--platform", default="CPU")
    parser.add_argument("--precision", default="mixed")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES, metavar="MODE")
    parser.add_argument("--blocks", type=int, default=15)
    parser.add_argument("--milliseconds", type=float, default=200.0, help="length of a block")
    parser.add_argument("--cpu-time", action="store_true", help="count the time of the processor")
    return parser


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        parents=[timing_options()],
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--shape", choices=ANIONS, default="tetrahedron")
    parser.add_argument("--atoms", type=int, nargs="+", default=[200, 1500, 12000])
    parser.add_argument("--projector", action="store_true", help="hold no shape by distance constraints")
    parser.add_argument(
        "--potential", help="time the crystal of the example study with this potential instead"
    )
    arguments = parser.parse_args()
    if arguments.projector:
        vibration.LARGEST_RADIUS = -1.0
    if arguments.potential:
        import torch

        torch.set_num_threads(arguments.threads)
        measure(*crystal(arguments.potential), arguments, timestep=CRYSTAL_TIMESTEP)
        return
    for n_atoms in arguments.atoms:
        system, positions, anions = salt(arguments.shape, n_atoms)
        positions = shaken(system, positions, arguments)
        measure(system, positions, anions, arguments, timestep=SALT_TIMESTEP)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
