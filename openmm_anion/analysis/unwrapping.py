"""Positions that are continuous in time, from positions wrapped into the cell or not.

A displacement cannot be read from wrapped positions, and nothing in the numbers says so later: a mean
squared displacement of wrapped data looks like fast diffusion.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmm_anion.analysis.compiled import compiled
from openmm_anion.errors import InputError
from openmm_anion.periodic import whole_molecules

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
        # What is added to where the file has leaders, A, and taken from where it has followers, whole cells.
        self._shift = np.zeros((len(ids), 3))
        self.wrapped = False
        """Whether an atom crossed a face so far."""

    def __call__(
        self,
        frames: NDArray[np.int64],
        positions: NDArray[Any],
        boxes: Array | None,
        out: Array | None = None,
    ) -> Array:
        """Continue with some frames.

        Parameters
        ----------
        frames : array of int, shape (k,)
            Their numbers, named in errors.
        positions : array, shape (k, n, 3)
            Positions as the file has them, A.
        boxes : array, shape (k, 3, 3), or None
            Cells, vectors as rows, A; without a cell nothing was wrapped.
        out : array, shape (k, n, 3), optional
            Where the result goes; by default a new array.

        Returns
        -------
        array, shape (k, n, 3)
            Continuous positions, A.

        Raises
        ------
        InputError
            If a position is not finite, or an atom of a wrapped trajectory moves too far to tell where.
        """
        continuous = np.empty(positions.shape) if out is None else out
        if boxes is None:
            self._check_finite(frames, positions)
            continuous[...] = positions
            return continuous
        inverses, limits = _inverted(boxes)
        if not limits.min() > 0.0:
            raise InputError(f"the cell is missing in one of the frames {frames[0]} to {frames[-1]}")
        if not len(self._last):
            self._check_finite(frames[:1], positions[:1])
            self._begin(positions[0].astype(np.float64), boxes[0])
        wrapped, longest, frame, atom = _continue(
            positions, boxes, inverses, limits, self._leader, self._last, self._shift, continuous
        )
        if np.isnan(longest):
            self._check_finite(frames, positions)
        self.wrapped = self.wrapped or wrapped
        if self.wrapped and longest > 1.0:
            jump = longest * limits[frame]
            raise InputError(
                f"frame {frames[frame]}: atom {self._ids[atom]} of a wrapped trajectory moves {jump:.1f} A, "
                f"too far in this cell (over {limits[frame]:.1f} A) to tell where it went; write frames more "
                "often"
            )
        return continuous

    def _check_finite(self, frames: NDArray[np.int64], positions: NDArray[Any]) -> None:
        bad = np.argwhere(~np.isfinite(positions))
        if len(bad):
            frame, atom = frames[bad[0, 0]], self._ids[bad[0, 1]]
            raise InputError(f"frame {frame}: the position of atom {atom} is not finite; the run blew up")

    def _begin(self, positions: Array, box: Array) -> None:
        whole = whole_molecules(positions, self._molecules, box)
        follows = (self._leader != np.arange(len(self._leader)))[:, None]
        self._last = np.where(follows, whole - whole[self._leader], positions)


@compiled
def _inverted(boxes: Array) -> tuple[Array, Array]:
    """Inverses of cells, and the longest step in each; not above zero where vectors make no cell."""
    inverses, limits = np.empty_like(boxes), np.zeros(len(boxes))
    for f in range(len(boxes)):
        box = boxes[f]
        for k in range(3):
            a, b = box[(k + 1) % 3], box[(k + 2) % 3]
            inverses[f, 0, k] = a[1] * b[2] - a[2] * b[1]
            inverses[f, 1, k] = a[2] * b[0] - a[0] * b[2]
            inverses[f, 2, k] = a[0] * b[1] - a[1] * b[0]
        volume = 0.0
        for k in range(3):
            volume += box[0, k] * inverses[f, k, 0]
        if not 0.0 < volume < np.inf:
            return inverses, limits
        inverses[f] /= volume
        limits[f] = LONGEST_STEP / np.sqrt((inverses[f] ** 2).sum(axis=0).max())  # of 1 / height
    return inverses, limits


@compiled
def _continue(
    positions: NDArray[Any],
    boxes: Array,
    inverses: Array,
    limits: Array,
    leader: NDArray[np.int64],
    last: Array,
    shift: Array,
    continuous: Array,
) -> tuple[bool, float, int, int]:
    """Write continuous positions; tell whether any was wrapped, and which step was the longest.

    It is NaN, and the rest not written, where a position is not finite.
    """
    wrapped, longest, at, who = False, 0.0, 0, 0
    for f in range(positions.shape[0]):
        box, inverse, limit = boxes[f], inverses[f], limits[f] ** 2
        for a in range(positions.shape[1]):
            first = leader[a]
            x, y, z = (
                np.float64(positions[f, a, 0]),
                np.float64(positions[f, a, 1]),
                np.float64(positions[f, a, 2]),
            )
            if first != a:
                x, y, z = x - last[first, 0], y - last[first, 1], z - last[first, 2]
                i, j, k = shift[a, 0], shift[a, 1], shift[a, 2]
                if i != 0.0 or j != 0.0 or k != 0.0:
                    x -= i * box[0, 0] + j * box[1, 0] + k * box[2, 0]
                    y -= i * box[0, 1] + j * box[1, 1] + k * box[2, 1]
                    z -= i * box[0, 2] + j * box[1, 2] + k * box[2, 2]
            u, v, w = x - last[a, 0], y - last[a, 1], z - last[a, 2]
            square = u * u + v * v + w * w
            if not square <= limit:  # shorter steps are less than half of each height
                if not square < np.inf:
                    return wrapped, np.nan, f, a
                i = np.round(u * inverse[0, 0] + v * inverse[1, 0] + w * inverse[2, 0])
                j = np.round(u * inverse[0, 1] + v * inverse[1, 1] + w * inverse[2, 1])
                k = np.round(u * inverse[0, 2] + v * inverse[1, 2] + w * inverse[2, 2])
                wrapped = wrapped or i != 0.0 or j != 0.0 or k != 0.0
                p = i * box[0, 0] + j * box[1, 0] + k * box[2, 0]
                q = i * box[0, 1] + j * box[1, 1] + k * box[2, 1]
                r = i * box[0, 2] + j * box[1, 2] + k * box[2, 2]
                square = (u - p) ** 2 + (v - q) ** 2 + (w - r) ** 2
                if first != a:
                    x, y, z = x - p, y - q, z - r
                    shift[a, 0], shift[a, 1], shift[a, 2] = shift[a, 0] + i, shift[a, 1] + j, shift[a, 2] + k
                else:
                    shift[a, 0], shift[a, 1], shift[a, 2] = shift[a, 0] - p, shift[a, 1] - q, shift[a, 2] - r
            last[a, 0], last[a, 1], last[a, 2] = x, y, z
            if first != a:  # the leader stands before, and is where it belongs by now
                x, y, z = (
                    x + continuous[f, first, 0],
                    y + continuous[f, first, 1],
                    z + continuous[f, first, 2],
                )
            else:
                x, y, z = x + shift[a, 0], y + shift[a, 1], z + shift[a, 2]
            continuous[f, a, 0], continuous[f, a, 1], continuous[f, a, 2] = x, y, z
            if square > longest * limit:
                longest, at, who = square / limit, f, a
    return wrapped, np.sqrt(longest), at, who
