"""Diffusion coefficients and their ratio by resampling, without a model of how snapshots differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]
Runs = Mapping[int, Sequence[Array]]
"""Snapshot: of each of its runs, D of every cation, A^2/ps."""

REPLICATES = 2000
FEWEST_SNAPSHOTS = 3
"""With fewer, there is nothing to resample."""
_MOST_UNDEFINED = 0.005
"""Share of replicates in which the free D is not above zero, from which on a ratio has no upper end."""


def bootstrap_means(
    modes: Sequence[Runs], rng: np.random.Generator, replicates: int = REPLICATES
) -> tuple[Array, int]:
    """Resample snapshots, their runs, and the cations of each run; return the mean D of every mode.

    All modes share the snapshots that are drawn, so that quotients of them are paired; runs and cations are
    drawn for each mode by itself. Every level is drawn anew for every place above it (A. C. Davison,
    D. V. Hinkley, Bootstrap Methods and their Application, Cambridge 1997, section 3.8,
    doi:10.1017/CBO9780511802843). The scatter of the snapshots' means holds the noise of runs and cations
    already, which lower levels then add once more: where snapshots hardly differ intervals are too wide.

    Parameters
    ----------
    modes : sequence of mapping
        Runs of each mode by snapshot; snapshots that not all modes have are left out.
    rng : numpy.random.Generator
        Random numbers.
    replicates : int, optional
        How many.

    Returns
    -------
    means : (number of modes, replicates) array
        Mean D of each mode, A^2/ps.
    n_snapshots : int
        Snapshots that all modes have.

    Examples
    --------
    >>> one = {0: [np.full(5, 1.0)], 1: [np.full(5, 3.0)]}
    >>> means, n_snapshots = bootstrap_means([one, one], np.random.default_rng(0))
    >>> sorted({float(m) for m in means[0]}), bool((means[0] == means[1]).all()), n_snapshots
    ([1.0, 2.0, 3.0], True, 2)
    """
    shared = sorted(set.intersection(*(set(mode) for mode in modes)))
    drawn = rng.integers(len(shared), size=(replicates, len(shared)))
    return np.stack([_means([mode[s] for s in shared], drawn, rng) for mode in modes]), len(shared)


def _means(runs: Sequence[Sequence[Array]], drawn: NDArray[np.int64], rng: np.random.Generator) -> Array:
    """Mean over the snapshots that were drawn (replicates, places), their runs and cations drawn here."""
    flat = np.stack([run for own in runs for run in own])
    counts = np.array([len(own) for own in runs])
    first = np.cumsum(counts) - counts
    replicates, cations = len(drawn), flat.shape[1]
    total = np.zeros(replicates)
    for place in drawn.T:
        own, mean = counts[place], np.zeros(replicates)
        for k in range(counts.max()):
            run = first[place] + rng.integers(own)
            picked = rng.integers(cations, size=(replicates, cations))
            mean += np.where(k < own, flat[run[:, None], picked].mean(axis=1), 0.0)
        total += mean / own
    return total / drawn.shape[1]


def interval(values: Array, level: float, n_snapshots: int) -> tuple[float, float]:
    r"""Return the percentile interval of replicates, widened for few snapshots.

    The bootstrap scatters too little by :math:`\sqrt{(n-1)/n}` and knows nothing of Student's t. Percentiles
    further out make up for both, :math:`\alpha' = \Phi(-\sqrt{n/(n-1)}\, t_{\alpha, n-1})` (T. Hesterberg,
    Am. Stat. 69, 371 (2015), doi:10.1080/00031305.2015.1089789); with three or four snapshots it ends at the
    outermost replicates and still holds the truth too rarely.

    Parameters
    ----------
    values : array
        Replicates.
    level : float
        Probability that it should hold.
    n_snapshots : int
        Snapshots that were resampled, two or more.

    Returns
    -------
    low, high : float
        In the unit of the values.

    Examples
    --------
    >>> values = np.random.default_rng(0).normal(size=100_000)
    >>> [round(end, 1) for end in interval(values, 0.95, 1000)]
    [-2.0, 2.0]
    """
    wide = np.sqrt(n_snapshots / (n_snapshots - 1.0)) * stats.t.ppf(0.5 * (1.0 + level), n_snapshots - 1)
    tail = float(stats.norm.cdf(-wide))
    low, high = np.quantile(values, [tail, 1.0 - tail], method="nearest")
    return float(low), float(high)


def ratios(frozen: Array, free: Array) -> Array | None:
    """Return quotients of replicates, or None where the free D is too often not above zero.

    Parameters
    ----------
    frozen, free : (replicates,) array
        From one call of `bootstrap_means`.

    Returns
    -------
    array or None
        One number for each replicate with a free D above zero.

    Examples
    --------
    >>> ratios(np.array([1.0, 2.0]), np.array([2.0, 2.0]))
    array([0.5, 1. ])
    """
    defined = free > 0.0
    if np.mean(~defined) > _MOST_UNDEFINED:
        return None
    return np.asarray(np.maximum(frozen[defined], 0.0) / free[defined])
