"""Write nacb11h12.cif: cages on fcc places, turned at random until they have room, and Na between them."""

from __future__ import annotations

import sys

import numpy as np
from ase import Atoms
from ase.io import write
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]

B_B, B_C, B_H, C_H = 1.77, 1.71, 1.19, 1.09
"""Bond lengths of the first geometry, angstrom."""

PLACES = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
"""Of the cages; Na starts in the octahedral holes, half an edge away."""

TRIALS = 20000


def cage() -> Atoms:
    """One CB11H12 about the origin: C, 11 B, and their H in the same order."""
    golden = (1 + 5**0.5) / 2
    corners = [
        np.roll([0, one, other], k) for k in range(3) for one in (1, -1) for other in (golden, -golden)
    ]
    corner = np.array(corners) * B_B / 2
    radius = float(np.linalg.norm(corner[0]))
    outward = corner / radius
    ring = 2 * radius / 5**0.5  # radius of the pentagon next to a corner, whose height is half of that
    corner[0] = outward[0] * (ring / 2 + (B_C**2 - ring**2) ** 0.5)
    hydrogen = corner + outward * np.array([C_H] + 11 * [B_H])[:, None]
    return Atoms("CB11H12", positions=np.vstack([corner, hydrogen]))


def crowding(hydrogens: Array, sodium: Array, edge: float) -> float:
    """Sum over contacts between cages, and of them with Na: the closer, the larger."""
    total = 0.0
    for k, ours in enumerate(hydrogens):
        others = np.vstack([sodium, *hydrogens[k + 1 :]])
        apart = ours[:, None] - others
        apart -= edge * np.round(apart / edge)
        total += float(((apart**2).sum(axis=-1) / 4.0) ** -6.0 @ np.ones(len(others)) @ np.ones(len(ours)))
    return total


def crystal(edge: float, seed: int = 1) -> Atoms:
    """The conventional cell, 4 NaCB11H12."""
    random = np.random.default_rng(seed)
    one = cage()
    sodium = (PLACES + np.array([0.5, 0, 0])) % 1 * edge
    turns = [Rotation.random(random_state=random) for _ in PLACES]

    def placed(turn: Rotation, k: int) -> Array:
        return np.asarray(turn.apply(one.positions)) + PLACES[k] * edge

    where = np.array([placed(turn, k) for k, turn in enumerate(turns)])
    least = crowding(where[:, 12:], sodium, edge)
    for trial in range(TRIALS):
        k = trial % len(PLACES)
        tried = where.copy()
        turn = Rotation.from_rotvec(random.normal(scale=0.4, size=3)) * turns[k]
        tried[k] = placed(turn, k)
        crowded = crowding(tried[:, 12:], sodium, edge)
        if crowded < least:
            where, least, turns[k] = tried, crowded, turn
    atoms = Atoms("Na4", positions=sodium)
    for positions in where:
        atoms += Atoms(one.symbols, positions=positions)
    atoms.set_cell([edge] * 3)
    atoms.pbc = True
    atoms.wrap()
    return atoms


if __name__ == "__main__":
    write("nacb11h12.cif", crystal(float(sys.argv[1])))
