"""Mean squared displacement of every cation at every lag time, in the frame of the anions."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from openmm_anion.analysis.cation_path import CationPath
from openmm_anion.analysis.compiled import compiled
from openmm_anion.analysis.framework import Frame
from openmm_anion.analysis.quantity import new_axes, variable
from openmm_anion.errors import InputError

_PARTICLES_AT_A_TIME = 8
"""Their spectra stay in the cache of a core."""
_LAID_OUT = 4 * _PARTICLES_AT_A_TIME
"""Particles whose positions are laid out as series at a time: fewer make short pieces of each frame."""
_FRAMES_AT_A_TIME = 32
"""Transposed while they are in the cache."""
_FRAMES_FOR_A_MEAN = 64
"""Displacements are the same about any point; one near the mean keeps the digits of small differences."""


def mean_squared_displacement(
    positions: ArrayLike, n_lags: int | None = None, out: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    r"""Return the time-averaged squared displacement of each particle at all lags.

    .. math:: \mathrm{msd}_p(k) = \frac{1}{n-k} \sum_{i=0}^{n-k-1} |x_p(i+k) - x_p(i)|^2

    The sum over products :math:`C(k) = \sum_i x(i) x(i+k)` is an autocorrelation, done by FFT in O(n log n).
    Instead of zeros behind the series, it is turned by :math:`\omega^t`, a quarter turn over the size N of
    the transform. What then comes round the end comes back times a power of i: for N = n,

    .. math:: \frac{1}{N} \sum_f e^{2 \pi i f k / N} |\hat{z}(f)|^2 = \omega^k [C(k) - i C(N-k)], \quad
        z(t) = \omega^t x(t),

    and half a transform of real numbers goes back. Where only short lags are asked for, N is as small as
    they allow, :math:`z(t) = \omega^t [x(t) + i x(t+N)]`. The mean of some positions is removed first:
    displacements do not change, but the small difference of two large sums then keeps its digits however
    far from the origin the particles are.

    Parameters
    ----------
    positions : array_like, shape (n_frames, n_particles, n_dimensions)
        Continuous positions at equal time steps.
    n_lags : int, optional
        Only the first so many lags, zero included.
    out : array, shape (n_lags, n_particles), optional
        Where the result goes; by default a new array.

    Returns
    -------
    ndarray, shape (n_lags, n_particles)
        Squared displacement, square of the unit of `positions`.

    References
    ----------
    Calandrini et al., Collection SFN 12, 201 (2011), doi:10.1051/sfn/201112010.

    Examples
    --------
    >>> mean_squared_displacement([[[0.0]], [[1.0]], [[3.0]]]).ravel().round(12)
    array([0. , 2.5, 9. ])
    """
    x = np.asarray(positions, dtype=np.float64)
    n, n_particles, n_dimensions = x.shape
    n_lags = n if n_lags is None else min(n, n_lags)
    size = fast_length((n + n_lags) // 2)  # 2 N - k >= n at all lags k
    turns = np.exp(0.5j * np.pi / size * np.arange(size))
    about = x[:: max(1, n // _FRAMES_FOR_A_MEAN)].mean(axis=0)
    result = np.empty((n_particles, n_lags)) if out is None else out.T
    series = np.empty((min(_LAID_OUT, n_particles), n_dimensions, n))
    folded = np.empty((min(_PARTICLES_AT_A_TIME, n_particles), n_dimensions, size), dtype=np.complex128)
    for begin in range(0, n_particles, _LAID_OUT):
        laid_out = slice(begin, begin + _LAID_OUT)
        _lay_out(x[:, laid_out], about[laid_out], series)
        for first in range(begin, min(begin + _LAID_OUT, n_particles), _PARTICLES_AT_A_TIME):
            some = result[first : first + _PARTICLES_AT_A_TIME]
            here, spectra = series[first - begin :][: len(some)], folded[: len(some)]
            _fold(here, turns.view(np.float64), spectra.view(np.float64))
            powers = _power(fft.fft(spectra, axis=-1, overwrite_x=True))
            _from_products(here, fft.rfft(powers, axis=-1), turns, some)
    return result.T


def fast_length(least: int) -> int:
    """Return a size from `least` on whose Fourier transform takes little time.

    Twos with a few threes take a sixth less per number than SciPy's next fast length, which may have factors
    of 5, 7 and 11 as well; they are taken where they are larger by no more than 4 percent.

    Parameters
    ----------
    least : int
        Smallest size that will do.

    Returns
    -------
    int
        At least `least`.

    Examples
    --------
    >>> fast_length(5000), fast_length(4200)
    (5184, 4200)
    """
    smooth = min(3**b << (-(-least // 3**b) - 1).bit_length() for b in range(5))
    usual = int(fft.next_fast_len(least))
    return smooth if smooth <= 1.04 * usual else usual


@compiled
def _lay_out(x: NDArray[np.float64], about: NDArray[np.float64], series: NDArray[np.float64]) -> None:
    """Lay positions out as one series after the other, about points near their means."""
    n = x.shape[0]
    for begin in range(0, n, _FRAMES_AT_A_TIME):
        end = min(begin + _FRAMES_AT_A_TIME, n)
        for p in range(x.shape[1]):
            for d in range(x.shape[2]):
                middle = about[p, d]
                for t in range(begin, end):
                    series[p, d, t] = x[t, p, d] - middle


@compiled
def _fold(series: NDArray[np.float64], turns: NDArray[np.float64], folded: NDArray[np.float64]) -> None:
    """Turned series, as pairs of numbers; what is beyond their size stands at the beginning times i."""
    n, size = series.shape[2], len(turns) // 2
    for p in range(series.shape[0]):
        for d in range(series.shape[1]):
            x, turned = series[p, d], folded[p, d]
            for t in range(min(n, size)):
                turned[2 * t] = x[t] * turns[2 * t]
                turned[2 * t + 1] = x[t] * turns[2 * t + 1]
            for t in range(n - size):
                turned[2 * t] -= x[t + size] * turns[2 * t + 1]
                turned[2 * t + 1] += x[t + size] * turns[2 * t]
            turned[2 * n :] = 0.0


@compiled
def _power(spectrum: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Sum of the power spectra over dimensions."""
    total = np.zeros((spectrum.shape[0], spectrum.shape[2]))
    for p in range(spectrum.shape[0]):
        for d in range(spectrum.shape[1]):
            for f in range(spectrum.shape[2]):
                total[p, f] += spectrum[p, d, f].real ** 2 + spectrum[p, d, f].imag ** 2
    return total


