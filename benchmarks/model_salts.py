"""Salts of anions of every shape with a cheap classical potential.

Anions and cations of opposite charge alternate on the sites of a cubic lattice, as in rocksalt, and about as
densely as in a real salt of that kind. All atoms carry charges (PME) and Lennard-Jones potentials. Springs
between all its atoms hold the shape of an anion; an angle keeps linear ones straight, an improper torsion
planar ones flat. They lie along and across the diagonal of the cell, as in sodium azide and in calcite.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement, product

import numpy as np
import openmm
from numpy.typing import NDArray

Array = NDArray[np.float64]

ATOMS: dict[str, tuple[float, float, float]] = {
    "B": (10.81, 0.4, 0.33),
    "H": (4.0, -0.35, 0.26),
    "P": (30.97, 0.8, 0.33),
    "F": (19.0, -0.3, 0.28),
    "cage B": (10.81, -0.1, 0.3),
    "cage H": (4.0, -1 / 15, 0.22),
    "nitrate N": (14.01, 0.8, 0.3),
    "O": (16.0, -0.6, 0.26),
    "S": (32.06, -0.4, 0.33),
    "C": (12.01, 0.0, 0.3),
    "cyanate N": (14.01, -0.6, 0.28),
}
"""Mass (Da; hydrogen is heavy), charge and diameter (nm)."""

CATION_MASS, CATION_DIAMETER = 22.99, 0.22
WELL = 0.4
"""Depth of all Lennard-Jones wells, kJ/mol."""
SPRING, ANGLE, TORSION = 1.0e5, 300.0, 50.0
"""Of springs in kJ/(mol nm^2), angles in kJ/(mol rad^2) and improper torsions in kJ/mol."""
CUTOFF = 0.9
"""Of pair interactions, nm; smaller in a small cell."""
ELONGATION = 0.2
"""What an elongated cell costs when the number of sites is chosen, per logarithm of its ratio of edges."""


@dataclass(frozen=True, eq=False)
class ModelAnion:
    """Atoms of an anion and their places (nm), and the distance of neighbouring sites of its salt (nm)."""

    atoms: list[str]
    positions: Array
    spacing: float


def _anions() -> dict[str, ModelAnion]:
    middle = np.zeros((1, 3))
    tetrahedron = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
    octahedron = np.concatenate([np.eye(3), -np.eye(3)])
    golden = (1 + np.sqrt(5)) / 2
    corners = np.array([(0, a, b * golden) for a, b in product((-1, 1), repeat=2)]) / np.hypot(1, golden)
    icosahedron = np.concatenate([np.roll(corners, k, axis=1) for k in range(3)])
    triangle = np.array([[1, -1, 0], [0, 1, -1], [-1, 0, 1]]) / np.sqrt(2)
    line = np.array([[-0.142], [0.023], [0.14]]) * np.ones(3) / np.sqrt(3)
    return {
        "tetrahedron": ModelAnion(["B", *4 * ["H"]], np.vstack([middle, 0.122 * tetrahedron]), 0.31),
        "octahedron": ModelAnion(["P", *6 * ["F"]], np.vstack([middle, 0.16 * octahedron]), 0.39),
        "cage": ModelAnion(
            12 * ["cage B"] + 12 * ["cage H"], np.vstack([0.1693 * icosahedron, 0.2883 * icosahedron]), 0.56
        ),
        "planar": ModelAnion(["nitrate N", *3 * ["O"]], np.vstack([middle, 0.125 * triangle]), 0.33),
        "linear": ModelAnion(["S", "C", "cyanate N"], line, 0.36),
    }


ANIONS = _anions()
"""Those of BH4, PF6, B12H12, NO3 and SCN."""


def salt(name: str, n_atoms: int) -> tuple[openmm.System, Array, list[list[int]]]:
    """Return the System, positions (nm) and anions of a salt.

    Parameters
    ----------
    name : str
        One of `ANIONS`.
    n_atoms : int
        Wanted number of atoms; the crystal has about as many.
    """
    anion = ANIONS[name]
    sides = _sides(2 * n_atoms / (len(anion.atoms) + 1))
    system = openmm.System()
    system.setDefaultPeriodicBoxVectors(*np.diag(anion.spacing * np.array(sides)))
    pair = openmm.NonbondedForce()
    pair.setNonbondedMethod(openmm.NonbondedForce.PME)
    pair.setCutoffDistance(min(CUTOFF, 0.49 * anion.spacing * min(sides)))
    springs, angles, torsions = (
        openmm.HarmonicBondForce(),
        openmm.HarmonicAngleForce(),
        openmm.PeriodicTorsionForce(),
    )
    balance = -sum(ATOMS[atom][1] for atom in anion.atoms)
    positions: list[Array] = []
    anions: list[list[int]] = []
    for site in np.ndindex(*sides):
        center = anion.spacing * (np.array(site) + 0.5)
        if sum(site) % 2:
            system.addParticle(CATION_MASS)
            pair.addParticle(balance, CATION_DIAMETER, WELL)
            positions.append(center)
            continue
        own = list(range(len(positions), len(positions) + len(anion.atoms)))
        anions.append(own)
        positions += list(center + anion.positions)
        for atom in anion.atoms:
            mass, charge, diameter = ATOMS[atom]
            system.addParticle(mass)
            pair.addParticle(charge, diameter, WELL)
        for i, j in combinations(range(len(own)), 2):
            pair.addException(own[i], own[j], 0.0, 1.0, 0.0)
            length = float(np.linalg.norm(anion.positions[i] - anion.positions[j]))
            springs.addBond(own[i], own[j], length, SPRING)
        if name == "linear":
            angles.addAngle(*own, np.pi, ANGLE)
        if name == "planar":
            torsions.addTorsion(own[1], own[2], own[0], own[3], 2, np.pi, TORSION)
    for force in (pair, springs, angles, torsions):
        system.addForce(force)
    return system, np.array(positions), anions


def _sides(sites: float) -> tuple[int, ...]:
    """Even numbers of sites along the edges: about as many as wanted, and about a cube."""
    largest = 2 * round(sites ** (1 / 3)) + 4

    def distance(sides: tuple[int, ...]) -> float:
        return float(abs(np.log(np.prod(sides) / sites)) + ELONGATION * np.log(sides[2] / sides[0]))

    return min(combinations_with_replacement(range(2, largest, 2), 3), key=distance)
