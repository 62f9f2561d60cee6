"""Distinct part of the van Hove function: who is around a particle's place after some times."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from openmm_anion.analysis.cation_motion import CationMotion
from openmm_anion.analysis.continuous import Block, indices_of
from openmm_anion.analysis.framework import Frame
from openmm_anion.analysis.ions import Anion, center_weights
from openmm_anion.analysis.pair_histogram import inscribed_radius, pair_histogram, to_fixed_point
from openmm_anion.analysis.quantity import new_axes, variable
from openmm_anion.analysis.van_hove import (
    bin_edges,
    draw_at_lags,
    lags_in_frames,
    shell_volumes,
    stride_of,
    whole_stride,
)
from openmm_anion.errors import InputError
from openmm_anion.periodic import make_whole

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

ORIGINS = 500
"""About so many time origins where their distance is not given: neighbours say much the same."""


class VanHoveDistinct(CationMotion):
    r"""Distinct part of the van Hove function of two groups of particles.

    .. math:: g(r, t) = \frac{\langle V \rangle}{N_a N_b - N_{ab}} \Big\langle \sum_{i \in a}
              \sum_{j \in b, j \neq i} \delta\big(\mathbf{r} - \mathbf{x}_j(t_0 + t)
              + \mathbf{x}_i(t_0)\big) \Big\rangle_{t_0}

    averaged over directions and over each bin, with :math:`N_{ab}` atoms that are in both groups: an atom
    does not pair with itself at any time. At lag time 0 it is the radial distribution function, and it is 1
    at large distances.

    The separation is the nearest image of the difference of fractional coordinates, in the frame of
    `relative_to`, times the cell at the earlier time. So a cell that breathes does not move anything by
    itself. It is right up to half the smallest height of the cell, in any triclinic cell; bins end there.

    Parameters
    ----------
    group_a : MDAnalysis.core.groups.AtomGroup
        Particles at the earlier time.
    group_b : MDAnalysis.core.groups.AtomGroup or sequence of Anion
        Particles at the later time: atoms, or the centres of mass of anions.
    lags : array_like of float
        Lag times, ps: whole multiples of the time between frames. 0 may be one of them.
    width : float, optional
        Width of a bin, A.
    longest_distance : float, optional
        Where bins end, A, at the last whole one. By default half the smallest height of the cells.
    origins : int, optional
        Frames from one time origin to the next; 1 takes all. By default there are about 500 origins.
    relative_to : sequence of Anion or of array_like of int, "system" or None, optional
        The frame: the mean of the centres of mass of anions, the centre of mass of all atoms, or the lab. In
        the lab a crystal that drifts smears out all that is at later times.
    frame_interval : float, optional
        Time between frames of the trajectory, ps. By default what the trajectory says.
    verbose : bool, optional
        Show a progress bar.

    Attributes
    ----------
    data : xarray.Dataset
        At ``lag_times`` (ps) and ``distance`` (middle of each bin, A): ``g``, :math:`g(r, t)`; ``radial``,
        :math:`4 \pi r^2 \rho g`, 1/A, the number of b per distance from a place where an a was, with
        :math:`\rho = (N_a N_b - N_{ab}) / (N_a \langle V \rangle)`. At each lag: ``n_origins``, the number of
        time origins.

    Raises
    ------
    InputError
        As `CationMotion` does; and if a group names an atom twice or the groups make no pair, a lag is no
        whole multiple of the time between frames or too long, `longest_distance` is longer than half the
        smallest height of a cell, or a distance or `origins` is none.

    References
    ----------
    L. Van Hove, Phys. Rev. 95, 249 (1954), doi:10.1103/PhysRev.95.249.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> u = mda.Universe.empty(2, trajectory=True)
    >>> _ = u.load_new(np.array([[[0.1, 0, 0], [3.6, 0, 0]]] * 2), dimensions=[4.0, 4, 4, 90, 90, 90], dt=1.0)
    >>> VanHoveDistinct(u.atoms[:1], u.atoms[1:], lags=[1.0], width=0.4).run().data.radial.values.round(9)
    array([[0. , 2.5, 0. , 0. , 0. ]])
    """

    fewest_frames = 1

    def __init__(
        self,
        group_a: Any,
        group_b: Any,
        *,
        lags: ArrayLike,
        width: float = 0.1,
        longest_distance: float | None = None,
        origins: int | None = None,
        relative_to: Frame = None,
        frame_interval: float | None = None,
        verbose: bool = False,
    ) -> None:
        first = indices_of(group_a, "group_a")
        second, self._weights, particles = _second_group(group_a, group_b)
        for name, indices in (("group_a", first), ("group_b", second)):
            if len(np.unique(indices)) < len(indices):
                raise InputError(f"{name} names an atom twice; take each once (AtomGroup.unique)")
        self._same = _places(first, particles)
        self._n_a, self._n_b = len(first), len(particles)
        self._n_pairs = self._n_a * self._n_b - int((self._same >= 0).sum())
        if not self._n_pairs:
            raise InputError("group_a and group_b are the same single atom; there is no pair of two")
        watched, places = np.unique(np.concatenate([first, second]), return_inverse=True)
        self._first_places, self._second_places = places[: len(first)], places[len(first) :]
        super().__init__(
            group_a.universe.atoms[watched], relative_to, frame_interval=frame_interval, verbose=verbose
        )
        bin_edges(width if longest_distance is None else longest_distance, width)
        self._lag_times, self._width, self._longest = lags, width, longest_distance
        self._origins = None if origins is None else whole_stride(origins)

    def _prepare(self) -> None:
        super()._prepare()
        n = self.n_frames
        interval = stride_of(self._sliced_trajectory) * self._frame_interval
        self._lags = lags_in_frames(self._lag_times, interval, n)
        self._stride = self._origins or max(1, n // ORIGINS)
        self._starts = np.arange(0, n - self._lags.min(), self._stride)
        later = np.zeros(n, dtype=bool)
        for lag in self._lags:
            later[lag :: self._stride] = True
        self._later, self._row = later, np.cumsum(later) - 1
        self._first = np.empty((len(self._starts), 3, self._n_a), dtype=np.int32)
        self._second = np.empty((int(later.sum()), 3, self._n_b), dtype=np.int32)
        self._cells = np.empty((len(self._starts), 3, 3))

    def _consume(self, block: Block) -> None:
        super()._consume(block)
        assert block.boxes is not None  # refused there
        here = self._starts_in(block.frames)
        self._cells[here] = block.boxes[self._starts[here] - block.frames.start]
        radius = inscribed_radius(block.boxes)
        if self._longest is not None and self._longest > radius * (1.0 + 1e-6):
            raise InputError(
                f"longest_distance {self._longest:g} A is longer than half the smallest height of the cell "
                f"({radius:.4g} A, from frame {self.frames[block.frames.start]} on); neighbours would be lost"
            )

    def _follow(self, frames: slice, fractional: Array) -> None:
        here = self._starts_in(frames)
        early = fractional[self._starts[here] - frames.start][:, self._first_places]
        self._first[here] = to_fixed_point(early)
        rows = self._row[frames][self._later[frames]]
        late = fractional[self._later[frames]][:, self._second_places]
        if self._weights is not None:
            if not frames.start:
                self._shift = whole_cells(fractional[0, self._second_places], self._weights, self._first_cell)
            late = self._weights @ (late + self._shift)
        self._second[rows] = to_fixed_point(late)

    def _starts_in(self, frames: slice) -> slice:
        """Which time origins are among these frames."""
        return slice(*np.searchsorted(self._starts, [frames.start, frames.stop]))

    def _finish(self, interval: float) -> None:
        longest = inscribed_radius(self._cells) if self._longest is None else self._longest
        edges = bin_edges(longest, self._width)
        counts = np.empty((len(self._lags), len(edges) - 1))
        n_origins = -(-(self.n_frames - self._lags) // self._stride)
        volume = np.empty(len(self._lags))
        for k, (lag, n) in enumerate(zip(self._lags, n_origins, strict=True)):
            rows = np.column_stack([np.arange(n), self._row[self._starts[:n] + lag]])
            counts[k] = pair_histogram(
                self._first, self._second, rows, self._cells[:n], self._same, self._width, counts.shape[1]
            )
            volume[k] = np.abs(np.linalg.det(self._cells[:n])).mean()
        per_origin = counts / n_origins[:, None]
        g = per_origin * (volume / self._n_pairs)[:, None] / shell_volumes(edges)
        radial = per_origin / (self._n_a * self._width)
        self.data = xr.Dataset(
            {
                "g": variable("lag_times distance", g, "1", "$g(r, t)$"),
                "radial": variable("lag_times distance", radial, "1/A", r"$4 \pi r^2 \rho\, g(r, t)$"),
                "n_origins": variable("lag_times", n_origins, "1", "number of time origins"),
            },
            {
                "lag_times": variable("lag_times", self._lags * interval, "ps", "lag time"),
                "distance": variable("distance", edges[:-1] + 0.5 * self._width, "A", "distance"),
            },
        )
        del self._first, self._second

    def plot(self, axes: Any = None) -> Any:
        """Draw g(r, t) at each lag time; see `Quantity.plot`."""
        data = self.data
        axes = new_axes(axes, data.distance, data.g)
        draw_at_lags(axes, data.g)
        axes.legend(frameon=False)
        return axes


def _second_group(group_a: Any, group_b: Any) -> tuple[Indices, Array | None, Indices]:
    """Atoms; the matrix that makes centres of them, if any; the atom that each particle is, or -1."""
    if hasattr(group_b, "universe"):
        if group_b.universe is not group_a.universe:
            raise InputError("group_a and group_b are of two universes; select both from one")
        indices = indices_of(group_b, "group_b")
        return indices, None, indices
    anions = list(group_b)
    if not anions or not all(isinstance(anion, Anion) for anion in anions):
        raise InputError("group_b holds no anions; give an AtomGroup or the anions of find_ions")
    indices, weights = center_weights(anions)
    atoms = [anion.indices[0] if len(anion.indices) == 1 else -1 for anion in anions]
    return indices, weights, np.array(atoms, dtype=np.int64)


def _places(atoms: Indices, particles: Indices) -> Indices:
    """Where each atom is among the particles, -1 if it is not."""
    where = {int(particle): place for place, particle in enumerate(particles) if particle >= 0}
    return np.array([where.get(int(atom), -1) for atom in atoms], dtype=np.int64)


def whole_cells(fractional: Array, weights: Array, cell: Array) -> Array:
    """Return the whole cells that put the atoms of each anion together: in one frame, and so in all.

    Parameters
    ----------
    fractional : array, shape (n, 3)
        Fractional coordinates, each atom wrapped in any way.
    weights : array, shape (n_anions, n)
        Of `center_weights`: which atoms are whose, one anion after the other.
    cell : array, shape (3, 3)
        Cell, vectors as rows.

    Returns
    -------
    array, shape (n, 3)
        Whole numbers, to be added to the fractional coordinates.

    Examples
    --------
    >>> whole_cells(np.array([[0.1, 0.5, 0.5], [0.9, 0.5, 0.5]]), np.array([[0.5, 0.5]]), 9.0 * np.eye(3)) + 0
    array([[ 0.,  0.,  0.],
           [-1.,  0.,  0.]])
    """
    positions = fractional @ cell
    whole = [make_whole(positions[weight > 0.0], cell) for weight in weights]
    return np.asarray(np.round((np.concatenate(whole) - positions) @ np.linalg.inv(cell)), dtype=np.float64)
