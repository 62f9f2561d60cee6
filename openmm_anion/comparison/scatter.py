"""How much of the scatter of D belongs to the snapshots: the effect of what the anions were frozen in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import BaseModel
from scipy import stats

FEWEST_SNAPSHOTS = 3
FEWEST_REPEATS = 2


class SnapshotScatter(BaseModel):
    """Scatter of D between snapshots and within them, relative to D of the mode; see `snapshot_scatter`.

    Attributes
    ----------
    snapshots : int
        Snapshots it rests on.
    repeats : int
        Runs of the snapshot that has fewest.
    between, within : float or None
        Standard deviation between snapshots, with the noise taken off, and between runs of one snapshot;
        None where there is too little to tell.
    between_low, between_high : float or None
        68 percent interval of `between`.
    p : float or None
        Chance of so much scatter between snapshots if they did not differ.
    """

    snapshots: int
    repeats: int
    between: float | None = None
    within: float | None = None
    between_low: float | None = None
    between_high: float | None = None
    p: float | None = None

    @property
    def told(self) -> bool:
        """Whether there is enough to tell."""
        return self.between is not None

    def __str__(self) -> str:
        runs = "1 run of each" if self.repeats == 1 else f"{self.repeats} runs of each"
        rests = f"{self.snapshots} snapshot{'' if self.snapshots == 1 else 's'}, {runs}"
        if (
            self.between is None
            or self.within is None
            or self.between_low is None
            or self.between_high is None
        ):
            return (
                f"too few to tell ({rests}; it takes {FEWEST_SNAPSHOTS} snapshots and "
                f"seeds = {FEWEST_REPEATS})"
            )
        return (
            f"D differs by {100 * self.between:.0f} % between snapshots (68 % interval "
            f"{100 * self.between_low:.0f} to {100 * self.between_high:.0f} %) and by "
            f"{100 * self.within:.0f} % between runs of one ({rests}; p = {self.p:.2g})"
        )


def snapshot_scatter(runs: Mapping[int, Sequence[float]]) -> SnapshotScatter:
    r"""Split the variance of D into that between snapshots and that between runs of one snapshot.

    One-way analysis of variance with random effects (S. R. Searle, G. Casella, C. E. McCulloch, Variance
    Components, Wiley 1992, doi:10.1002/9780470316856): with mean squares between and within,
    :math:`\sigma_b^2 = (M_b - M_w)/n_0` and :math:`n_0 = (N - \sum n_i^2/N)/(S - 1)` for S snapshots of
    :math:`n_i` runs. The interval is that of the quotient of variances by the F distribution, times
    :math:`M_w`. A frozen run remembers its snapshot for ever, a free one for picoseconds: in the free mode
    nothing should be left between snapshots.

    Parameters
    ----------
    runs : mapping of int to sequence of float
        D of each run by snapshot.

    Returns
    -------
    SnapshotScatter
        Standard deviations relative to D, and the interval of the one between snapshots.

    Examples
    --------
    >>> found = snapshot_scatter({0: [1.0, 1.1], 1: [2.0, 2.1], 2: [3.0, 2.9]})
    >>> print(found)  # doctest: +ELLIPSIS
    D differs by 47 % between snapshots (68 % interval 25 to 110 %) and by 4 % between runs of one (3 ...)
    >>> print(snapshot_scatter({0: [1.0], 1: [2.0]}))
    too few to tell (2 snapshots, 1 run of each; it takes 3 snapshots and seeds = 2)
    """
    groups = [np.asarray(own, dtype=np.float64) for own in runs.values()]
    sizes = np.array([len(own) for own in groups])
    n, s = int(sizes.sum()), len(groups)
    few = SnapshotScatter(snapshots=s, repeats=int(sizes.min(initial=n)))
    mean = float(np.mean([own.mean() for own in groups])) if s else 0.0
    if s < FEWEST_SNAPSHOTS or sizes.min() < FEWEST_REPEATS or mean <= 0.0:
        return few
    within = sum(float(((own - own.mean()) ** 2).sum()) for own in groups) / (n - s)
    grand = np.concatenate(groups).mean()
    between = float(sizes @ [(own.mean() - grand) ** 2 for own in groups]) / (s - 1)
    n0 = (n - float(sizes @ sizes) / n) / (s - 1)
    quotient = between / within if within > 0.0 else np.inf
    if not np.isfinite(quotient):
        return few
    ends = stats.f.ppf([0.84, 0.16], s - 1, n - s)
    spread = [np.sqrt(max(quotient / f - 1.0, 0.0) / n0 * within) / mean for f in (1.0, *ends)]
    return few.model_copy(
        update={
            "between": float(spread[0]),
            "within": float(np.sqrt(within) / mean),
            "between_low": float(spread[1]),
            "between_high": float(spread[2]),
            "p": float(stats.f.sf(quotient, s - 1, n - s)),
        }
    )
