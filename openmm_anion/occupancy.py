"""Turn a crystal with partly occupied sites into one with atoms, and take cations out of it; both seeded.

Which of the sites are taken is chosen at random, with the numbers that the occupancies ask for, and never two
sites that are too close to be taken both.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from ase.neighborlist import neighbor_list
from numpy.typing import NDArray

from openmm_anion.errors import InputError

VACANT = ""
NOTES = "notes"
"""Key of `ase.Atoms.info` under which it stands what was chosen."""

_FULL = 1e-6
_ROUNDED = 0.005
"""Occupancies in files have two digits or more."""
_TRIES = 500
"""Moves per site until the search for a choice without close pairs is given up."""
_NOISE = 0.1
"""Share of moves that go anywhere, to get out of dead ends."""


@dataclass(frozen=True)
class SiteChoice:
    """How partly occupied sites are filled.

    Attributes
    ----------
    seed : int
        Seed of the choice.
    closest : float
        Of two partly occupied sites closer than this at most one is taken, angstrom.

    Examples
    --------
    >>> SiteChoice(seed=7)
    SiteChoice(seed=7, closest=1.5)
    """

    seed: int = 1
    closest: float = 1.5


def partly_occupied(atoms: Atoms) -> dict[int, dict[str, float]]:
    """Return the occupancies of the sites that are not simply full, by kind of site.

    Parameters
    ----------
    atoms : ase.Atoms
        As ASE reads it from a CIF.

    Returns
    -------
    dict of int to dict of str to float
        By the number that ASE gives a kind of site: symbols, and the share of each.

    Examples
    --------
    >>> atoms = Atoms("Na")
    >>> atoms.info["occupancy"] = {"0": {"Na": 0.7}, "1": {"P": 1.0}}
    >>> partly_occupied(atoms)
    {0: {'Na': 0.7}}
    """
    found = atoms.info.get("occupancy", {})
    return {
        int(kind): {symbol: float(share) for symbol, share in site.items()}
        for kind, site in found.items()
        if any(abs(share - 1.0) > _FULL for share in site.values())
    }


def choose_sites(atoms: Atoms, choice: SiteChoice, source: str) -> Atoms:
    """Fill partly occupied sites.

    Each kind of site (one line of a CIF, with all its images) gets as many atoms of each element as its
    occupancies say, rounded to whole numbers where they must be. ``info["notes"]`` says what was chosen,
    and names what was rounded.

    Parameters
    ----------
    atoms : ase.Atoms
        The supercell, an atom on every site, with ASE's ``spacegroup_kinds`` and ``info["occupancy"]``.
    choice : SiteChoice
        Seed and least distance.
    source : str
        What it was read from, for error messages.

    Returns
    -------
    ase.Atoms
        The atoms of the sites that were taken.

    Raises
    ------
    InputError
        If occupancies add up to more than 1, name no element, or leave no choice without a close pair.
    """
    rng = np.random.default_rng(choice.seed)
    kinds = atoms.arrays["spacegroup_kinds"]
    labels = np.array(atoms.get_chemical_symbols(), dtype=object)
    notes, groups = [], []
    for kind, shares in partly_occupied(atoms).items():
        sites = np.flatnonzero(kinds == kind)
        if not len(sites):  # ASE keeps the line of an element that shares the site of another
            continue
        counts = _counts(shares, len(sites), source)
        labels[sites] = rng.permutation(np.repeat(list(counts), list(counts.values())).astype(object))
        groups.append(sites)
        notes.append(_told(shares, counts, len(sites)))
    _separate(atoms, labels, groups, choice, rng, source)
    taken = np.flatnonzero(labels != VACANT)
    chosen = atoms[taken]
    chosen.symbols = list(labels[taken])
    chosen.info[NOTES] = [f"sites chosen with occupancy_seed {choice.seed}: {'; '.join(notes)}"]
    return chosen


def remove_cations(atoms: Atoms, cations: NDArray[np.int64], number: int, seed: int) -> Atoms:
    """Take some cations out.

    Parameters
    ----------
    atoms : ase.Atoms
        The crystal.
    cations : int array
        Those among which it is chosen.
    number : int
        How many go.
    seed : int
        Seed of the choice.

    Returns
    -------
    ase.Atoms
        What is left; ``info["notes"]`` says what that means.

    Raises
    ------
    InputError
        If none would be left.

    Examples
    --------
    >>> left = remove_cations(Atoms("Na3Cl3"), np.array([0, 1, 2]), 1, seed=1)
    >>> str(left.symbols), left.info["notes"]
    ('Na2Cl3', ['1 of 3 Na taken out: the potential sees a cell that is off its composition, or charged'])
    """
    if not number:
        return atoms
    symbol = atoms.symbols[cations[0]]
    if number >= len(cations):
        raise InputError(f"structure.vacancies = {number}, but there are {len(cations)} {symbol}; leave some")
    # A stream of its own: the choice of sites does not depend on it.
    gone = np.random.default_rng([seed, 1]).choice(cations, number, replace=False)
    left = atoms.copy()
    del left[np.sort(gone)]
    left.info[NOTES] = [
        *atoms.info.get(NOTES, []),
        f"{number} of {len(cations)} {symbol} taken out: the potential sees a cell that is off its "
        "composition, or charged",
    ]
    return left


def _counts(shares: dict[str, float], sites: int, source: str) -> dict[str, int]:
    """Whole numbers of atoms and vacancies that add up to the sites: largest remainders go up."""
    for symbol in shares:
        if symbol not in chemical_symbols[1:]:
            raise InputError(f"a partly occupied site in {source} holds {symbol!r}, which is no element")
    total = sum(shares.values())
    if total > 1.0 + _ROUNDED or min(shares.values()) < 0.0:
        raise InputError(f"occupancies of a site in {source} add up to {total:g}; they must be 0 to 1")
    wanted = {symbol: share * sites / max(total, 1.0) for symbol, share in shares.items()}
    wanted[VACANT] = sites - sum(wanted.values())
    counts = {symbol: int(number + 1e-9) for symbol, number in wanted.items()}
    missing = sites - sum(counts.values())
    for symbol in sorted(wanted, key=lambda s: counts[s] - wanted[s])[:missing]:
        counts[symbol] += 1
    return counts


def _told(shares: dict[str, float], counts: dict[str, int], sites: int) -> str:
    parts = []
    for symbol, share in shares.items():
        exact = share * sites
        rounded = f" (rounded from {exact:.4g})" if abs(counts[symbol] - exact) > _ROUNDED * sites else ""
        parts.append(f"{counts[symbol]} {symbol}{rounded}")
    return f"{' and '.join(parts)} on {sites} sites"


def _separate(
    atoms: Atoms,
    labels: NDArray[np.object_],
    groups: list[NDArray[np.int64]],
    choice: SiteChoice,
    rng: np.random.Generator,
    source: str,
) -> None:
    """Move atoms to vacant sites of their kind until no two are too close (min-conflicts)."""
    if not groups:
        return
    group_of = {int(site): group for group in groups for site in group}
    near: defaultdict[int, list[int]] = defaultdict(list)
    for one, other in zip(*neighbor_list("ij", atoms, choice.closest), strict=True):
        if int(one) in group_of and int(other) in group_of and one != other:
            near[int(one)].append(int(other))

    def conflicts(site: int, leaving: int = -1) -> int:
        return sum(labels[other] != VACANT and other != leaving for other in near[site])

    for _ in range(_TRIES * len(group_of)):
        bad = [site for site in near if labels[site] != VACANT and conflicts(site)]
        if not bad:
            return
        here = int(rng.choice(bad))
        vacant = [int(site) for site in group_of[here] if labels[site] == VACANT]
        if not vacant:
            continue
        if rng.random() < _NOISE:
            there = int(rng.choice(vacant))
        else:
            costs = np.array([conflicts(site, leaving=here) for site in vacant])
            there = vacant[int(rng.choice(np.flatnonzero(costs == costs.min())))]
        labels[there], labels[here] = labels[here], VACANT
    raise InputError(
        f"no choice of the partly occupied sites of {source} keeps all atoms {choice.closest:g} A apart; "
        "take a larger supercell, or lower structure.closest_sites"
    )
