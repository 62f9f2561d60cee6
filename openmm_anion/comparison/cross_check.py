"""A second answer for every mode, by resampling, beside the posterior; and whether the two agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from openmm_anion.analysis.diffusion import RunDiffusion
from openmm_anion.comparison.bootstrap import FEWEST_SNAPSHOTS, Array, bootstrap_means, interval, ratios
from openmm_anion.comparison.results import FREE, Estimate, ModeResult
from openmm_anion.comparison.scatter import snapshot_scatter
from openmm_anion.study.layout import RunKey

SEED = 1
"""The same runs give the same intervals."""
DISAGREEMENT = 2.0
"""Factor between the widths of the two 68 percent intervals, on a logarithmic scale, that is worth a word."""


def add_cross_check(modes: Sequence[ModeResult], diffusions: Mapping[RunKey, RunDiffusion]) -> None:
    """Fill in what resampling says of each mode.

    Parameters
    ----------
    modes : sequence of ModeResult
        Modes of one temperature with their posterior; changed in place.
    diffusions : mapping of RunKey to RunDiffusion
        The runs of that temperature that are used.
    """
    by_mode: defaultdict[str, defaultdict[int, list[RunDiffusion]]] = defaultdict(lambda: defaultdict(list))
    for key, found in diffusions.items():
        by_mode[key.mode][key.snapshot].append(found)
    particles = {
        mode: {snapshot: [run.by_particle for run in runs] for snapshot, runs in own.items()}
        for mode, own in by_mode.items()
    }
    for mode in modes:
        if mode.D_A2_per_ps is None:
            continue
        own = by_mode[mode.mode]
        mode.scatter = snapshot_scatter({snapshot: [run.d for run in runs] for snapshot, runs in own.items()})
        if len(own) >= FEWEST_SNAPSHOTS:
            (means,), n = bootstrap_means([particles[mode.mode]], np.random.default_rng(SEED))
            mode.bootstrap_D_A2_per_ps = _estimate(np.maximum(means, 0.0), n)
        if mode.ratio is None or mode.mode == FREE:
            continue
        paired, n = bootstrap_means([particles[mode.mode], particles[FREE]], np.random.default_rng(SEED))
        quotients = ratios(*paired) if n >= FEWEST_SNAPSHOTS else None
        if quotients is not None:
            mode.bootstrap_ratio = _estimate(quotients, n)
            mode.disagreement = disagreement(mode.ratio, mode.bootstrap_ratio)


def _estimate(values: Array, n_snapshots: int) -> Estimate:
    (low_68, high_68), (low_95, high_95) = (interval(values, level, n_snapshots) for level in (0.68, 0.95))
    middle = float(np.median(values))
    return Estimate(
        value=middle if low_95 > 0.0 else None, low_68=low_68, high_68=high_68, low_95=low_95, high_95=high_95
    )


def disagreement(posterior: Estimate, resampled: Estimate) -> str:
    """Say in what two intervals of one ratio differ, if it matters.

    Parameters
    ----------
    posterior, resampled : Estimate
        The two.

    Returns
    -------
    str
        Empty where they agree.

    Examples
    --------
    >>> one = Estimate(value=0.5, low_68=0.4, high_68=0.6, low_95=0.3, high_95=0.8)
    >>> disagreement(one, one)
    ''
    >>> disagreement(one, Estimate(value=0.5, low_68=0.2, high_68=0.9, low_95=0.1, high_95=1.3))
    'the bootstrap holds 1, the posterior does not'
    """
    holds = [one.low_95 <= 1.0 <= one.high_95 for one in (posterior, resampled)]
    if holds[0] != holds[1]:
        names = ("posterior", "bootstrap") if holds[0] else ("bootstrap", "posterior")
        return f"the {names[0]} holds 1, the {names[1]} does not"
    if min(posterior.low_68, resampled.low_68) <= 0.0:
        return ""
    wide, other = (np.log(one.high_68 / one.low_68) for one in (resampled, posterior))
    if wide > DISAGREEMENT * other:
        return f"the bootstrap's 68 % interval is {wide / other:.1f} times as wide as the posterior's"
    if other > DISAGREEMENT * wide:
        return (
            f"the posterior's 68 % interval is {other / max(wide, 1e-9):.1f} times as wide as the bootstrap's"
        )
    return ""
