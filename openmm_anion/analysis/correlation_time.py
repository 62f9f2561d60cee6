"""A time from a correlation that decays to zero, and its uncertainty from parts of the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import trapezoid

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

GROUPS = 20
"""Parts of the data that are left out one at a time: the error then is known to 16 percent."""
_TAIL = 3.0
"""The tail continues the decay from so many times the level down to it."""


@dataclass(frozen=True)
class CorrelationTime:
    """A correlation time.

    Attributes
    ----------
    time : float
        ps; not a number where `note` says why.
    note : str
        Why there is no time; or empty.
    """

    time: float
    note: str = ""


def integral_time(
    lag_times: Array, correlation: Array, *, level: float = 0.05, longest: float = np.inf
) -> CorrelationTime:
    r"""Integrate a correlation until it has fallen to a level, and add an exponential tail.

    .. math:: \tau = \int_0^{t_c} C(t)\,dt + C(t_c)\, \tau_c, \qquad C(t_c) = 0.05

    where :math:`\tau_c` is the time constant of the decay from three times the level down to it. Beyond, a
    correlation of one trajectory is mostly noise, whose integral grows as a random walk.

    Parameters
    ----------
    lag_times : array, shape (n_lags,)
        Lag times, equally spaced from 0, ps.
    correlation : array, shape (n_lags,)
        Correlation with the long-time limit 0, 1 at first.
    level : float, optional
        Where it counts as decayed, between 0 and 1.
    longest : float, optional
        Lag time at which it must have decayed, ps.

    Returns
    -------
    CorrelationTime
        Without a time if the correlation has not fallen to the level, or does so from one lag to the next.

    Examples
    --------
    >>> t = np.arange(0.0, 20.0, 0.01)
    >>> integral_time(t, np.exp(-t / 1.5)).time
    1.500
    >>> print(integral_time(t, np.exp(-t / 100.0)).note)
    is still 0.82 after 20 ps; make the run longer
    """
    last = int(np.searchsorted(lag_times, longest * (1.0 + 1e-9), side="right"))
    t, c = lag_times[:last], correlation[:last]
    if not len(t) or not np.isfinite(c).all():
        return CorrelationTime(np.nan, "is not known")
    low = np.flatnonzero(c <= level)
    if not len(low):
        return CorrelationTime(np.nan, f"is still {c[-1]:.2g} after {t[-1]:.3g} ps; make the run longer")
    k = int(low[0])
    if k < 2:
        return CorrelationTime(
            np.nan, f"has decayed within {t[k]:.3g} ps, from frame to frame; write frames more often"
        )
    share = (c[k - 1] - level) / (c[k - 1] - c[k])
    crossing = t[k - 1] + share * (t[k] - t[k - 1])
    before = float(trapezoid(c[:k], t[:k])) + 0.5 * (c[k - 1] + level) * (crossing - t[k - 1])
    begin = min(int(np.flatnonzero(c <= _TAIL * level)[0]), k - 1)
    tail = (crossing - t[begin]) / np.log(c[begin] / level)
    return CorrelationTime(float(before + level * tail))


def deal(n: int) -> Indices:
    """Deal things out to at most 20 groups in turn.

    Parameters
    ----------
    n : int
        How many things.

    Returns
    -------
    array of int, shape (n,)
        Group of each, from 0.

    Examples
    --------
    >>> deal(23)[-4:]
    array([19,  0,  1,  2])
    """
    return np.arange(n) % min(n, GROUPS)


def leave_one_out(parts: Array) -> Array:
    """Sums over all groups but one.

    Parameters
    ----------
    parts : array, shape (n_groups, ...)
        Contribution of each group.

    Returns
    -------
    array, shape (n_groups, ...)
        The sum without each.

    Examples
    --------
    >>> leave_one_out(np.array([1.0, 2.0, 4.0]))
    array([6., 5., 3.])
    """
    return np.asarray(parts.sum(axis=0) - parts)


def jackknife_error(without: Array) -> Array:
    r"""Return the standard error of a quantity from its values without one of the groups at a time.

    .. math:: \sigma^2 = \frac{g - 1}{g} \sum_i (q_i - \bar q)^2

    Parameters
    ----------
    without : array, shape (n_groups, ...)
        The quantity without each group.

    Returns
    -------
    array, shape (...)
        NaN with fewer than two groups, or where a value is missing.

    References
    ----------
    B. Efron, C. Stein, Ann. Stat. 9, 586 (1981), doi:10.1214/aos/1176345462.

    Examples
    --------
    >>> float(jackknife_error(leave_one_out(np.array([1.0, 2.0, 3.0])) / 2.0))
    0.577
    """
    g = len(without)
    if g < 2:
        return np.full(without.shape[1:], np.nan)
    return np.asarray(np.sqrt((g - 1.0) / g * np.square(without - without.mean(axis=0)).sum(axis=0)))
