"""Where cations are in the frame of the anions: the base of what is read from their displacements."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmm_anion.analysis.continuous import Block, ContinuousAnalysis, indices_of
from openmm_anion.analysis.framework import Frame, frame_of, relative_to_origin


class CationsInFrame(ContinuousAnalysis):
    """Watch cations, and behind them the atoms that make a frame.

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
        As `ContinuousAnalysis` does; and if the selection is empty or there are no anions.
    """

    def __init__(
        self,
        cations: Any,
        relative_to: Frame,
        *,
        frame_interval: float | None = None,
        verbose: bool = False,
    ) -> None:
        self._cations = indices_of(cations, "cation")
        self._framework = frame_of(relative_to, cations.universe)
        n = len(self._cations)
        super().__init__(
            cations.universe,
            np.concatenate([self._cations, self._framework.indices]),
            molecules=[molecule + n for molecule in self._framework.molecules],
            frame_interval=frame_interval,
            verbose=verbose,
        )


class CationPath(CationsInFrame):
    """Keep the continuous positions of cations relative to a frame, in ``self._path``, A.

    Subclasses write `_finish`, which reads the `PathStore`.
    """

    def _prepare(self) -> None:
        super()._prepare()
        self._path = self._store(len(self._cations))

    def _room(self, n_frames: int) -> NDArray[np.float64] | None:
        return None if len(self._framework.indices) else self._path.room(n_frames)

    def _consume(self, block: Block) -> None:
        cations = block.positions[:, : len(self._cations)]
        if len(self._framework.indices):
            origin = self._framework.origin(block.positions[:, len(self._cations) :])
            cations = relative_to_origin(cations, origin, self._path.room(len(cations)))
        self._path.append(cations)
