"""Notice an anion that binds an atom of another one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from MDAnalysis.lib.distances import self_capped_distance
from MDAnalysis.lib.mdamath import triclinic_box
from numpy.typing import ArrayLike, NDArray

from openmm_anion.analysis.damage import Damage
from openmm_anion.units import ANGSTROM

BOUND = 1.15
"""Times the sum of the covalent radii: closer than that is a bond. The search for anions takes 1.25, which
ligands of neighbours may come near for a moment at high temperature."""


class MergeWatch:
    """Watch the contacts between anions, frame by frame; each pair of anions is reported once.

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
    >>> print(*watch(apart - np.array([[0], [0], [0.24], [0.24]]) * [1, 0, 0], np.eye(3), time_ps=1.0))
    CN number 0 bound C (atom 2) of another anion at 1 ps, bond 1.40 A
    """

    def __init__(self, formulas: Sequence[str], members: Sequence[ArrayLike], symbols: Sequence[str]) -> None:
        self._formulas, self._symbols = list(formulas), list(symbols)
        self._atoms: NDArray[np.int64] = np.concatenate([np.asarray(m, dtype=np.int64) for m in members])
        self._anion = np.repeat(np.arange(len(members)), [len(np.atleast_1d(m)) for m in members])
        self._radii = BOUND * np.array([covalent_radii[atomic_numbers[symbols[i]]] for i in self._atoms])
        self._known: set[tuple[int, int]] = set()

    def __call__(self, positions: ArrayLike, box: ArrayLike, time_ps: float) -> list[Damage]:
        """Return the contacts that are new since the last call.

        Parameters
        ----------
        positions : array_like, shape (n, 3)
            Positions of all atoms, wrapped or not, nm.
        box : array_like, shape (3, 3)
            Box vectors as rows, nm.
        time_ps : float
            Time of the frame, ps.
        """
        there = np.asarray(positions, dtype=np.float64)[self._atoms] / ANGSTROM
        if not np.isfinite(there).all():  # the watch over bonds says so
            return []
        dimensions = triclinic_box(*(np.asarray(box, dtype=np.float64) / ANGSTROM))
        pairs, distances = self_capped_distance(
            there.astype(np.float32), 2.0 * float(self._radii.max()), box=dimensions
        )
        first, second = pairs.T
        close = (self._anion[first] != self._anion[second]) & (
            distances < self._radii[first] + self._radii[second]
        )
        return [
            self._damage(int(i), int(j), float(d), time_ps)
            for i, j, d in zip(first[close], second[close], distances[close], strict=True)
            if self._new(int(i), int(j))
        ]

    def _new(self, i: int, j: int) -> bool:
        a, b = sorted((int(self._anion[i]), int(self._anion[j])))
        new = (a, b) not in self._known
        self._known.add((a, b))
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
