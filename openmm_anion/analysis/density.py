"""Where the cations are: their density on a grid over the cell, in the frame of the anions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from ase import Atoms
from ase.io.cube import write_cube
from numpy.typing import NDArray

from openmm_anion.analysis.cation_motion import CationMotion
from openmm_anion.analysis.compiled import compiled
from openmm_anion.analysis.framework import Frame
from openmm_anion.analysis.ions import elements_of
from openmm_anion.analysis.quantity import new_axes, variable
from openmm_anion.errors import InputError

Array = NDArray[np.float64]

MOST_POINTS = 100_000_000
"""Of a grid: 0.8 GB."""


@compiled
def count_on_grid(fractional: Array, counts: NDArray[np.int64]) -> None:
    """Add every position to the grid point next to it, through the faces of the cell.

    Parameters
    ----------
    fractional : array, shape (n_frames, n_particles, 3)
        Fractional coordinates, in the cell or not.
    counts : array of int, shape (na, nb, nc)
        Changed in place; point i along an axis is at fractional coordinate i / n.

    Examples
    --------
    >>> counts = np.zeros((4, 1, 1), dtype=np.int64)
    >>> count_on_grid(np.array([[[0.3, 0.0, 0.0], [0.9, 0.0, 0.0], [-1.0, 0.0, 0.0]]]), counts)
    >>> counts.ravel()
    array([2, 1, 0, 0])
    """
    na, nb, nc = counts.shape
    for f in range(fractional.shape[0]):
        for p in range(fractional.shape[1]):
            i = int(np.floor(fractional[f, p, 0] * na + 0.5)) % na
            j = int(np.floor(fractional[f, p, 1] * nb + 0.5)) % nb
            k = int(np.floor(fractional[f, p, 2] * nc + 0.5)) % nc
            counts[i, j, k] += 1


class CationDensity(CationMotion):
    r"""Mean number density of cations, on a grid over the cell that moves with the anions.

    .. math:: \rho(g) = \frac{N(g)}{n_\mathrm{frames} \, V_g}

    where :math:`N(g)` counts cations nearer to point g than to other points (in fractional coordinates)
    and :math:`V_g` is the mean volume of the cell by the number of points. Its integral is the number of
    cations. Cells that change are scaled to their mean.

    Parameters
    ----------
    cations : MDAnalysis.core.groups.AtomGroup
        Atoms whose density is wanted.
    relative_to : sequence of Anion or of array_like of int, "system" or None
        The frame; see `CationMotion`.
    spacing : float, optional
        Longest distance between points along a cell vector, A.
    frame_interval : float, optional
        Time between frames of the trajectory, ps. By default what the trajectory says.
    verbose : bool, optional
        Show a progress bar.

    Attributes
    ----------
    data : xarray.Dataset
        ``density`` (a, b, c), 1/A^3, at fractional coordinates `a`, `b` and `c`; and the mean ``cell``
        (vector, xyz), A.

    Raises
    ------
    InputError
        As `CationMotion` does; and if the spacing is no length or far too small.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> u = mda.Universe.empty(1, trajectory=True)
    >>> _ = u.load_new(np.ones((1, 1, 3)), dimensions=[[4.0, 4.0, 4.0, 90, 90, 90]], dt=1.0)
    >>> density = CationDensity(u.atoms, None, spacing=1.0).run().data.density
    >>> float(density[1, 1, 1]), float(density.sum())
    (1.0, 1.0)
    """

    fewest_frames = 1

    def __init__(
        self,
        cations: Any,
        relative_to: Frame,
        *,
        spacing: float = 0.25,
        frame_interval: float | None = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(cations, relative_to, frame_interval=frame_interval, verbose=verbose)
        if not 0.0 < spacing < np.inf:
            raise InputError(f"spacing {spacing} is no distance in A")
        self._universe, self._grid_spacing = cations.universe, spacing

    def _follow(self, frames: slice, fractional: Array) -> None:
        if not frames.start:
            edges = np.linalg.norm(self._first_cell, axis=1)
            shape = np.ceil(edges / self._grid_spacing * (1.0 - 1e-9)).astype(np.int64)
            n_points = shape.astype(float).prod()
            if n_points > MOST_POINTS:
                raise InputError(
                    f"a spacing of {self._grid_spacing:g} A makes a grid of {n_points:.1g} points in this "
                    f"cell ({' x '.join(f'{edge:.1f}' for edge in edges)} A); take a larger one"
                )
            self._counts = np.zeros(tuple(shape), dtype=np.int64)
        count_on_grid(fractional, self._counts)

    def _finish(self, interval: float) -> None:
        cell = self.mean_cell
        volume = abs(np.linalg.det(cell)) / self._counts.size
        density = self._counts / (self.n_frames * volume)
        self.data = xr.Dataset(
            {
                "density": variable("a b c", density, "1/A^3", "cation density"),
                "cell": variable("vector xyz", cell, "A", "mean cell"),
            },
            {
                axis: variable(axis, np.arange(n) / n, "1", f"fractional coordinate {axis}")
                for axis, n in zip("abc", density.shape, strict=True)
            }
            | {"xyz": ["x", "y", "z"]},
        )
        del self._counts

    def to_cube(self, path: str | Path) -> None:
        """Write the density as a Gaussian cube file, with the anions as they are in the first frame.

        Lengths are in Bohr, as the format wants; values are in 1/A^3, as the first line of the file says.

        Parameters
        ----------
        path : str or Path
            File.
        """
        data = self.data
        indices = self._framework.indices
        elements = elements_of(self._universe) if len(indices) else []
        symbols = [elements[index] for index in indices]
        atoms = Atoms(symbols, scaled_positions=self._first_framework, cell=data.cell.values, pbc=True)
        path = Path(path)
        part = path.with_name(path.name + ".part")
        with part.open("w") as file:
            write_cube(file, atoms, data.density.values, comment="cation density in 1/A^3, by openmm-anion")
        part.replace(path)

    def plot(self, axes: Any = None) -> Any:
        """Draw the density, averaged along the third cell vector; see `Quantity.plot`."""
        data = self.data
        axes = new_axes(axes, data.a, data.b)
        image = axes.pcolormesh(data.a, data.b, data.density.mean("c").T, shading="nearest", cmap="viridis")
        axes.figure.colorbar(image, ax=axes, label="mean along c (1/A$^3$)")
        return axes
