"""A crystal in which every motion exchanges energy with every other within a tenth of a picosecond.

Thermostats that rescale all velocities by one factor leave it to the forces to share the energy out. Stiff
molecules do so in nanoseconds; here the anions are as soft as the lattice, and a rough landscape of cosines
of the distances between neighbours makes all motions chaotic.
"""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import openmm
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from openmm_anion.freezing import FrozenSystem, freeze

Array = NDArray[np.float64]

SPACING = 0.5  # nm
TETRAHEDRON = 0.2 / np.sqrt(3) * np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
ATOM, CATION = 10.0, 40.0  # Da
SPRING = 1.0e4  # kJ/(mol nm^2), between all atoms of an anion: periods from 90 fs on
LANDSCAPE = "100*(r-r0)^2 + 4*cos(120*(r-r0))"  # kJ/mol
NEIGHBOURS = 3


def anharmonic_crystal(cells: int, modes: str, rotation: str = "eckart", *, seed: int = 0) -> FrozenSystem:
    """Rock salt of ``cells^3 / 2`` XY4 anions and as many cations in a periodic cube, frozen in `modes`.

    Each ligand and each cation is tied to its nearest three cations. Two cells are a cluster in a cube four
    cells wide, cut by its border.
    """
    random = np.random.default_rng(seed)
    box = max(cells, 4) * SPACING
    system = openmm.System()
    system.setDefaultPeriodicBoxVectors(*np.diag([box] * 3))
    points: list[Array] = []
    anions: list[list[int]] = []
    cations: list[int] = []
    for site in product(range(cells), repeat=3):
        place = SPACING * np.array(site)
        if sum(site) % 2:
            cations.append(len(points))
            points.append(place)
            system.addParticle(CATION)
        else:
            anions.append(list(range(len(points), len(points) + 5)))
            turn = Rotation.random(random_state=int(random.integers(2**31)))
            points += list(place + turn.apply(TETRAHEDRON))
            for _ in TETRAHEDRON:
                system.addParticle(ATOM)
    positions = np.array(points)

    def distances(index: int) -> Array:
        apart = positions[cations] - positions[index]
        return np.asarray(np.linalg.norm(apart - box * np.round(apart / box), axis=1))

    springs, landscape = openmm.HarmonicBondForce(), openmm.CustomBondForce(LANDSCAPE)
    landscape.addPerBondParameter("r0")
    for anion in anions:
        for i, j in combinations(anion, 2):
            springs.addBond(i, j, float(np.linalg.norm(positions[i] - positions[j])), SPRING)
    ligands = [index for anion in anions for index in anion[1:]]
    ties = {
        (min(index, cations[k]), max(index, cations[k])): float(length[k])
        for index, length in ((index, distances(index)) for index in ligands + cations)
        for k in np.argsort(length)[int(length.min() == 0.0) :][:NEIGHBOURS]
    }
    for (i, j), length in ties.items():
        landscape.addBond(i, j, [length])
    for force in (springs, landscape):
        force.setUsesPeriodicBoundaryConditions(True)
        system.addForce(force)
    return freeze(system, anions, modes, positions=positions, rotation=rotation)
