"""Anions frame by frame: centres, shapes, and the rotations that turn a reference shape into them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from openmm_anion.analysis.best_fit import fit_rotations, in_body_frame
from openmm_anion.analysis.compiled import compiled
from openmm_anion.analysis.continuous import Block, ContinuousAnalysis
from openmm_anion.analysis.ions import Anion
from openmm_anion.errors import InputError, did_you_mean
from openmm_anion.shape import THIN, principal_axes, second_moments

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

REFERENCE_FRAMES = 1000
"""The mean shape is that of the first so many frames: later ones need not wait in memory for it."""

_PASSES = 3
"""Of fit and mean; the second changes the mean by less than the noise already."""

_SEEN_FOR_LINES = 20
"""Frames that tell whether an anion is linear: a single one may be bent."""


class OrientedAnions(ContinuousAnalysis):
    """Hand over anions frame by frame: centres, atoms about them, and rotations of best fit.

    Subclasses write `_follow`, which gets frames in order, and `_finish`.

    Parameters
    ----------
    universe : MDAnalysis.Universe
        With the trajectory.
    anions : sequence of Anion
        Anions of `find_ions`.
    reference : "mean" or "first", optional
        The shape that is fitted to an anion: the mean of the aligned shapes in the first 1,000 frames that
        are analysed, or its shape in the first of them. Off the line of a linear anion it is straightened.
    frame_interval : float, optional
        Time between frames of the trajectory, ps. By default what the trajectory says.
    verbose : bool, optional
        Show a progress bar.

    Raises
    ------
    InputError
        As `ContinuousAnalysis` does; and if there are no anions, one has a single atom, the reference is
        unknown, or an orientation cannot be told.
    """

    def __init__(
        self,
        universe: Any,
        anions: Sequence[Anion],
        *,
        reference: Literal["mean", "first"] = "mean",
        frame_interval: float | None = None,
        verbose: bool = False,
    ) -> None:
        self._anions = polyatomic(anions)
        if reference not in ("mean", "first"):
            raise InputError(
                f"reference {reference!r} is no shape{did_you_mean(str(reference), ['mean', 'first'])}"
            )
        self._starts = starts_of(self._anions)
        self._masses = np.concatenate([anion.masses for anion in self._anions])
        super().__init__(
            universe,
            np.concatenate([anion.indices for anion in self._anions]),
            molecules=molecules_of(self._starts),
            frame_interval=frame_interval,
            verbose=verbose,
        )
        self._frames_for_reference = REFERENCE_FRAMES if reference == "mean" else 1

    @abstractmethod
    def _follow(self, frames: slice, centres: Array, atoms: Array, quaternions: Array) -> None:
        """Take the next frames.

        Centres (k, anions, 3) in the lab, A; atoms (k, n, 3) about the centre of their anion, A; unit
        quaternions (k, anions, 4) that turn `references` into what is here.
        """

    def _prepare(self) -> None:
        super()._prepare()
        self._waiting: list[tuple[slice, Array, Array]] = []
        self.references = np.empty((0, 3))
        """Reference shapes about their centres, (n, 3), A."""
        self.lines = np.zeros((len(self._anions), 3))
        """Unit vectors along the references of linear anions; zero for others."""
        self._quaternions = np.zeros((len(self._anions), 4))

    def _consume(self, block: Block) -> None:
        centres = take_centres(block.positions, self._starts, self._masses)
        self._waiting.append((block.frames, centres, block.positions))
        if not len(self.references):
            if block.frames.stop < min(self._frames_for_reference, self.n_frames):
                return
            seen = np.concatenate([atoms for _, _, atoms in self._waiting])[: self._frames_for_reference]
            self.references, self.lines = mean_shapes(seen, self._starts, self._masses)
        for frames, centres, atoms in self._waiting:
            quaternions = fit_rotations(
                atoms, self._starts, self._masses, self.references, self.lines, self._quaternions
            )
            if not np.isfinite(quaternions.sum()):
                frame, anion, _ = np.argwhere(~np.isfinite(quaternions))[0]
                raise InputError(
                    f"frame {self.frames[frames.start + frame]}: the orientation of anion {anion} "
                    f"({self._anions[anion].formula}, atoms {list(self._anions[anion].indices)}) cannot be "
                    "told; its atoms are on a line or turned inside out"
                )
            self._quaternions = quaternions[-1]
            self._follow(frames, centres, atoms, quaternions)
        self._waiting.clear()


def polyatomic(anions: Sequence[Anion]) -> tuple[Anion, ...]:
    """The anions, if there are any and all have an orientation.

    Parameters
    ----------
    anions : sequence of Anion
        What a quantity is asked for.

    Returns
    -------
    tuple of Anion
        The same.

    Raises
    ------
    InputError
        If there are none, one is no `Anion`, or one has a single atom.

    Examples
    --------
    >>> anion = Anion("CN", np.array([0, 1]), ("C", "N"), np.array([12.0, 14.0]), None, np.array([0, 1]))
    >>> len(polyatomic([anion]))
    1
    """
    anions = tuple(anions)
    if not anions:
        raise InputError("there are no anions; give those of find_ions(universe, cation, formulas).anions")
    for anion in anions:
        if not isinstance(anion, Anion):
            raise InputError(f"anions hold a {type(anion).__name__}; give the anions of find_ions")
        if len(anion.indices) < 2:
            raise InputError(f"{anion.formula} (atom {anion.indices[0]}) has one atom and no orientation")
    return anions


def starts_of(anions: Sequence[Anion]) -> Indices:
    """Where each anion begins in the atoms of all anions, one after the other; and where the last one ends.

    Parameters
    ----------
    anions : sequence of Anion
        Of any sizes.

    Returns
    -------
    array of int, shape (number of anions + 1,)
        Sums of their numbers of atoms, from 0.

    Examples
    --------
    >>> anion = Anion("CN", np.array([4, 7]), ("C", "N"), np.array([1.0, 3.0]), None, np.array([0, 1]))
    >>> starts_of([anion, anion])
    array([0, 2, 4])
    """
    return np.cumsum([0, *(len(anion.indices) for anion in anions)])


def molecules_of(starts: Indices) -> list[Indices]:
    """Places of the atoms of each anion, as `ContinuousAnalysis` wants them.

    Parameters
    ----------
    starts : array of int, shape (number of anions + 1,)
        From `starts_of`.

    Returns
    -------
    list of array of int
        For each anion.

    Examples
    --------
    >>> molecules_of(np.array([0, 2, 5]))
    [array([0, 1]), array([2, 3, 4])]
    """
    return [np.arange(begin, end) for begin, end in pairwise(starts)]


@compiled
def take_centres(positions: Array, starts: Indices, masses: Array) -> Array:
    """Return centres of mass; positions are about them afterwards.

    Parameters
    ----------
    positions : array, shape (n_frames, n_atoms, 3)
        Whole anions. Changed in place.
    starts : array of int, shape (n_anions + 1,)
        Anion a has the atoms from ``starts[a]`` to ``starts[a + 1]``.
    masses : array, shape (n_atoms,)
        Masses.

    Returns
    -------
    array, shape (n_frames, n_anions, 3)
        Centres of mass, in the unit of `positions`.

    Examples
    --------
    >>> x = np.array([[[0.0, 0, 0], [2, 0, 0]]])
    >>> take_centres(x, np.array([0, 2]), np.array([1.0, 3.0])), x[0, :, 0]
    (array([[[1.5, 0. , 0. ]]]), array([-1.5,  0.5]))
    """
    centres = np.zeros((positions.shape[0], len(starts) - 1, 3))
    for f in range(positions.shape[0]):
        for a in range(len(starts) - 1):
            mass = 0.0
            for i in range(starts[a], starts[a + 1]):
                mass += masses[i]
                for k in range(3):
                    centres[f, a, k] += masses[i] * positions[f, i, k]
            for k in range(3):
                centres[f, a, k] /= mass
            for i in range(starts[a], starts[a + 1]):
                for k in range(3):
                    positions[f, i, k] -= centres[f, a, k]
    return centres


def mean_shapes(atoms: Array, starts: Indices, masses: Array) -> tuple[Array, Array]:
    """Return the mean of aligned shapes, turned as in the first frame.

    Shapes are fitted to that of the first frame, then twice to their mean. An anion is linear if its mean
    extent across its line is less than a tenth of that along it.

    Parameters
    ----------
    atoms : array, shape (n_frames, n_atoms, 3)
        Atoms about the centre of mass of their anion.
    starts : array of int, shape (n_anions + 1,)
        Anion a has the atoms from ``starts[a]`` to ``starts[a + 1]``.
    masses : array, shape (n_atoms,)
        Masses.

    Returns
    -------
    shapes : array, shape (n_atoms, 3)
        Mean shapes; on a line for linear anions.
    lines : array, shape (n_anions, 3)
        Unit vectors along linear anions; zero for others.

    Examples
    --------
    >>> rods = np.array([[[-1.0, 0, 0], [1, 0, 0]], [[0, -2, 0], [0, 2, 0]]])
    >>> mean_shapes(rods, np.array([0, 2]), np.ones(2))
    (array([[-1.5,  0. ,  0. ],
           [ 1.5,  0. ,  0. ]]), array([[1., 0., 0.]]))
    """
    shapes, lines = atoms[0].copy(), np.zeros((len(starts) - 1, 3))
    some = np.linspace(0, len(atoms) - 1, min(_SEEN_FOR_LINES, len(atoms))).astype(int)
    pieces = [slice(begin, end) for begin, end in pairwise(starts)]
    for line, piece in zip(lines, pieces, strict=True):
        ones = np.ones(piece.stop - piece.start)
        extents = np.sqrt(np.maximum(np.linalg.eigvalsh(second_moments(atoms[some, piece], ones)), 0.0))
        if extents[:, 1].mean() < THIN * extents[:, 2].mean():
            line[:] = principal_axes(shapes[piece], ones)[1][:, 0]
            line *= np.sign(line[np.abs(line).argmax()])
    for _ in range(_PASSES):
        quaternions = fit_rotations(atoms, starts, masses, shapes, lines)
        # A frame without a rotation is refused later, where its number is known.
        shapes = np.nanmean(in_body_frame(atoms, starts, quaternions), axis=0)
    for line, piece in zip(lines, pieces, strict=True):
        if line.any():
            shapes[piece] = (shapes[piece] @ line)[:, None] * line
    return shapes, lines
