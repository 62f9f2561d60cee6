"""Label structures with SevenNet-0 (energies in eV, forces in eV/A).

    python label.py STRUCTURES.extxyz LABELLED.extxyz [--every 5] [--skip 10]

Needs `sevenn` (pip install sevenn), which carries the weights of SevenNet-0 (11 July 2024).
"""

from __future__ import annotations

import argparse

import ase.io
from ase.calculators.singlepoint import SinglePointCalculator
from sevenn.calculator import SevenNetCalculator
from tqdm import tqdm


def main() -> None:
    """Read, label and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("structures")
    parser.add_argument("labelled")
    parser.add_argument("--every", type=int, default=1, help="take every n-th frame")
    parser.add_argument("--skip", type=int, default=0, help="leave out the first n frames")
    arguments = parser.parse_args()

    calculator = SevenNetCalculator("7net-0", device="cpu")
    frames = ase.io.read(arguments.structures, index=f"{arguments.skip}::{arguments.every}")
    for atoms in tqdm(frames, unit="frame"):
        atoms.calc = calculator
        labels = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
        atoms.calc = SinglePointCalculator(atoms, **labels)
    ase.io.write(arguments.labelled, frames, format="extxyz")


if __name__ == "__main__":
    main()
