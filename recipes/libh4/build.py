"""Write libh4.cif: hexagonal LiBH4 in a cell of 18 formula units that is as wide as it is small."""

from __future__ import annotations

from ase.build import make_supercell
from ase.io import write
from ase.spacegroup import crystal

EDGE, HEIGHT = 4.27631, 6.94844
"""J.-Ph. Soulie et al., J. Alloys Compd. 346, 200 (2002), angstrom, as the places below."""

PLACES = [(1 / 3, 2 / 3, 0.0), (1 / 3, 2 / 3, 0.553), (1 / 3, 2 / 3, 0.370), (0.172, 0.344, 0.624)]
"""Of Li, B, H and H."""

CELL = [[-2, -1, -1], [-1, -2, 1], [-1, 1, 1]]
"""In vectors of the hexagonal cell: 9 of those, 9.8 angstrom wide in each direction."""

if __name__ == "__main__":
    hexagonal = crystal(
        ["Li", "B", "H", "H"], PLACES, spacegroup=186, cellpar=[EDGE, EDGE, HEIGHT, 90, 90, 120]
    )
    write("libh4.cif", make_supercell(hexagonal, CELL))
