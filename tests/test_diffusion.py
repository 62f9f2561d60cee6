from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from synthetic_study import SPACING, hopping, hopping_in_strings, jiggle

from openmm_anion.analysis.diffusion import FitWindow, RunDiffusion, run_diffusion
from openmm_anion.analysis.msd import mean_squared_displacement
from openmm_anion.comparison.diffusivity import Diffusivity
from openmm_anion.comparison.posterior import combine_runs
from openmm_anion.comparison.ratio import diffusivity_ratio, dominant_motion, ratio_interval
from openmm_anion.errors import InputError

Array = NDArray[Any]

DT = 0.1
WINDOW = FitWindow(2.0, 10.0)


def walk(
    rng: np.random.Generator, d: float, n_particles: int = 48, n_frames: int = 401, burst: float = 1.0
) -> Array:
    """Vibrating cations that hop with diffusion coefficient `d`, alone or in strings."""
    if burst > 1.0:
        positions = hopping_in_strings(rng, n_particles, n_frames, d, DT, burst)
    else:
        positions = hopping(rng, n_particles, n_frames, d, DT)
    return positions + jiggle(rng, positions.shape, 0.35, DT)


def diffusion_in(positions: Array) -> RunDiffusion:
    """What such a run shows."""
    curves = mean_squared_displacement(positions)
    return run_diffusion(np.arange(len(positions)) * DT, curves, hop_length=SPACING)


def one_run(
    rng: np.random.Generator, d: float, n_particles: int = 48, n_frames: int = 401, burst: float = 1.0
) -> RunDiffusion:
    """Both."""
    return diffusion_in(walk(rng, d, n_particles, n_frames, burst))


def seen(d: float, error: float, n: int = 3) -> Diffusivity:
    return combine_runs([RunDiffusion(d, error, 1e-3, 0.5, 48, WINDOW)] * n)


def test_the_slope_is_exact_and_the_offset_is_not_counted() -> None:
    lags = np.arange(401) * DT
    curves = 0.7 + 6.0 * np.outer(lags, [0.01, 0.02, 0.03, 0.04])
    found = run_diffusion(lags, curves, hop_length=3.0)
    assert found.d == pytest.approx(0.025, rel=1e-12)
    assert found.offset == pytest.approx(0.7, rel=1e-12)
    # variance of the mean of four, times 3 for the error of an error from four particles
    assert found.particle_error == pytest.approx(np.sqrt(3.0) * np.std([1, 2, 3, 4], ddof=1) / 2 * 0.01)


def test_the_mean_over_many_runs_is_the_truth() -> None:
    rng = np.random.default_rng(3)
    runs = [one_run(rng, 0.04) for _ in range(60)]
    estimates = np.array([run.d for run in runs])
    assert abs(estimates.mean() - 0.04) < 3.0 * estimates.std(ddof=1) / np.sqrt(len(runs))
    # the error stated for a run is the scatter between runs, which is itself known to 9 percent
    assert np.sqrt(np.mean([run.standard_error**2 for run in runs])) == pytest.approx(
        estimates.std(ddof=1), rel=0.28
    )


def test_no_hop_at_all_still_leaves_an_upper_bound_of_some_hops() -> None:
    rng = np.random.default_rng(4)
    run = one_run(rng, 0.0)
    together = combine_runs([run])
    assert not together.resolved
    low, high = together.interval(0.95)
    assert low == 0.0
    # Poisson: with no event seen, up to about 3 are compatible at the 95 percent level, each of several hops
    assert 1.0 * run.one_hop < high < 8.0 * together.burst * run.one_hop


def test_the_scatter_between_snapshots_widens_the_interval() -> None:
    def run(d: float) -> RunDiffusion:
        return RunDiffusion(d, 0.1 * d, 1e-5, 0.5, 48, WINDOW)

    alike, apart = combine_runs([run(0.03)] * 3), combine_runs([run(d) for d in (0.012, 0.018, 0.06)])
    assert alike.d == pytest.approx(apart.d)
    widths = [np.subtract(*each.interval(0.95)[::-1]) for each in (alike, apart)]
    assert widths[1] > 1.5 * widths[0]
    assert apart.scatter > alike.scatter


def test_more_snapshots_narrow_the_interval() -> None:
    widths = [np.subtract(*seen(0.04, 0.004, n).interval(0.95)[::-1]) for n in (1, 2, 4, 8)]
    assert np.all(np.diff(widths) < 0)


