"""Frames in blocks, with positions that are continuous in time: the base of all quantities."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from MDAnalysis.core.groups import UpdatingAtomGroup
from numpy.typing import ArrayLike, NDArray

from openmm_anion.analysis.parallel_reading import ParallelReading
from openmm_anion.analysis.path_store import PathStore
from openmm_anion.analysis.quantity import Quantity
from openmm_anion.analysis.unwrapping import Unwrapper
from openmm_anion.errors import InputError
from openmm_anion.periodic import cell_vectors

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

BLOCK_NUMBERS = 300_000
"""Coordinates in a block: 2.4 MB, which stay in the cache of a core."""
_SECTIONS = 8
"""More of them take longer than picking atoms one by one."""
_SPACING_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Block:
    """Some consecutive frames.

    Attributes
    ----------
    frames : slice
        Which of the analysed frames they are, from 0.
    positions : array, shape (k, n, 3)
        Continuous positions of the atoms that are watched, A.
    raw : array of float32, shape (k, n, 3)
        Positions as the file has them, A; overwritten by later blocks.
    boxes : array, shape (k, 3, 3), or None
        Cells, vectors as rows, A.
    velocities : array, shape (k, n, 3), or None
        Velocities, A/ps, where they were asked for.
    """

    frames: slice
    positions: Array
    raw: NDArray[np.float32]
    boxes: Array | None
    velocities: Array | None

    def offset_in_file(self, places: Indices) -> Array:
        """Return what takes molecules, given by their first atoms, to where the file has these.

        Continuous positions remember the cells in which atoms crossed a face, so in a cell that changes they
        do not tell what is near.

        Parameters
        ----------
        places : array of int, shape (m,)
            Of the atoms that `Unwrapper` follows, among those that are watched.

        Returns
        -------
        array, shape (k, m, 3)
            A.
        """
        return np.asarray(self.raw.take(places, axis=1) - self.positions.take(places, axis=1))


class ContinuousAnalysis(Quantity, ParallelReading):
    """Hand the frames of a trajectory over in blocks, unwrapped.

    A block at a time is in memory, so a trajectory may be larger than that. Subclasses write
    `_consume`, which gets the blocks in order and keeps what it needs, what grows with the frames in a
    `_store`, and `_finish`. With the backends of MDAnalysis several processes read; see `ParallelReading`.

    Parameters
    ----------
    universe : MDAnalysis.Universe
        With the trajectory.
    indices : array_like of int
        Atoms to watch, in the order in which blocks hold them.
    molecules : sequence of array_like of int, optional
        Places in `indices`, one array per molecule: each is put together in the first frame and then
        stays whole, whatever the file did to it.
    frame_interval : float, optional
        Time between frames of the trajectory, ps. By default what the trajectory says.
    velocities : bool, optional
        Also read velocities.
    verbose : bool, optional
        Show a progress bar.

    Raises
    ------
    InputError
        If nothing is selected, there are fewer frames than `fewest_frames`, frames are not equally spaced
        or their spacing is unknown, positions are wrapped and too far apart, or velocities are missing.
    """

    fewest_frames = 2
    """Without so many there is no result."""

    def __init__(
        self,
        universe: Any,
        indices: ArrayLike,
        *,
        molecules: Sequence[ArrayLike] = (),
        frame_interval: float | None = None,
        velocities: bool = False,
        verbose: bool = False,
    ) -> None:
        super().__init__(universe.trajectory, verbose=verbose)
        self._indices = np.asarray(indices, dtype=np.int64)
        if not len(self._indices):
            raise InputError("no atoms are selected; elements are case sensitive ('Na', not 'NA')")
        if self._indices.min() < 0 or self._indices.max() >= len(universe.atoms):
            raise InputError(
                f"atom {self._indices.max()} is named, but there are {len(universe.atoms)} atoms"
            )
        self._molecules = [np.asarray(molecule, dtype=np.int64) for molecule in molecules]
        self._interval_is_given = frame_interval is not None
        self._frame_interval = time_step(universe.trajectory) if frame_interval is None else frame_interval
        if not 0.0 < self._frame_interval < np.inf:
            raise InputError(f"frame_interval {self._frame_interval} is no time in ps")
        self._wants_velocities = velocities
        self._sections = sections(self._indices)

    @abstractmethod
    def _consume(self, block: Block) -> None:
        """Take the next frames."""

    @abstractmethod
    def _finish(self, interval: float) -> None:
        """Compute the results; `interval` is the time between two analysed frames, ps."""

    def _room(self, n_frames: int) -> Array | None:
        """Array for the continuous positions of the next frames, where a subclass keeps them as they are."""
        return None

    def _prepare(self) -> None:
        needed = self.fewest_frames
        if self.n_frames < needed:
            raise InputError(f"{type(self).__name__} needs at least {needed} frames, got {self.n_frames}")
        size = min(self.n_frames, max(1, BLOCK_NUMBERS // (3 * len(self._indices))))
        shape = (size, len(self._indices), 3)
        # As the readers of MDAnalysis have them; sums over them are taken in double precision.
        self._positions = np.empty(shape, dtype=np.float32)
        self._velocities = np.empty_like(self._positions) if self._wants_velocities else None
        # Lengths and angles; zeros where a frame has no cell.
        self._dimensions = np.zeros((size, 6), dtype=np.float32)
        # Views of the single frames, which take as long to make as to fill.
        self._position_rows, self._cell_rows = list(self._positions), list(self._dimensions)
        self._filled, self._done = 0, 0
        self._periodic: bool | None = None
        self._unwrapper = Unwrapper(self._indices, self._molecules)
        self._stores: list[PathStore] = []

    def _store(self, n_particles: int, **options: Any) -> PathStore:
        """A `PathStore` for something of every frame, which is there until `_finish` is done."""
        self._stores.append(PathStore(self.n_frames, n_particles, **options))
        return self._stores[-1]

    def _single_frame(self) -> None:
        k = self._filled
        self._pick(self._ts.positions, self._position_rows[k])
        # What `dimensions` gives, or zeros where that is None; to look for these takes as long as the rest.
        self._cell_rows[k][:] = self._ts._unitcell
        if self._velocities is not None:
            if not self._ts.has_velocities:
                raise InputError(
                    f"frame {self._ts.frame} has no velocities; write them with the positions (TRR, H5MD, "
                    "extxyz) or give a trajectory that has them"
                )
            self._pick(self._ts.velocities, self._velocities[k])
        self._filled += 1
        if self._filled == len(self._positions):
            self._hand_over()

    def _pick(self, everything: NDArray[np.float32], watched: NDArray[np.float32]) -> None:
        """Take the atoms that are watched: section by section, as most species stand together in the file."""
        if len(self._sections) > _SECTIONS:
            everything.take(self._indices, axis=0, out=watched, mode="clip")
            return
        for there, here in self._sections:
            watched[here] = everything[there]

    def _boxes(self) -> Array | None:
        """Cells of the frames of this block, vectors as rows; None without."""
        cells = self._dimensions[: self._filled]
        periodic = np.asarray(cells[:, :3].any(axis=1))
        if self._periodic is None:
            self._periodic = bool(periodic[0])
        if (periodic != self._periodic).any():
            odd = self.frames[self._done + int(np.argmax(periodic != self._periodic))]
            raise InputError(f"frame {odd}: some frames have a cell and others do not")
        if not self._periodic:
            return None
        if (cells == cells[0]).all():
            return cell_vectors(cells[:1]).repeat(len(cells), axis=0)
        return cell_vectors(cells)

    def _hand_over(self) -> None:
        k, first = self._filled, self._done
        boxes = self._boxes()
        positions = self._unwrapper(
            self.frames[first : first + k], self._positions[:k], boxes, out=self._room(k)
        )
        velocities = None if self._velocities is None else self._velocities[:k].astype(np.float64)
        self._consume(Block(slice(first, first + k), positions, self._positions[:k], boxes, velocities))
        self._filled, self._done = 0, first + k

    def _conclude(self) -> None:
        if self._filled:
            self._hand_over()
        try:
            self._finish(self._spacing())
        finally:
            for store in self._stores:
                store.close()
        for name in (*self.data.coords, *self.data.data_vars):  # plain arrays, as MDAnalysis has them
            self.results[str(name)] = self.data[name].values

    def _spacing(self) -> float:
        """Time between analysed frames, ps, from whole numbers of frames and one interval."""
        if self.n_frames < 2:
            return float(self._frame_interval)
        strides = np.diff(self.frames)
        if (strides != strides[0]).any() or strides[0] <= 0:
            raise InputError("frames must be equally spaced and in order; use start, stop and step")
        if self._interval_is_given:
            return float(strides[0] * self._frame_interval)
        steps = np.diff(self.times)
        if (np.abs(steps - steps.mean()) > _SPACING_TOLERANCE * abs(steps.mean())).any():
            worst = int(np.abs(steps - steps.mean()).argmax())
            raise InputError(
                f"frames are not equally spaced in time ({steps[worst]:.6g} ps after frame "
                f"{self.frames[worst]}, {steps.mean():.6g} ps on average); analyse a part with one spacing"
            )
        interval = float(strides[0] * self._frame_interval)
        if abs(steps.mean() - interval) > _SPACING_TOLERANCE * interval:
            raise InputError(
                f"the trajectory says {self._frame_interval:.6g} ps between frames, but its frames are "
                f"{steps.mean() / strides[0]:.6g} ps apart; give frame_interval in ps"
            )
        return interval


def sections(indices: Indices) -> list[tuple[slice, slice]]:
    """Runs of consecutive indices: which they are, and where they stand.

    Parameters
    ----------
    indices : array of int, shape (n,)
        At least one.

    Returns
    -------
    list of (slice, slice)
        Slices of the atoms, and of the array of indices.

    Examples
    --------
    >>> sections(np.array([7, 8, 2]))
    [(slice(7, 9, None), slice(0, 2, None)), (slice(2, 3, None), slice(2, 3, None))]
    """
    ends = [*(np.flatnonzero(np.diff(indices) != 1) + 1), len(indices)]
    return [
        (slice(int(indices[begin]), int(indices[end - 1]) + 1), slice(int(begin), int(end)))
        for begin, end in zip([0, *ends[:-1]], ends, strict=True)
    ]


def indices_of(atoms: Any, what: str) -> Indices:
    """Indices of a selection that stays what it is.

    Parameters
    ----------
    atoms : MDAnalysis.core.groups.AtomGroup
        The selection.
    what : str
        What it is meant to be, for the error message.

    Returns
    -------
    array of int
        In the order of the selection.

    Raises
    ------
    InputError
        If it is empty, or is made anew for each frame.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> indices_of(mda.Universe.empty(3).atoms[1:], "cation")
    array([1, 2])
    """
    if isinstance(atoms, UpdatingAtomGroup):
        raise InputError(f"the {what} selection changes from frame to frame; select without updating=True")
    if not len(atoms):
        raise InputError(f"the {what} selection is empty; elements are case sensitive ('Na', not 'NA')")
    return np.asarray(atoms.indices, dtype=np.int64)


def time_step(trajectory: Any) -> float:
    """Return the time between frames as the trajectory says it, ps.

    MDAnalysis would take 1 ps where it says nothing, and also where frames have times and nothing else does
    (H5MD): then it is the time from the first to the second.

    Parameters
    ----------
    trajectory : MDAnalysis.coordinates.base.ReaderBase
        Frames.

    Returns
    -------
    float
        ps.

    Raises
    ------
    InputError
        If it says nothing.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*no dt information.*")
        try:
            return float(trajectory.dt)
        except UserWarning:
            pass
        here = trajectory.frame
        try:
            first, second = (float(trajectory[k].data["time"]) for k in (0, 1))
            trajectory[here]
        except (UserWarning, KeyError, IndexError):
            raise InputError("the trajectory has no time step; give frame_interval in ps") from None
    return second - first
