"""Paths of many particles over many frames, in memory or, where they are too large, in temporary files."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import pairwise
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]

PATH_NUMBERS = 100_000_000
"""Numbers in memory at a time: 800 MB."""
_COPIED_NUMBERS = 10_000_000
"""Of these, where pieces are put together."""


class PathStore:
    """Take positions, or other numbers of particles, frame by frame; give them back particle by particle.

    Parameters
    ----------
    n_frames, n_particles : int
        How many there will be.
    numbers : int, optional
        Of a particle in a frame: 3 coordinates, 4 of a quaternion.
    together : sequence of int, optional
        Sizes of groups of particles, one after the other, that are given back in one piece.
    dtype : data-type, optional
        Of the numbers.

    Examples
    --------
    >>> store = PathStore(2, 1)
    >>> store.append(np.array([[[0.0, 0.0, 0.0]], [[1.0, 2.0, 3.0]]]))
    >>> [(some, path[:, 0, 2].tolist()) for some, path in store.pieces()]
    [(slice(0, 1, None), [0.0, 3.0])]
    """

    def __init__(
        self,
        n_frames: int,
        n_particles: int,
        *,
        numbers: int = 3,
        together: Sequence[int] | None = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        self._dtype = np.dtype(dtype)
        self._shape = (n_frames, n_particles, numbers)
        sizes = [1] * n_particles if together is None else together
        self._some = _pieces(sizes, PATH_NUMBERS // (numbers * n_frames))
        self._filled = 0
        self._kept: Array = np.empty(self._shape if len(self._some) == 1 else (0, 0, numbers), self._dtype)
        self._open, self._files = ExitStack(), list[IO[bytes]]()
        if len(self._some) > 1:
            files = (tempfile.TemporaryFile() for _ in self._some)  # noqa: SIM115  # the stack closes them
            self._files = [self._open.enter_context(file) for file in files]

    def room(self, n_frames: int) -> Array:
        """Return an array for the next frames: what is written there and appended then need not be copied.

        Parameters
        ----------
        n_frames : int
            How many.

        Returns
        -------
        array, shape (n_frames, n_particles, numbers)
            With anything in it.
        """
        if self._files:
            return np.empty((n_frames, *self._shape[1:]), self._dtype)
        return self._kept[self._filled : self._filled + n_frames]

    def append(self, positions: Array) -> None:
        """Take the next frames.

        Parameters
        ----------
        positions : array, shape (k, n_particles, numbers)
            Positions, or what else is kept.

        Raises
        ------
        OSError
            If the disk for temporary files is full; the environment variable TMPDIR names another.
        """
        k = len(positions)
        if not self._files and positions.base is not self._kept:
            self._kept[self._filled : self._filled + k] = positions
        for some, file in zip(self._some, self._files, strict=False):
            file.write(np.ascontiguousarray(positions[:, some], self._dtype).data)
        self._filled += k

    def pieces(self) -> Iterator[tuple[slice, Array]]:
        """Yield which particles, and their positions in all frames, shape (n_frames, some, numbers).

        Yields
        ------
        slice, array
            One piece after the other, all particles in order.
        """
        if not self._files:
            yield self._some[0], self._kept
        for some, file in zip(self._some, self._files, strict=False):
            file.seek(0)
            yield some, np.fromfile(file, dtype=self._dtype).reshape(self._shape[0], -1, self._shape[2])

    def whole(self) -> Array:
        """Return all of it, shape (n_frames, n_particles, numbers), to be kept.

        What is in files comes as a map of another temporary file: the system reads from it what is used, and
        removes it with the array.

        Returns
        -------
        array, shape (n_frames, n_particles, numbers)
            As `pieces` gives it.

        Raises
        ------
        OSError
            If the disk for temporary files is full.
        """
        if not self._files:
            return self._kept
        n_frames, n_particles, numbers = self._shape
        for file in self._files:
            file.seek(0)
        most = max(1, _COPIED_NUMBERS // (n_particles * numbers))
        with tempfile.TemporaryFile() as together:
            for begin in range(0, n_frames, most):
                k = min(most, n_frames - begin)
                parts = [
                    np.fromfile(file, self._dtype, k * (some.stop - some.start) * numbers)
                    for some, file in zip(self._some, self._files, strict=True)
                ]
                together.write(np.concatenate([part.reshape(k, -1, numbers) for part in parts], axis=1).data)
            together.flush()
            return np.memmap(together, self._dtype, "r+", shape=self._shape)

    def close(self) -> None:
        """Let go of memory and files."""
        self._open.close()
        self._files, self._kept = [], np.empty((0, 0, self._shape[2]))


def _pieces(sizes: Sequence[int], most: int) -> list[slice]:
    """Whole groups of these sizes, at most so many particles at a time where a group is not larger."""
    cuts, end = [0], 0
    for size in sizes:
        if end > cuts[-1] and end + size - cuts[-1] > most:
            cuts.append(end)
        end += size
    return [slice(begin, end) for begin, end in pairwise([*cuts, end])]


def frames_in_pieces(array: Array, n_frames: int, overlap: int = 0) -> Iterator[tuple[int, Array]]:
    """Yield parts of an array and the first frame of each; of a map no more is in memory at a time.

    Parameters
    ----------
    array : array, shape (n, ...)
        In memory, or a map of a file.
    n_frames : int
        How many frames of a part are its own, at least one.
    overlap : int, optional
        How many it shares with the next.

    Yields
    ------
    int, array
        First frame, and a view of the part.

    Examples
    --------
    >>> [(begin, part.tolist()) for begin, part in frames_in_pieces(np.arange(5), 2, 1)]
    [(0, [0, 1, 2]), (2, [2, 3, 4])]
    """
    for begin in range(0, len(array) - overlap, n_frames):
        yield begin, array[begin : begin + n_frames + overlap]
        _let_go(array)


def _let_go(array: Array) -> None:
    """Take what was read of a map out of memory; not of one whose changes are nowhere else."""
    base: Any = array
    while isinstance(base, np.ndarray):
        mapped = getattr(base, "_mmap", None)
        if mapped is not None and getattr(base, "mode", "c") != "c" and hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)
        base = base.base
