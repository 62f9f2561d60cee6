"""Notice an anion that loses a ligand, binds to another or leaves: the run then is of another material."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmm_anion.analysis.damage import Damage, Watch
from openmm_anion.analysis.merging import MergeWatch
from openmm_anion.analysis.places import PlaceWatch
from openmm_anion.errors import InputError
from openmm_anion.periodic import make_whole

BROKEN_STRETCH = 1.5
"""A bond this many times as long as in the reference is broken.

P-S is 2.05 A in PS4: broken from 3.1 A on. Thermal motion at 1000 K stretches such a bond by
some ten percent at most, while a ligand that leaves, or changes places with another, has to pass
this length."""


class BondWatch(Watch):
    """Watch the bonds of all anions, frame by frame; each bond is reported once.

    Parameters
    ----------
    formulas : sequence of str
        Formula of each anion.
    bonds : sequence of array_like, shape (k, 2)
        Bonds of each anion, as atom indices.
    symbols : sequence of str
        Elements of all atoms.
    positions : array_like, shape (n, 3)
        Reference positions of all atoms, nm: they give the reference lengths.
    box : array_like, shape (3, 3)
        Box vectors as rows, nm.
    stretch : float, optional
        A bond is broken beyond this many reference lengths.

    Raises
    ------
    InputError
        If no anion has a bond, or an index is out of range.

    Examples
    --------
    >>> box = np.eye(3)
    >>> watch = BondWatch(["CN"], [[[0, 1]]], ["C", "N"], [[0.05, 0, 0], [0.95, 0, 0]], box)
    >>> watch([[0.05, 0, 0], [0.93, 0, 0]], box, time_ps=1.0)
    []
    >>> print(*watch([[0.05, 0, 0], [0.80, 0, 0]], box, time_ps=2.0))
    CN number 0 lost N (atom 1) at 2 ps, bond 2.50 A
    >>> watch([[0.05, 0, 0], [0.80, 0, 0]], box, time_ps=3.0)
    []
    """

    def __init__(
        self,
        formulas: Sequence[str],
        bonds: Sequence[ArrayLike],
        symbols: Sequence[str],
        positions: ArrayLike,
        box: ArrayLike,
        *,
        stretch: float = BROKEN_STRETCH,
    ) -> None:
        pairs = [np.asarray(group, dtype=np.int64).reshape(-1, 2) for group in bonds]
        if not any(len(group) for group in pairs):
            raise InputError("no anion has a bond to watch; check the anion's formula")
        self._bonds = np.concatenate([_ligand_last(group) for group in pairs])
        self._anion = np.repeat(np.arange(len(pairs)), [len(group) for group in pairs])
        if self._bonds.min() < 0 or self._bonds.max() >= len(symbols):
            raise InputError(f"a bond names atom {self._bonds.max()}, but there are {len(symbols)} atoms")
        self._formulas = list(formulas)
        self._symbols = list(symbols)
        self._limits = stretch * self._lengths(np.asarray(positions, dtype=np.float64), box)
        self._intact = np.ones(len(self._bonds), dtype=bool)

    def __call__(self, positions: ArrayLike, box: ArrayLike, time_ps: float) -> list[Damage]:
        """Return the bonds that broke; see `Watch`."""
        lengths = self._lengths(np.asarray(positions, dtype=np.float64), box)
        # "not below" so that a position that is not a number counts as broken too
        new = np.flatnonzero(self._intact & ~(lengths < self._limits))
        self._intact[new] = False
        return [
            Damage(
                time_ps=float(time_ps),
                anion=int(self._anion[bond]),
                formula=self._formulas[self._anion[bond]],
                atom=int(self._bonds[bond, 1]),
                symbol=self._symbols[self._bonds[bond, 1]],
                distance_nm=float(lengths[bond]),
            )
            for bond in new
        ]

    def _lengths(self, positions: NDArray[np.float64], box: ArrayLike) -> NDArray[np.float64]:
        """Bond lengths by the nearest image; bonds are short against the box, so rounding finds it."""
        vectors = np.asarray(box, dtype=np.float64)
        bond = positions[self._bonds[:, 1]] - positions[self._bonds[:, 0]]
        bond -= np.round(bond @ np.linalg.inv(vectors)) @ vectors
        return np.asarray(np.linalg.norm(bond, axis=1))


class AnionWatch(Watch):
    """Watch the anions of a crystal: their bonds, the contacts between them, and their places.

    Parameters
    ----------
    formulas : sequence of str
        Formula of each anion.
    bonds : sequence of array_like, shape (k, 2)
        Bonds of each anion, as atom indices.
    members : sequence of array_like of int
        Atoms of each anion.
    symbols : sequence of str
        Elements of all atoms.
    masses : array_like
        Masses of all atoms, Da.
    positions : array_like, shape (n, 3)
        The crystal, nm, wrapped or not.
    box : array_like, shape (3, 3)
        Box vectors as rows, nm.

    Examples
    --------
    >>> crystal = [[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]]
    >>> watch = AnionWatch(["PS"], [[[0, 1]]], [[0, 1]], ["P", "S"], [31.0, 32.0], crystal, np.eye(3))
    >>> [print(damage) for damage in watch([[0.0, 0.0, 0.0], [0.4, 0.0, 0.0]], np.eye(3), 1.0)]
    PS number 0 lost S (atom 1) at 1 ps, bond 4.00 A
    [None]
    """

    def __init__(
        self,
        formulas: Sequence[str],
        bonds: Sequence[ArrayLike],
        members: Sequence[ArrayLike],
        symbols: Sequence[str],
        masses: ArrayLike,
        positions: ArrayLike,
        box: ArrayLike,
    ) -> None:
        crystal, cell = np.asarray(positions, dtype=np.float64), np.asarray(box, dtype=np.float64)
        mass = np.asarray(masses, dtype=np.float64)
        centers = [
            mass[group] @ make_whole(crystal[group], cell) / mass[group].sum()
            for group in (np.asarray(m, dtype=np.int64) for m in members)
        ]
        self._watches = (
            BondWatch(formulas, bonds, symbols, crystal, cell),
            MergeWatch(formulas, members, symbols),
            PlaceWatch(formulas, members, symbols, mass, centers, cell),
        )

    def __call__(self, positions: ArrayLike, box: ArrayLike, time_ps: float) -> list[Damage]:
        """Return whatever happened; see `Watch`."""
        return [damage for watch in self._watches for damage in watch(positions, box, time_ps)]


def _ligand_last(bonds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Turn each bond so that the atom with fewer bonds, the ligand, comes last."""
    if len(bonds) == 0:
        return bonds
    degree = np.bincount(bonds.ravel())[bonds]
    return np.where(degree[:, :1] >= degree[:, 1:], bonds, bonds[:, ::-1])
