"""How much slower the cations are with a motion frozen, and what may be said about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import brentq

from openmm_anion.comparison.diffusivity import Diffusivity

Verdict = Literal["slower", "faster", "no difference can be told", "not valid"]

LEVEL = 0.95
"""Level of the intervals that verdicts rest on."""


@dataclass(frozen=True)
class DiffusivityRatio:
    """D(frozen) / D(free) or any other quotient of two diffusivities; see `diffusivity_ratio`.

    Attributes
    ----------
    ratio : float or None
        Quotient of the two means; None where one of them does not stand above its noise.
    low, high : float
        Ends of the 95 % interval. `low` is zero where the numerator does not stand above its noise.
    verdict : str
        ``"slower"`` or ``"faster"`` where the interval excludes 1, else ``"no difference can be told"``.

    Examples
    --------
    >>> DiffusivityRatio(0.4, 0.2, 0.8, "slower").verdict
    'slower'
    """

    ratio: float | None
    low: float
    high: float
    verdict: Verdict


def ratio_interval(
    numerator: Diffusivity, denominator: Diffusivity, level: float = LEVEL
) -> tuple[float, float]:
    r"""Return the equal-tailed interval of the quotient of two diffusivities.

    The two posteriors are taken as independent,
    :math:`P(D_1/D_2 < r) = \sum_j p_2(D_{2,j})\, P_1(D_1 < r D_{2,j})`, and live on D > 0 only: the
    quotient needs no division by an estimate that may be zero or negative. Runs that share a
    snapshot are not paired: free runs forget it within picoseconds, and a pairing that helped
    would only make the interval narrower than stated here.

    Parameters
    ----------
    numerator, denominator : Diffusivity
        From `combine_modes`.
    level : float, optional
        Probability that the interval holds.

    Returns
    -------
    tuple of float
        Low and high end.
    """

    def below(log_ratio: float) -> float:
        return float(denominator.weights @ numerator.cumulative(np.exp(log_ratio) * denominator.grid))

    least = np.log(numerator.grid[0] / denominator.grid[-1])
    most = np.log(numerator.grid[-1] / denominator.grid[0])
    tail = 0.5 * (1.0 - level)
    low, high = (float(np.exp(brentq(lambda x, p=p: below(x) - p, least, most))) for p in (tail, 1.0 - tail))
    return (low if numerator.resolved else 0.0), high


def diffusivity_ratio(frozen: Diffusivity, free: Diffusivity) -> DiffusivityRatio:
    """Compare the diffusivity with a motion frozen to the free one.

    Parameters
    ----------
    frozen, free : Diffusivity
        From `combine_modes`.

    Returns
    -------
    DiffusivityRatio

    Examples
    --------
    >>> from openmm_anion.analysis.diffusion import FitWindow, RunDiffusion
    >>> from openmm_anion.comparison.posterior import combine_runs
    >>> window = FitWindow(2.0, 10.0)
    >>> free = combine_runs([RunDiffusion(0.040, 0.004, 1e-3, 0.5, 48, window)] * 3)
    >>> frozen = combine_runs([RunDiffusion(0.005, 0.001, 1e-3, 0.5, 48, window)] * 3)
    >>> diffusivity_ratio(frozen, free).verdict
    'slower'
    """
    low, high = ratio_interval(frozen, free)
    verdict: Verdict = "no difference can be told"
    if high < 1.0:
        verdict = "slower"
    elif low > 1.0:
        verdict = "faster"
    ratio = frozen.d / free.d if frozen.resolved and free.resolved else None
    return DiffusivityRatio(ratio=ratio, low=low, high=high, verdict=verdict)


def dominant_motion(slower: Mapping[str, Diffusivity], others: Mapping[str, Diffusivity]) -> str | None:
    """Return the mode whose freezing slows the cations most, if the intervals allow to say so.

    Parameters
    ----------
    slower : mapping of str to Diffusivity
        Single motions (T, R, V) whose verdict is "slower".
    others : mapping of str to Diffusivity
        The other single motions that were frozen.

    Returns
    -------
    str or None
        The mode whose diffusivity is lower than that of each other mode at the 95 % level; None
        if there is no such mode or nothing to compare with.

    Examples
    --------
    >>> dominant_motion({}, {}) is None
    True
    """
    everything = {**others, **slower}
    if len(everything) < 2:
        return None
    for mode, candidate in slower.items():
        rivals = [d for name, d in everything.items() if name != mode]
        if all(ratio_interval(candidate, rival)[1] < 1.0 for rival in rivals):
            return mode
    return None
