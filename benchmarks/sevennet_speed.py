"""Time per MD step of SevenNet in OpenMM against SevenNet's own ASE calculator, and how far forces differ.

    python benchmarks/sevennet_speed.py [--model 7net-0 7net-l3i5] [--repeat 2] [--threads 1] [--blocks 9]
                                        [--platform CPU]

Needs the package sevenn (extra [sevennet]). Cubic Na3PS4 with random displacements, 1 fs, constant energy;
128 atoms unless --repeat says otherwise. Blocks of steps of all ways are interleaved, so that whatever else
the computer does meets all of them; given are the median of the blocks and that of the ratios in each round.
With --platform CUDA, where OpenMM runs in mixed precision, the calculator runs on the same device.

Forces are compared in the first structure: as it is, and with every atom moved by up to ten lattice vectors,
as happens in long runs. What positions in single precision do there is shown beside: a wrapper that rounds
positions before it takes their differences would give that.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

CRYSTAL = Path(__file__).parents[1] / "examples" / "na3ps4" / "na3ps4.cif"


def in_openmm(potential: Any, atoms: Any, kind: str, threads: int, name: str) -> Callable[[int], None]:
    """Make a Context on a platform and return what advances it."""
    import openmm

    from openmm_anion.structure import build_system

    system = build_system(atoms)
    potential.add_to(system, list(atoms.symbols), kind=kind)
    integrator = openmm.VerletIntegrator(0.001)
    platform = openmm.Platform.getPlatform(name)
    properties = {"Threads": str(threads)} if name == "CPU" else {"Precision": "mixed"}
    context = openmm.Context(system, integrator, platform, properties)
    context.setPositions(atoms.positions / 10)
    context.setVelocitiesToTemperature(300, 1)

    def advance(steps: int, context: Any = context) -> None:
        context.getIntegrator().step(steps)
        context.getState(positions=True)  # wait for the device

    return advance


def in_ase(calculator: Any, atoms: Any) -> Callable[[int], None]:
    """Return what advances a copy of the atoms with ASE's velocity Verlet."""
    import ase.units
    from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
    from ase.md.verlet import VelocityVerlet

    atoms = atoms.copy()
    atoms.calc = calculator
    MaxwellBoltzmannDistribution(atoms, temperature_K=300, rng=np.random.default_rng(1))
    return VelocityVerlet(atoms, ase.units.fs).run


def largest_differences(potential: Any, calculator: Any, atoms: Any) -> dict[str, float]:
    """Largest differences to the calculator's forces (eV/A): ours, and single-precision differences."""
    from ase import Atoms

    from openmm_anion.units import EV

    reference = atoms.copy()
    reference.calc = calculator
    expected = reference.get_forces()
    images = np.random.default_rng(1).integers(-10, 11, (len(atoms), 3)) @ atoms.cell.array
    result = {}
    for label, shift in (("in the box", 0.0), ("ten boxes around", images)):
        positions = atoms.positions + shift
        _, forces = potential.energy_forces(list(atoms.symbols), positions / 10, atoms.cell.array / 10)
        result[f"{label}"] = float(np.abs(forces / (10 * EV) - expected).max())
        rounded = Atoms(atoms.symbols, positions.astype(np.float32), cell=atoms.cell, pbc=True)
        rounded.calc = calculator
        result[f"{label}, positions rounded to single precision"] = float(
            np.abs(rounded.get_forces() - expected).max()
        )
    return result


def measure(model: str, repeat: int, threads: int, blocks: int, platform: str) -> None:
    """Print the lines of one model."""
    from sevenn.calculator import SevenNetCalculator

    from openmm_anion import models
    from openmm_anion.structure import read_structure

    atoms = read_structure(CRYSTAL, (repeat, repeat, repeat))
    atoms.rattle(0.05, seed=1)
    potential, calculator = (
        models.load(model),
        SevenNetCalculator(model, device="cuda" if platform == "CUDA" else "cpu"),
    )
    print(f"{model}, {len(atoms)} atoms, {platform}, {threads} threads")
    for label, difference in largest_differences(potential, calculator, atoms).items():
        print(f"  forces differ by at most {difference:.1e} eV/A  {label}")
    ways = {
        "ASE, SevenNetCalculator": in_ase(calculator, atoms),
        "OpenMM, TorchForce": in_openmm(potential, atoms, "torch", threads, platform),
        "OpenMM, PythonForce": in_openmm(potential, atoms, "python", threads, platform),
    }
    for advance in ways.values():
        advance(4)  # TorchScript optimises itself in its first calls
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(blocks):
        for name, advance in ways.items():
            start = time.perf_counter()
            advance(2)
            times[name].append(500 * (time.perf_counter() - start))
    reference = np.array(times["ASE, SevenNetCalculator"])
    for name, values in times.items():
        ratio = np.median(np.array(values) / reference)
        print(f"  {name:26s} {np.median(values):9.1f} ms/step   ratio {ratio:.2f}", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", nargs="+", default=["7net-0", "7net-l3i5"])
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--blocks", type=int, default=9)
    parser.add_argument("--platform", choices=("CPU", "CUDA"), default="CPU")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(arguments.threads)
    import torch

    torch.set_num_threads(arguments.threads)
    for model in arguments.model:
        measure(model, arguments.repeat, arguments.threads, arguments.blocks, arguments.platform)


if __name__ == "__main__":
    main()
