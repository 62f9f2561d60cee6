"""Cation sites: given, or found where the density is highest; and which site a position belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from MDAnalysis.lib.mdamath import triclinic_vectors
from numpy.typing import ArrayLike, NDArray
from scipy import fft
from scipy.ndimage import maximum_filter
from scipy.spatial import cKDTree

from openmm_anion.analysis.compiled import compiled
from openmm_anion.errors import InputError
from openmm_anion.periodic import heights

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

SMALLEST_DISTANCE = 0.1
"""Between sites, A; nearer ones are one site given twice."""
_NO_DENSITY = 1e-6
"""Of the highest: what is left of nothing by a Fourier transform."""
_BOXES_PER_SITE = 10
"""Of the grid that says which sites can be nearest: more take longer to build, fewer list more sites."""


@dataclass(frozen=True, eq=False)
class Sites:
    """Where cations may be, in the cell.

    Attributes
    ----------
    fractional : array, shape (n, 3)
        Fractional coordinates, from 0 to 1.
    cell : array, shape (3, 3)
        Cell they were given for, vectors as rows, A. Six numbers are taken as lengths and angles (degrees).
    kinds : tuple of str
        What each site is, e.g. its Wyckoff letter; by default all are ``"site"``.
    occupancies : array, shape (n,)
        Mean number of cations at each, NaN where unknown.

    Raises
    ------
    InputError
        If there are no sites, two are the same, or numbers are missing.

    Examples
    --------
    >>> sites = Sites([[0.0, 0.0, 0.0], [1.25, 0.5, 0.5]], [4.0, 4.0, 4.0, 90, 90, 90])
    >>> sites.positions[1]
    array([1., 2., 2.])
    """

    fractional: Array
    cell: Array
    kinds: tuple[str, ...] = ()
    occupancies: Array = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        s = np.asarray(self.fractional, dtype=np.float64)
        cell = _vectors(self.cell)
        if s.ndim != 2 or s.shape[1] != 3 or not len(s) or not np.isfinite(s).all():
            raise InputError(f"sites must be rows of three finite numbers, at least one; got shape {s.shape}")
        s = s - np.floor(s)
        kinds = tuple(self.kinds) or ("site",) * len(s)
        occupancies = np.asarray(self.occupancies, dtype=np.float64)
        if not len(occupancies):
            occupancies = np.full(len(s), np.nan)
        if len(kinds) != len(s) or len(occupancies) != len(s):
            raise InputError(f"{len(s)} sites, {len(kinds)} kinds and {len(occupancies)} occupancies")
        for name, value in (
            ("fractional", s),
            ("cell", cell),
            ("kinds", kinds),
            ("occupancies", occupancies),
        ):
            object.__setattr__(self, name, value)
        number, _, image = _images(s, cell, SMALLEST_DISTANCE)
        close = cKDTree((s[number] + image) @ cell).query_pairs(SMALLEST_DISTANCE)
        twice = [sorted((number[a], number[b])) for a, b in close if number[a] != number[b]]
        if twice:
            a, b = twice[0]
            raise InputError(f"sites {a} and {b} are at the same place (within {SMALLEST_DISTANCE} A)")

    @classmethod
    def at(cls, positions: ArrayLike, cell: ArrayLike, kinds: Sequence[str] = ()) -> Sites:
        """Sites at positions.

        Parameters
        ----------
        positions : array_like, shape (n, 3)
            A, in the orientation of the cell.
        cell : array_like, shape (3, 3) or (6,)
            Vectors as rows, A; lengths and angles mean a cell with its first vector along x and the second
            in the xy plane.
        kinds : sequence of str, optional
            What each site is.

        Returns
        -------
        Sites
            With fractional positions, and the cell as three vectors.

        Raises
        ------
        InputError
            If the positions are no rows of three finite numbers, or as `Sites`.
        """
        vectors = _vectors(cell)
        positions = np.asarray(positions, dtype=np.float64)
        if positions.ndim != 2 or positions.shape[1] != 3:
            raise InputError(f"sites must be rows of three finite numbers; got shape {positions.shape}")
        return cls(positions @ np.linalg.inv(vectors), vectors, tuple(kinds))

    @property
    def positions(self) -> Array:
        """Positions, A, shape (n, 3)."""
        return np.asarray(self.fractional @ self.cell)

    def __len__(self) -> int:
        return len(self.fractional)


def _vectors(cell: ArrayLike) -> Array:
    vectors = np.asarray(cell, dtype=np.float64)
    if vectors.shape == (6,):
        vectors = np.asarray(triclinic_vectors(vectors, dtype=np.float64))
    if vectors.shape != (3, 3) or not np.isfinite(vectors).all() or np.linalg.det(vectors) <= 0.0:
        raise InputError("the cell of the sites must be three right-handed vectors, or lengths and angles")
    return vectors


def _images(fractional: Array, cell: Array, margin: float) -> tuple[Indices, Indices, Array]:
    """Images of sites in the cell and up to `margin` (A) outside: number of the site, row, whole cells."""
    reach = margin / heights(cell)
    n = np.ceil(reach).astype(int)
    shifts = np.stack(np.meshgrid(*(np.arange(-k, k + 1) for k in n), indexing="ij"), -1).reshape(-1, 3)
    at = fractional[:, None] + shifts
    inside = ((at >= -reach) & (at <= 1.0 + reach)).all(axis=-1)
    site, shift = np.nonzero(inside)
    return site, shift, shifts[shift].astype(np.float64)


class NearestSite:
    """Find the site nearest to any position, by its true nearest image, in any cell.

    A grid over the cell lists, once, the sites that can be nearest anywhere in each of its boxes: those
    whose distance from the middle of the box is at most the smallest such distance plus the diagonal.

    Parameters
    ----------
    sites : Sites
        The sites, in the cell in which distances are measured.
    radius : float, optional
        Positions further from every site belong to none, A.

    Examples
    --------
    >>> nearest = NearestSite(Sites([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]], 4.0 * np.eye(3)), radius=1.0)
    >>> nearest(np.array([[0.9, 0.0, 0.0], [0.45, 0.5, 0.5], [0.25, 0.25, 0.25]]))[0]
    array([ 0,  1, -1])
    """

    def __init__(self, sites: Sites, radius: float | None = None) -> None:
        if radius is not None and not 0.0 < radius < np.inf:
            raise InputError(f"radius {radius} is no distance in A")
        cell = sites.cell
        self.radius = np.inf if radius is None else float(radius)
        edge = (abs(np.linalg.det(cell)) / (_BOXES_PER_SITE * len(sites))) ** (1.0 / 3.0)
        shape = np.maximum(1, np.round(np.linalg.norm(cell, axis=1) / edge)).astype(np.int64)
        corners = np.stack(np.meshgrid(*[[-0.5, 0.5]] * 3, indexing="ij"), -1).reshape(-1, 3)
        half = np.linalg.norm((corners / shape) @ cell, axis=1).max()
        middles = np.stack(np.meshgrid(*((np.arange(n) + 0.5) / n for n in shape), indexing="ij"), -1)
        middles = middles.reshape(-1, 3) @ cell
        # An upper bound of how far the nearest site is, from the images around the cell, ...
        margin = heights(cell).min()
        number, _, image = _images(sites.fractional, cell, margin)
        around = cKDTree((sites.fractional[number] + image) @ cell)
        gaps = np.minimum(around.query(sites.positions, k=2)[0][:, 1], margin)
        self.core = np.square(np.minimum(0.5 * gaps, self.radius) * (1.0 - 1e-9))
        """Square of the distance from each site within which no other can be nearer, A^2."""
        bound = around.query(middles)[0]
        bound = np.minimum(bound + 2.0 * half, self.radius + half) * (1.0 + 1e-9)
        # ... and then all images that are not further.
        number, _, image = _images(sites.fractional, cell, bound.max())
        positions = (sites.fractional[number] + image) @ cell
        lists = cKDTree(positions).query_ball_point(middles, bound)
        lengths = np.array([len(some) for some in lists], dtype=np.int64)
        flat = np.concatenate([np.asarray(some, dtype=np.int64) for some in lists])
        self.table = (
            shape,
            np.concatenate([[0], np.cumsum(lengths)]),
            positions[flat],
            number[flat].astype(np.int64),
            image[flat].astype(np.int64),
            cell,
            self.radius**2,
        )

    def __call__(self, fractional: Array) -> tuple[Indices, Array]:
        """Return the nearest sites.

        Parameters
        ----------
        fractional : array, shape (n, 3)
            Fractional coordinates, in the cell or not.

        Returns
        -------
        sites : array of int, shape (n,)
            Numbers of the sites, -1 if none is within the radius.
        vectors : array, shape (n, 3)
            From the site to the position, A; zero if there is none.
        """
        sites = np.empty(len(fractional), dtype=np.int64)
        vectors = np.zeros((len(fractional), 3))
        _nearest_of_many(np.ascontiguousarray(fractional), *self.table, sites, vectors)
        return sites, vectors


@compiled
def nearest_candidate(
    a: float,
    b: float,
    c: float,
    shape: Indices,
    start: Indices,
    positions: Array,
    cell: Array,
    furthest: float,
) -> tuple[int, int, int, int]:
    """Which candidate of `NearestSite.table` is nearest to a position, and in which cell the position is.

    Parameters
    ----------
    a, b, c : float
        Fractional coordinates.
    shape, start, positions, cell, furthest
        Of `NearestSite.table`; `furthest` is the square of the radius.

    Returns
    -------
    candidate, i, j, k : int
        Row of the table, or -1; and the whole parts of the coordinates.
    """
    i, j, k = np.floor(a), np.floor(b), np.floor(c)
    u, v, w = a - i, b - j, c - k
    # u is 1 where a is so little below a whole number that the difference is lost.
    box = min(int(u * shape[0]), shape[0] - 1)
    box = box * shape[1] + min(int(v * shape[1]), shape[1] - 1)
    box = box * shape[2] + min(int(w * shape[2]), shape[2] - 1)
    x = u * cell[0, 0] + v * cell[1, 0] + w * cell[2, 0]
    y = u * cell[0, 1] + v * cell[1, 1] + w * cell[2, 1]
    z = u * cell[0, 2] + v * cell[1, 2] + w * cell[2, 2]
    best, smallest = -1, furthest
    for m in range(start[box], start[box + 1]):
        square = (x - positions[m, 0]) ** 2 + (y - positions[m, 1]) ** 2 + (z - positions[m, 2]) ** 2
        if square <= smallest:
            best, smallest = m, square
    return best, int(i), int(j), int(k)


@compiled
def _nearest_of_many(
    fractional: Array,
    shape: Indices,
    start: Indices,
    positions: Array,
    numbers: Indices,
    images: Indices,
    cell: Array,
    furthest: float,
    sites: Indices,
    vectors: Array,
) -> None:
    """Fill `sites` and `vectors`, see `NearestSite.__call__`."""
    for p in range(fractional.shape[0]):
        a, b, c = fractional[p, 0], fractional[p, 1], fractional[p, 2]
        m, i, j, k = nearest_candidate(a, b, c, shape, start, positions, cell, furthest)
        sites[p] = -1
        if m >= 0:
            sites[p] = numbers[m]
            for d in range(3):
                here = (a - i) * cell[0, d] + (b - j) * cell[1, d] + (c - k) * cell[2, d]
                vectors[p, d] = here - positions[m, d]


def find_sites(
    density: xr.Dataset,
    *,
    smoothing: float = 0.25,
    radius: float = 1.0,
    least_occupancy: float = 0.05,
) -> Sites:
    r"""Find the sites of cations where their density has its maxima.

    The density is smoothed with a Gaussian,
    :math:`\tilde\rho(G) = \rho(G) \exp(-\sigma^2 G^2 / 2)`, at the true reciprocal vectors G, so that it is
    round in any cell. Of maxima closer than `radius` the highest stays, and moves to the mean position of
    the cations within `radius` that have no nearer site. The occupancy of a site is the integral of the
    density over the points that are nearest to it, so that occupancies add up to the number of cations.

    Parameters
    ----------
    density : xarray.Dataset
        ``CationDensity.data``.
    smoothing : float, optional
        Standard deviation :math:`\sigma` of the Gaussian, A.
    radius : float, optional
        Sites are at least so far apart, A.
    least_occupancy : float, optional
        Maxima with fewer cations are no sites; their cations go to the next nearest.

    Returns
    -------
    Sites
        From the highest occupancy to the lowest, in the mean cell.

    Raises
    ------
    InputError
        If an option is out of range, or no maximum is left.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> from openmm_anion.analysis.density import CationDensity
    >>> u = mda.Universe.empty(1, trajectory=True)
    >>> _ = u.load_new(np.ones((1, 1, 3)), dimensions=[[4.0, 4.0, 4.0, 90, 90, 90]], dt=1.0)
    >>> find_sites(CationDensity(u.atoms, None).run().data).positions.round(6)
    array([[1., 1., 1.]])
    """
    rho, cell = density.density.values, density.cell.values
    if not rho.max() > 0.0:
        raise InputError("the density is zero everywhere, or holds no numbers")
    furthest = 0.5 * heights(cell).min()
    for name, value, least in (("smoothing", smoothing, 0.0), ("radius", radius, SMALLEST_DISTANCE)):
        if not least < value <= furthest:
            raise InputError(
                f"{name} {value} A: give a length over {least:g} A and up to half the smallest height of the "
                f"cell, {furthest:.2f} A"
            )
    points = np.stack(np.meshgrid(*(np.arange(n) / n for n in rho.shape), indexing="ij"), -1).reshape(-1, 3)
    smooth = smoothed(rho, cell, smoothing)
    top = np.flatnonzero(smooth == maximum_filter(smooth, size=3, mode="wrap"))
    top = top[np.argsort(-smooth.ravel()[top], kind="stable")]
    top = top[smooth.ravel()[top] > _NO_DENSITY * smooth.max()]
    maxima = points[top[_apart(points[top], cell, radius)]]
    there = np.flatnonzero(rho)
    at, number = points[there], rho.ravel()[there] * (abs(np.linalg.det(cell)) / rho.size)
    nearest, vectors = NearestSite(Sites(maxima, cell), radius)(at)
    held = np.bincount(nearest[nearest >= 0], number[nearest >= 0], len(maxima))
    shift = np.zeros_like(maxima)
    np.add.at(shift, nearest[nearest >= 0], (number[:, None] * vectors)[nearest >= 0])
    moved = Sites(
        maxima + shift / np.maximum(held, np.finfo(float).tiny)[:, None] @ np.linalg.inv(cell), cell
    )
    occupied = _occupancies(moved, at, number) >= least_occupancy
    if not occupied.any():
        raise InputError(
            f"no maximum of the density holds {least_occupancy:g} cations; lower least_occupancy"
        )
    sites = Sites(moved.fractional[occupied], cell)
    occupancies = _occupancies(sites, at, number)
    order = np.argsort(-occupancies, kind="stable")
    return Sites(sites.fractional[order], cell, occupancies=occupancies[order])


def smoothed(rho: Array, cell: Array, width: float) -> Array:
    """Convolute a periodic density with a Gaussian that is round in any cell.

    Parameters
    ----------
    rho : array, shape (na, nb, nc)
        On a grid over the cell.
    cell : array, shape (3, 3)
        Cell, vectors as rows, A.
    width : float
        Standard deviation of the Gaussian, A.

    Returns
    -------
    array, shape (na, nb, nc)
        With the same integral.

    Examples
    --------
    >>> smoothed(np.array([[[1.0, 0.0]]]), np.eye(3), 2.0).round(6)
    array([[[0.5, 0.5]]])
    """
    reciprocal = 2.0 * np.pi * np.linalg.inv(cell).T
    na, nb, nc = rho.shape
    waves = (fft.fftfreq(na, 1.0 / na), fft.fftfreq(nb, 1.0 / nb), fft.rfftfreq(nc, 1.0 / nc))
    squares = ((np.stack(np.meshgrid(*waves, indexing="ij"), -1) @ reciprocal) ** 2).sum(axis=-1)
    return np.asarray(fft.irfftn(fft.rfftn(rho) * np.exp(-0.5 * width**2 * squares), rho.shape))


def _apart(fractional: Array, cell: Array, radius: float) -> Indices:
    """Rows that stay when each, from the first on, removes the later ones within `radius`."""
    number, _, image = _images(fractional, cell, radius)
    near = cKDTree((fractional[number] + image) @ cell).query_ball_point(fractional @ cell, radius)
    stays = np.ones(len(fractional), dtype=bool)
    for row, some in enumerate(near):
        if stays[row]:
            others = number[some]
            stays[others[others > row]] = False
    return np.flatnonzero(stays)


def _occupancies(sites: Sites, at: Array, number: Array) -> Array:
    return np.asarray(np.bincount(NearestSite(sites)(at)[0], number, len(sites)), dtype=np.float64)
