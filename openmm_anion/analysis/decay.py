"""A correlation that decays to a plateau, fitted with a stretched exponential."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import gamma

Array = NDArray[np.float64]

_FIT_POINTS = 200

_FEWEST_POINTS = 8

_SMALLEST_DECAY = 0.05
"""A correlation that falls by less after the librations does not decay."""

_LONGEST_TIME = 0.5
"""Of the lags that are fitted: with a longer time the plateau and the decay are not told apart."""


@dataclass(frozen=True)
class Decay:
    r"""How a correlation decays after the librations, :math:`A \exp[-(t / t_0)^\beta] + p`.

    Attributes
    ----------
    time : float
        Its mean time, :math:`\tau = (t_0 / \beta) \Gamma(1 / \beta)`, ps; not a number where `note` says why.
    amplitude : float
        A. What is missing from A + p to 1 is lost by librations, before the fit begins.
    plateau : float
        p, where the correlation stays; with no decay its mean.
    note : str
        Why there is no time; or empty.
    stretch : float
        :math:`\beta`; not a number where there is no time.
    """

    time: float
    amplitude: float
    plateau: float
    note: str = ""
    stretch: float = np.nan


def fit_decay(lag_times: Array, correlation: Array, begin: float, end: float) -> Decay:
    """Fit a stretched exponential with a plateau.

    Points are spaced evenly in the logarithm of time, with equal weights.

    Parameters
    ----------
    lag_times : array, shape (n_lags,)
        Lag times, ps.
    correlation : array, shape (n_lags,)
        Correlation, 1 at first.
    begin, end : float
        Lag times between which it is fitted, ps.

    Returns
    -------
    Decay
        Without a time if the correlation falls by less than 0.05 in this window, or so slowly that its time
        is more than half of it, or if there are fewer than 8 lag times.

    Examples
    --------
    >>> t = np.arange(0.0, 20.0, 0.1)
    >>> fit = fit_decay(t, 0.1 * np.exp(-t / 0.05) + 0.6 * np.exp(-t / 1.5) + 0.3, 0.5, 15.0)
    >>> print(f"{fit.time:.3f} {fit.amplitude:.3f} {fit.plateau:.3f}")
    1.500 0.600 0.300
    """
    first, last = _window(lag_times, begin, end)
    if last - first < _FEWEST_POINTS:
        few = (
            f"{max(0, last - first)} lag times from {begin:g} to {end:g} ps are too few; make the run longer"
        )
        return Decay(np.nan, np.nan, np.nan, few)
    t, c = _points(lag_times, correlation, begin, end)
    tail = float(c[-max(1, len(c) // 5) :].mean())
    first_guess = np.clip(c[0] - tail, 0.01, 2.0), np.clip(tail, -0.99, 0.99)
    p, _ = min(
        (_fit(t, c, [*first_guess, np.log(guess), 1.0]) for guess in np.geomspace(2.0 * t[0], t[-1], 4)),
        key=lambda fit: fit[1],
    )
    amplitude, plateau, _, stretch = map(float, p)
    time = _mean_time(p)
    model = _model(p, t)
    # What is seen of it: a decay that is over before the window, or is still to come, is none.
    if model[0] - model[-1] < _SMALLEST_DECAY:
        return Decay(
            np.nan, 0.0, float(c.mean()), f"does not decay from {begin:g} to {end:g} ps, beyond librations"
        )
    if time > _LONGEST_TIME * end:
        return Decay(np.nan, amplitude, np.nan, f"has not decayed at {end:g} ps; make the run longer")
    return Decay(time, amplitude, plateau, stretch=stretch)


def refit_time(lag_times: Array, correlation: Array, begin: float, end: float, near: Decay) -> float:
    """Return the mean time of a correlation that is nearly one that has been fitted: of part of the data.

    Parameters
    ----------
    lag_times : array, shape (n_lags,)
        Lag times, ps.
    correlation : array, shape (n_lags,)
        Correlation, 1 at first.
    begin, end : float
        Lag times between which it is fitted, ps.
    near : Decay
        The other fit, with a time: where this one starts.

    Returns
    -------
    float
        ps, however long it is.

    Examples
    --------
    >>> t = np.arange(0.0, 20.0, 0.1)
    >>> found = fit_decay(t, 0.9 * np.exp(-t / 1.5), 0.5, 15.0)
    >>> refit_time(t, 0.9 * np.exp(-t / 1.6), 0.5, 15.0, found)
    1.600
    """
    t, c = _points(lag_times, correlation, begin, end)
    scale = near.time * near.stretch / float(gamma(1.0 / near.stretch))
    return _mean_time(_fit(t, c, [near.amplitude, near.plateau, np.log(scale), near.stretch])[0])


def _window(lag_times: Array, begin: float, end: float) -> tuple[int, int]:
    first, last = np.searchsorted(lag_times, [begin * (1 - 1e-9), end * (1 + 1e-9)])
    return int(first), int(last)


def _points(lag_times: Array, correlation: Array, begin: float, end: float) -> tuple[Array, Array]:
    """The lag times and values that are fitted."""
    first, last = _window(lag_times, begin, end)
    places = np.unique(np.geomspace(max(first, 1), last - 1, _FIT_POINTS).round().astype(int))
    return lag_times[places], correlation[places]


def _fit(t: Array, c: Array, start: list[float]) -> tuple[Array, float]:
    """Parameters A, p, ln t_0 and beta of the least squares, and their sum."""
    bounds = ([0.0, -1.0, np.log(t[0]) - 5.0, 0.25], [2.0, 1.0, np.log(t[-1]) + 5.0, 1.5])
    fit = least_squares(lambda p: _model(p, t) - c, np.clip(start, *bounds), lambda p: _slopes(p, t), bounds)
    return fit.x, float(fit.cost)


def _model(p: Array, t: Array) -> Array:
    return np.asarray(p[0] * np.exp(-((t / np.exp(p[2])) ** p[3])) + p[1])


def _slopes(p: Array, t: Array) -> Array:
    """Derivatives of the model by its parameters."""
    log_share = np.log(t) - p[2]
    exponent = np.exp(p[3] * log_share)
    left = np.exp(-exponent)
    falls = p[0] * left * exponent
    return np.stack([left, np.ones(len(t)), falls * p[3], -falls * log_share], axis=1)


def _mean_time(p: Array) -> float:
    return float(np.exp(p[2]) / p[3] * gamma(1.0 / p[3]))