def test_the_interval_of_an_inner_level_lies_inside() -> None:
    d = seen(0.04, 0.008)
    (low95, high95), (low68, high68) = d.interval(0.95), d.interval(0.68)
    assert low95 < low68 < 0.04 < high68 < high95
    assert d.weights.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("frozen", "verdict"),
    [(0.004, "slower"), (0.038, "no difference can be told"), (0.4, "faster")],
)
def test_verdicts(frozen: float, verdict: str) -> None:
    found = diffusivity_ratio(seen(frozen, 0.1 * frozen), seen(0.04, 0.004))
    assert found.verdict == verdict
    assert found.ratio == pytest.approx(frozen / 0.04)
    assert found.low < frozen / 0.04 < found.high


def test_a_motion_that_cannot_be_seen_gets_a_bound_and_no_ratio() -> None:
    found = diffusivity_ratio(seen(-0.0002, 0.0003), seen(0.04, 0.004))
    assert found.ratio is None
    assert found.low == 0.0
    assert found.verdict == "slower"
    assert 0.0 < found.high < 0.2


def test_two_motions_within_noise_of_nothing_cannot_be_told_apart() -> None:
    found = diffusivity_ratio(seen(-0.0002, 0.001), seen(0.0005, 0.001))
    assert found.ratio is None
    assert found.verdict == "no difference can be told"


def test_the_ratio_agrees_with_drawing_from_both_posteriors() -> None:
    rng = np.random.default_rng(5)
    one, other = seen(0.01, 0.002), seen(0.04, 0.004)
    draws = [rng.choice(d.grid, p=d.weights, size=400_000) for d in (one, other)]
    expected = np.quantile(draws[0] / draws[1], [0.025, 0.975])
    np.testing.assert_allclose(ratio_interval(one, other), expected, rtol=0.02)


def test_the_ratio_turned_over_is_the_inverse() -> None:
    one, other = seen(0.02, 0.002), seen(0.04, 0.004)
    low, high = ratio_interval(one, other)
    assert ratio_interval(other, one) == pytest.approx((1.0 / high, 1.0 / low), rel=1e-3)


def test_the_dominant_motion_is_named_only_where_intervals_allow() -> None:
    slow, medium, fast = seen(0.002, 0.0004), seen(0.015, 0.002), seen(0.04, 0.004)
    assert dominant_motion({"R": slow}, {"T": fast, "V": fast}) == "R"
    assert dominant_motion({"R": slow, "T": medium}, {"V": fast}) == "R"
    assert dominant_motion({"R": slow, "T": slow}, {"V": fast}) is None
    assert dominant_motion({}, {"T": fast, "V": fast}) is None
    assert dominant_motion({"R": slow}, {}) is None


def test_default_window() -> None:
    assert FitWindow.default(200.0) == FitWindow(2.0, 50.0)
    assert FitWindow.default(8.0) == FitWindow(0.8, 2.0)


@pytest.mark.parametrize(
    ("n_particles", "window", "message"),
    [
        (3, None, "at least 4 cations"),
        (8, FitWindow(2.0, 50.0), "after the run"),
        (8, FitWindow(1.02, 1.08), "only 0 lag times"),
    ],
)
def test_what_cannot_be_fitted_is_refused(n_particles: int, window: FitWindow | None, message: str) -> None:
    lags = np.arange(401) * DT
    with pytest.raises(InputError, match=message):
        run_diffusion(lags, np.outer(lags, np.ones(n_particles)), hop_length=3.0, window=window)


@pytest.mark.parametrize("ends", [(0.0, 1.0), (3.0, 2.0), (-1.0, 2.0)])
def test_windows_out_of_order_are_refused(ends: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="0 < begin < end"):
        FitWindow(*ends)


def test_nothing_to_combine_is_refused() -> None:
    with pytest.raises(InputError, match="no run"):
        combine_runs([])


def test_many_snapshots_that_disagree_do_not_underflow() -> None:
    rng = np.random.default_rng(8)
    truths = 0.04 * np.exp(0.8 * rng.normal(size=150))
    together = combine_runs([RunDiffusion(d, 0.02 * d, 1e-6, 0.5, 48, WINDOW) for d in truths])
    low, high = together.interval(0.95)
    assert low < 0.04 < high < 1.5 * low
    assert together.scatter == pytest.approx(0.8, abs=0.15)
