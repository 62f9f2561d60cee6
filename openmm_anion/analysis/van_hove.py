"""Self part of the van Hove function: how far cations are after some times."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.special import erf

from openmm_anion.analysis.cation_path import CationPath
from openmm_anion.analysis.compiled import compiled
from openmm_anion.analysis.framework import Frame
from openmm_anion.analysis.quantity import new_axes, variable
from openmm_anion.errors import InputError

Array = NDArray[np.float64]

_LAG_TOLERANCE = 1e-3
"""Of the time between frames; and a thousandth of that of the lag, for intervals in single precision."""
_MOST_BINS = 100_000


def lags_in_frames(lags: ArrayLike, interval: float, n_frames: int) -> NDArray[np.int64]:
    """Return lag times as numbers of frames.

    Parameters
    ----------
    lags : array_like of float
        Lag times, ps.
    interval : float
        Time between frames, ps.
    n_frames : int
        Length of the trajectory.

    Returns
    -------
    array of int
        In the order of the lags.

    Raises
    ------
    InputError
        If there are none, or one is not a whole multiple of the interval or longer than the trajectory.

    Examples
    --------
    >>> lags_in_frames([0.0, 0.3, 5.0], interval=0.1, n_frames=51)
    array([ 0,  3, 50])
    """
    times = np.atleast_1d(np.asarray(lags, dtype=np.float64)).ravel()
    if not len(times):
        raise InputError("no lag times are given; name some, in ps")
    for time in times:
        if not 0.0 <= time < np.inf:
            raise InputError(f"lag {time:g} ps is no lag time; give times in ps, from 0")
        frames = time / interval
        if abs(frames - np.round(frames)) > _LAG_TOLERANCE * max(1.0, _LAG_TOLERANCE * frames):
            below = np.floor(frames) * interval
            raise InputError(
                f"lag {time:.8g} ps is no whole multiple of the {interval:.8g} ps between frames; the "
                f"nearest are {below:.8g} and {below + interval:.8g} ps"
            )
        if np.round(frames) > n_frames - 1:
            raise InputError(
                f"lag {time:g} ps is longer than the trajectory, {(n_frames - 1) * interval:g} ps"
            )
    return np.round(times / interval).astype(np.int64)


def stride_of(chosen: Any) -> int:
    """Return how many frames of the file there are from one chosen frame to the next.

    Parameters
    ----------
    chosen : MDAnalysis.coordinates.base.FrameIteratorBase
        Part of a trajectory, as ``trajectory[::5]`` or ``trajectory[[0, 5, 10]]`` give it.

    Returns
    -------
    int
        1 where fewer than two frames are chosen.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> u = mda.Universe.empty(1, trajectory=True)
    >>> _ = u.load_new(np.zeros((9, 1, 3)))
    >>> stride_of(u.trajectory[::3]), stride_of(u.trajectory[[2, 4, 6]])
    (3, 2)
    """
    listed = getattr(chosen, "frames", None)
    if listed is None:
        return int(getattr(chosen, "step", 1))
    # The base refuses other distances later, when it has read the frames.
    return max(1, int(listed[1] - listed[0])) if len(listed) > 1 else 1


def whole_stride(origins: int) -> int:
    """Return the number of frames between time origins.

    Parameters
    ----------
    origins : int
        Frames between time origins that are used.

    Returns
    -------
    int
        The same.

    Raises
    ------
    InputError
        If it is no whole number from 1.

    Examples
    --------
    >>> whole_stride(10)
    10
    """
    if isinstance(origins, bool) or not isinstance(origins, int | np.integer) or origins < 1:
        raise InputError(f"origins {origins}: give the number of frames between time origins, from 1")
    return int(origins)


def bin_edges(longest: float, width: float) -> Array:
    """Return the edges of bins of distances: from 0, as many of one width as fit.

    Parameters
    ----------
    longest : float
        Longest distance, A.
    width : float
        Width of a bin, A.

    Returns
    -------
    array, shape (bins + 1,)
        A.

    Raises
    ------
    InputError
        If a number is no length, or there would be no bin or far too many.

    Examples
    --------
    >>> bin_edges(1.0, 0.3)
    array([0. , 0.3, 0.6, 0.9])
    """
    for name, value in (("width", width), ("longest_distance", longest)):
        if not 0.0 < value < np.inf:
            raise InputError(f"{name} {value} is no distance in A")
    n = int(min(longest / width * (1.0 + 1e-9), 2.0 * _MOST_BINS))
    if not 0 < n <= _MOST_BINS:
        raise InputError(
            f"bins {width:g} A wide up to {longest:.4g} A: there must be from 1 to {_MOST_BINS}; change width"
        )
    return np.asarray(np.arange(n + 1) * width, dtype=np.float64)


def shell_volumes(edges: Array) -> Array:
    """Return the volumes between concentric spheres.

    Parameters
    ----------
    edges : array, shape (bins + 1,)
        Distances between bins, A.

    Returns
    -------
    array, shape (bins,)
        A^3.

    Examples
    --------
    >>> shell_volumes(np.array([0.0, 1.0, 2.0])) / np.pi
    array([1.333, 9.333])
    """
    return np.asarray(4.0 / 3.0 * np.pi * np.diff(edges**3))


def draw_at_lags(axes: Any, values: xr.DataArray, **style: Any) -> None:
    """Draw a function of the distance at each lag time, from dark to light.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to.
    values : DataArray
        With axes ``lag_times`` and ``distance``.
    **style
        For ``axes.plot``.
    """
    from matplotlib import colormaps

    colours = colormaps["viridis"](np.linspace(0.0, 0.9, values.sizes["lag_times"]))
    for curve, colour in zip(values, colours, strict=True):
        options = {"color": colour, "label": f"{float(curve.lag_times):g} ps"} | style
        axes.plot(values.distance, curve, **options)


@compiled
def displacement_histogram(
    positions: Array, lag: int, origins: int, width: float, counts: NDArray[np.int64]
) -> float:
    """Count how far particles are from where they were, and return the sum of the squared distances.

    Parameters
    ----------
    positions : array, shape (n_frames, n_particles, 3)
        Continuous positions.
    lag : int
        Frames between the two times.
    origins : int
        Frames from one time origin to the next.
    width : float
        Width of a bin, in the unit of the positions.
    counts : array of int, shape (n_bins,)
        Changed in place. What is beyond the last bin does not count, but is in the sum.

    Returns
    -------
    float
        In the square of that unit.

    Examples
    --------
    >>> counts = np.zeros(3, dtype=np.int64)
    >>> displacement_histogram(np.array([[[0.0, 0, 0]], [[1.5, 0, 0]], [[5, 0, 0]]]), 1, 1, 1.0, counts)
    14.5
    >>> counts
    array([0, 1, 0])
    """
    total = 0.0
    for t in range(0, positions.shape[0] - lag, origins):
        for p in range(positions.shape[1]):
            square = 0.0
            for k in range(3):
                square += (positions[t + lag, p, k] - positions[t, p, k]) ** 2
            total += square
            place = np.sqrt(square) / width
            if place < len(counts):
                counts[int(place)] += 1
    return total


def gaussian_in_bins(msd: Array, edges: Array) -> Array:
    r"""Return :math:`4 \pi r^2 G(r)` of Gaussians with given second moments, averaged over each bin.

    .. math:: G(r) = \left(\frac{3}{2 \pi \langle r^2 \rangle}\right)^{3/2}
              \exp\left(-\frac{3 r^2}{2 \langle r^2 \rangle}\right)

    Parameters
    ----------
    msd : array, shape (n,)
        Second moments, A^2; for zero everything is in the first bin.
    edges : array, shape (n_bins + 1,)
        Edges of the bins, A, from 0.

    Returns
    -------
    array, shape (n, n_bins)
        1/A.

    Examples
    --------
    >>> gaussian_in_bins(np.array([3.0]), np.array([0.0, 1.0, 9.0])).round(4)
    array([[0.1987, 0.1002]])
    """
    sigma = np.sqrt(msd / 3.0)[:, None]
    x = edges / np.maximum(sigma, 1e-9 * edges[-1])
    inside = erf(x / np.sqrt(2.0)) - np.sqrt(2.0 / np.pi) * x * np.exp(-0.5 * x**2)
    return np.asarray(np.diff(inside, axis=1) / np.diff(edges))


class VanHoveSelf(CationPath):
    r"""Self part of the van Hove function of cations, in the frame of the anions.

    .. math:: G_s(r, t) = \frac{1}{N} \Big\langle \sum_i \delta\big(\mathbf{r}
              - \mathbf{x}_i(t_0 + t) + \mathbf{x}_i(t_0)\big) \Big\rangle_{t_0}

    averaged over directions and over each bin: the probability density of a displacement. Its second moment
    is the mean squared displacement. Hops between sites show as peaks at the distances of the sites, where a
    Gaussian has none.

    Parameters
    ----------
    cations : MDAnalysis.core.groups.AtomGroup
        Atoms whose displacement is wanted.
    relative_to : sequence of Anion, "system" or None
        The frame: the mean of the centres of mass of anions, the centre of mass of all atoms, or the lab.
    lags : array_like of float
        Lag times, ps: whole multiples of the time between frames.
    width : float, optional
        Width of a bin, A.
    longest_distance : float, optional
        Where bins end, A, at the last whole one; `beyond` says how much is not in them.
    origins : int, optional
        Frames from one time origin to the next; 1 takes all.
    frame_interval : float, optional
        Time between frames of the trajectory, ps. By default what the trajectory says.
    verbose : bool, optional
        Show a progress bar.

    Attributes
    ----------
    data : xarray.Dataset
        At ``lag_times`` (ps) and ``distance`` (middle of each bin, A): ``density``, :math:`G_s`, 1/A^3;
        ``radial``, :math:`4 \pi r^2 G_s`, 1/A; ``gaussian``, the Gaussian with the same second moment as
        ``radial`` has, 1/A. At each lag: ``beyond``, the probability of longer displacements, so that the
        integral of ``radial`` is 1 less that; ``msd``, the second moment, of all displacements, A^2; and
        ``n_origins``, the number of time origins.

    Raises
    ------
    InputError
        As `ContinuousAnalysis` does; and if there are no anions, a lag is no whole multiple of the time
        between frames or too long, or a distance or `origins` is none.

    References
    ----------
    L. Van Hove, Phys. Rev. 95, 249 (1954), doi:10.1103/PhysRev.95.249.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> u = mda.Universe.empty(1, trajectory=True)
    >>> _ = u.load_new(np.array([[[0.0, 0, 0]], [[1.5, 0, 0]], [[1.5, 3.5, 0]]]), dt=0.5)
    >>> VanHoveSelf(u.atoms, None, lags=[0.5], width=1.0, longest_distance=4.0).run().data.radial.values
    array([[0. , 0.5, 0. , 0.5]])
    """

    def __init__(
        self,
        cations: Any,
        relative_to: Frame,
        *,
        lags: ArrayLike,
        width: float = 0.1,
        longest_distance: float = 10.0,
        origins: int = 1,
        frame_interval: float | None = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(cations, relative_to, frame_interval=frame_interval, verbose=verbose)
        self._lag_times = lags
        self._edges, self._origins = bin_edges(longest_distance, width), whole_stride(origins)

    def _prepare(self) -> None:
        super()._prepare()
        interval = stride_of(self._sliced_trajectory) * self._frame_interval
        self._lags = lags_in_frames(self._lag_times, interval, self.n_frames)

    def _finish(self, interval: float) -> None:
        edges, lags = self._edges, self._lags
        width = float(edges[1])
        counts = np.zeros((len(lags), len(edges) - 1), dtype=np.int64)
        squares = np.zeros(len(lags))
        for _, path in self._path.pieces():
            for k, lag in enumerate(lags):
                squares[k] += displacement_histogram(path, lag, self._origins, width, counts[k])
        n_origins = -(-(self.n_frames - lags) // self._origins)
        total = n_origins * len(self._cations)
        share, msd = counts / total[:, None], squares / total
        self.data = xr.Dataset(
            {
                "density": variable(
                    "lag_times distance", share / shell_volumes(edges), "1/A^3", "$G_s(r, t)$"
                ),
                "radial": variable("lag_times distance", share / width, "1/A", r"$4 \pi r^2 G_s(r, t)$"),
                "gaussian": variable("lag_times distance", gaussian_in_bins(msd, edges), "1/A", "Gaussian"),
                "beyond": variable(
                    "lag_times", 1.0 - counts.sum(axis=1) / total, "1", "probability beyond the bins"
                ),
                "msd": variable("lag_times", msd, "A^2", "mean squared displacement"),
                "n_origins": variable("lag_times", n_origins, "1", "number of time origins"),
            },
            {
                "lag_times": variable("lag_times", lags * interval, "ps", "lag time"),
                "distance": variable("distance", edges[:-1] + 0.5 * width, "A", "displacement"),
            },
        )

    def plot(self, axes: Any = None) -> Any:
        r"""Draw :math:`4 \pi r^2 G_s` at each lag time, and the Gaussians dashed; see `Quantity.plot`."""
        data = self.data
        axes = new_axes(axes, data.distance, data.radial)
        draw_at_lags(axes, data.radial)
        draw_at_lags(axes, data.gaussian, linestyle="--", linewidth=0.8, label=None)
        axes.legend(frameon=False)
        return axes
