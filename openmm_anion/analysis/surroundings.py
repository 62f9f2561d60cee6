"""Where the cations are as an anion sees them: their density in the anion's own frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from openmm_anion.analysis.best_fit import fit_rotations, to_matrices
from openmm_anion.analysis.compiled import compiled
from openmm_anion.analysis.continuous import Block, ContinuousAnalysis, indices_of
from openmm_anion.analysis.ions import Anion
from openmm_anion.analysis.oriented_anions import (
    mean_shapes,
    molecules_of,
    polyatomic,
    starts_of,
    take_centres,
)
from openmm_anion.analysis.pair_histogram import inscribed_radius
from openmm_anion.analysis.proper_symmetry import proper_symmetry, rotations_onto
from openmm_anion.analysis.quantity import new_axes, variable
from openmm_anion.errors import InputError

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


class CationsAroundAnion(ContinuousAnalysis):
    r"""Mean number density of cations about an anion, on a grid that moves and turns with the anion.

    .. math:: \rho(g) = \frac{1}{n_\mathrm{frames} n_a n_s h^3} \sum_{t, j, i, S}
              \big[ S R_j(t)^{-1} (x_i(t) - c_j(t)) \in g \big]

    with the centre of mass c and the rotation R of best fit of each anion j, cubes g of edge h, and the
    rotations S that leave the anion as it is (12 for XY4): what they exchange is one place for the anion.
    Anions are laid over the first one, whichever of its equal atoms comes first. Cations count at their
    nearest image, within a sphere; what is beyond it is zero.

    Parameters
    ----------
    cations : MDAnalysis.core.groups.AtomGroup
        Atoms whose density is wanted.
    anions : sequence of Anion
        Anions of one formula, of `find_ions`.
    radius : float
        Radius of the sphere, A; cut to half the smallest height of the cell of the first frame.
    spacing : float, optional
        Edge h of the cubes, A.
    frame_interval : float, optional
        Time between frames of the trajectory, ps. By default what the trajectory says.
    verbose : bool, optional
        Show a progress bar.

    Attributes
    ----------
    data : xarray.Dataset
        ``density`` (x, y, z), 1/A^3, at `x`, `y` and `z` (A) from the centre of mass; the mean number of
        cations per volume of the cell, ``mean_density``; and the mean shape of the anion, ``shape``
        (atom, xyz), A, with the ``symbol`` of each atom.

    Raises
    ------
    InputError
        As `ContinuousAnalysis` does; and if there are no anions or several formulas, they are linear or not
        alike, there is no cell, or a length is none.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> u = mda.Universe.empty(4, trajectory=True)
    >>> flat = [[1.0, 0, 0], [-0.5, 0.75**0.5, 0], [-0.5, -(0.75**0.5), 0], [0, 0, 2.1]]
    >>> _ = u.load_new(np.array([flat]), dimensions=[[9.0, 9.0, 9.0, 90, 90, 90]], dt=1.0)
    >>> anion = Anion("O3", np.arange(3), ("O",) * 3, np.full(3, 16.0), None, np.arange(3))
    >>> density = CationsAroundAnion(u.atoms[3:], [anion], radius=3.0, spacing=1.0).run().data.density
    >>> float(density.sel(x=0.0, y=0.0, z=2.0)), float(density.sel(x=0.0, y=0.0, z=-2.0))
    (0.5, 0.5)
    """

    fewest_frames = 1

    def __init__(
        self,
        cations: Any,
        anions: Sequence[Anion],
        *,
        radius: float,
        spacing: float = 0.4,
        frame_interval: float | None = None,
        verbose: bool = False,
    ) -> None:
        mobile = indices_of(cations, "cation")
        self._anions = tuple(_in_order(anion) for anion in polyatomic(anions))
        kinds = {anion.formula: anion.symbols for anion in self._anions}
        if len(kinds) > 1:
            raise InputError(f"anions are of several kinds ({', '.join(kinds)}); give those of one")
        for name, value in (("radius", radius), ("spacing", spacing)):
            if not 0.0 < value < np.inf:
                raise InputError(f"{name} {value} is no distance in A")
        self._starts = starts_of(self._anions)
        self._masses = np.concatenate([anion.masses for anion in self._anions])
        super().__init__(
            cations.universe,
            np.concatenate([*(anion.indices for anion in self._anions), mobile]),
            molecules=molecules_of(self._starts),
            frame_interval=frame_interval,
            verbose=verbose,
        )
        self._radius, self._step = radius, spacing

    def _prepare(self) -> None:
        super()._prepare()
        self._references = np.empty((0, 3))
        self._volume = 0.0

    def _consume(self, block: Block) -> None:
        if block.boxes is None:
            raise InputError("the trajectory has no cell; set dimensions of the frames")
        n = len(self._masses)
        atoms = np.ascontiguousarray(block.positions[:, :n])
        centres = take_centres(atoms, self._starts, self._masses)
        centres += block.offset_in_file(self._starts[:-1])
        if not len(self._references):
            self._begin(atoms, block.boxes[0])
        fitted = fit_rotations(atoms, self._starts, self._masses, self._references)
        if not np.isfinite(fitted.sum()):
            frame, anion, _ = np.argwhere(~np.isfinite(fitted))[0]
            raise InputError(
                f"frame {self.frames[block.frames.start + frame]}: the orientation of anion {anion} cannot "
                "be told"
            )
        # From the lab to the anion, and on to the frame that all anions share.
        back = to_matrices(self._into_first) @ np.swapaxes(to_matrices(fitted), -1, -2)
        _count(
            block.raw[:, n:].astype(np.float64),
            centres,
            np.ascontiguousarray(back),
            to_matrices(self._symmetry),
            np.ascontiguousarray(block.boxes),
            np.ascontiguousarray(np.linalg.inv(block.boxes)),
            self._reach,
            self._step,
            self._counts,
        )
        self._volume += float(np.abs(np.linalg.det(block.boxes)).sum())

    def _begin(self, atoms: Array, box: Array) -> None:
        """Take the mean shapes of the first frames, and lay them over one another."""
        self._references, lines = mean_shapes(atoms, self._starts, self._masses)
        first = self._anions[0]
        if lines.any():
            raise InputError(f"{first.formula} is linear; the frame of a line can turn about it")
        size = len(first.indices)
        shapes = self._references.reshape(-1, size, 3)
        into = []
        for number, shape in enumerate(shapes):
            found = rotations_onto(shape, shapes[0], first.symbols)
            if not len(found):
                raise InputError(f"anion {number} ({first.formula}) has another shape than the first one")
            into.append(found[0])
        self._into_first = np.array(into)
        self._shape = np.asarray(shapes[0])
        self._symmetry = proper_symmetry(self._shape, first.symbols)
        self._reach = min(self._radius, inscribed_radius(box[None]))
        half = int(np.floor(self._reach / self._step))
        self._counts = np.zeros((2 * half + 1,) * 3, dtype=np.int64)

    def _finish(self, interval: float) -> None:
        half = self._counts.shape[0] // 2
        samples = self.n_frames * len(self._anions) * len(self._symmetry)
        ticks = self._step * np.arange(-half, half + 1)
        mean = (len(self._indices) - len(self._masses)) * self.n_frames / self._volume
        self.data = xr.Dataset(
            {
                "density": variable(
                    "x y z", self._counts / (samples * self._step**3), "1/A^3", "cation density"
                ),
                "mean_density": variable("", mean, "1/A^3", "cations per volume of the cell"),
                "shape": variable("atom xyz", self._shape, "A", "mean shape of the anion"),
            },
            {axis: variable(axis, ticks, "A", axis) for axis in "xyz"}
            | {"symbol": ("atom", list(self._anions[0].symbols)), "component": ("xyz", list("xyz"))},
        )
        del self._counts

    def plot(self, axes: Any = None) -> Any:
        """Draw the density in the plane z = 0; see `Quantity.plot`."""
        data = self.data
        axes = new_axes(axes, data.x, data.y)
        middle = data.density.sel(z=0.0, method="nearest").T
        image = axes.pcolormesh(data.x, data.y, middle, shading="nearest", cmap="viridis")
        axes.set_aspect("equal")
        axes.figure.colorbar(image, ax=axes, label="cation density (1/A$^3$)")
        return axes


def _in_order(anion: Anion) -> Anion:
    """The same anion with its atoms in the order of their elements, as a crystal need not have them."""
    order = np.argsort(anion.symbols, kind="stable")
    return Anion(
        anion.formula,
        anion.indices[order],
        tuple(anion.symbols[k] for k in order),
        anion.masses[order],
        None,
        np.arange(len(order)),
    )


@compiled
def _count(
    cations: Array,
    centres: Array,
    back: Array,
    symmetry: Array,
    boxes: Array,
    inverses: Array,
    reach: float,
    step: float,
    counts: NDArray[np.int64],
) -> None:
    half = counts.shape[0] // 2
    near, own = np.empty(3), np.empty(3)
    place = np.empty(3, dtype=np.int64)
    for f in range(cations.shape[0]):
        box, inverse = boxes[f], inverses[f]
        for a in range(centres.shape[1]):
            for i in range(cations.shape[1]):
                for k in range(3):
                    near[k] = cations[f, i, k] - centres[f, a, k]
                for k in range(3):
                    own[k] = np.floor(
                        near[0] * inverse[0, k] + near[1] * inverse[1, k] + near[2] * inverse[2, k] + 0.5
                    )
                square = 0.0
                for k in range(3):
                    near[k] -= own[0] * box[0, k] + own[1] * box[1, k] + own[2] * box[2, k]
                    square += near[k] * near[k]
                if square > reach * reach:
                    continue
                turn = back[f, a]
                for k in range(3):
                    own[k] = turn[k, 0] * near[0] + turn[k, 1] * near[1] + turn[k, 2] * near[2]
                for s in range(symmetry.shape[0]):
                    inside = True
                    for k in range(3):
                        x = (
                            symmetry[s, k, 0] * own[0]
                            + symmetry[s, k, 1] * own[1]
                            + symmetry[s, k, 2] * own[2]
                        )
                        place[k] = int(np.floor(x / step + 0.5)) + half
                        inside = inside and 0 <= place[k] < counts.shape[0]
                    if inside:
                        counts[place[0], place[1], place[2]] += 1
