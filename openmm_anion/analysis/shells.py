"""Which cations are in the shell of which anion, and from when to when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from openmm_anion.analysis.compiled import compiled
from openmm_anion.analysis.continuous import Block, ContinuousAnalysis, indices_of
from openmm_anion.analysis.ions import Anion
from openmm_anion.analysis.oriented_anions import molecules_of, starts_of, take_centres
from openmm_anion.errors import InputError, did_you_mean
from openmm_anion.periodic import heights

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Of = Literal["center", "ligand"]
Nine = tuple[float, float, float, float, float, float, float, float, float]

_CATION_SKIN = 1.0
"""A cation that moves so far, A, gets a new list of what is near."""
_ANION_SKIN = 0.7
"""When a point of an anion moves so far, A, all cations do; less by what the cell does to the cutoff."""
_UNIT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class PairStays:
    """Stays of cations in shells of anions, one row each, in the order of anion, cation and time.

    Attributes
    ----------
    cation, anion : array of int, shape (n,)
        Row of the cation, number of the anion.
    begin, end : array of int, shape (n,)
        First frame in the shell, and the first one out of it or the number of frames.
    n_frames : int
        Frames of the record.
    """

    cation: Indices
    anion: Indices
    begin: Indices
    end: Indices
    n_frames: int

    @property
    def pairs(self) -> Indices:
        """Where each pair begins in the rows; and where the last one ends. Shape (number of pairs + 1,)."""
        new = (np.diff(self.anion) != 0) | (np.diff(self.cation) != 0)
        inner = np.flatnonzero(new) + 1
        return np.concatenate([[0], inner, [len(self.begin)]]) if len(self.begin) else np.zeros(1, np.int64)

    def without_excursions(self, frames: int) -> PairStays:
        """Join stays of a pair with at most so many frames between them.

        Parameters
        ----------
        frames : int
            Longest excursion that does not count.

        Returns
        -------
        PairStays
            Fewer, and longer ones.

        Examples
        --------
        >>> zero = np.zeros(3, dtype=np.int64)
        >>> stays = PairStays(zero, zero, np.array([0, 4, 9]), np.array([3, 6, 10]), 12)
        >>> stays.without_excursions(1).end
        array([ 6, 10])
        """
        if not len(self.begin):
            return self
        first = np.ones(len(self.begin), dtype=bool)
        first[1:] = self.begin[1:] - self.end[:-1] > frames
        first[self.pairs[:-1]] = True
        last = np.append(first[1:], True)
        return PairStays(
            self.cation[first], self.anion[first], self.begin[first], self.end[last], self.n_frames
        )


class ShellSearch:
    r"""Write down when pairs of cations and anions come within a cutoff, and when they leave it.

    .. math:: h_{ij}(t) = 1 \text{ if } \min_{p \in j} |x_i(t) - x_p(t)| \le r_c, \text{ else } 0

    with the points p of anion j: its centre, or its ligands. Distances are those of the nearest images,
    which are certain up to half the smallest height of the cell. Each cation has a list of the points that
    can come within the cutoff before it, or they, or the cell have moved too far for the list. With what
    moves in units of the cell :math:`L`, :math:`\Delta = x L^{-1} L_0 - x_0`, a pair at r was before at

    .. math:: r_0 \le r (1 + |L^{-1} L_0 - 1|) + |\Delta_i| + |\Delta_p|

    where lists were made, in the cell :math:`L_0`.

    Parameters
    ----------
    n_cations : int
        Cations.
    owners : array of int, shape (n_points,)
        Anion of each point.
    cutoff : float
        Distance, A.

    Examples
    --------
    >>> search = ShellSearch(1, np.array([0]), 2.0)
    >>> cation = np.array([[[1.0, 0, 0]], [[3, 0, 0]], [[9, 0, 0]]])
    >>> search(np.arange(3), cation, np.zeros((3, 1, 3)), np.tile(10.0 * np.eye(3), (3, 1, 1)))
    >>> search.stays(3).begin
    array([0, 2])
    """

    def __init__(self, n_cations: int, owners: Indices, cutoff: float) -> None:
        self._owners, self._cutoff = owners, cutoff
        shape = (n_cations, int(owners.max()) + 1)
        self._begin = np.zeros(shape, dtype=np.int32)
        self._last = np.full(shape, -1, dtype=np.int32)
        self._rows, self._n_rows, self._done = np.empty((1024, 4), dtype=np.int32), 0, 0

    def __call__(self, frames: Indices, cations: NDArray[Any], points: Array, boxes: Array | None) -> None:
        """Continue with some frames.

        Parameters
        ----------
        frames : array of int, shape (k,)
            Their numbers, named in errors.
        cations : array of float32 or float64, shape (k, n_cations, 3)
            Positions, wrapped or not, A.
        points : array, shape (k, n_points, 3)
            Positions of the points, A.
        boxes : array, shape (k, 3, 3), or None
            Cells, vectors as rows, A.

        Raises
        ------
        InputError
            If the cutoff is larger than half the smallest height of a cell.
        """
        k = len(cations)
        limits = np.full(k, np.inf)
        inverses = np.zeros((k, 3, 3))  # without a cell every image is the nearest
        if boxes is not None:
            limits = 0.5 * heights(boxes).min(axis=1)
            inverses = np.ascontiguousarray(np.linalg.inv(boxes))
            if limits.min() < self._cutoff:
                worst = int(limits.argmin())
                raise InputError(
                    f"cutoff {self._cutoff:g} A is more than half the smallest height of the cell, "
                    f"{limits[worst]:.2f} A in frame {frames[worst]}; take a shorter one or a larger cell"
                )
        cells = np.zeros((k, 3, 3)) if boxes is None else np.ascontiguousarray(boxes)
        self._rows, self._n_rows = _search(
            cations,
            np.ascontiguousarray(points),
            self._owners,
            cells,
            inverses,
            limits,
            self._cutoff,
            self._done,
            self._begin,
            self._last,
            self._rows,
            self._n_rows,
        )
        self._done += k

    def stays(self, n_frames: int) -> PairStays:
        """Return all stays so far.

        Parameters
        ----------
        n_frames : int
            Frames of the record.

        Returns
        -------
        PairStays
            Those that go on at the end of the record end there.
        """
        cation, anion = np.nonzero(self._last >= 0)
        at = (cation, anion)
        current = np.column_stack([cation, anion, self._begin[at], self._last[at] + 1])
        rows = np.concatenate([self._rows[: self._n_rows], current], dtype=np.int32)
        return PairStays(*_by_pair(rows, self._last.shape), n_frames)


@compiled
def _by_pair(rows: NDArray[np.int32], shape: tuple[int, int]) -> tuple[Indices, Indices, Indices, Indices]:
    """Columns of rows (cation, anion, begin, end), in the order of anion and cation, then as they were."""
    n_cations, n_anions = shape
    place = np.zeros(n_cations * n_anions + 1, dtype=np.int64)
    for r in range(len(rows)):
        place[rows[r, 1] * n_cations + rows[r, 0] + 1] += 1
    place = np.cumsum(place)
    cation, anion, begin, end = (
        np.empty(len(rows), np.int64), np.empty(len(rows), np.int64),
        np.empty(len(rows), np.int64), np.empty(len(rows), np.int64),
    )  # fmt: skip
    for r in range(len(rows)):
        pair = rows[r, 1] * n_cations + rows[r, 0]
        k = place[pair]
        cation[k], anion[k], begin[k], end[k] = rows[r, 0], rows[r, 1], rows[r, 2], rows[r, 3]
        place[pair] += 1
    return cation, anion, begin, end


@compiled
def _search(
    cations: NDArray[Any],
    points: Array,
    owners: Indices,
    boxes: Array,
    inverses: Array,
    limits: Array,
    cutoff: float,
    first: int,
    begin: NDArray[np.int32],
    last: NDArray[np.int32],
    rows: NDArray[np.int32],
    n_rows: int,
) -> tuple[NDArray[np.int32], int]:
    """Follow pairs through frames; `begin` and `last` hold the stay that a pair is in, or was in last."""
    n_cations, n_points = cations.shape[1], points.shape[1]
    listed = np.empty((n_cations, n_points), dtype=np.int32)
    n_listed = np.zeros(n_cations, dtype=np.int64)
    listed_at = np.empty((n_cations, 3))
    points_at = np.empty((3, n_points))
    squares = np.empty(n_points)
    stale = np.empty(n_cations, dtype=np.bool_)
    cation_skin, anion_skin = 0.0, 0.0
    old = 0  # the frame in whose cell lists are made
    for f in range(cations.shape[0]):
        now, box, inverse = first + f, _numbers(boxes[f]), _numbers(inverses[f])
        old_box, old_inverse = _numbers(boxes[old]), _numbers(inverses[old])
        back, strain = _scaling(inverse, box, old_box)
        spare_skin = anion_skin - strain * cutoff
        fresh = f == 0 or spare_skin < 0.0
        if not fresh:
            for p in range(n_points):
                x, y, z = _times(points[f, p, 0], points[f, p, 1], points[f, p, 2], back)
                x, y, z = x - points_at[0, p], y - points_at[1, p], z - points_at[2, p]
                if _further(x, y, z, spare_skin, old_box, old_inverse):
                    fresh = True
                    break
        if fresh:
            old, old_box, old_inverse, back = f, box, inverse, _UNIT
            for p in range(n_points):
                for k in range(3):
                    points_at[k, p] = points[f, p, k]
            stale[:] = True
            # The list reaches no further than nearest images are certain.
            spare = min(1.0, (limits[f] - cutoff) / (_CATION_SKIN + _ANION_SKIN))
            cation_skin, anion_skin = spare * _CATION_SKIN, spare * _ANION_SKIN
        for i in range(n_cations):
            a, b, c = float(cations[f, i, 0]), float(cations[f, i, 1]), float(cations[f, i, 2])
            u, v, w = _times(a, b, c, back)
            x, y, z = u - listed_at[i, 0], v - listed_at[i, 1], w - listed_at[i, 2]
            if stale[i] or _further(x, y, z, cation_skin, old_box, old_inverse):
                stale[i] = False
                listed_at[i, 0], listed_at[i, 1], listed_at[i, 2] = u, v, w
                for p in range(n_points):
                    squares[p] = _nearest_square(
                        u - points_at[0, p], v - points_at[1, p], w - points_at[2, p], old_box, old_inverse
                    )
                n = 0
                reach = cutoff + cation_skin + anion_skin
                for p in range(n_points):
                    if squares[p] <= reach * reach * 1.000001:
                        listed[i, n] = p
                        n += 1
                n_listed[i] = n
            for e in range(n_listed[i]):
                p = listed[i, e]
                square = _nearest_square(
                    a - points[f, p, 0], b - points[f, p, 1], c - points[f, p, 2], box, inverse
                )
                j = owners[p]
                if square > cutoff * cutoff or last[i, j] == now:
                    continue
                if last[i, j] < 0 or last[i, j] < now - 1:
                    if last[i, j] >= 0:
                        if n_rows == len(rows):
                            longer = np.empty((2 * n_rows, 4), dtype=np.int32)
                            for row in range(n_rows):  # an assignment of arrays takes seconds to compile
                                for k in range(4):
                                    longer[row, k] = rows[row, k]
                            rows = longer
                        rows[n_rows, 0], rows[n_rows, 1] = i, j
                        rows[n_rows, 2], rows[n_rows, 3] = begin[i, j], last[i, j] + 1
                        n_rows += 1
                    begin[i, j] = now
                last[i, j] = now
    return rows, n_rows


@compiled
def _numbers(matrix: Array) -> Nine:
    """The elements by themselves: nothing that is written can change them, so loops are vectorized."""
    a, b, c = matrix[0], matrix[1], matrix[2]
    return a[0], a[1], a[2], b[0], b[1], b[2], c[0], c[1], c[2]


@compiled
def _nearest_square(x: float, y: float, z: float, box: Nine, inverse: Nine) -> float:
    """Square of the length of the nearest image of a vector."""
    u = np.floor(x * inverse[0] + y * inverse[3] + z * inverse[6] + 0.5)
    v = np.floor(x * inverse[1] + y * inverse[4] + z * inverse[7] + 0.5)
    w = np.floor(x * inverse[2] + y * inverse[5] + z * inverse[8] + 0.5)
    x -= u * box[0] + v * box[3] + w * box[6]
    y -= u * box[1] + v * box[4] + w * box[7]
    z -= u * box[2] + v * box[5] + w * box[8]
    return x * x + y * y + z * z


@compiled
def _further(x: float, y: float, z: float, length: float, box: Nine, inverse: Nine) -> bool:
    """Whether all images of a vector are longer than that, as far as the nearest one is certain."""
    square = length * length
    return x * x + y * y + z * z > square and _nearest_square(x, y, z, box, inverse) > square


@compiled
def _scaling(inverse: Nine, box: Nine, other: Nine) -> tuple[Nine, float]:
    """What takes positions from a cell to the same place in another, and how far it is from doing nothing."""
    if box == other:
        return _UNIT, 0.0
    scaling = (
        *_times(inverse[0], inverse[1], inverse[2], other),
        *_times(inverse[3], inverse[4], inverse[5], other),
        *_times(inverse[6], inverse[7], inverse[8], other),
    )
    square = 0.0
    for k in range(9):
        square += (scaling[k] - _UNIT[k]) ** 2
    return scaling, np.sqrt(square)


@compiled
def _times(x: float, y: float, z: float, matrix: Nine) -> tuple[float, float, float]:
    """A row vector times a matrix."""
    a, b, c, d, e, f, g, h, i = matrix
    return x * a + y * d + z * g, x * b + y * e + z * h, x * c + y * f + z * i


class ShellAnalysis(ContinuousAnalysis):
    """Find the stays of cations in shells of anions; subclasses write `_finish`.

    Parameters
    ----------
    cations : MDAnalysis.core.groups.AtomGroup
        Cations.
    anions : sequence of Anion
        Anions of `find_ions`.
    cutoff : float
        Radius of the shell, A: the first minimum of the radial distribution function, say.
    of : "center" or "ligand", optional
        Distance to the centre of mass of the anion, or to the nearest of its ligands.
    frame_interval : float, optional
        Time between frames of the trajectory, ps. By default what the trajectory says.
    verbose : bool, optional
        Show a progress bar.

    Raises
    ------
    InputError
        As `ContinuousAnalysis` does; and if the selection is empty or has atoms of the anions, there are no
        anions, or the cutoff is no length or more than half the smallest height of the cell.
    """

    def __init__(
        self,
        cations: Any,
        anions: Sequence[Anion],
        *,
        cutoff: float,
        of: Of = "center",
        frame_interval: float | None = None,
        verbose: bool = False,
    ) -> None:
        self._cations = indices_of(cations, "cation")
        self._anions = tuple(anions)
        if not self._anions:
            raise InputError("there are no anions; give find_ions(universe, cation, formulas).anions")
        if of not in ("center", "ligand"):
            raise InputError(f"of={of!r} is no part of an anion{did_you_mean(str(of), ['center', 'ligand'])}")
        if not 0.0 < cutoff < np.inf:
            raise InputError(f"cutoff {cutoff} is no length in A")
        atoms = np.concatenate([anion.indices for anion in self._anions])
        both = np.intersect1d(self._cations, atoms)
        if len(both):
            raise InputError(f"atom {both[0]} is in the cation selection and in an anion; leave it out")
        self._starts = starts_of(self._anions)
        self._masses = np.concatenate([anion.masses for anion in self._anions])
        self._ligands = np.concatenate(
            [first + anion.ligands for first, anion in zip(self._starts, self._anions, strict=False)]
        )
        self._by_ligand, self._cutoff = of == "ligand", float(cutoff)
        counts = [len(anion.ligands) for anion in self._anions]
        if self._by_ligand and not min(counts):
            lone = self._anions[counts.index(0)]
            raise InputError(f"{lone.formula} (atom {lone.indices[0]}) has no ligands; take of='center'")
        numbers = np.arange(len(self._anions))
        self._owners = np.repeat(numbers, counts) if self._by_ligand else numbers
        super().__init__(
            cations.universe,
            np.concatenate([atoms, self._cations]),
            molecules=molecules_of(self._starts),
            frame_interval=frame_interval,
            verbose=verbose,
        )

    def _follow(self, frames: slice, atoms: Array) -> None:
        """Take the atoms of the next frames about the centres of their anions, A; for subclasses."""

    def _prepare(self) -> None:
        super()._prepare()
        self._search = ShellSearch(len(self._cations), self._owners, self._cutoff)

    def _consume(self, block: Block) -> None:
        n = len(self._masses)
        atoms = np.ascontiguousarray(block.positions[:, :n])
        offset = block.offset_in_file(self._starts[:-1])
        points = atoms[:, self._ligands] + offset[:, self._owners] if self._by_ligand else None
        centres = take_centres(atoms, self._starts, self._masses) + offset
        cations = block.raw[:, n:]
        frames = self.frames[block.frames]
        self._search(frames, cations, centres if points is None else points, block.boxes)
        self._follow(block.frames, atoms)
