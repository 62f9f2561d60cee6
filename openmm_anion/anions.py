"""Find the polyanions of a crystal: structure in, whole molecular ions out."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols, covalent_radii
from ase.formula import Formula
from ase.neighborlist import neighbor_list
from numpy.typing import NDArray

from openmm_anion import shape
from openmm_anion.errors import InputError
from openmm_anion.shape import Shape
from openmm_anion.units import ANGSTROM

Array = NDArray[np.float64]

NONMETALS = frozenset("H B C N O F Si P S Cl Ge As Se Br Sb Te I".split())
"""Elements that make covalent bonds: a cluster bonded to one of these is not an isolated ion."""


@dataclass(frozen=True, eq=False)
class Polyanion:
    """One molecular ion, made whole.

    Attributes
    ----------
    formula : str
        Composition as the user wrote it, e.g. ``"PS4"``.
    indices : (n,) int array
        Its atoms in the structure, rising.
    symbols : tuple of str
        Their elements.
    masses : (n,) array
        Their masses, Da.
    positions : (n, 3) array
        Positions with no bond cut by the periodic boundary, nm.
    bonds : (k, 2) int array
        Bonded pairs of atoms, as indices into the structure.

    Examples
    --------
    >>> atoms = Atoms("CN", [[0, 0, 0], [1.17, 0, 0]], cell=[5.0] * 3, pbc=True)
    >>> anion = find_polyanions(atoms, "CN")[0]
    >>> anion.formula, anion.shape, anion.positions[1]
    ('CN', 'linear', array([0.117, 0.   , 0.   ]))
    """

    formula: str
    indices: NDArray[np.int64]
    symbols: tuple[str, ...]
    masses: Array
    positions: Array
    bonds: NDArray[np.int64]

    @property
    def center_of_mass(self) -> Array:
        """Centre of mass, (3,), nm."""
        return shape.center_of_mass(self.positions, self.masses)

    @property
    def inertia(self) -> Array:
        """Inertia tensor about the centre of mass, (3, 3), Da nm^2."""
        return shape.inertia_tensor(self.positions, self.masses)

    @cached_property
    def shape(self) -> Shape:
        """``"linear"``, ``"planar"`` or ``"general"``."""
        return shape.classify(self.positions, self.masses)

    def __len__(self) -> int:
        return len(self.indices)


@dataclass(frozen=True, eq=False)
class Polyanions(Sequence[Polyanion]):
    """The polyanions of one structure, in the order of their first atoms.

    Attributes
    ----------
    anions : tuple of Polyanion
        The ions.
    positions : (N, 3) array
        Positions of all atoms of the structure, anions whole, others as given, nm.
    box : (3, 3) array
        Box vectors as rows, nm.

    Examples
    --------
    >>> atoms = Atoms("CN", [[0, 0, 0], [1.17, 0, 0]], cell=[5.0] * 3, pbc=True)
    >>> anions = find_polyanions(atoms, "CN")
    >>> anions, anions.indices
    (<Polyanions: 1 CN (linear)>, array([0, 1]))
    """

    anions: tuple[Polyanion, ...]
    positions: Array
    box: Array

    @overload
    def __getitem__(self, index: int) -> Polyanion: ...
    @overload
    def __getitem__(self, index: slice) -> Polyanions: ...
    def __getitem__(self, index: int | slice) -> Polyanion | Polyanions:
        if isinstance(index, slice):
            return Polyanions(self.anions[index], self.positions, self.box)
        return self.anions[index]

    def __len__(self) -> int:
        return len(self.anions)

    def __iter__(self) -> Iterator[Polyanion]:
        return iter(self.anions)

    @property
    def indices(self) -> NDArray[np.int64]:
        """All atoms that belong to an anion, rising."""
        return np.sort(np.concatenate([anion.indices for anion in self.anions]))

    @property
    def centers_of_mass(self) -> Array:
        """Centres of mass, (number of anions, 3), nm."""
        return np.array([anion.center_of_mass for anion in self.anions])

    def __repr__(self) -> str:
        count = Counter((anion.formula, anion.shape) for anion in self.anions)
        parts = [f"{number} {formula} ({kind})" for (formula, kind), number in count.items()]
        return f"<Polyanions: {', '.join(parts)}>"


def find_polyanions(atoms: Atoms, formulas: str | Sequence[str], *, bond_scale: float = 1.25) -> Polyanions:
    """Find every isolated cluster of the given compositions, through periodic boundaries.

    Two atoms are bonded when they are closer than `bond_scale` times the sum of their covalent
    radii (Cordero et al. 2008, doi:10.1039/b801115j). Metals that stand in no formula are taken
    as cations and bond to nothing; every other element does, so that the SO4 of HSO4- is not
    mistaken for a sulfate.

    Parameters
    ----------
    atoms : ase.Atoms
        A crystal, periodic in three directions (angstrom, as always in ASE).
    formulas : str or sequence of str
        Compositions, e.g. ``"PS4"`` or ``["BH4", "NH2"]``.
    bond_scale : float, optional
        Factor on the sum of covalent radii.

    Returns
    -------
    Polyanions
        Whole ions with indices, masses, positions (nm) and shape.

    Raises
    ------
    InputError
        If a formula matches nothing, or is given twice, if a network of its elements runs through
        the whole crystal, if the structure is not periodic or has coordinates that are not finite, or
        if `bond_scale` is not a positive number.

    Examples
    --------
    >>> crystal = Atoms("KCN", [[0, 0, 0], [3.2, 2.6, 3.2], [3.2, 3.8, 3.2]], cell=[6.5, 6.5, 6.5], pbc=True)
    >>> find_polyanions(crystal, "CN")
    <Polyanions: 1 CN (linear)>
    """
    wanted = _compositions(formulas)
    _require_crystal(atoms)
    if not 0 < bond_scale < np.inf:
        raise InputError(f"bond_scale {bond_scale} is not a positive number; a usual one is 1.25")
    symbols = np.array(atoms.get_chemical_symbols())
    elements = {symbol for composition in wanted for symbol, _ in composition}
    for symbol in sorted(elements - set(symbols)):
        raise InputError(
            f"anion element {symbol} is not in the structure, which holds {', '.join(sorted(set(symbols)))}"
        )
    clusters = _clusters(atoms, elements | NONMETALS, bond_scale)

    anions: list[Polyanion] = []
    whole = atoms.positions * ANGSTROM
    for cluster in clusters:
        formula = wanted.get(_composition(symbols[cluster.atoms]))
        if formula is None:
            continue
        if cluster.endless:
            raise InputError(
                f"a cluster of composition {formula} is bonded to its own periodic image and runs through "
                f"the whole crystal; check the structure or lower bond_scale ({bond_scale})"
            )
        whole[cluster.atoms] = cluster.positions * ANGSTROM
        order = np.argsort(cluster.atoms)
        indices = cluster.atoms[order]
        anions.append(
            Polyanion(
                formula=formula,
                indices=indices,
                symbols=tuple(str(symbol) for symbol in symbols[indices]),
                masses=atoms.get_masses()[indices],
                positions=cluster.positions[order] * ANGSTROM,
                bonds=cluster.bonds,
            )
        )
    found = {anion.formula for anion in anions}
    for composition, formula in wanted.items():
        if formula not in found:
            raise InputError(_nothing_found(formula, composition, symbols, clusters, bond_scale))
    anions.sort(key=lambda anion: int(anion.indices[0]))
    return Polyanions(tuple(anions), whole, atoms.cell.array * ANGSTROM)


Composition = frozenset[tuple[str, int]]


@dataclass(frozen=True, eq=False)
class _Cluster:
    atoms: NDArray[np.int64]
    positions: Array
    bonds: NDArray[np.int64]
    endless: bool


def _composition(symbols: NDArray[np.str_]) -> Composition:
    return frozenset(Counter(str(symbol) for symbol in symbols).items())


def _compositions(formulas: str | Sequence[str]) -> dict[Composition, str]:
    wanted: dict[Composition, str] = {}
    for formula in [formulas] if isinstance(formulas, str) else formulas:
        try:
            count = Formula(formula).count()
        except ValueError:
            raise InputError(
                f"anion formula {formula!r} cannot be read; write it like PS4, BH4 or B12H12"
            ) from None
        for symbol in count:
            if symbol not in chemical_symbols[1:]:
                raise InputError(f"anion formula {formula!r} names {symbol!r}, which is no element")
        if sum(count.values()) < 2:
            raise InputError(
                f"anion formula {formula!r} is a single atom, which cannot rotate or vibrate; name "
                "a polyanion"
            )
        composition = frozenset(count.items())
        if composition in wanted:
            raise InputError(
                f"anion formulas {wanted[composition]!r} and {formula!r} claim the same atoms; give "
                "each composition once"
            )
        wanted[composition] = formula
    if not wanted:
        raise InputError("no anion formula given; name at least one, e.g. PS4")
    return wanted


def _require_crystal(atoms: Atoms) -> None:
    if not np.isfinite(atoms.cell.array).all():
        raise InputError("a cell vector of the structure is not finite; check the file")
    if not atoms.pbc.all() or abs(atoms.cell.volume) < 1e-6:
        raise InputError(
            "the structure is not periodic in three directions; give one with a cell (CIF, POSCAR, extxyz)"
        )
    bad = np.argwhere(~np.isfinite(atoms.positions))
    if len(bad):
        raise InputError(
            f"atom {bad[0][0]} of the structure has a coordinate that is not finite; check the file"
        )


def _clusters(atoms: Atoms, bonding: set[str] | frozenset[str], bond_scale: float) -> list[_Cluster]:
    """Connected clusters of the bonding elements, each unwrapped along its bonds."""
    reach = np.array(
        [
            bond_scale * covalent_radii[z] if s in bonding else 0.0
            for z, s in zip(atoms.numbers, atoms.symbols, strict=True)
        ]
    )
    first, second, vector = neighbor_list("ijD", atoms, cutoff=reach)
    keep = (reach[first] > 0) & (reach[second] > 0)
    first, second, vector = first[keep], second[keep], vector[keep]
    start = np.searchsorted(first, np.arange(len(atoms) + 1))

    clusters: list[_Cluster] = []
    placed = np.full((len(atoms), 3), np.nan)
    for seed in np.flatnonzero(reach > 0):
        if np.isfinite(placed[seed, 0]):
            continue
        placed[seed] = atoms.positions[seed]
        members, queue, endless = [int(seed)], deque([int(seed)]), False
        bonds: set[tuple[int, int]] = set()
        while queue:
            here = queue.popleft()
            for k in range(start[here], start[here + 1]):
                there = int(second[k])
                target = placed[here] + vector[k]
                bonds.add((min(here, there), max(here, there)))
                if not np.isfinite(placed[there, 0]):
                    placed[there] = target
                    members.append(there)
                    queue.append(there)
                elif np.abs(placed[there] - target).max() > 1e-3:
                    endless = True  # reached again one period away
        clusters.append(
            _Cluster(
                atoms=np.array(members),
                positions=placed[members],
                bonds=np.array(sorted(bonds), dtype=np.int64).reshape(-1, 2),
                endless=endless,
            )
        )
    return clusters


def _nothing_found(
    formula: str,
    composition: Composition,
    symbols: NDArray[np.str_],
    clusters: list[_Cluster],
    bond_scale: float,
) -> str:
    elements = {symbol for symbol, _ in composition}
    related = [c for c in clusters if elements & set(symbols[c.atoms]) and len(c.atoms) > 1]
    for cluster in related:
        if cluster.endless:
            return (
                f"no isolated {formula}: the bonded network of "
                f"{'-'.join(sorted(set(symbols[cluster.atoms])))} runs through "
                f"the whole crystal ({len(cluster.atoms)} atoms); check the structure or lower "
                f"bond_scale ({bond_scale})"
            )
    there = Counter(Formula.from_list(list(symbols[c.atoms])).format("metal") for c in related)
    listing = ", ".join(f"{number} x {name}" for name, number in there.most_common(6)) or "none"
    return f"no isolated {formula} in the structure; its elements form: {listing} (bond_scale {bond_scale})"
