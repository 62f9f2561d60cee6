"""Positions that are continuous in time, from positions wrapped into the cell or not.

A displacement cannot be read from wrapped positions, and nothing in the numbers says so later: a mean
squared displacement of wrapped data looks like fast diffusion.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from openmm_anion.analysis.compiled import compiled
from openmm_anion.errors import InputError
from openmm_anion.periodic import heights, make_whole

Array = NDArray[np.float64]

LONGEST_STEP = 0.4
"""Of the smallest height of the cell: an atom of a wrapped trajectory that moves further between two frames
may as well have gone the other way."""


class Unwrapper:
    r"""Follow atoms from frame to frame, across the faces of the cell.

    The nearest image of each displacement is added to where the atom was,

    .. math:: u(t) = u(t-1) + [w(t) - w(t-1) - n L(t)]

    with whole numbers n and the cell L of that frame, which also is right for cells that change: the
    alternative, adding whole cells to the wrapped position, makes far atoms breathe with the cell. Where
    nothing jumps, positions come out as they went in. Of a molecule the first atom is followed so, and the
    others by their distance from it, so that it stays what it is however the cell changes.

    Parameters
    ----------
    ids : array_like of int
        Atoms as the user knows them, named in errors.
    molecules : sequence of array of int, optional
        Places in `ids`, an array per molecule: put together in the first frame, whole ever after.

    References
    ----------
    S. von Buelow, J. T. Bullerjahn, G. Hummer, J. Chem. Phys. 153, 021101 (2020), doi:10.1063/5.0008316.

    Examples
    --------
    >>> unwrapper = Unwrapper([7])
    >>> wrapped = np.array([[[9.8, 0.0, 0.0]], [[0.1, 0.0, 0.0]]])
    >>> unwrapper(np.array([0, 1]), wrapped, np.tile(10 * np.eye(3), (2, 1, 1)))[:, 0, 0]
    array([ 9.8, 10.1])
    """

    def __init__(self, ids: NDArray[np.int64], molecules: Sequence[NDArray[np.int64]] = ()) -> None:
        self._ids, self._molecules = ids, [np.sort(molecule) for molecule in molecules]
        self._leader = np.arange(len(ids))
        for molecule in self._molecules:
            self._leader[molecule] = molecule[0]
        # Where the last frame of the file has each leader, and how far from it its followers are.
        self._last = np.empty((0, 3))
        # What is added to where the file has leaders.
        self._shift = np.zeros((len(ids), 3))
        self.wrapped = False
        """Whether an atom crossed a face so far."""

    def __call__(self, frames: NDArray[np.int64], positions: Array, boxes: Array | None) -> Array:
        """Continue with some frames.

        Parameters
        ----------
        frames : array of int, shape (k,)
            Their numbers, named in errors.
        positions : array, shape (k, n, 3)
            Positions, A. Changed in place.
        boxes : array, shape (k, 3, 3), or None
            Cells, vectors as rows, A; without a cell nothing was wrapped.

        Returns
        -------
        array, shape (k, n, 3)
            Continuous positions, A.

        Raises
        ------
        InputError
            If a position is not finite, or an atom of a wrapped trajectory moves too far to tell where.
        """
        if not np.isfinite(positions.sum()):
            bad = np.argwhere(~np.isfinite(positions))
            frame, atom = frames[bad[0, 0]], self._ids[bad[0, 1]]
            raise InputError(f"frame {frame}: the position of atom {atom} is not finite; the run blew up")
        if boxes is None:
            return positions
        if not len(self._last):
            self._begin(positions[0], boxes[0])
        # A cell that does not change is inverted once.
        cells = boxes[:1] if (boxes == boxes[0]).all() else boxes
        if not np.isfinite(cells).all() or np.linalg.det(cells).min() <= 0.0:
            raise InputError(f"the cell is missing in one of the frames {frames[0]} to {frames[-1]}")
        limits = np.resize(LONGEST_STEP * heights(cells).min(axis=1), len(boxes))
        inverses = np.resize(np.linalg.inv(cells), boxes.shape)
        wrapped, longest, frame, atom = _continue(
            positions, boxes, inverses, limits, self._leader, self._last, self._shift
        )
        self.wrapped = self.wrapped or wrapped
        if self.wrapped and longest > 1.0:
            jump = longest * limits[frame]
            raise InputError(
                f"frame {frames[frame]}: atom {self._ids[atom]} of a wrapped trajectory moves {jump:.1f} A, "
                f"too far in this cell (over {limits[frame]:.1f} A) to tell where it went; write frames more "
                "often"
            )
        return positions

    def _begin(self, positions: Array, box: Array) -> None:
        self._last = positions.copy()
        for molecule in self._molecules:
            whole = make_whole(positions[molecule], box)
            self._last[molecule[1:]] = whole[1:] - whole[0]


@compiled
def _continue(
    positions: Array,
    boxes: Array,
    inverses: Array,
    limits: Array,
    leader: NDArray[np.int64],
    last: Array,
    shift: Array,
) -> tuple[bool, float, int, int]:
    """Make positions continuous in place; tell whether any was wrapped, and which step was the longest."""
    wrapped, longest, at, who = False, 0.0, 0, 0
    d = np.empty(3)
    n = np.empty(3)
    here = np.empty(3)
    for f in range(positions.shape[0]):
        box, inverse, limit = boxes[f], inverses[f], limits[f] ** 2
        for a in range(positions.shape[1]):
            follows = leader[a] != a
            for k in range(3):
                here[k] = positions[f, a, k] - (last[leader[a], k] if follows else 0.0)
                d[k] = here[k] - last[a, k]
            length = (d[0] ** 2 + d[1] ** 2 + d[2] ** 2) / limit
            crossed = False
            if length > 1.0:  # shorter steps are less than half of each height
                for k in range(3):
                    n[k] = np.round(d[0] * inverse[0, k] + d[1] * inverse[1, k] + d[2] * inverse[2, k])
                    crossed = crossed or n[k] != 0.0
            if crossed:
                wrapped = True
                for k in range(3):
                    lattice = n[0] * box[0, k] + n[1] * box[1, k] + n[2] * box[2, k]
                    d[k] -= lattice
                    here[k] -= lattice if follows else 0.0
                    shift[a, k] -= 0.0 if follows else lattice
                length = (d[0] ** 2 + d[1] ** 2 + d[2] ** 2) / limit
            for k in range(3):
                last[a, k] = here[k]
                # The leader of a follower stands before it, and is where it belongs by now.
                positions[f, a, k] = here[k] + (positions[f, leader[a], k] if follows else shift[a, k])
            if length > longest:
                longest, at, who = length, f, a
    return wrapped, np.sqrt(longest), at, who
