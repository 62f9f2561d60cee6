"""Time per MD step of a potential, against system size and threads.

    python benchmarks/potential_speed.py [--model na3ps4] [--threads 1 2] [--repeat 2 3 4] [--platform CPU]

Each line is measured in a process of its own (the thread pools of torch and OpenMM are set once per
process): cubic Na3PS4 with random displacements, NVE at 300 K, energy and forces through TorchForce; the
median over blocks of steps after a warm-up. On CUDA and OpenCL, in mixed precision.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import ase
import numpy as np

from openmm_anion.structure import read_structure

CRYSTAL = Path(__file__).parents[1] / "examples" / "na3ps4" / "na3ps4.cif"


def crystal(repeat: int) -> ase.Atoms:
    """Return the crystal of the example study, `repeat` cells along each axis, atoms displaced by 0.05 A."""
    atoms = read_structure(CRYSTAL, (repeat, repeat, repeat))
    atoms.rattle(0.05, seed=1)
    return atoms


def measure(model: str, repeat: int, threads: int, name: str) -> None:
    """Print atoms, threads and milliseconds per step."""
    import openmm
    import torch

    from openmm_anion import models

    torch.set_num_threads(threads)
    atoms = crystal(repeat)
    potential = models.load(model)
    system = openmm.System()
    for mass in atoms.get_masses():
        system.addParticle(float(mass))
    system.setDefaultPeriodicBoxVectors(*(atoms.cell.array / 10))
    potential.add_to(system, list(atoms.symbols))
    platform = openmm.Platform.getPlatformByName(name)
    properties = {"Threads": str(threads)} if name == "CPU" else {"Precision": "mixed"}
    integrator = openmm.VerletIntegrator(0.001)
    context = openmm.Context(system, integrator, platform, properties)
    context.setPositions(atoms.positions / 10)
    context.setVelocitiesToTemperature(300, 1)
    block = max(1 if name == "CPU" else 20, 2000 // len(atoms))
    integrator.step(3 * block)
    times = []
    for _ in range(9):
        start = time.perf_counter()
        integrator.step(block)
        context.getState(positions=True)  # wait for the device
        times.append(1e3 * (time.perf_counter() - start) / block)
    print(f"{len(atoms):8d} {threads:8d} {np.median(times):10.2f} {np.min(times):10.2f}", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="na3ps4")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeat", type=int, nargs="+", default=[2, 3, 4])
    parser.add_argument("--platform", choices=("CPU", "CUDA", "OpenCL"), default="CPU")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measure(arguments.model, arguments.repeat[0], arguments.threads[0], arguments.platform)
        return
    print(f"{'atoms':>8s} {'threads':>8s} {'ms/step':>10s} {'fastest':>10s}", flush=True)
    for repeat in arguments.repeat:
        for threads in arguments.threads:
            environment = os.environ | {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
            command = [sys.executable, __file__, "--one", "--model", arguments.model]
            command += ["--repeat", str(repeat), "--threads", str(threads), "--platform", arguments.platform]
            subprocess.run(command, env=environment, check=True)


if __name__ == "__main__":
    main()
