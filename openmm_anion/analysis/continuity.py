"""Refuse trajectories that are wrapped into the cell, or too coarse to tell.

A displacement cannot be read from wrapped positions, and nothing in the numbers says so later:
a mean squared displacement of wrapped data looks like fast diffusion.
"""

from __future__ import annotations

import numpy as np
from MDAnalysis.lib.mdamath import triclinic_vectors
from numpy.typing import ArrayLike, NDArray

from openmm_anion.errors import InputError


def box_heights(vectors: ArrayLike) -> NDArray[np.float64]:
    """Return the distances between opposite faces of a cell, ``V / |a_j x a_k|``.

    Parameters
    ----------
    vectors : array_like, shape (3, 3)
        Box vectors as rows.

    Returns
    -------
    ndarray, shape (3,)
        Heights in the unit of the vectors.

    Examples
    --------
    >>> box_heights([[2.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 4.0]])
    array([2., 3., 4.])
    """
    a, b, c = np.asarray(vectors, dtype=np.float64)
    faces = np.array([np.cross(b, c), np.cross(c, a), np.cross(a, b)])
    return np.asarray(abs(np.dot(a, np.cross(b, c))) / np.linalg.norm(faces, axis=1))


class ContinuityCheck:
    """Compare each frame with the one before and refuse jumps across the cell.

    An atom that moves by more than half the shortest box height between two frames has
    either been wrapped, or moved so far that nobody can tell where it went.

    Parameters
    ----------
    ids : array_like of int
        Atom indices as the user knows them, named in the error.

    Examples
    --------
    >>> check = ContinuityCheck([7])
    >>> box = [10.0, 10.0, 10.0, 90.0, 90.0, 90.0]
    >>> check(0, [[9.8, 0.0, 0.0]], box)
    >>> check(1, [[10.1, 0.0, 0.0]], box)
    """

    def __init__(self, ids: ArrayLike) -> None:
        self._ids = np.asarray(ids)
        self._previous: NDArray[np.float64] | None = None

    def __call__(self, frame: int, positions: ArrayLike, dimensions: ArrayLike | None) -> None:
        """Check one frame.

        Parameters
        ----------
        frame : int
            Number of the frame, named in the error.
        positions : array_like, shape (n, 3)
            Positions, in the unit of the box.
        dimensions : array_like, shape (6,), or None
            Box lengths and angles as MDAnalysis gives them; without a box nothing was wrapped.

        Raises
        ------
        InputError
            If an atom jumps by more than half the shortest box height, or a position is not finite.
        """
        now = np.asarray(positions, dtype=np.float64)
        if not np.isfinite(now).all():
            atom = self._ids[int(np.argwhere(~np.isfinite(now))[0, 0])]
            raise InputError(f"frame {frame}: the position of atom {atom} is not finite; the run blew up")
        previous, self._previous = self._previous, now
        if dimensions is None or previous is None:
            return
        limit = 0.5 * box_heights(triclinic_vectors(dimensions)).min()
        if limit == 0.0:
            return
        jumps = np.linalg.norm(now - previous, axis=1)
        worst = int(jumps.argmax())
        if jumps[worst] > limit:
            raise InputError(
                f"frame {frame}: atom {self._ids[worst]} jumps by {jumps[worst]:.1f} A, over half the "
                f"box height ({limit:.1f} A): the trajectory is wrapped or its frames are too far apart; "
                "unwrap it (MDAnalysis.transformations.NoJump) or write frames more often"
            )