@compiled
def _from_products(
    series: NDArray[np.float64],
    transformed: NDArray[np.complex128],
    turns: NDArray[np.complex128],
    msd: NDArray[np.float64],
) -> None:
    """Squares at both ends, less twice the products; at each lag the squares lose one at each end."""
    n, size, n_lags = series.shape[2], len(turns), msd.shape[1]
    half = transformed.shape[1]
    square, share = np.empty(n), 1.0 / (n - np.arange(n_lags))
    for p in range(series.shape[0]):
        row, products = msd[p], transformed[p]
        for k in range(min(half, n_lags)):
            row[k] = (products[k] * turns[k]).real
        for k in range(max(1, size - n_lags + 1), half):
            row[size - k] = (products[k] * turns[k]).imag
        square[:] = 0.0
        for d in range(series.shape[1]):
            for t in range(n):
                square[t] += series[p, d, t] ** 2
        both = 2.0 / size * row[0]
        row[0] = 0.0
        for k in range(1, n_lags):
            both -= square[k - 1] + square[n - k]
            row[k] = (both - 2.0 / size * row[k]) * share[k]


def displacement_tensor(positions: NDArray[np.float64], n_lags: int) -> NDArray[np.float64]:
    r"""Return the mean over particles of :math:`\langle \Delta x_a \Delta x_b \rangle` at all lags.

    Squares along x + y, y + z and z + x hold the products: :math:`2ab = (a+b)^2 - a^2 - b^2`.

    Parameters
    ----------
    positions : array, shape (n_frames, n_particles, 3)
        Continuous positions.
    n_lags : int
        Lags, zero included.

    Returns
    -------
    ndarray, shape (n_lags, 3, 3)
        Square of the unit of `positions`.

    Examples
    --------
    >>> displacement_tensor(np.array([[[0.0, 0, 0]], [[1, 2, 0]]]), 2)[1].round(12) + 0.0
    array([[1., 2., 0.],
           [2., 4., 0.],
           [0., 0., 0.]])
    """
    directions = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1], [1, 0, 1]], dtype=float)
    square = [
        mean_squared_displacement((positions @ direction)[..., None], n_lags).mean(axis=1)
        for direction in directions
    ]
    tensor = np.empty((len(square[0]), 3, 3))
    for k in range(3):
        tensor[:, k, k] = square[k]
    for (a, b), both in zip(((0, 1), (1, 2), (0, 2)), square[3:], strict=True):
        tensor[:, a, b] = tensor[:, b, a] = 0.5 * (both - square[a] - square[b])
    return tensor


