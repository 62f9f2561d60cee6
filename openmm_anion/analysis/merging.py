"""Notice an anion that binds an atom of another one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from MDAnalysis.lib.distances import self_capped_distance
from MDAnalysis.lib.mdamath import triclinic_box
from numpy.typing import ArrayLike, NDArray

from openmm_anion.analysis.damage import Damage, Watch
from openmm_anion.units import ANGSTROM

BOUND = 1.15
"""Times the sum of the covalent radii: closer than that is a bond, if it lasts."""
LASTS = 0.5
"""Time for which atoms of two anions must stay so close in every frame, ps: ligands of neighbours collide at
high temperature, and part at once."""
LOOKS = 3
"""And in so many frames, where these are far apart; more than these are not looked at."""


class MergeWatch(Watch):
    """Watch the contacts between anions, frame by frame; a pair of anions is reported once it is bound.

    Parameters
    ----------
    formulas : sequence of str
        Formula of each anion.
    members : sequence of array_like of int
        Atoms of each anion.
    symbols : sequence of str
        Elements of all atoms.

    Examples
    --------
    >>> watch = MergeWatch(["CN", "CN"], [[0, 1], [2, 3]], ["C", "N", "C", "N"])
    >>> apart = np.array([[0.0, 0, 0], [0.12, 0, 0], [0.5, 0, 0], [0.62, 0, 0]])
    >>> watch(apart, np.eye(3), time_ps=0.0)
    []
    >>> close = apart - np.array([[0], [0], [0.24], [0.24]]) * [1, 0, 0]
    >>> print(*[damage for k in range(9) for damage in watch(close, np.eye(3), time_ps=0.1 * k)])
    CN number 0 bound C (atom 2) of another anion at 0.8 ps, bond 1.40 A
    """

    def __init__(self, formulas: Sequence[str], members: Sequence[ArrayLike], symbols: Sequence[str]) -> None:
        self._formulas, self._symbols = list(formulas), list(symbols)
        self._atoms: NDArray[np.int64] = np.concatenate([np.asarray(m, dtype=np.int64) for m in members])
        self._anion = np.repeat(np.arange(len(members)), [len(np.atleast_1d(m)) for m in members])
        self._radii = BOUND * np.array([covalent_radii[atomic_numbers[symbols[i]]] for i in self._atoms])
        self._known: set[tuple[int, int]] = set()
        # Contacts that last: when they began, and for how many frames.
        self._contacts: dict[tuple[int, int], tuple[float, int]] = {}
        self._next = -np.inf

    def __call__(self, positions: ArrayLike, box: ArrayLike, time_ps: float) -> list[Damage]:
        """Return the bonds between anions that are new; see `Watch`."""
        if time_ps < self._next:
            return []
        there = np.asarray(positions, dtype=np.float64)[self._atoms] / ANGSTROM
        if not np.isfinite(there).all():  # the watch over bonds says so
            return []
        self._next = time_ps + LASTS / LOOKS * (1.0 - 1e-9)
        dimensions = triclinic_box(*(np.asarray(box, dtype=np.float64) / ANGSTROM))
        pairs, distances = self_capped_distance(
            there.astype(np.float32), 2.0 * float(self._radii.max()), box=dimensions
        )
        first, second = pairs.T
        close = (self._anion[first] != self._anion[second]) & (
            distances < self._radii[first] + self._radii[second]
        )
        before, self._contacts = self._contacts, {}
        found = []
        for i, j, distance in zip(first[close], second[close], distances[close], strict=True):
            pair = (int(i), int(j))
            begin, frames = before.get(pair, (time_ps, 0))
            self._contacts[pair] = begin, frames + 1
            lasts = time_ps - begin >= LASTS * (1.0 - 1e-9) and frames + 1 >= LOOKS
            if lasts and self._new(*pair):
                found.append(self._damage(*pair, float(distance), time_ps))
        return found

    def _new(self, i: int, j: int) -> bool:
        anions = tuple(sorted((int(self._anion[i]), int(self._anion[j]))))
        new = anions not in self._known
        self._known.add((anions[0], anions[1]))
        return new

    def _damage(self, i: int, j: int, angstrom: float, time_ps: float) -> Damage:
        atom, anion = int(self._atoms[j]), int(self._anion[i])
        return Damage(
            what="bound",
            time_ps=float(time_ps),
            anion=anion,
            formula=self._formulas[anion],
            atom=atom,
            symbol=self._symbols[atom],
            distance_nm=angstrom * ANGSTROM,
        )
