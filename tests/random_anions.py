"""Random anions in random triclinic boxes: every size and flatness, any masses, any forces."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import openmm
from numpy.typing import NDArray
from scipy.spatial.distance import pdist
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

CLOSEST = 0.09  # nm, between two atoms of an anion
FIELD = "fx*x + fy*y + fz*z + 0.5*k*periodicdistance(x, y, z, x0, y0, z0)^2"


@dataclass(frozen=True)
class Plan:
    """What to draw: atoms and dimensions of each anion, their thickness (nm), other particles, forces."""

    anions: list[tuple[int, int]]
    thickness: float
    loose: int
    seed: int
    external: bool


@dataclass(frozen=True, eq=False)
class RandomIons:
    """Anions (whole), then loose particles; harmonic bonds, soft spheres, fields and tethers; nm, kJ/mol."""

    box: Array
    masses: Array
    positions: Array
    anions: list[list[int]]
    bonds: list[tuple[int, int, float, float]]
    contacts: list[tuple[int, int, float]]
    fields: Array

    def system(self, place: Indices | None = None) -> openmm.System:
        """The System; with `place`, particle i stands at index ``place[i]``."""
        at = np.arange(len(self.masses)) if place is None else place
        system = openmm.System()
        system.setDefaultPeriodicBoxVectors(*self.box)
        for index in np.argsort(at):
            system.addParticle(float(self.masses[index]))
        bonds = openmm.HarmonicBondForce()
        for i, j, length, stiffness in self.bonds:
            bonds.addBond(int(at[i]), int(at[j]), length, stiffness)
        soft = openmm.CustomBondForce("height*exp(-0.5*(r/0.8)^2)")
        soft.addPerBondParameter("height")
        soft.setUsesPeriodicBoundaryConditions(True)
        for i, j, height in self.contacts:
            soft.addBond(int(at[i]), int(at[j]), [height])
        field = openmm.CustomExternalForce(FIELD)
        for name in ("fx", "fy", "fz", "k", "x0", "y0", "z0"):
            field.addPerParticleParameter(name)
        for index, values in enumerate(self.fields):
            field.addParticle(int(at[index]), values.tolist())
        for force in (bonds, soft, field):
            system.addForce(force)
        return system


def random_shape(size: int, dimensions: int, thickness: float, random: np.random.Generator) -> Array:
    """Atoms on a line, in a plane or in space; `thickness` is how far they leave the line or plane, nm."""
    if dimensions == 1:
        points = np.zeros((size, 3))
        points[1:, 0] = np.cumsum(random.uniform(CLOSEST, 0.15, size - 1))
    else:
        reach = CLOSEST * size ** (1 / dimensions)
        points = np.zeros((size, 3))
        while pdist(points).min() < CLOSEST:
            points[:, :dimensions] = random.uniform(-reach, reach, (size, dimensions))
    points[:, dimensions:] = random.uniform(-thickness, thickness, (size, 3 - dimensions))
    return points - points.mean(axis=0)


def random_box(random: np.random.Generator) -> Array:
    """Triclinic box in the reduced form of OpenMM, rows, nm; wider than twice any anion."""
    a, b, c = random.uniform(3.0, 4.0, 3)
    skew = random.uniform(-0.45, 0.45, 3)
    return np.array([[a, 0.0, 0.0], [skew[0] * a, b, 0.0], [skew[1] * a, skew[2] * b, c]])


def random_ions(plan: Plan) -> RandomIons:
    """Draw what is planned: masses from 1 to 200 Da, all places and orientations, forces up to some kT/nm."""
    random = np.random.default_rng(plan.seed)
    box = random_box(random)
    points: list[Array] = []
    anions: list[list[int]] = []
    bonds: list[tuple[int, int, float, float]] = []
    for size, dimensions in plan.anions:
        start = sum(map(len, anions))
        anions.append(list(range(start, start + size)))
        shape = random_shape(size, dimensions, plan.thickness, random)
        turned = Rotation.random(random_state=int(random.integers(2**31))).apply(shape)
        points += list(turned + random.uniform(-1, 2, 3) @ box)
        for i, j in combinations(range(size), 2):
            length = float(np.linalg.norm(shape[i] - shape[j])) * random.uniform(0.98, 1.02)
            bonds.append((start + i, start + j, length, random.uniform(1e3, 2e4)))
    points += list(random.uniform(-1, 2, (plan.loose, 3)) @ box)
    positions = np.array(points)
    count = len(positions)
    masses = np.exp(random.uniform(0.0, np.log(200.0), count))
    owner = np.repeat(np.arange(len(anions) + plan.loose), [*map(len, anions), *[1] * plan.loose])
    contacts = [
        (i, j, random.uniform(-20, 20)) for i, j in combinations(range(count), 2) if owner[i] != owner[j]
    ]
    fields = np.zeros((count, 7))
    if plan.external:
        fields[:, :3] = random.uniform(-50, 50, (count, 3))
        fields[:, 3] = random.uniform(0, 1000, count)
        fields[:, 4:] = positions + 0.02 * random.normal(size=(count, 3))
    return RandomIons(box, masses, positions, anions, bonds, contacts, fields)