def number_of_lags(n_frames: int, interval: float, longest: float | None) -> int:
    """Lags up to a time, zero included.

    Parameters
    ----------
    n_frames : int
        Frames.
    interval : float
        Time between them, ps.
    longest : float or None
        Longest lag time, ps; None takes all there are.

    Returns
    -------
    int
        At most `n_frames`.

    Raises
    ------
    InputError
        If it is shorter than the interval.

    Examples
    --------
    >>> number_of_lags(1001, 0.1, 2.0)
    21
    """
    if longest is None:
        return n_frames
    lags = int(np.floor(longest / interval * (1.0 + 1e-9))) + 1
    if lags < 2:
        raise InputError(
            f"the longest lag, {longest:g} ps, is shorter than the {interval:g} ps between frames"
        )
    return min(lags, n_frames)


class MeanSquaredDisplacement(CationPath):
    r"""Mean squared displacement of cations relative to the anion framework.

    Wrapped trajectories are unwrapped.

    Parameters
    ----------
    cations : MDAnalysis.core.groups.AtomGroup
        Atoms whose displacement is wanted.
    relative_to : sequence of Anion or of array_like of int, "system" or None
        The frame: the mean of the centres of mass of anions, the centre of mass of all atoms, or the lab.
    tensor : bool, optional
        Also the tensor :math:`\langle \Delta x_a \Delta x_b \rangle`.
    longest : float, optional
        Longest lag time, ps; by default the length of the trajectory.
    frame_interval : float, optional
        Time between frames of the trajectory, ps. By default what the trajectory says.
    verbose : bool, optional
        Show a progress bar.

    Attributes
    ----------
    results.lag_times : ndarray, shape (n_lags,)
        Lag times, ps.
    results.msd_by_particle : ndarray, shape (n_lags, n_cations)
        Time-averaged squared displacement of each cation, A^2.
    results.msd : ndarray, shape (n_lags,)
        Mean over cations, A^2.
    results.msd_tensor : ndarray, shape (n_lags, 3, 3)
        Where asked for, A^2; its diagonal holds the displacements along x, y and z.
    data : xarray.Dataset
        The same with axes and units.

    Raises
    ------
    InputError
        If the selection is empty, fewer than two frames are given, frames are not equally
        spaced or their spacing is unknown, or positions are wrapped and too far apart to tell.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> universe = mda.Universe.empty(1, trajectory=True)
    >>> _ = universe.load_new(np.array([[[0.0, 0, 0]], [[1, 0, 0]], [[2, 0, 0]]]), dt=0.5)
    >>> MeanSquaredDisplacement(universe.atoms, None).run().results.msd.round(9)
    array([0., 1., 4.])
    """

    def __init__(
        self,
        cations: Any,
        relative_to: Frame,
        *,
        tensor: bool = False,
        longest: float | None = None,
        frame_interval: float | None = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(cations, relative_to, frame_interval=frame_interval, verbose=verbose)
        self._tensor, self._longest = tensor, longest

    def _finish(self, interval: float) -> None:
        lags = number_of_lags(self.n_frames, interval, self._longest)
        n = len(self._cations)
        msd, tensor = np.empty((n, lags)).T, np.zeros((lags, 3, 3))
        for some, path in self._path.pieces():
            mean_squared_displacement(path, lags, out=msd[:, some])
            if self._tensor:
                tensor += displacement_tensor(path, lags) * (path.shape[1] / n)
        self.data = xr.Dataset(
            {
                "msd_by_particle": variable("lag_times particle", msd, "A^2", "squared displacement"),
                "msd": variable("lag_times", msd.mean(axis=1), "A^2", "mean squared displacement"),
            },
            {
                "lag_times": variable("lag_times", np.arange(lags) * interval, "ps", "lag time"),
                "particle": self._cations,
            },
        )
        if self._tensor:
            self.data = self.data.assign(
                msd_tensor=variable("lag_times row column", tensor, "A^2", "displacement tensor")
            )

    def plot(self, axes: Any = None) -> Any:
        """Draw the mean squared displacement against the lag time; see `Quantity.plot`."""
        axes = new_axes(axes, self.data.lag_times, self.data.msd)
        axes.plot(self.data.lag_times, self.data.msd)
        return axes
