"""Unit vectors that show the orientation of anions: from the centre to each ligand."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from openmm_anion.analysis.compiled import compiled
from openmm_anion.analysis.ions import Anion
from openmm_anion.analysis.oriented_anions import starts_of
from openmm_anion.errors import InputError

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

SHORTEST_BOND = 0.05
"""Of a ligand to its centre, A: a shorter one has no direction."""


class Directions:
    """Directions from the central atom of each anion, or without one from its centre of mass, to its ligands.

    Parameters
    ----------
    anions : sequence of Anion
        Anions, whose atoms stand one after the other.

    Attributes
    ----------
    of_anion : list of slice
        Which of the directions are those of each anion.

    Examples
    --------
    >>> anion = Anion("CN", np.array([4, 7]), ("C", "N"), np.array([12.0, 14.0]), 0, np.array([1]))
    >>> vectors = np.empty((1, 1, 3), dtype=np.float32)
    >>> Directions([anion]).fill(np.array([[[0.0, 0, 0], [0, 2, 0]]]), np.array([0]), vectors)
    >>> vectors
    array([[[0., 1., 0.]]], dtype=float32)
    """

    def __init__(self, anions: Sequence[Anion]) -> None:
        counts = [len(anion.ligands) for anion in anions]
        begins = starts_of(anions)[:-1]
        self._atoms = np.concatenate([anion.indices for anion in anions])
        self._owners = np.repeat(np.arange(len(counts)), counts)
        self._ligands = np.concatenate(
            [anion.ligands + begin for anion, begin in zip(anions, begins, strict=True)]
        )
        self._hubs = np.array(
            [
                -1 if anion.center is None else anion.center + begin
                for anion, begin in zip(anions, begins, strict=True)
            ]
        )
        self.of_anion = [slice(begin, end) for begin, end in pairwise(np.cumsum([0, *counts]))]

    def __len__(self) -> int:
        return len(self._ligands)

    def fill(self, atoms: Array, frames: Indices, vectors: NDArray[np.float32]) -> None:
        """Write the unit vectors of some frames.

        Parameters
        ----------
        atoms : array, shape (k, n_atoms, 3)
            Atoms about the centres of mass of their anions, A.
        frames : array of int, shape (k,)
            Numbers of the frames, named in errors.
        vectors : array of float32, shape (k, number of directions, 3)
            Where to: as precise as the positions that readers of MDAnalysis have.

        Raises
        ------
        InputError
            If a ligand is on its centre.
        """
        shortest, frame, which = _fill(atoms, self._hubs, self._owners, self._ligands, vectors)
        if shortest < SHORTEST_BOND:
            atom = self._atoms[self._ligands[which]]
            raise InputError(
                f"frame {frames[frame]}: atom {atom} is {shortest:.3f} A from the centre of its anion "
                "and shows no direction"
            )


@compiled
def _fill(
    atoms: Array, hubs: Indices, owners: Indices, ligands: Indices, vectors: NDArray[np.float32]
) -> tuple[float, int, int]:
    """Fill in unit vectors to the ligands; tell the shortest bond, its frame and its number."""
    shortest, frame, which = np.inf, 0, 0
    d = np.empty(3)
    for f in range(atoms.shape[0]):
        for b in range(len(ligands)):
            hub = hubs[owners[b]]
            length = 0.0
            for k in range(3):
                d[k] = atoms[f, ligands[b], k]
                if hub >= 0:
                    d[k] -= atoms[f, hub, k]
                length += d[k] * d[k]
            length = np.sqrt(length)
            if length < shortest:
                shortest, frame, which = length, f, b
            for k in range(3):
                vectors[f, b, k] = d[k] / length
    return shortest, frame, which
