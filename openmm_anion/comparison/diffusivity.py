"""What several runs from different snapshots say together about one diffusion coefficient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from openmm_anion.analysis.diffusion import RESOLVED, RunDiffusion
from openmm_anion.errors import InputError

SNAPSHOT_SCATTER = 0.5
"""Scale of the prior on the relative scatter of D between snapshots."""

_GAMMAS = 32
_DECADES_BELOW = 6.0
_FACTOR_ABOVE = 20.0


@dataclass(frozen=True)
class Diffusivity:
    """Diffusion coefficient of a mode; see `combine_runs`.

    Attributes
    ----------
    d : float
        Mean over the runs, A^2/ps.
    resolved : bool
        Whether `d` stands above its noise (two standard errors). If not, only the upper end of
        the interval means anything.
    grid : ndarray
        Values of D, A^2/ps, equally spaced in their logarithm.
    weights : ndarray
        Posterior probability of each, sums to 1.
    scatter : float
        Posterior mean of the relative scatter between snapshots.
    n_runs : int
        Number of runs.
    """

    d: float
    resolved: bool
    grid: NDArray[np.float64]
    weights: NDArray[np.float64]
    scatter: float
    n_runs: int

    def cumulative(self, d: ArrayLike) -> NDArray[np.float64]:
        """Return the posterior probability that the truth is below `d` (A^2/ps)."""
        edges = np.concatenate([[0.0], np.cumsum(self.weights)])
        step = np.log(self.grid[1] / self.grid[0])
        borders = np.log(self.grid[0]) + step * (np.arange(len(edges)) - 0.5)
        with np.errstate(divide="ignore"):
            return np.asarray(np.interp(np.log(np.asarray(d, dtype=np.float64)), borders, edges))

    def interval(self, level: float) -> tuple[float, float]:
        """Return the equal-tailed interval that holds the truth with probability `level`, A^2/ps.

        It begins at zero where D is not resolved.
        """
        low, high = quantile_pair(np.log(self.grid), self.weights, level)
        return (low if self.resolved else 0.0), high


def quantile_pair(log_grid: ArrayLike, weights: ArrayLike, level: float) -> tuple[float, float]:
    """Return the two values that cut off (1 - level) / 2 on each side of a distribution on a log grid."""
    x = np.asarray(log_grid, dtype=np.float64)
    step = x[1] - x[0]
    borders = np.append(x - 0.5 * step, x[-1] + 0.5 * step)
    below = np.concatenate([[0.0], np.cumsum(weights)])
    tail = 0.5 * (1.0 - level)
    low, high = np.exp(np.interp([tail, 1.0 - tail], below / below[-1], borders))
    return float(low), float(high)


def combine_runs(
    runs: Sequence[RunDiffusion],
    *,
    snapshots: Sequence[int] | None = None,
    snapshot_scatter: float = SNAPSHOT_SCATTER,
) -> Diffusivity:
    r"""Combine runs that started from different snapshots.

    Two kinds of noise act: within a run, and between runs, because a run remembers its
    snapshot (a frozen one for ever). The model is

    .. math:: \hat D_j \sim \mathrm{noise}(D_j), \qquad
              \ln D_j \sim \mathcal N(\ln D,\ \gamma^2)

    Two to four snapshots cannot tell their own scatter :math:`\gamma`, so it gets a half-normal
    prior of scale 0.5, the usual choice for few studies in meta-analysis: snapshots are
    expected to differ by tens of percent. D has the Jeffreys prior of a rate, :math:`D^{-1/2}`.
    Several runs from one snapshot share its :math:`D_j`: they say more about it, and no more than one
    snapshot about :math:`\gamma`. The posterior lives on a grid, no sampling. How often the intervals
    hold the truth is measured in ``tests/test_coverage.py``.

    Parameters
    ----------
    runs : sequence of RunDiffusion
        The runs.
    snapshots : sequence of int, optional
        Snapshot from which each started; by default one per run.
    snapshot_scatter : float, optional
        Scale of the prior on :math:`\gamma`.

    Returns
    -------
    Diffusivity

    Raises
    ------
    InputError
        If there is no run.

    References
    ----------
    Friede, Roever, Wandel, Neuenschwander, Biometrical Journal 59, 658 (2017),
    doi:10.1002/bimj.201500236.

    Examples
    --------
    >>> from openmm_anion.analysis.diffusion import FitWindow
    >>> run = RunDiffusion(0.04, 0.004, 1e-3, 0.5, 48, FitWindow(2.0, 10.0))
    >>> low, high = combine_runs([run] * 4).interval(0.95)
    >>> bool(0.02 < low < 0.04 < high < 0.08)
    True
    """
    if not runs:
        raise InputError("no run to take a diffusion coefficient from")
    starts = np.arange(len(runs)) if snapshots is None else np.asarray(snapshots)
    # Every snapshot counts the same, however many of its runs are there.
    weights = 1.0 / np.array([np.count_nonzero(starts == start) for start in starts])
    weights /= weights.sum()
    mean = float(weights @ [run.d for run in runs])
    error = float(np.sqrt(weights**2 @ [run.standard_error**2 for run in runs]))
    scale = max(abs(run.d) + 5.0 * run.standard_error + 10.0 * run.one_hop for run in runs)
    finest = min(1.0 / np.sqrt(1.0 + run.events) for run in runs)
    step = float(np.clip(finest / 5.0, 2e-3, 2e-2))
    x = np.arange(np.log(scale) - _DECADES_BELOW * np.log(10.0), np.log(scale * _FACTOR_ABOVE), step)
    grid = np.exp(x)

    likelihoods = []
    for start in np.unique(starts):
        own = (run for run, where in zip(runs, starts, strict=True) if where == start)
        log_likelihood = np.sum([run.log_likelihood(grid) for run in own], axis=0)
        likelihoods.append(np.exp(log_likelihood - log_likelihood.max()))
    # Middles of equal slices of the half-normal prior: every gamma then has the same weight.
    gammas = stats.halfnorm.ppf((np.arange(_GAMMAS) + 0.5) / _GAMMAS, scale=snapshot_scatter)
    joint = np.stack([_smeared(likelihoods, gamma, step) for gamma in gammas]) * np.sqrt(grid)
    total = joint.sum()
    return Diffusivity(
        d=mean,
        resolved=mean > RESOLVED * error,
        grid=grid,
        weights=joint.sum(axis=0) / total,
        scatter=float(gammas @ joint.sum(axis=1) / total),
        n_runs=len(runs),
    )


def _smeared(likelihoods: Sequence[NDArray[np.float64]], gamma: float, step: float) -> NDArray[np.float64]:
    """Product over snapshots of p(its runs | D, gamma): each likelihood averaged over where D_j may lie."""
    reach = int(np.ceil(5.0 * gamma / step)) + 1
    offsets = np.arange(-reach, reach + 1) * step  # ln D_j - ln D
    borders = np.append(offsets - 0.5 * step, offsets[-1] + 0.5 * step)
    kernel = np.diff(stats.norm.cdf(borders, scale=gamma))
    product = np.ones_like(likelihoods[0])
    for likelihood in likelihoods:
        padded = np.pad(likelihood, reach, mode="edge")
        product *= np.correlate(padded, kernel, mode="valid")
    return product
