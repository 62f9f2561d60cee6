"""Small crystals for the tests of potentials."""

from __future__ import annotations

from pathlib import Path

import ase
import numpy as np
from ase.calculators.singlepoint import SinglePointCalculator

CRYSTAL = Path(__file__).parents[1] / "examples" / "na3ps4" / "na3ps4.cif"
"""Na3PS4 of the examples: one cubic cell, 16 atoms."""


def na3ps4(repeat: tuple[int, int, int] = (2, 2, 2), displacement: float = 0.1, seed: int = 0) -> ase.Atoms:
    """Cubic Na3PS4 (a = 6.99 A, I-43m) with random displacements (A)."""
    x = 0.165
    sulphur = np.array([[x, x, x], [x, -x, -x], [-x, x, -x], [-x, -x, x]])
    sodium = np.array([[0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]])
    motif = np.concatenate([sodium, np.zeros((1, 3)), sulphur])
    cell = ase.Atoms(
        "Na3PS4Na3PS4", scaled_positions=np.concatenate([motif, motif + 0.5]), cell=[6.99] * 3, pbc=True
    )
    crystal = cell.repeat(repeat)
    crystal.rattle(displacement, seed=seed)
    return crystal


def labelled(n_frames: int, seed: int = 0) -> list[ase.Atoms]:
    """Single cells labelled by a made-up potential: harmonic springs to the sites of the crystal."""
    ideal = na3ps4((1, 1, 1), 0.0)
    frames = []
    for k in range(n_frames):
        atoms = na3ps4((1, 1, 1), 0.1, seed + k)
        shift = atoms.positions - ideal.positions
        atoms.info["T"] = 300
        atoms.calc = SinglePointCalculator(
            atoms, energy=float((shift**2).sum()) - 4.0 * len(atoms), forces=-2 * shift
        )
        frames.append(atoms)
    return frames
