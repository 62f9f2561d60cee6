"""The slope of a collective displacement, of which there is one series only, and its error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import gammainc, gammaincc

from openmm_anion.analysis.compiled import compiled
from openmm_anion.analysis.conductivity import RESOLVED, checked_level
from openmm_anion.analysis.diffusion import FitWindow
from openmm_anion.errors import InputError

Array = NDArray[np.float64]
Interval = tuple[float, float]

_MOST_LAGS = 32
"""Lags of a fit. More of them say the same again, and their covariances take time."""

_WIDEST = 300.0
"""Logarithm of the largest ratio between an end of an interval and the estimate."""


def wiener_relative_variance(n_frames: int, lags: ArrayLike) -> Array:
    r"""Return the relative variance of the time-averaged squared displacement of one walker along one axis.

    With n frames there are :math:`K = n - k` displacements over the lag k, which overlap:

    .. math:: \frac{\mathrm{var}\,\mathrm{msd}(k)}{\mathrm{msd}(k)^2} = \frac{2}{K^2}
              \sum_{|m| < \min(k, K)} (K - |m|) \left(1 - \frac{|m|}{k}\right)^2

    Parameters
    ----------
    n_frames : int
        Length of the walk.
    lags : array_like of int
        Lags in frames, from 1 to ``n_frames - 1``.

    Returns
    -------
    array
        One number for each lag.

    References
    ----------
    H. Qian, M. P. Sheetz, E. L. Elson, Biophys. J. 60, 910 (1991), doi:10.1016/S0006-3495(91)82125-7.

    Examples
    --------
    >>> wiener_relative_variance(101, [1, 50, 100]).round(2).tolist()  # the last: a single displacement
    [0.02, 0.99, 2.0]
    """
    k = np.asarray(lags, dtype=np.float64)
    pairs = n_frames - k
    m = np.minimum(k, pairs) - 1.0
    first, second, third = m * (m + 1) / 2, m * (m + 1) * (2 * m + 1) / 6, (m * (m + 1) / 2) ** 2
    on_one_side = pairs * k**2 * m - (2 * pairs * k + k**2) * first + (pairs + 2 * k) * second - third
    return np.asarray(2.0 * (pairs * k**2 + 2.0 * on_one_side) / (pairs * k) ** 2)


@dataclass(frozen=True)
class CollectiveSlope:
    r"""Slope of a collective mean squared displacement and its noise; see `collective_slope`.

    Attributes
    ----------
    slope : float
        Sum over the axes, e^2 A^2/ps. Can be negative where little moves.
    offset : float
        Intercept of the fit, e^2 A^2: the vibrations.
    variance_terms : tuple of float
        Coefficients :math:`v_j` of the variance :math:`\sum_j v_j s^j` of `slope` if the truth is s.
    one_event : float
        What a single hop in the whole run adds to the slope, e^2 A^2/ps.
    window : FitWindow
        Lag times used.

    Examples
    --------
    >>> slope = CollectiveSlope(6.0, 0.0, (0.0, 0.0, 0.01), 0.1, FitWindow(2.0, 10.0))
    >>> slope.standard_error, slope.resolved
    (0.6, True)
    """

    slope: float
    offset: float
    variance_terms: tuple[float, float, float]
    one_event: float
    window: FitWindow

    def _variance(self, true_slope: float) -> float:
        constant, linear, square = self.variance_terms
        return constant + linear * true_slope + square * true_slope**2

    @property
    def standard_error(self) -> float:
        """Standard error of `slope`, e^2 A^2/ps; that of a slope of zero where it is negative."""
        return float(np.sqrt(self._variance(max(self.slope, 0.0))))

    @property
    def resolved(self) -> bool:
        """Whether `slope` stands above its noise; if not, only the upper end of its interval is meant."""
        return self.slope > RESOLVED * self.standard_error

    def interval(self, level: float) -> Interval:
        """Return the equal-tailed interval that holds the true slope with probability `level`, e^2 A^2/ps.

        Its ends are the slopes for which what was seen, or more than that, or less, has the probability of a
        tail. What is seen has a gamma distribution then, with the variance that belongs to that slope: a sum
        of few squares, which is skewed, and the noisier the larger it is. A slope within the noise counts as
        the noise, and its interval begins at zero.

        Parameters
        ----------
        level : float
            Between 0 and 1.

        Returns
        -------
        low, high : float
            e^2 A^2/ps; `low` is 0 for a slope within its noise, `high` may be infinite.

        Raises
        ------
        InputError
            If `level` is not between 0 and 1.
        """
        tail = 0.5 * (1.0 - checked_level(level))
        seen = max(self.slope, float(np.sqrt(self._variance(0.0))), self.one_event)
        if not seen > 0.0:
            return 0.0, float("inf")

        def excess(log_ratio: float, one_side: np.ufunc) -> float:
            truth = seen * np.exp(log_ratio)
            shape = truth**2 / self._variance(truth)
            return float(one_side(shape, shape * seen / truth)) - tail

        low = brentq(excess, -_WIDEST, 0.0, args=(gammaincc,)) if self.resolved else -np.inf
        no_end = excess(_WIDEST, gammainc) > 0.0
        high = np.inf if no_end else brentq(excess, 0.0, _WIDEST, args=(gammainc,))
        return float(seen * np.exp(low)), float(seen * np.exp(high))


def collective_slope(
    lag_times: ArrayLike,
    msd_by_axis: ArrayLike,
    *,
    n_frames: int,
    one_event: float = 0.0,
    window: FitWindow | None = None,
) -> CollectiveSlope:
    r"""Fit a line to the mean squared displacement of one series, and tell the error from theory.

    There are no other particles whose scatter would tell the error. But a sum over many ions is a Gaussian
    process, and products of its displacements over the lags k and l, m frames apart, have the covariance

    .. math:: g_{kl}(m) = \tfrac{1}{2} \left[ M(m+l) + M(m-k) - M(m) - M(m+l-k) \right]

    so that the covariance of the time averages is
    :math:`2 \sum_{ij} g_{kl}(j-i)^2 / (n-k)(n-l)`. M is the mean squared displacement itself: as measured at
    lags before the window, where it is sharp and holds the vibrations, and the line from there on. Axes
    are taken as independent, and unequal as far as they are seen to be. To this comes the variance of
    counting hops, `one_event` times the slope.

    Parameters
    ----------
    lag_times : array_like, shape (n,)
        Equally spaced lag times from zero, ps.
    msd_by_axis : array_like, shape (n, number of axes)
        Collective mean squared displacement along each axis, e^2 A^2.
    n_frames : int
        Frames that it was averaged over.
    one_event : float, optional
        What a single hop in the whole run adds to the slope, :math:`q^2 \ell^2 / T`, e^2 A^2/ps.
    window : FitWindow, optional
        Lags to use; by default from 2 ps (a tenth of a short run) to a tenth of the run, or to twice the
        begin where that is later: longer lags of a single series add much noise.

    Returns
    -------
    CollectiveSlope

    Raises
    ------
    InputError
        If fewer than three lags are in the window, or it ends after the lags.

    References
    ----------
    J. T. Bullerjahn, S. von Buelow, G. Hummer, J. Chem. Phys. 153, 024116 (2020), doi:10.1063/5.0008312.

    Examples
    --------
    >>> lags = np.arange(201) * 0.1
    >>> fit = collective_slope(lags, np.outer(lags, [2.0, 2.0, 2.0]), n_frames=1001)
    >>> fit.slope, fit.interval(0.68)
    (6.0, (4.75, 8.14))
    """
    t, msd = np.asarray(lag_times, dtype=np.float64), np.asarray(msd_by_axis, dtype=np.float64)
    step = float(t[1] - t[0])
    chosen = default_window((n_frames - 1) * step) if window is None else window
    slack = 1e-6 * t[-1]
    if chosen.end_ps > t[-1] + slack:
        raise InputError(f"fit window ends at {chosen.end_ps:g} ps, after the longest lag of {t[-1]:g} ps")
    inside = np.flatnonzero((t >= chosen.begin_ps - slack) & (t <= chosen.end_ps + slack))
    if len(inside) < 3:
        raise InputError(
            f"only {len(inside)} lag times lie in the fit window from {chosen.begin_ps:g} to "
            f"{chosen.end_ps:g} ps; run longer or write frames more often"
        )
    lags = inside[np.linspace(0, len(inside) - 1, min(_MOST_LAGS, len(inside))).round().astype(int)]
    n_axes = msd.shape[1]
    centred = t[lags] - t[lags].mean()
    weights = centred / (centred**2).sum()
    mean = msd.mean(axis=1)
    slope = float(weights @ mean[lags])  # of one axis
    offset = float(mean[lags].mean() - slope * t[lags].mean())
    beside = np.full(lags[-1] + 1, offset)  # what is not on a line through zero
    beside[: lags[0]] = mean[: lags[0]] - slope * t[: lags[0]]
    covariances = _lag_covariances(lags, beside, step, n_frames)
    terms = weights @ covariances @ weights
    seen = max(slope, 0.0)
    noise = float(covariances.mean(axis=(1, 2)) @ [1.0, seen, seen**2])  # of the mean over the lags
    unequal = _inequality(msd[lags].mean(axis=0), noise)
    return CollectiveSlope(
        slope=n_axes * slope,
        offset=n_axes * offset,
        variance_terms=(
            n_axes * unequal * float(terms[0]),
            unequal * float(terms[1]) + one_event,
            unequal * float(terms[2]) / n_axes,
        ),
        one_event=one_event,
        window=chosen,
    )


def default_window(duration_ps: float) -> FitWindow:
    """Lags for the slope of a single series, of a run of `duration_ps`; see `collective_slope`.

    Parameters
    ----------
    duration_ps : float
        Length of the run, ps.

    Returns
    -------
    FitWindow
        From where the windows of single ions begin to a tenth of the run, or twice the begin if that is more.

    Examples
    --------
    >>> default_window(100.0)
    FitWindow(begin_ps=2.0, end_ps=10.0)
    """
    begin = FitWindow.default(duration_ps).begin_ps
    return FitWindow(begin, max(0.1 * duration_ps, 2.0 * begin))


def _inequality(by_axis: Array, noise: float) -> float:
    """How much larger the variance of a sum over axes is than over equal ones, less the `noise` of one."""
    mean = float(by_axis.mean())
    if not mean > 0.0:
        return 1.0
    return float(np.clip((by_axis**2).mean() / (mean**2 + noise), 1.0, len(by_axis)))


@compiled
def _lag_covariances(lags: NDArray[np.int64], beside: Array, step: float, n_frames: int) -> Array:
    """Covariances of mean squared displacements: terms of order 0, 1 and 2 in the slope, (3, lags, lags)."""
    n_lags = len(lags)
    result = np.zeros((3, n_lags, n_lags))
    last, begin = len(beside) - 1, lags[0]
    for a in range(n_lags):
        for b in range(a + 1):
            k, j = lags[a], lags[b]
            pairs_k, pairs_j = n_frames - k, n_frames - j
            # Beyond it all four lags are on the line, where they cancel.
            for m in range(max(1 - pairs_k, -j - begin), min(pairs_j, k + begin + 1)):
                count = min(pairs_k, pairs_j - m) - max(0, -m)
                one, two, three, four = abs(m + j), abs(m - k), abs(m), abs(m + j - k)
                line = 0.5 * step * (one + two - three - four)
                rest = 0.5 * (
                    beside[min(one, last)]
                    + beside[min(two, last)]
                    - beside[min(three, last)]
                    - beside[min(four, last)]
                )
                result[0, a, b] += count * rest**2
                result[1, a, b] += 2.0 * count * rest * line
                result[2, a, b] += count * line**2
            for order in range(3):
                result[order, a, b] *= 2.0 / (pairs_k * pairs_j)
                result[order, b, a] = result[order, a, b]
    return result
