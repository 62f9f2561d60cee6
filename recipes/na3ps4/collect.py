"""Write the labelled frames of several files as one compressed extxyz file.

    python collect.py LABELLED.extxyz ... --out data/training.extxyz.xz

Positions keep 5 digits (A), forces 4 (eV/A), energies 5 (eV): far below the error of any fit.
"""

from __future__ import annotations

import argparse
import lzma

import ase.io


def main() -> None:
    """Read and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("labelled", nargs="+")
    parser.add_argument("--out", required=True, help="file ending in .extxyz.xz")
    arguments = parser.parse_args()
    with lzma.open(arguments.out, "wt", preset=9) as out:
        for path in arguments.labelled:
            for atoms in ase.io.read(path, index=":"):
                cell = " ".join(f"{x:.6g}" for x in atoms.cell.array.ravel())
                energy = atoms.get_potential_energy()
                out.write(f"{len(atoms)}\n")
                out.write(
                    f'Lattice="{cell}" Properties=species:S:1:pos:R:3:forces:R:3 '
                    f'energy={energy:.5f} T={float(atoms.info["T"]):g} pbc="T T T"\n'
                )
                for symbol, r, f in zip(atoms.symbols, atoms.positions, atoms.get_forces(), strict=True):
                    numbers = [*(f"{x:.5f}" for x in r), *(f"{x:.4f}" for x in f)]
                    out.write(" ".join([symbol, *numbers]) + "\n")


if __name__ == "__main__":
    main()
