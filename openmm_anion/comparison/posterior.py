"""What several runs from different snapshots say together about the diffusion coefficients of the modes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, special, stats

from openmm_anion.analysis.diffusion import RESOLVED, RunDiffusion
from openmm_anion.comparison.diffusivity import Diffusivity
from openmm_anion.errors import InputError

Array = NDArray[np.float64]

SNAPSHOT_SCATTER = 0.5
"""Scale of the prior on the relative scatter of D between snapshots."""
BURST = 1.0
"""Scale of the prior on the logarithm of the burst factor."""

_GAMMAS = 32
_LOG_BURSTS = np.arange(0.0, 3.3, 0.4)
_DECADES_BELOW = 6.0
_FACTOR_ABOVE = 20.0


@dataclass(frozen=True)
class _Joint:
    """Posterior of one mode: of each burst factor the evidence, and then (scatter of snapshots, ln D)."""

    grid: Array
    log_evidence: Array
    density: Array


def combine_modes(
    modes: Mapping[str, Sequence[RunDiffusion]],
    *,
    snapshots: Mapping[str, Sequence[int]] | None = None,
    snapshot_scatter: float = SNAPSHOT_SCATTER,
    burst: float = BURST,
) -> dict[str, Diffusivity]:
    r"""Combine the runs of each mode, which started from different snapshots, at one temperature.

    Three kinds of noise act: the finite number of hops in a run; cations that move together, in strings or
    in the wake of one defect, of which the scatter between the cations of one run knows nothing; and the
    snapshot, which a run remembers (a frozen one for ever). The model is

    .. math:: \hat D_j / b g_j \sim \mathrm{Poisson}(D_j / b g_j), \qquad
              \ln D_j \sim \mathcal N(\ln D,\ \gamma^2)

    with the size :math:`g_j` of events that `RunDiffusion` finds, were cations independent, and the burst
    factor :math:`b \ge 1`. One b stands for all modes: each of them has few runs, and together they show
    how much more runs scatter than their cations do. It has the prior
    :math:`\ln b \sim |\mathcal N(0, 1)|`: two to four cations that hop together are usual in fast
    conductors. :math:`\gamma` is a mode's own, and as two to four snapshots cannot tell it, it has a
    half-normal prior of scale 0.5, the usual choice for few studies in meta-analysis: snapshots are
    expected to differ by tens of percent. D has the Jeffreys prior of a rate, :math:`D^{-1/2}`.
    Several runs from one snapshot share its :math:`D_j`: they say more about it, and about b, and no more
    than one snapshot about :math:`\gamma`. The posterior lives on a grid, no sampling. How often the
    intervals hold the truth is measured in ``tests/test_coverage.py``.

    Parameters
    ----------
    modes : mapping of str to sequence of RunDiffusion
        The runs of each mode.
    snapshots : mapping of str to sequence of int, optional
        Snapshot from which each run started; by default one per run.
    snapshot_scatter : float, optional
        Scale of the prior on :math:`\gamma`.
    burst : float, optional
        Scale of the prior on :math:`\ln b`; close to zero for cations that are known to be independent.

    Returns
    -------
    dict of str to Diffusivity
        By mode.

    Raises
    ------
    InputError
        If a mode has no run.

    References
    ----------
    Few studies: Friede, Roever, Wandel, Neuenschwander, Biometrical Journal 59, 658 (2017),
    doi:10.1002/bimj.201500236. Concerted hops: He, Zhu, Mo, Nature Communications 8, 15893 (2017),
    doi:10.1038/ncomms15893.

    Examples
    --------
    >>> from openmm_anion.analysis.diffusion import FitWindow
    >>> run = RunDiffusion(0.04, 0.004, 1e-3, 0.5, 48, FitWindow(2.0, 10.0))
    >>> low, high = combine_modes({"free": [run] * 4})["free"].interval(0.95)
    >>> bool(0.02 < low < 0.04 < high < 0.08)
    True
    """
    starts = {
        mode: np.arange(len(runs)) if snapshots is None else np.asarray(snapshots[mode])
        for mode, runs in modes.items()
    }
    joints = {mode: _joint(mode, runs, starts[mode], snapshot_scatter) for mode, runs in modes.items()}
    prior = np.exp(-0.5 * (_LOG_BURSTS / max(burst, 1e-9)) ** 2)
    prior[0] *= 0.5  # half of its cell lies below one cation, which is none
    evidence = sum((joint.log_evidence for joint in joints.values()), start=np.zeros(1))
    bursts = prior * np.exp(evidence - evidence.max())
    bursts /= bursts.sum()
    factor = float(np.exp(bursts @ _LOG_BURSTS))
    gammas = _gammas(snapshot_scatter)
    found = {}
    for mode, joint in joints.items():
        density = np.tensordot(bursts, joint.density, axes=1)
        d, error = _mean(modes[mode], starts[mode], factor)
        found[mode] = Diffusivity(
            d=d,
            resolved=d > RESOLVED * error,
            grid=joint.grid,
            weights=density.sum(axis=0),
            scatter=float(gammas @ density.sum(axis=1)),
            burst=factor,
            n_runs=len(modes[mode]),
        )
    return found


def _mean(runs: Sequence[RunDiffusion], starts: NDArray[np.int64], burst: float) -> tuple[float, float]:
    """Mean D and its standard error; every snapshot counts the same, however many of its runs are there."""
    weights = 1.0 / np.array([np.count_nonzero(starts == start) for start in starts])
    weights /= weights.sum()
    error = np.sqrt(burst * (weights**2 @ [run.standard_error**2 for run in runs]))
    return float(weights @ [run.d for run in runs]), float(error)


def _gammas(scale: float) -> Array:
    """Middles of equal slices of the half-normal prior: every gamma then has the same weight."""
    return np.asarray(stats.halfnorm.ppf((np.arange(_GAMMAS) + 0.5) / _GAMMAS, scale=scale))


def _joint(mode: str, runs: Sequence[RunDiffusion], starts: NDArray[np.int64], scatter: float) -> _Joint:
    if not runs:
        raise InputError(f"no run of mode {mode} to take a diffusion coefficient from")
    scale = max(abs(run.d) + 5.0 * run.standard_error + 10.0 * run.one_hop for run in runs)
    finest = min(1.0 / np.sqrt(1.0 + run.events) for run in runs)
    step = float(np.clip(finest / 5.0, 2e-3, 2e-2))
    x = np.arange(np.log(scale) - _DECADES_BELOW * np.log(10.0), np.log(scale * _FACTOR_ABOVE), step)
    grid = np.exp(x)
    d = np.array([max(run.d, 0.0) for run in runs])[:, None]
    sizes = _event_sizes(runs)[:, None]
    clear = np.array([run.d > run.particle_error for run in runs])[:, None]
    kernels = _Kernels(_gammas(scatter), step, len(grid))
    density, log_evidence = [], []
    for log_burst in _LOG_BURSTS:
        g = sizes * np.exp(log_burst)
        k = d / g
        # k is a count; that of a run in which something moved is read from a continuous d, a density.
        single = k * np.log(grid / g) - grid / g - special.gammaln(k + 1.0) - clear * log_burst
        own = np.stack([single[starts == start].sum(axis=0) for start in np.unique(starts)])
        peaks = own.max(axis=1, keepdims=True)
        with np.errstate(divide="ignore"):
            together = np.log(kernels.smeared(np.exp(own - peaks))).sum(axis=0) + 0.5 * x
        total = special.logsumexp(together)
        log_evidence.append(total + peaks.sum())
        density.append(np.exp(together - total))
    return _Joint(grid=grid, log_evidence=np.array(log_evidence), density=np.stack(density))


def _event_sizes(runs: Sequence[RunDiffusion]) -> Array:
    """Size of the events of each run, A^2/ps: as many hops each in all runs, of which one alone has few."""
    one = np.array([run.one_hop for run in runs])
    hops = sum(max(run.d, 0.0) / run.one_hop for run in runs)
    variance = sum((run.particle_error / run.one_hop) ** 2 for run in runs)
    if hops > np.sqrt(variance):
        return np.asarray(one * max(variance / hops, 1.0))
    return np.array([run.event for run in runs])


class _Kernels:
    """Normal distributions of several widths on a grid, to average likelihoods over where ln D_j may lie."""

    def __init__(self, widths: Array, step: float, n: int) -> None:
        self._reach = int(np.ceil(5.0 * widths.max() / step)) + 1
        self._n = n
        borders = (np.arange(-self._reach, self._reach + 2) - 0.5) * step
        kernels = np.diff(stats.norm.cdf(borders / widths[:, None]), axis=1)
        self._size = fft.next_fast_len(n + 4 * self._reach, real=True)
        self._kernels = fft.rfft(kernels, self._size, axis=1)

    def smeared(self, likelihoods: Array) -> Array:
        """Return (likelihoods, widths, n): each likelihood averaged with each width."""
        padded = np.pad(likelihoods, [(0, 0), (self._reach, self._reach)], mode="edge")
        product = fft.rfft(padded, self._size, axis=1)[:, None] * self._kernels
        whole = fft.irfft(product, self._size, axis=2)
        # What is below the noise of the transform is as good as zero.
        return np.maximum(whole[:, :, 2 * self._reach : 2 * self._reach + self._n], 0.0)


def combine_runs(
    runs: Sequence[RunDiffusion],
    *,
    snapshots: Sequence[int] | None = None,
    snapshot_scatter: float = SNAPSHOT_SCATTER,
    burst: float = BURST,
) -> Diffusivity:
    """Combine the runs of one mode alone; see `combine_modes`.

    Parameters
    ----------
    runs : sequence of RunDiffusion
        The runs.
    snapshots : sequence of int, optional
        Snapshot from which each started; by default one per run.
    snapshot_scatter, burst : float, optional
        Scales of the priors.

    Returns
    -------
    Diffusivity
        The posterior distribution of D.

    Examples
    --------
    >>> from openmm_anion.analysis.diffusion import FitWindow
    >>> run = RunDiffusion(0.04, 0.004, 1e-3, 0.5, 48, FitWindow(2.0, 10.0))
    >>> alone, together = combine_runs([run]), combine_runs([run] * 4)
    >>> together.interval(0.95)[1] < alone.interval(0.95)[1]
    True
    """
    starts = None if snapshots is None else {"alone": snapshots}
    return combine_modes({"alone": runs}, snapshots=starts, snapshot_scatter=snapshot_scatter, burst=burst)[
        "alone"
    ]
