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
    """

    time: float
    amplitude: float
    plateau: float
    note: str = ""


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
    first, last = np.searchsorted(lag_times, [begin * (1 - 1e-9), end * (1 + 1e-9)])
    if last - first < _FEWEST_POINTS:
        few = (
            f"{max(0, last - first)} lag times from {begin:g} to {end:g} ps are too few; make the run longer"
        )
        return Decay(np.nan, np.nan, np.nan, few)
    places = np.unique(np.geomspace(max(first, 1), last - 1, _FIT_POINTS).round().astype(int))
    t, c = lag_times[places], correlation[places]
    tail = float(c[-max(1, len(c) // 5) :].mean())

    def difference(p: Array) -> Array:
        return np.asarray(p[0] * np.exp(-((t / np.exp(p[2])) ** p[3])) + p[1] - c)

    best = min(
        (
            least_squares(
                difference,
                [np.clip(c[0] - tail, 0.01, 2.0), np.clip(tail, -0.99, 0.99), np.log(guess), 1.0],
                bounds=([0.0, -1.0, np.log(t[0]) - 5.0, 0.25], [2.0, 1.0, np.log(t[-1]) + 5.0, 1.5]),
            )
            for guess in np.geomspace(2.0 * t[0], t[-1], 4)
        ),
        key=lambda fit: fit.cost,
    )
    amplitude, plateau, log_time, stretch = map(float, best.x)
    time = np.exp(log_time) / stretch * float(gamma(1.0 / stretch))
    model = difference(best.x) + c
    # What is seen of it: a decay that is over before the window, or is still to come, is none.
    if model[0] - model[-1] < _SMALLEST_DECAY:
        return Decay(
            np.nan, 0.0, float(c.mean()), f"does not decay from {begin:g} to {end:g} ps, beyond librations"
        )
    if time > _LONGEST_TIME * end:
        return Decay(np.nan, amplitude, np.nan, f"has not decayed at {end:g} ps; make the run longer")
    return Decay(float(time), amplitude, plateau)
