"""Notice an anion that leaves its place: a framework that melts carries the cations in another way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmm_anion.analysis.damage import Damage, Watch
from openmm_anion.periodic import minimum_image

Array = NDArray[np.float64]

FAR = 0.5
"""Of the distance to the nearest other anion: further than that, another place is nearer than its own."""


class PlaceWatch(Watch):
    """Watch where the anions are, frame by frame; each anion is reported once.

    Displacements are followed from frame to frame across the faces of the cell, relative to the mean of all
    anions, so that a crystal may drift as a whole.

    Parameters
    ----------
    formulas : sequence of str
        Formula of each anion.
    members : sequence of array_like of int
        Atoms of each anion.
    symbols : sequence of str
        Elements of all atoms.
    masses : array_like
        Masses of all atoms, Da.
    centers : array_like, shape (number of anions, 3)
        Centres of mass in the crystal, nm: they tell how far neighbours are.
    box : array_like, shape (3, 3)
        Box vectors as rows, nm.

    Examples
    --------
    >>> box, two = np.eye(3), [[0.0, 0, 0], [0.5, 0, 0]]
    >>> watch = PlaceWatch(["N3", "N3"], [[0], [1]], ["N", "N"], [14.0, 14.0], two, box)
    >>> watch([[0.0, 0, 0], [0.5, 0, 0]], box, time_ps=0.0)
    []
    >>> print(*watch([[0.3, 0, 0], [0.5, 0.3, 0]], box, time_ps=1.0))
    <BLANKLINE>
    >>> for damage in watch([[0.7, 0, 0], [0.5, 0.1, 0]], box, time_ps=2.0):
    ...     print(damage)
    N3 number 0 left its place at 2 ps, moved 3.54 A: the framework melts
    N3 number 1 left its place at 2 ps, moved 3.54 A: the framework melts
    """

    def __init__(
        self,
        formulas: Sequence[str],
        members: Sequence[ArrayLike],
        symbols: Sequence[str],
        masses: ArrayLike,
        centers: ArrayLike,
        box: ArrayLike,
    ) -> None:
        self._formulas, self._symbols = list(formulas), list(symbols)
        groups = [np.atleast_1d(np.asarray(m, dtype=np.int64)) for m in members]
        self._atoms = np.concatenate(groups)
        self._begin = np.cumsum([0, *(len(group) for group in groups[:-1])])
        mass = np.asarray(masses, dtype=np.float64)
        self._share = np.concatenate([mass[group] / mass[group].sum() for group in groups])[:, None]
        place = np.asarray(centers, dtype=np.float64)
        between = minimum_image(place[:, None] - place[None], np.asarray(box, dtype=np.float64))
        distances = np.linalg.norm(between, axis=-1)
        np.fill_diagonal(distances, np.inf)
        # A single anion in the cell has its own images for neighbours.
        nearest = np.minimum(distances.min(axis=1), np.linalg.norm(box, axis=1).min())
        self._limits = FAR * nearest
        self._last: Array | None = None
        self._moved = np.zeros((len(groups), 3))
        self._in_place = np.ones(len(groups), dtype=bool)

    def __call__(self, positions: ArrayLike, box: ArrayLike, time_ps: float) -> list[Damage]:
        """Return the anions that left their place; see `Watch`."""
        now = np.asarray(positions, dtype=np.float64)[self._atoms]
        if not np.isfinite(now).all():  # the watch over bonds says so
            return []
        last, self._last = self._last, now
        if last is None:
            return []
        steps = minimum_image(now - last, np.asarray(box, dtype=np.float64))
        self._moved += np.add.reduceat(self._share * steps, self._begin, axis=0)
        far = np.linalg.norm(self._moved - self._moved.mean(axis=0), axis=1)
        new = np.flatnonzero(self._in_place & (far > self._limits))
        self._in_place[new] = False
        return [
            Damage(
                what="left",
                time_ps=float(time_ps),
                anion=int(k),
                formula=self._formulas[k],
                atom=int(self._atoms[self._begin[k]]),
                symbol=self._symbols[self._atoms[self._begin[k]]],
                distance_nm=float(far[k]),
            )
            for k in new
        ]
