"""Paths of many particles over many frames, in memory or, where they are too large, in temporary files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]

PATH_NUMBERS = 100_000_000
"""Coordinates in memory at a time: 800 MB."""


class PathStore:
    """Take positions frame by frame, and give them back particle by particle.

    Parameters
    ----------
    n_frames, n_particles : int
        How many there will be.
    together : int, optional
        Particles that are given back in one piece, of which `n_particles` is a multiple.
    dtype : data-type, optional
        Of the coordinates.

    Examples
    --------
    >>> store = PathStore(2, 1)
    >>> store.append(np.array([[[0.0, 0.0, 0.0]], [[1.0, 2.0, 3.0]]]))
    >>> [(some, path[:, 0, 2].tolist()) for some, path in store.pieces()]
    [(slice(0, 1, None), [0.0, 3.0])]
    """

    def __init__(
        self, n_frames: int, n_particles: int, *, together: int = 1, dtype: DTypeLike = np.float64
    ) -> None:
        each = together * max(1, min(n_particles, PATH_NUMBERS // (3 * n_frames)) // together)
        self._dtype = np.dtype(dtype)
        self._shape = (n_frames, n_particles, 3)
        self._some = [slice(k, min(k + each, n_particles)) for k in range(0, n_particles, each)]
        self._filled = 0
        self._kept: Array = np.empty(self._shape if len(self._some) == 1 else (0, 0, 3), self._dtype)
        self._open, self._files = ExitStack(), list[IO[bytes]]()
        if len(self._some) > 1:
            files = (tempfile.TemporaryFile() for _ in self._some)  # noqa: SIM115  # the stack closes them
            self._files = [self._open.enter_context(file) for file in files]

    def append(self, positions: Array) -> None:
        """Take the next frames.

        Parameters
        ----------
        positions : array, shape (k, n_particles, 3)
            Positions.

        Raises
        ------
        OSError
            If the disk for temporary files is full; the environment variable TMPDIR names another.
        """
        k = len(positions)
        if not self._files:
            self._kept[self._filled : self._filled + k] = positions
        for some, file in zip(self._some, self._files, strict=False):
            file.write(np.ascontiguousarray(positions[:, some], self._dtype).data)
        self._filled += k

    def pieces(self) -> Iterator[tuple[slice, Array]]:
        """Yield which particles, and their positions in all frames, shape (n_frames, some, 3)."""
        if not self._files:
            yield self._some[0], self._kept
        for some, file in zip(self._some, self._files, strict=False):
            file.seek(0)
            yield some, np.fromfile(file, dtype=self._dtype).reshape(self._shape[0], -1, 3)

    def close(self) -> None:
        """Let go of memory and files."""
        self._open.close()
        self._files, self._kept = [], np.empty((0, 0, 3))
