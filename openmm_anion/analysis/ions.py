"""Who is who in anybody's trajectory: cations by element, polyanions by formula."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers
from MDAnalysis.lib.mdamath import triclinic_vectors
from numpy.typing import NDArray

from openmm_anion.anions import Polyanion, find_polyanions
from openmm_anion.errors import InputError

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

NEAR_CENTER = 0.5
"""Of the largest distance to the centre of mass: an atom that is nearer shows no orientation."""


@dataclass(frozen=True, eq=False)
class Anion:
    """A polyanion in a trajectory.

    Attributes
    ----------
    formula : str
        Composition.
    indices : array of int, shape (n,)
        Its atoms.
    symbols : tuple of str
        Their elements.
    masses : array, shape (n,)
        Their masses, Da.
    center : int or None
        Place in `indices` of the atom near the centre of mass that all others are bonded to, P in PS4; None
        for cages and other ions without such an atom.
    ligands : array of int
        Places in `indices` of the atoms that show the orientation: those far from the centre, and of
        these those that are bonded to one atom only (H in B12H12), if there are any.

    Examples
    --------
    >>> anion = Anion("CN", np.array([0, 1]), ("C", "N"), np.array([12.0, 14.0]), None, np.array([0, 1]))
    >>> len(anion.indices)
    2
    """

    formula: str
    indices: Indices
    symbols: tuple[str, ...]
    masses: Array
    center: int | None
    ligands: Indices


@dataclass(frozen=True, eq=False)
class Ions:
    """The ions of a universe.

    Attributes
    ----------
    universe : MDAnalysis.Universe
        Whose they are.
    cations : array of int
        Atoms of the mobile element.
    anions : tuple of Anion
        Polyanions in the order of their first atom.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> len(Ions(mda.Universe.empty(2), np.array([0, 1]), ()).cations)
    2
    """

    universe: Any
    cations: Indices
    anions: tuple[Anion, ...]


def find_ions(universe: Any, cation: str, anions: str | Sequence[str]) -> Ions:
    """Find cations and polyanions in the first frame of a trajectory.

    Nothing is asked of the topology but names or elements of the atoms: bonds are found by distance,
    through the faces of the cell, as `openmm_anion.find_polyanions` does.

    Parameters
    ----------
    universe : MDAnalysis.Universe
        With a cell, and with elements or names of the atoms.
    cation : str
        Element, e.g. ``"Na"``.
    anions : str or sequence of str
        Formulas, e.g. ``"PS4"``.

    Returns
    -------
    Ions
        Indices of the cations, and the anions.

    Raises
    ------
    InputError
        If an element or an anion is not there, an atom has no known element, or there is no cell.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> u = mda.Universe.empty(3, trajectory=True)
    >>> u.add_TopologyAttr("elements", ["K", "C", "N"])
    >>> _ = u.load_new(np.array([[[0.0, 0, 0], [3, 3, 0.1], [3, 3, 6.3]]]), dimensions=[[6.5] * 3 + [90] * 3])
    >>> find_ions(u, "K", "CN").anions[0].indices
    array([1, 2])
    """
    symbols = elements_of(universe)
    cations = np.flatnonzero(np.array(symbols) == cation)
    if not len(cations):
        there = ", ".join(sorted(set(symbols)))
        raise InputError(f"no atom is a {cation!r}; the elements are {there} (write them as there)")
    frame = universe.trajectory[0]
    if frame.dimensions is None or not np.all(frame.dimensions[:3]):
        raise InputError("the first frame has no cell; anions cannot be found across its faces")
    atoms = Atoms(
        symbols, frame.positions.astype(np.float64), cell=triclinic_vectors(frame.dimensions), pbc=True
    )
    found = find_polyanions(atoms, anions)
    masses = masses_of(universe, symbols)
    return Ions(
        universe,
        cations,
        tuple(anion_of(anion, masses[anion.indices]) for anion in found),
    )


def anion_of(found: Polyanion, masses: Array) -> Anion:
    """Return a polyanion that was found, with its centre and the ligands that show its orientation.

    Parameters
    ----------
    found : Polyanion
        A whole polyanion.
    masses : array, shape (n,)
        Masses of its atoms, Da.

    Returns
    -------
    Anion
        Indices, elements, masses (Da), centre and ligands.

    Examples
    --------
    >>> from ase.build import molecule
    >>> from openmm_anion import find_polyanions
    >>> atoms = molecule("CH4", cell=[9.0] * 3, pbc=True)
    >>> anion_of(find_polyanions(atoms, "CH4")[0], atoms.get_masses()).ligands
    array([1, 2, 3, 4])
    """
    indices = found.indices
    degree = np.array([(found.bonds == index).any(axis=1).sum() for index in indices])
    reach = np.linalg.norm(found.positions - masses @ found.positions / masses.sum(), axis=1)
    hubs = np.flatnonzero((degree == len(indices) - 1) & (reach < NEAR_CENTER * reach.max()))
    center = int(hubs[0]) if len(hubs) == 1 else None
    others = np.flatnonzero((np.arange(len(indices)) != center) & (reach > NEAR_CENTER * reach.max()))
    ends = others[degree[others] == 1]
    return Anion(found.formula, indices, found.symbols, masses, center, ends if len(ends) else others)


def elements_of(universe: Any) -> list[str]:
    """Elements of all atoms, from the topology's elements or else from types or names.

    Parameters
    ----------
    universe : MDAnalysis.Universe
        Its atoms are asked for ``elements``, ``names`` and ``types``, in this order.

    Returns
    -------
    list of str
        A symbol for each atom.

    Raises
    ------
    InputError
        If an atom's element cannot be told.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> u = mda.Universe.empty(2)
    >>> u.add_TopologyAttr("names", ["NA1", "S12"])
    >>> elements_of(u)
    ['Na', 'S']
    """
    for attribute in ("elements", "names", "types"):
        if not hasattr(universe.atoms, attribute):
            continue
        found = [_element(str(text)) for text in getattr(universe.atoms, attribute)]
        if all(found):
            return [str(symbol) for symbol in found]
    raise InputError(
        "nothing tells the elements of the atoms; give a topology that does (PDB, extended XYZ, CIF ...), or "
        'set universe.add_TopologyAttr("elements", [...])'
    )


def _element(text: str) -> str | None:
    letters = text.strip()
    stem = ""
    for letter in letters:
        if not letter.isalpha():
            break
        stem += letter
    for symbol in (stem, stem.capitalize(), stem[:2].capitalize(), stem[:1].upper()):
        if symbol in atomic_numbers and symbol != "X":
            return symbol
    return None


def masses_of(universe: Any, symbols: Sequence[str]) -> Array:
    """Masses of all atoms, Da: the topology's where it has them all, else those of the elements.

    Parameters
    ----------
    universe : MDAnalysis.Universe
        Whose topology may have masses.
    symbols : sequence of str
        Element of each atom.

    Returns
    -------
    array, shape (number of atoms,)
        Da.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> masses_of(mda.Universe.empty(1), ["Na"]).round(2)
    array([22.99])
    """
    if hasattr(universe.atoms, "masses"):
        masses = np.asarray(universe.atoms.masses, dtype=np.float64)
        if np.isfinite(masses).all() and masses.min() > 0.0:
            return masses
    return np.asarray(Atoms(list(symbols)).get_masses(), dtype=np.float64)


def tell_apart(anions: Sequence[Anion]) -> dict[str, list[Anion]]:
    """Group anions by formula: what is averaged over must be of one kind.

    Parameters
    ----------
    anions : sequence of Anion
        Of any kinds.

    Returns
    -------
    dict of str to list of Anion
        The anions of each formula, in the order in which formulas come first.

    Examples
    --------
    >>> one = Anion("CN", np.array([0, 1]), ("C", "N"), np.array([12.0, 14.0]), None, np.array([0, 1]))
    >>> [(formula, len(group)) for formula, group in tell_apart([one, one]).items()]
    [('CN', 2)]
    """
    kinds: dict[str, list[Anion]] = {}
    for anion in anions:
        kinds.setdefault(anion.formula, []).append(anion)
    return kinds


def center_weights(anions: Sequence[Anion]) -> tuple[Indices, Array]:
    """All anion atoms, and the matrix that makes centres of mass of their positions.

    Parameters
    ----------
    anions : sequence of Anion
        With indices (n,) and masses (n,), Da, of their atoms.

    Returns
    -------
    indices : array of int, shape (n,)
        Atoms of all anions, one anion after the other.
    weights : array, shape (number of anions, n)
        Centres of mass are ``weights @ positions[indices]``.

    Examples
    --------
    >>> anion = Anion("CN", np.array([4, 7]), ("C", "N"), np.array([1.0, 3.0]), None, np.array([0, 1]))
    >>> center_weights([anion])
    (array([4, 7]), array([[0.25, 0.75]]))
    """
    sizes = [len(anion.indices) for anion in anions]
    weights = np.zeros((len(anions), sum(sizes)))
    ends = np.cumsum(sizes)
    for row, (anion, end) in enumerate(zip(anions, ends, strict=True)):
        weights[row, end - len(anion.indices) : end] = anion.masses / anion.masses.sum()
    return np.concatenate([anion.indices for anion in anions]), weights
