"""Molecular dynamics with a potential, to find structures worth labelling or to test that anions stay whole.

    python explore.py --model MODEL.pt --temperature 850 --time 20 --seed 1 --out RUN.extxyz

Cubic Na3PS4, 2x2x2 cells (128 atoms, a = 6.99 A), Langevin, 2 fs, one thread. Writes a frame every
0.1 ps, reports every moment at which the fourth P-S distance of a PS4 is over 3 A, and ends with one
line: mean temperature, time per step, number of such moments.
"""

from __future__ import annotations

import argparse
import time

import ase.io
import numpy as np
import openmm
import torch
from ase.build import make_supercell
from tqdm import tqdm

from openmm_anion import models

FRAME = 50
"""Steps between frames."""


def crystal() -> ase.Atoms:
    """Cubic Na3PS4, space group 217, a = 6.99 A, 2x2x2 cells."""
    x = 0.165
    motif = [
        [0.5, 0, 0],
        [0, 0.5, 0],
        [0, 0, 0.5],
        [0, 0, 0],
        [x, x, x],
        [x, -x, -x],
        [-x, x, -x],
        [-x, -x, x],
    ]
    sites = np.concatenate([motif, np.array(motif) + 0.5])
    cell = ase.Atoms("Na3PS4Na3PS4", scaled_positions=sites, cell=[6.99] * 3, pbc=True)
    return make_supercell(cell, 2 * np.eye(3))


def ligand_distances(atoms: ase.Atoms) -> np.ndarray:
    """Distance of each P to its fourth nearest S, A."""
    symbols = np.array(atoms.get_chemical_symbols())
    sulphur = np.flatnonzero(symbols == "S")
    return np.array(
        [np.sort(atoms.get_distances(p, sulphur, mic=True))[3] for p in np.flatnonzero(symbols == "P")]
    )


def main() -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="na3ps4")
    parser.add_argument("--temperature", type=float, required=True, help="K")
    parser.add_argument("--time", type=float, required=True, help="ps")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()

    torch.set_num_threads(1)
    atoms = crystal()
    system = openmm.System()
    for mass in atoms.get_masses():
        system.addParticle(float(mass))
    system.setDefaultPeriodicBoxVectors(*(atoms.cell.array / 10))
    models.load(arguments.model).add_to(system, list(atoms.symbols))
    integrator = openmm.LangevinMiddleIntegrator(arguments.temperature, 1.0, 0.002)
    integrator.setRandomNumberSeed(arguments.seed)
    platform = openmm.Platform.getPlatformByName("CPU")
    context = openmm.Context(system, integrator, platform, {"Threads": "1"})
    context.setPositions(atoms.positions / 10)
    context.setVelocitiesToTemperature(arguments.temperature, arguments.seed)

    frames, kinetic, broken = [], [], 0
    start = time.perf_counter()
    for k in tqdm(range(1, round(arguments.time / (0.002 * FRAME)) + 1), unit="frame"):
        integrator.step(FRAME)
        state = context.getState(positions=True, energy=True)
        atoms.positions = state.getPositions(asNumpy=True)._value * 10
        if not np.all(np.isfinite(atoms.positions)):
            raise SystemExit(f"positions are not finite after {0.1 * k:.1f} ps")
        longest = ligand_distances(atoms).max()
        if longest > 3.0:
            broken += 1
            tqdm.write(f"{0.1 * k:.1f} ps: a PS4 has a P-S distance of {longest:.2f} A")
        kinetic.append(state.getKineticEnergy()._value)
        frame = atoms.copy()
        frame.info = {"T": arguments.temperature, "time_ps": round(0.1 * k, 1), "seed": arguments.seed}
        frames.append(frame)
    wall = time.perf_counter() - start
    ase.io.write(arguments.out, frames, format="extxyz")
    kelvin = 2 * np.mean(kinetic[len(kinetic) // 5 :]) / (3 * len(atoms) * 8.314462618e-3)
    print(
        f"{arguments.temperature:.0f} K, {arguments.time:.0f} ps, seed {arguments.seed}: "
        f"mean {kelvin:.0f} K, {1e3 * wall / (FRAME * len(frames)):.1f} ms/step, "
        f"{broken} of {len(frames)} frames with a broken PS4"
    )


if __name__ == "__main__":
    main()
