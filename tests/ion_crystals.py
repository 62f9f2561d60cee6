"""Small crystals of molecular ions of every shape, with a cheap classical potential."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import openmm
from ase import Atoms
from ase.data import atomic_masses, atomic_numbers
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from openmm_anion.freezing import Violation

Array = NDArray[np.float64]

CUBIC = np.diag([1.5, 1.5, 1.5])
TRICLINIC = np.array([[1.5, 0.0, 0.0], [0.3, 1.45, 0.0], [-0.4, 0.5, 1.4]])
SPRING, FLAT_SPRING = 1.0e5, 5.0e4  # kJ/(mol nm^2)


def _ring(count: int, radius: float, z: float, start: float = 0.0) -> list[list[float]]:
    angles = np.radians(start) + 2 * np.pi * np.arange(count) / count
    return [[radius * np.cos(a), radius * np.sin(a), z] for a in angles]


def _icosahedron(edge: float) -> Array:
    golden = (1 + np.sqrt(5)) / 2
    corners = [(0.0, a, b * golden) for a, b in product((-1, 1), repeat=2)]
    return 0.5 * edge * np.array([np.roll(corner, k) for corner in corners for k in range(3)])


def _bridged(bond: float, terminal: float, angle: float) -> list[list[float]]:
    """Two tetrahedra that share the corner at the origin: centres, corner, three ligands at each centre."""
    half = np.radians(angle) / 2
    centers = bond * np.array([[np.sin(half), 0, np.cos(half)], [-np.sin(half), 0, np.cos(half)]])
    ligands = []
    for center in centers:
        away = Rotation.align_vectors([center], [[0.0, 0.0, 1.0]])[0]
        cap = _ring(3, terminal * np.sqrt(8) / 3, terminal / 3)
        ligands += (center + away.apply(cap)).tolist()
    return [*centers.tolist(), [0.0, 0.0, 0.0], *ligands]


_CORNERS = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
_AXES = np.concatenate([np.eye(3), -np.eye(3)])
_CAGE = _icosahedron(0.178)

IONS: dict[str, tuple[list[str], Array]] = {
    "CN": (["C", "N"], np.array([[0, 0, 0], [0, 0, 0.117]])),
    "SCN": (["S", "C", "N"], np.array([[0, 0, -0.165], [0, 0, 0], [0, 0, 0.117]])),
    "N3": (["N", "N", "N"], np.array([[0, 0, 0], [0, 0, 0.118], [0, 0, -0.118]])),
    "ICl2": (["I", "Cl", "Cl"], np.array([[0, 0, 0], [0, 0, 0.255], [0, 0, -0.255]])),
    "NO2": (["N", "O", "O"], np.array([[0, 0, 0], [0.105, 0.067, 0], [-0.105, 0.067, 0]])),
    "NO3": (["N", *"OOO"], np.array([[0, 0, 0], *_ring(3, 0.125, 0)])),
    "CO3": (["C", *"OOO"], np.array([[0, 0, 0], *_ring(3, 0.129, 0)])),
    "BO3": (["B", *"OOO"], np.array([[0, 0, 0], *_ring(3, 0.138, 0)])),
    "BH4": (["B", *"HHHH"], np.concatenate([np.zeros((1, 3)), 0.123 * _CORNERS])),
    "PS4": (["P", *"SSSS"], np.concatenate([np.zeros((1, 3)), 0.205 * _CORNERS])),
    "PF6": (["P", *"FFFFFF"], np.concatenate([np.zeros((1, 3)), 0.16 * _AXES])),
    "P2S6": (
        [*"PPSSSSSS"],
        np.array([[0, 0, 0.11], [0, 0, -0.11], *_ring(3, 0.19, 0.18), *_ring(3, 0.19, -0.18, 60)]),
    ),
    "P2S7": ([*"PPSSSSSSS"], np.array(_bridged(0.213, 0.2, 110))),
    "CB11H12": (["C", *["B"] * 11, *["H"] * 12], np.concatenate([_CAGE, _CAGE * (1 + 0.115 / 0.1693)])),
    "B12H12": (["B"] * 12 + ["H"] * 12, np.concatenate([_CAGE, _CAGE * (1 + 0.119 / 0.1693)])),
}
"""Elements and positions (nm) of each ion, about its first atom or its middle."""

# Springs between all pairs hold flat ions flat only to second order: tie an atom to the mean of others.
_FLAT = {
    "SCN": (1, (0, 2)),
    "N3": (0, (1, 2)),
    "ICl2": (0, (1, 2)),
    "NO3": (0, (1, 2, 3)),
    "CO3": (0, (1, 2, 3)),
    "BO3": (0, (1, 2, 3)),
}


@dataclass(frozen=True, eq=False)
class IonCrystal:
    """Anions (whole) and as many sodium cations; nm."""

    system: openmm.System
    positions: Array
    anions: list[list[int]]
    names: list[str]
    symbols: list[str]
    box: Array

    @property
    def wrapped(self) -> Array:
        """All atoms in the box, so that ions at its border are cut."""
        fractional = self.positions @ np.linalg.inv(self.box)
        return np.asarray((fractional - np.floor(fractional)) @ self.box)

    @property
    def atoms(self) -> Atoms:
        """The wrapped crystal for ASE, angstrom."""
        return Atoms(self.symbols, self.wrapped * 10, cell=self.box * 10, pbc=True)


def ion_crystal(
    names: Sequence[str], box: Array = CUBIC, *, seed: int = 0, noise: float = 0.003, group: int = 0
) -> IonCrystal:
    """Turn, shake and place up to eight ions; `group` is the force group of all forces."""
    random = np.random.default_rng(seed)
    symbols: list[str] = []
    points: list[Array] = []
    anions: list[list[int]] = []
    sites = np.array(list(product((0.0, 0.5), repeat=3)))
    for site, name in zip(sites, names, strict=False):
        kinds, shape = IONS[name]
        anions.append(list(range(len(symbols), len(symbols) + len(kinds))))
        turned = Rotation.random(random_state=int(random.integers(2**31))).apply(shape - shape.mean(axis=0))
        points += list(turned + site @ box + noise * random.normal(size=shape.shape))
        symbols += kinds
    for site in sites[: len(names)]:
        points.append((site + 0.25) @ box + noise * random.normal(size=3))
        symbols.append("Na")
    system = openmm.System()
    system.setDefaultPeriodicBoxVectors(*box)
    for symbol in symbols:
        system.addParticle(float(atomic_masses[atomic_numbers[symbol]]))
    for force in (_pair_force(symbols, anions, box), *_bonded_forces(anions, names)):
        force.setForceGroup(group)
        system.addForce(force)
    return IonCrystal(system, np.array(points), anions, list(names), symbols, box)


def _pair_force(symbols: list[str], anions: list[list[int]], box: Array) -> openmm.CustomNonbondedForce:
    """Repulsion and a smoothly cut Coulomb attraction between different ions."""
    cutoff = 0.49 * float(np.diag(box).min())
    pair = openmm.CustomNonbondedForce(
        f"2000*exp(-(r-ra1-ra2)/0.03) + 138.9*q1*q2*(1/r - 2/{cutoff} + r/{cutoff**2})"
    )
    pair.addPerParticleParameter("q")
    pair.addPerParticleParameter("ra")
    pair.setNonbondedMethod(openmm.CustomNonbondedForce.CutoffPeriodic)
    pair.setCutoffDistance(cutoff)
    charges = np.ones(len(symbols))
    for anion in anions:
        charges[anion] = -1.0 / len(anion)
        for i, j in combinations(anion, 2):
            pair.addExclusion(i, j)
    for charge, symbol in zip(charges, symbols, strict=True):
        pair.addParticle([charge, 0.03 if symbol == "H" else 0.06])
    return pair


def _bonded_forces(anions: list[list[int]], names: Sequence[str]) -> list[openmm.Force]:
    springs = openmm.HarmonicBondForce()
    flat = openmm.CustomCentroidBondForce(2, f"0.5*{FLAT_SPRING}*distance(g1,g2)^2")
    for anion, name in zip(anions, names, strict=True):
        shape = IONS[name][1]
        for i, j in combinations(range(len(anion)), 2):
            springs.addBond(anion[i], anion[j], float(np.linalg.norm(shape[i] - shape[j])), SPRING)
        if name in _FLAT:
            middle, around = _FLAT[name]
            others = np.array([shape[k] for k in around])
            weights = np.linalg.lstsq(np.vstack([others.T, np.ones(len(around))]), [*shape[middle], 1.0])[0]
            groups = [
                flat.addGroup([anion[middle]], [1.0]),
                flat.addGroup([anion[k] for k in around], weights),
            ]
            flat.addBond(groups)
    return [springs, flat] if flat.getNumBonds() else [springs]


def assert_held(violation: Violation, modes: str, double: bool) -> None:
    """The promise: 1e-10 nm and rad in double precision, 1e-6 nm and 1e-4 rad in mixed."""
    length, angle = (1e-10, 1e-10) if double else (1e-6, 1e-4)
    values = {"T": violation.translation, "R": violation.rotation, "V": violation.shape}
    for mode, value in values.items():
        if mode in modes:
            assert value <= (angle if mode == "R" else length), f"{mode}: {violation}"
        else:
            assert np.isnan(value)
