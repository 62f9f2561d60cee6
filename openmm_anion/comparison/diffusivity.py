"""A diffusion coefficient as a distribution: what is known of it, and how well."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Diffusivity:
    """Diffusion coefficient of a mode; see `combine_modes`.

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
    burst : float
        Factor by which cations that move together raise the variance of a run (posterior geometric mean).
    n_runs : int
        Number of runs.
    """

    d: float
    resolved: bool
    grid: NDArray[np.float64]
    weights: NDArray[np.float64]
    scatter: float
    burst: float
    n_runs: int

    def cumulative(self, d: ArrayLike) -> NDArray[np.float64]:
        """Return the posterior probability that the truth is below `d` (A^2/ps).

        Parameters
        ----------
        d : array_like
            Diffusion coefficients, A^2/ps.

        Returns
        -------
        array
            Probabilities, of the shape of `d`.
        """
        edges = np.concatenate([[0.0], np.cumsum(self.weights)])
        step = np.log(self.grid[1] / self.grid[0])
        borders = np.log(self.grid[0]) + step * (np.arange(len(edges)) - 0.5)
        with np.errstate(divide="ignore"):
            return np.asarray(np.interp(np.log(np.asarray(d, dtype=np.float64)), borders, edges))

    def interval(self, level: float) -> tuple[float, float]:
        """Return the equal-tailed interval that holds the truth with probability `level`, A^2/ps.

        It begins at zero where D is not resolved.

        Parameters
        ----------
        level : float
            Between 0 and 1.

        Returns
        -------
        low, high : float
            A^2/ps.
        """
        low, high = quantile_pair(np.log(self.grid), self.weights, level)
        return (low if self.resolved else 0.0), high


def quantile_pair(log_grid: ArrayLike, weights: ArrayLike, level: float) -> tuple[float, float]:
    """Return the two values that cut off (1 - level) / 2 on each side of a distribution on a log grid.

    Parameters
    ----------
    log_grid : array_like, shape (n,)
        Natural logarithms of the values, evenly spaced.
    weights : array_like, shape (n,)
        Probability of each, up to a factor.
    level : float
        Probability between the two, from 0 to 1.

    Returns
    -------
    low, high : float
        Values, in the unit whose logarithm the grid is.

    Examples
    --------
    >>> quantile_pair(np.linspace(-1.0, 1.0, 201), np.ones(201), 0.5)
    (0.605..., 1.652...)
    """
    x = np.asarray(log_grid, dtype=np.float64)
    step = x[1] - x[0]
    borders = np.append(x - 0.5 * step, x[-1] + 0.5 * step)
    below = np.concatenate([[0.0], np.cumsum(weights)])
    tail = 0.5 * (1.0 - level)
    low, high = np.exp(np.interp([tail, 1.0 - tail], below / below[-1], borders))
    return float(low), float(high)
