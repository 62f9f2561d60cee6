"""How many events there were, and how much that number varies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, t

from openmm_anion.analysis.poisson import poisson_interval

Array = NDArray[np.float64]

BLOCKS = (8, 20)
"""Fewest and most blocks of time that are compared."""
_BLOCK = 2
"""Shortest block, in times that an event must last: what belongs together is then in one, as a rule."""
FEWEST_EVENTS = 3
"""Fewer cannot show that they come in groups."""


@dataclass(frozen=True)
class EventCount:
    r"""A number of events, and its variance.

    Attributes
    ----------
    count : int
        Events N.
    variance : float
        Variance of N; as found, which may be less than N.
    variance_error : float
        Its standard error.
    """

    count: int
    variance: float
    variance_error: float

    @property
    def dispersion(self) -> float:
        r"""Variance over mean, :math:`\phi`; at least 1, and 1 with fewer than three events."""
        if self.count < FEWEST_EVENTS:
            return 1.0
        return max(1.0, self.variance / self.count)

    @property
    def degrees(self) -> float:
        r"""Degrees of freedom of the variance (Satterthwaite's), but no more than :math:`N/\phi + 1`.

        Few groups of events cannot tell how large groups are, however many blocks of time they are in.
        """
        few = self.count / self.dispersion + 1.0
        if not self.variance_error:
            return few
        return max(1.0, min(2.0 * (self.dispersion * self.count / self.variance_error) ** 2, few))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        r"""Return the confidence interval of the mean number of events.

        That of `poisson_interval` with the dispersion :math:`\phi\, (t/z)^2`, at least 1: t and z are the
        quantiles of Student's distribution, with the degrees of freedom of :math:`\phi`, and of the normal
        one. With fewer than three events it is the Poisson one, and too narrow if they come in groups.

        Parameters
        ----------
        level : float, optional
            Confidence.

        Returns
        -------
        low, high : float
            Numbers of events.

        Examples
        --------
        >>> EventCount(20, 20.0, 0.0).interval()[1], EventCount(20, 80.0, 25.0).interval()[1]
        (31.7..., 56.6...)
        """
        if self.count < FEWEST_EVENTS:
            return poisson_interval(self.count, level)
        high = 0.5 * (1.0 + level)
        wider = float(t.ppf(high, self.degrees) / norm.ppf(high)) ** 2
        return poisson_interval(self.count, level, dispersion=max(1.0, wider * self.variance / self.count))


def count_events(
    frames: ArrayLike, particles: ArrayLike, n_particles: int, window: tuple[int, int], settle: int
) -> EventCount:
    r"""Count events of particles, and find the variance of that number from how they are distributed.

    Events come in groups: strings of particles that move at once, a particle that goes forth and back,
    particles that are faster than others. Numbers of events :math:`n_{bp}` in block of time b by particle p
    show it,

    .. math::

        \mathrm{Var}(N) = V\left[\textstyle\sum_p n_{bp}\right] + V\left[\textstyle\sum_b n_{bp}\right]
            - V[n_{bp}], \qquad V[x] = \frac{g}{g - 1} \sum_{i=1}^g (x_i - \bar x)^2

    which has the correlations of events at about the same time, and of events of the same particle at any
    times; the last term takes out what is in both. There are 8 to 20 blocks, if possible of at least twice
    `settle`. Of a single particle only the blocks tell. Not seen: what lasts longer than a block and is of
    other particles. Particles that differ for good count as a sample of all that there might be.

    Parameters
    ----------
    frames, particles : array_like of int, shape (n_events,)
        When and whose.
    n_particles : int
        How many particles there are.
    window : tuple of int
        First frame in which events are seen, and the first one after.
    settle : int
        Frames that an event must last.

    Returns
    -------
    EventCount
        The number, its variance, and the error of that.

    References
    ----------
    A. C. Cameron, J. B. Gelbach, D. L. Miller, J. Bus. Econ. Stat. 29, 238 (2011),
    doi:10.1198/jbes.2010.07136.

    Examples
    --------
    >>> frames = np.repeat([10, 40, 90, 120], 5)  # five at once, four times
    >>> found = count_events(frames, np.arange(20), 40, (0, 200), 5)
    >>> found.count, found.dispersion
    (20, 3.7...)
    """
    at, who = np.asarray(frames, dtype=np.int64), np.asarray(particles, dtype=np.int64)
    first, length = window[0], window[1] - window[0]
    n_blocks = max(1, min(int(np.clip(length // (_BLOCK * max(settle, 1)), *BLOCKS)), length))
    blocks = np.clip((at - first) * n_blocks // max(length, 1), 0, n_blocks - 1)
    cells = np.bincount(blocks * n_particles + who, minlength=n_blocks * n_particles).astype(np.float64)
    table = cells.reshape(n_blocks, n_particles)
    of_blocks, of_particles = _variance(table.sum(axis=1)), _variance(table.sum(axis=0))
    if n_particles == 1 or n_blocks == 1:
        variance = of_blocks if n_particles == 1 else of_particles
    else:
        variance = of_blocks + of_particles - _variance(cells)
    # That of a variance of normal numbers, for each of the two.
    squared = sum(
        2.0 * v**2 / (g - 1) for v, g in ((of_blocks, n_blocks), (of_particles, n_particles)) if g > 1
    )
    return EventCount(len(at), variance, float(np.sqrt(squared)))


def _variance(counts: Array) -> float:
    """Variance of the sum of independent counts with one mean; of a single one as if it were Poisson's."""
    g = len(counts)
    return float(counts.var() * g * g / (g - 1)) if g > 1 else float(counts.sum())


def pool_counts(counts: Sequence[EventCount], observed: Sequence[float]) -> EventCount:
    r"""Count the events of several runs together.

    Variances add up. If the numbers of the runs scatter by more about what their times let expect,
    :math:`\sum_r (N_r - N T_r/T)^2 / (1 - \sum_r T_r^2/T^2)`, that is the variance.

    Parameters
    ----------
    counts : sequence of EventCount
        By run.
    observed : sequence of float
        Time in which events are seen, of each run, ps.

    Returns
    -------
    EventCount
        Of all runs together.

    Examples
    --------
    >>> ten, thirty = EventCount(10, 10.0, 3.0), EventCount(30, 30.0, 9.0)
    >>> pool_counts([ten, ten], [5.0, 5.0]).dispersion, pool_counts([ten, thirty], [5.0, 5.0]).dispersion
    (1.0, 10.0)
    """
    numbers = np.array([one.count for one in counts], dtype=np.float64)
    shares = np.asarray(observed, dtype=np.float64) / np.sum(observed)
    variance = sum(one.variance for one in counts)
    if len(counts) > 1:
        away = float(np.square(numbers - numbers.sum() * shares).sum())
        variance = max(variance, away / (1.0 - float(np.square(shares).sum())))
    error = float(np.sqrt(sum(one.variance_error**2 for one in counts)))
    return EventCount(int(numbers.sum()), variance, error)
