"""Read the frames of a trajectory in several processes, for what then goes through them in order."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from MDAnalysis.analysis.base import AnalysisBase
from MDAnalysis.analysis.results import Results, ResultsGroup
from numpy.typing import NDArray

from openmm_anion.errors import InputError

Indices = NDArray[np.int64]

SERIAL = "serial"


class FrameReader(AnalysisBase):
    """Keep some atoms of every frame: a part of the frames in each process.

    Parameters
    ----------
    trajectory : MDAnalysis.coordinates.base.ReaderBase
        Frames.
    indices : array of int, shape (n,)
        Atoms to keep.
    velocities : bool
        Also their velocities.

    Attributes
    ----------
    results.positions : list of array of float32, shape (n, 3)
        Positions in each frame, A.
    results.cells : list of array, shape (6,), or None
        Lengths (A) and angles (degrees).
    results.velocities : list of array, shape (n, 3), or None
        Velocities, A/ps; None where a frame has none or they were not asked for.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> u = mda.Universe.empty(2, trajectory=True)
    >>> _ = u.load_new(np.array([[[0.0, 0, 0], [1, 0, 0]], [[0, 0, 0], [2, 0, 0]]]))
    >>> FrameReader(u.trajectory, np.array([1]), False).run().results.positions[1]
    array([[2., 0., 0.]], dtype=float32)
    """

    _analysis_algorithm_is_parallelizable = True

    @classmethod
    def get_supported_backends(cls) -> tuple[str, ...]:
        """Names of the backends of MDAnalysis.

        Returns
        -------
        tuple of str
            As `ParallelReading.get_supported_backends`.
        """
        return (SERIAL, "multiprocessing", "dask")

    def __init__(self, trajectory: Any, indices: Indices, velocities: bool) -> None:
        super().__init__(trajectory)
        self._indices, self._wants_velocities = indices, velocities

    def _prepare(self) -> None:
        # Another one for each part, should one process do several.
        self.results = Results(positions=[], cells=[], velocities=[])

    def _single_frame(self) -> None:
        frame = self._ts
        self.results.positions.append(frame.positions[self._indices])
        self.results.cells.append(frame._unitcell.copy())
        moving = self._wants_velocities and frame.has_velocities
        self.results.velocities.append(frame.velocities[self._indices] if moving else None)

    def _compute(self, *args: Any, **options: Any) -> Any:
        super()._compute(*args, **options)
        # Without the trajectory, which need not travel back from the process.
        return SimpleNamespace(frames=self.frames, times=self.times, results=self.results)

    def _get_aggregator(self) -> ResultsGroup:
        names = ("positions", "cells", "velocities")
        return ResultsGroup(dict.fromkeys(names, ResultsGroup.flatten_sequence))


class ParallelReading(AnalysisBase):
    """Give an analysis that needs frames in order the backends of MDAnalysis: they read, it computes.

    Reading is what takes long where frames are compressed or text. All frames of the atoms that are watched
    are in memory then, at 12 bytes per atom and frame. Subclasses set ``_indices`` and ``_wants_velocities``.
    """

    _indices: Indices
    _wants_velocities: bool
    _analysis_algorithm_is_parallelizable = True

    @classmethod
    def get_supported_backends(cls) -> tuple[str, ...]:
        """Names of the backends of MDAnalysis: "serial", "multiprocessing" and "dask".

        Returns
        -------
        tuple of str
            What `run` takes as ``backend``.
        """
        return FrameReader.get_supported_backends()

    def run(
        self,
        start: int | None = None,
        stop: int | None = None,
        step: int | None = None,
        frames: Any = None,
        verbose: bool | None = None,
        n_workers: int | None = None,
        n_parts: int | None = None,
        backend: Any = None,
        **options: Any,
    ) -> Any:
        """Go through the frames, as `MDAnalysis.analysis.base.AnalysisBase.run` does.

        Parameters
        ----------
        start, stop, step : int, optional
            First frame, the one to stop before, every how many.
        frames : array_like of int, optional
            Frames instead.
        verbose : bool, optional
            Show a progress bar; only where one process does all.
        n_workers, n_parts : int, optional
            Processes that read, and parts that the frames are dealt to them in.
        backend : str or MDAnalysis.analysis.backends.BackendBase, optional
            "serial" (default), "multiprocessing" or "dask"; or one of your own, with
            ``unsupported_backend=True``.
        **options
            ``unsupported_backend`` and ``progressbar_kwargs``, as there.

        Returns
        -------
        self
            With ``data``.

        Raises
        ------
        InputError
            If the backend is unknown, not installed or refused, and as the quantity does.
        """
        which = {"start": start, "stop": stop, "step": step, "frames": frames}
        if backend in (None, SERIAL):
            if n_workers not in (None, 1) or n_parts not in (None, 1):
                raise InputError(
                    'one process does all unless told otherwise; give backend="multiprocessing" or "dask"'
                )
            return super().run(**which, verbose=verbose, **options)
        known = self.get_supported_backends()
        if isinstance(backend, str) and backend not in known:
            raise InputError(f"backend {backend!r} is unknown; there are {', '.join(known)}")
        self._setup_frames(self._trajectory, **which)
        self._prepare()  # says what is wrong before anything is read
        reader = FrameReader(self._trajectory, self._indices, self._wants_velocities)
        try:
            reader.run(
                **which, verbose=verbose, n_workers=n_workers, n_parts=n_parts, backend=backend, **options
            )
        except ValueError as error:
            raise InputError(f"frames cannot be read with backend {backend!r}: {error}") from None
        self.frames, self.times = reader.frames, reader.times
        self._replay(reader.results)
        self._conclude()
        return self

    def _replay(self, read: Any) -> None:
        """Hand over what was read as if it were read now."""
        everything = np.zeros((self._trajectory.n_atoms, 3), dtype=np.float32)
        moving = np.zeros_like(everything) if self._wants_velocities else None
        rows = zip(read.positions, read.cells, read.velocities, strict=True)
        for k, (positions, cell, velocities) in enumerate(rows):
            everything[self._indices] = positions
            if moving is not None and velocities is not None:
                moving[self._indices] = velocities
            self._frame_index = k
            self._ts = SimpleNamespace(
                frame=self.frames[k],
                time=self.times[k],
                positions=everything,
                _unitcell=cell,
                velocities=moving,
                has_velocities=velocities is not None,
            )
            self._single_frame()
