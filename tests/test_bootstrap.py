"""Resampling snapshots, runs and cations: against what is known exactly, and how often it holds the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from synthetic_study import write_study

from openmm_anion.comparison.bootstrap import bootstrap_means, interval, ratios
from openmm_anion.comparison.cross_check import disagreement
from openmm_anion.comparison.functions import StudyFunctions
from openmm_anion.comparison.results import Estimate
from openmm_anion.comparison.scatter import SnapshotScatter, snapshot_scatter
from openmm_anion.comparison.study import analyze_study
from openmm_anion.comparison.table import format_table
from openmm_anion.report.page import render
from openmm_anion.report.summary import headline, sentences

Array = np.ndarray
CATIONS = 48


def synthetic_mode(
    rng: np.random.Generator, d: float, snapshots: int, repeats: int, scatter: float
) -> dict[int, list[Array]]:
    """Runs with mean `d`: log-normal between snapshots; each cation has walked once (chi square of three)."""
    truths = d * np.exp(rng.normal(-0.5 * scatter**2, scatter, snapshots))
    return {
        j: [truth * rng.chisquare(3, CATIONS) / 3.0 for _ in range(repeats)] for j, truth in enumerate(truths)
    }


def test_variance_is_that_of_the_levels() -> None:
    """Many runs: the bootstrap variance is the sum over levels, as the theory of the design says."""
    rng = np.random.default_rng(3)
    snapshots, repeats, scatter = 40, 2, 0.3
    mode = synthetic_mode(rng, 1.0, snapshots, repeats, scatter)
    (means,), n = bootstrap_means([mode], np.random.default_rng(1), 1000)
    assert n == snapshots
    own = np.array([[run.mean() for run in runs] for runs in mode.values()])
    within = np.mean([run.var() / CATIONS for runs in mode.values() for run in runs])
    expected = own.mean(axis=1).var() / snapshots
    expected += own.var(axis=1).mean() / repeats / snapshots + within / repeats / snapshots
    assert means.mean() == pytest.approx(own.mean(), abs=0.01)
    assert means.std() == pytest.approx(np.sqrt(expected), rel=0.07)


def test_snapshots_are_paired() -> None:
    """Two modes that share the luck of their snapshots: the ratio is known better than either."""
    rng = np.random.default_rng(4)
    luck = np.exp(rng.normal(0.0, 0.5, 12))
    free, frozen = ({j: [scale * x * np.ones(5)] for j, x in enumerate(luck)} for scale in (1.0, 0.2))
    paired, _ = bootstrap_means([frozen, free], np.random.default_rng(1), 500)
    assert paired[1].std() > 0.05
    quotients = ratios(*paired)
    assert quotients is not None
    np.testing.assert_allclose(quotients, 0.2)
    del free[3]
    assert bootstrap_means([frozen, free], np.random.default_rng(1), 10)[1] == 11


def test_a_snapshot_with_one_run_less_counts_the_same() -> None:
    uneven = {0: [np.full(4, 1.0)], 1: [np.full(4, 3.0), np.full(4, 3.0)]}
    (means,), _ = bootstrap_means([uneven], np.random.default_rng(1), 4000)
    assert means.mean() == pytest.approx(2.0, abs=0.05)
    assert set(np.unique(means)) == {1.0, 2.0, 3.0}


def test_a_free_mode_without_diffusion_gives_no_ratio() -> None:
    assert ratios(np.ones(100), np.linspace(-0.1, 1.0, 100)) is None


def coverage(
    trials: int, snapshots: int, repeats: int, scatter: float, seed: int
) -> dict[tuple[str, float], float]:
    """Share of intervals of the mean and of the ratio that hold the truth; the free mode has no memory."""
    rng = np.random.default_rng(seed)
    hits = {(what, level): 0 for what in ("D", "ratio") for level in (0.68, 0.95)}
    for _ in range(trials):
        frozen = synthetic_mode(rng, 0.3, snapshots, repeats, scatter)
        free = synthetic_mode(rng, 1.0, snapshots, repeats, 0.0)
        means, n = bootstrap_means([frozen, free], rng, 500)
        quotients = ratios(*means)
        assert quotients is not None
        for what, values in (("D", means[0]), ("ratio", quotients)):
            for level in (0.68, 0.95):
                low, high = interval(values, level, n)
                hits[what, level] += low < 0.3 < high
    return {key: count / trials for key, count in hits.items()}


def test_intervals_hold_the_truth() -> None:
    """Ten snapshots; the slow test has fewer."""
    trials = 60
    for (what, level), share in coverage(trials, 10, 1, 0.3, seed=6).items():
        assert abs(share - level) < 3.0 * np.sqrt(level * (1.0 - level) / trials) + 0.03, (what, level)


@pytest.mark.slow
@pytest.mark.parametrize("scatter", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("repeats", [1, 2])
@pytest.mark.parametrize(
    ("snapshots", "short_68", "short_95"), [(3, 0.12, 0.2), (4, 0.1, 0.12), (6, 0.08, 0.08), (10, 0.06, 0.05)]
)
def test_intervals_hold_the_truth_often_tried(
    snapshots: int, short_68: float, short_95: float, repeats: int, scatter: float
) -> None:
    """What they lack at few snapshots is no more than the documentation says."""
    trials = 400
    found = coverage(trials, snapshots, repeats, scatter, seed=7)
    print(f"snapshots {snapshots} repeats {repeats} scatter {scatter}: {found}")
    for (what, level), share in found.items():
        short = short_68 if level < 0.9 else short_95
        assert share > level - short - 3.0 * np.sqrt(level * (1.0 - level) / trials), (what, level, share)


def test_scatter_is_split_into_what_was_put_in() -> None:
    """Means over many studies: both deviations come out, and p is uniform where snapshots do not differ."""
    rng = np.random.default_rng(8)
    between, within = 0.4, 0.2
    found, chances = [], []
    for _ in range(400):
        luck = 1.0 + between * rng.normal(size=8)
        noise = within * rng.normal(size=(2, 8, 3))
        found.append(snapshot_scatter({j: (x + noise[0, j]).tolist() for j, x in enumerate(luck)}))
        chances.append(snapshot_scatter({j: (1.0 + noise[1, j]).tolist() for j in range(8)}).p)
    assert np.sqrt(np.mean([f.between**2 for f in found])) == pytest.approx(between, rel=0.1)  # type: ignore[operator]
    assert np.sqrt(np.mean([f.within**2 for f in found])) == pytest.approx(within, rel=0.1)  # type: ignore[operator]
    held = np.mean([f.between_low < between < f.between_high for f in found])  # type: ignore[operator]
    assert held == pytest.approx(0.68, abs=0.08)
    assert np.mean(np.array(chances) < 0.25) == pytest.approx(0.25, abs=0.08)


@pytest.mark.parametrize(
    "runs",
    [
        {0: [1.0, 1.1], 1: [1.0, 1.2]},
        {0: [1.0], 1: [2.0], 2: [1.5]},
        {0: [1.0, 1.2], 1: [2.0, 2.1], 2: [1.5]},
        {},
    ],
)
def test_too_few_to_tell(runs: dict[int, list[float]]) -> None:
    found = snapshot_scatter(runs)
    assert found.between is None
    assert "too few to tell" in str(found)
    assert "it takes 3 snapshots and seeds = 2" in str(found)


def test_disagreements_are_named() -> None:
    def estimate(low: float, high: float, wider: float = 1.2) -> Estimate:
        return Estimate(value=0.5, low_68=low, high_68=high, low_95=low / wider, high_95=high * wider)

    assert disagreement(estimate(0.5, 0.6), estimate(0.5, 0.62)) == ""
    assert (
        disagreement(estimate(0.5, 0.9), estimate(0.5, 0.8))
        == "the posterior holds 1, the bootstrap does not"
    )
    assert "bootstrap's 68 % interval is 3.0 times" in disagreement(estimate(0.5, 0.55), estimate(0.45, 0.6))
    assert "posterior's 68 % interval is 3.0 times" in disagreement(estimate(0.45, 0.6), estimate(0.5, 0.55))


def test_a_verdict_that_resampling_does_not_confirm_is_doubtful(tmp_path: Path) -> None:
    directory = write_study(tmp_path / "study", {"free": 0.04, "R": 0.004}, snapshots=4, n_frames=201)
    results = analyze_study(directory)
    (temperature,) = results.temperatures
    free, frozen = temperature.modes
    assert (frozen.verdict, frozen.doubtful, temperature.dominant) == ("slower", False, None)
    assert "slower with the rotation of PS" in headline(results)
    wide = Estimate(value=0.5, low_68=0.2, high_68=2.0, low_95=0.1, high_95=146.0)
    doubtful = frozen.model_copy(update={"bootstrap_ratio": wide})
    other = temperature.model_copy(update={"modes": [free, doubtful], "dominant": "R"})
    doubted = results.model_copy(update={"temperatures": [other]})
    gives = "resampling the snapshots gives D/D(free) of 0.1 to 150 (95 %)"
    said = f'{gives}, which holds 1, so that "slower" is doubtful'
    assert f"850 K, R: {said}" in format_table(doubted)
    assert "  slower?  " in format_table(doubted)
    assert headline(doubted).startswith("No motion of PS")
    assert any(sentence.endswith(f"But {said}.") for sentence in sentences(doubted, other))


def test_a_study_says_both(tmp_path: Path) -> None:
    truth = {"free": 0.04, "R": 0.01}
    directory = write_study(tmp_path / "study", truth, snapshots=3, seeds=2, n_frames=61)
    results = analyze_study(directory)
    free, frozen = results.temperatures[0].modes
    assert free.bootstrap_ratio is None
    assert free.second_look == ""
    assert frozen.ratio is not None
    assert frozen.bootstrap_ratio is not None
    assert frozen.bootstrap_ratio.low_95 < 0.25 < frozen.bootstrap_ratio.high_95
    assert frozen.bootstrap_D_A2_per_ps is not None
    assert isinstance(frozen.scatter, SnapshotScatter)
    assert (frozen.scatter.snapshots, frozen.scatter.repeats) == (3, 2)
    text = format_table(results)
    assert "850 K, R: resampling the snapshots gives D/D(free) of " in text
    assert "850 K, R: effect of the frozen snapshot: D differs by" in text
    assert "effect of the frozen snapshot: D differs by" in render(
        results, StudyFunctions(modes=[], left_out=[])
    )
    again = analyze_study(directory)
    assert again.temperatures[0].modes[1].bootstrap_ratio == frozen.bootstrap_ratio
