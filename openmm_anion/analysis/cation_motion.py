"""Cations in the frame of the anions and in units of the cell, from one frame to the next."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from openmm_anion.analysis.cation_path import CationsInFrame
from openmm_anion.analysis.compiled import compiled
from openmm_anion.analysis.continuous import Block
from openmm_anion.analysis.framework import relative_to_origin
from openmm_anion.errors import InputError

Array = NDArray[np.float64]

LARGEST_STRAIN = 0.1
"""A cell that differs more from the first was turned or flipped, or is another crystal."""


class CationMotion(CationsInFrame):
    r"""Hand over fractional coordinates of the cations, in the frame of the anions.

    .. math:: s(t) = x(t) L(t)^{-1} - [o(t) - o(0)]

    with the cell L of each frame and the mean o of the fractional coordinates of the anion centres. A cell
    that breathes, or a framework that drifts, changes nothing then; sites and densities are where they are
    in the first frame that is analysed. Coordinates are continuous in time, by whole numbers that are
    added to the fractional coordinates of the file. The continuous positions of `Unwrapper` would not do:
    they remember the cells in which an atom crossed a face, so in a cell that changes they do not tell
    where in the cell the atom is.

    Subclasses write `_follow`, which gets blocks in order, and `_finish`; they find `mean_cell` there.

    Parameters
    ----------
    cations : MDAnalysis.core.groups.AtomGroup
        Atoms to follow.
    relative_to : sequence of Anion or of array_like of int, "system" or None
        The frame: the mean of the centres of mass of anions, the centre of mass of all atoms, or the lab.
    frame_interval : float, optional
        Time between frames of the trajectory, ps. By default what the trajectory says.
    verbose : bool, optional
        Show a progress bar.

    Raises
    ------
    InputError
        As `ContinuousAnalysis` does; and if there are no anions, there is no cell where one is needed, or a
        cell differs by more than 10 percent from that of the first frame.
    """

    needs_cell = True
    """Without a cell there are no fractional coordinates; lengths in A stand for them where that will do."""

    @abstractmethod
    def _follow(self, frames: slice, fractional: Array) -> None:
        """Take the next frames: fractional coordinates, shape (k, number of cations, 3)."""

    @property
    def mean_cell(self) -> Array:
        """Mean cell of the frames so far, vectors as rows, A; the unit matrix where there is none."""
        return np.asarray(self._sum_of_cells / self._n_cells)

    def _prepare(self) -> None:
        super()._prepare()
        self._sum_of_cells, self._n_cells = np.zeros((3, 3)), 0

    def _consume(self, block: Block) -> None:
        k, n = len(block.positions), len(self._cations)
        if block.boxes is None and self.needs_cell:
            raise InputError(
                f"the trajectory has no cell, which {type(self).__name__} needs; set dimensions of the frames"
            )
        cells = np.tile(np.eye(3), (k, 1, 1)) if block.boxes is None else block.boxes
        inverses: Array = np.asarray(np.linalg.inv(cells), dtype=np.float64)
        raw = block.raw
        begins = block.frames.start == 0
        if begins:
            self._first_cell = cells[0].copy()
            self._last = raw[0] @ inverses[0]
            # Whole cells that put anions together.
            self._whole = np.round((block.positions[0] - raw[0]) @ inverses[0])
        self._check_cells(block, cells)
        fractional = np.empty_like(block.positions)
        if block.boxes is None:
            fractional[:] = raw
        else:
            _scale(raw, inverses, self._last, self._whole, fractional)
        origin = self._framework.origin(fractional[:, n:])
        if begins:
            self._first_origin = origin[0]
            self._first_framework = fractional[0, n:].copy()
        self._sum_of_cells += cells.sum(axis=0)
        self._n_cells += k
        cations = np.empty((k, n, 3))
        self._follow(
            block.frames, relative_to_origin(fractional[:, :n], origin - self._first_origin, cations)
        )

    def _check_cells(self, block: Block, cells: Array) -> None:
        strain = np.abs(cells @ np.linalg.inv(self._first_cell) - np.eye(3)).max(axis=(1, 2))
        if strain.max() > LARGEST_STRAIN:
            frame = self.frames[block.frames.start + int(strain.argmax())]
            raise InputError(
                f"the cell of frame {frame} differs by {100 * strain.max():.0f} percent from the first (a "
                "flipped cell does, too); analyse parts with one cell"
            )


@compiled
def _scale(raw: NDArray[np.float32], inverses: Array, last: Array, whole: Array, fractional: Array) -> None:
    """Fractional coordinates, continuous; `last` and `whole` are how the frame before ended."""
    for f in range(raw.shape[0]):
        inverse = inverses[f]
        for a in range(raw.shape[1]):
            x, y, z = np.float64(raw[f, a, 0]), np.float64(raw[f, a, 1]), np.float64(raw[f, a, 2])
            for k in range(3):
                s = x * inverse[0, k] + y * inverse[1, k] + z * inverse[2, k]
                whole[a, k] -= np.round(s - last[a, k])
                last[a, k] = s
                fractional[f, a, k] = s + whole[a, k]
