"""Intervals of numbers of events hold the truth, also where events come in groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import MDAnalysis as mda
import numpy as np
import pytest
from scipy.stats import poisson
from synthetic_study import hopping, hopping_in_strings, jiggle

from openmm_anion.analysis.displacement_hops import DisplacementHops
from openmm_anion.analysis.event_count import EventCount, count_events, pool_counts
from openmm_anion.analysis.poisson import poisson_interval
from openmm_anion.analysis.verdict import frequency_ratios
from openmm_anion.comparison.frequencies import EventCounts, frequencies

FRAMES, PARTICLES, SETTLE = 2000, 48, 10
STRING = 4.0
"""Mean number of particles that move at once."""

Events = tuple[Any, Any]
Draw = Callable[[np.random.Generator, float], Events]


def alone(rng: np.random.Generator, mean: float) -> Events:
    n = rng.poisson(mean)
    return rng.integers(0, FRAMES, n), rng.integers(0, PARTICLES, n)


def strings(rng: np.random.Generator, mean: float) -> Events:
    """Geometric numbers of particles at once; the variance is 7 times the mean."""
    sizes = np.minimum(rng.geometric(1.0 / STRING, rng.poisson(mean / STRING)), PARTICLES)
    movers = [rng.permutation(PARTICLES)[:size] for size in sizes]
    return np.repeat(rng.integers(0, FRAMES, len(sizes)), sizes), np.concatenate([np.empty(0, int), *movers])


def forth_and_back(rng: np.random.Generator, mean: float) -> Events:
    """A particle that moves goes back after 2 % of the record on average; some do so outside of it."""
    n = rng.poisson(mean)
    begin, who = rng.uniform(-FRAMES, FRAMES, n), rng.integers(0, PARTICLES, n)
    frames = np.concatenate([begin, begin + rng.exponential(0.02 * FRAMES, n)])
    inside = (frames >= 0.0) & (frames < FRAMES)
    return frames[inside].astype(int), np.tile(who, 2)[inside]


def unlike(rng: np.random.Generator, mean: float) -> Events:
    """Particles with exponentially distributed rates."""
    numbers = rng.poisson(mean / PARTICLES * rng.exponential(size=PARTICLES))
    return rng.integers(0, FRAMES, numbers.sum()), np.repeat(np.arange(PARTICLES), numbers)


def counted(draw: Draw, rng: np.random.Generator, mean: float) -> EventCount:
    return count_events(*draw(rng, mean), PARTICLES, (0, FRAMES), SETTLE)


def coverage(draw: Draw, mean: float, trials: int, seed: int) -> tuple[float, float, float]:
    """How often the 95 % interval and that of Poisson hold the mean, and the mean dispersion."""
    rng = np.random.default_rng(seed)
    found = [counted(draw, rng, mean) for _ in range(trials)]
    ends = [one.interval() for one in found], [poisson_interval(one.count) for one in found]
    shares = [float(np.mean([low <= mean <= high for low, high in own])) for own in ends]
    return shares[0], shares[1], float(np.mean([one.dispersion for one in found]))


CASES = [(alone, 20.0), (strings, 60.0), (forth_and_back, 60.0), (unlike, 100.0)]


@pytest.mark.parametrize(("draw", "mean"), CASES)
def test_intervals_hold_the_truth_where_poissons_do_not(draw: Draw, mean: float) -> None:
    trials = 400
    ours, plain, _ = coverage(draw, mean, trials, seed=3)
    assert ours > 0.95 - 3.0 * np.sqrt(0.95 * 0.05 / trials)
    assert (plain > 0.93) == (draw is alone)


def test_few_groups_have_too_narrow_an_interval_and_no_event_that_of_poisson() -> None:
    """As docs/theory.md says: two or three strings are too few, and may be none."""
    ours, plain, _ = coverage(strings, 10.0, 400, seed=4)
    assert plain < 0.65 < ours < 0.9
    for frames in ([], [700], [700, 700]):
        few = count_events(frames, np.arange(len(frames)), PARTICLES, (0, FRAMES), SETTLE)
        assert few.dispersion == 1.0
        assert few.interval(0.68) == poisson_interval(len(frames), 0.68)


@pytest.mark.slow
@pytest.mark.parametrize("mean", [5.0, 10.0, 20.0, 50.0, 200.0])
@pytest.mark.parametrize("draw", [alone, strings, forth_and_back, unlike])
def test_intervals_hold_the_truth_often_tried(draw: Draw, mean: float) -> None:
    trials = 2000
    ours, plain, phi = coverage(draw, mean, trials, seed=5)
    print(f"{draw.__name__} {mean:g}: ours {ours:.3f}, Poisson {plain:.3f}, dispersion {phi:.2f}")
    fewest: dict[Draw, float] = {alone: 0.0, unlike: 0.0, forth_and_back: 8.0, strings: 20.0}
    if mean >= fewest[draw]:
        assert ours > 0.95 - 3.0 * np.sqrt(0.95 * 0.05 / trials) - 0.01
    assert ours >= plain


def test_the_variance_is_that_of_many_records() -> None:
    for draw in (alone, strings, forth_and_back, unlike):
        rng = np.random.default_rng(6)
        found = [counted(draw, rng, 200.0) for _ in range(400)]
        numbers = [one.count for one in found]
        assert np.mean([one.variance for one in found]) == pytest.approx(np.var(numbers, ddof=1), rel=0.2)


def test_independent_events_have_the_variance_of_poisson_on_average() -> None:
    rng = np.random.default_rng(7)
    for n_particles, frames in ((1, 2000), (16, 2000), (48, 90), (3, 1)):
        found = []
        for _ in range(600):
            n = rng.poisson(12.0)
            events = rng.integers(0, frames, n), rng.integers(0, n_particles, n)
            found.append(count_events(*events, n_particles, (0, frames), SETTLE))
        ratio = np.sum([one.variance for one in found]) / np.sum([one.count for one in found])
        assert ratio == pytest.approx(1.0, abs=0.12)


@pytest.mark.parametrize("count", [0, 3, 40])
def test_groups_of_a_size_are_counted_as_one(count: int) -> None:
    low, high = poisson_interval(3 * count, 0.9, dispersion=3.0)
    assert (low, high) == pytest.approx([3.0 * end for end in poisson_interval(count, 0.9)])
    assert poisson.cdf(count, high / 3.0) == pytest.approx(0.05)


def pooled(draw: Draw, rng: np.random.Generator, mean: float, runs: int, scatter: float) -> EventCount:
    """Runs of equal length, whose rates differ by a factor exp(+- scatter) of mean 1."""
    factors = np.exp(scatter * rng.normal(size=runs) - 0.5 * scatter**2)
    return pool_counts([counted(draw, rng, mean / runs * factor) for factor in factors], [1.0] * runs)


def pooled_coverage(
    draw: Draw, mean: float, runs: int, scatter: float, trials: int, seed: int
) -> tuple[float, float]:
    """How often the 95 % interval of all runs and that of Poisson hold the mean."""
    rng = np.random.default_rng(seed)
    found = [pooled(draw, rng, mean, runs, scatter) for _ in range(trials)]
    ends = [one.interval() for one in found], [poisson_interval(one.count) for one in found]
    ours, plain = (float(np.mean([low <= mean <= high for low, high in own])) for own in ends)
    return ours, plain


def test_runs_are_pooled_with_their_groups() -> None:
    ours, plain = pooled_coverage(strings, 60.0, 4, 0.0, 300, seed=8)
    assert plain < 0.7
    assert ours > 0.95 - 3.0 * np.sqrt(0.95 * 0.05 / 300)
    none, some = EventCount(0, 0.0, 0.0), EventCount(2, 2.0, 1.0)
    assert pool_counts([none, some], [3.0, 1.0]).count == 2
    assert pool_counts([some, some, none], [1.0, 1.0, 0.0]) == EventCount(4, 4.0, np.sqrt(2.0))


def test_rates_of_a_study_tell_their_dispersion() -> None:
    rng = np.random.default_rng(12)
    times = {"hop_rate": 960.0, "rotation_rate_PS4": 320.0}
    draws = {"hop_rate": (strings, 80.0), "rotation_rate_PS4": (alone, 40.0)}
    runs = [
        EventCounts({name: counted(draw, rng, mean) for name, (draw, mean) in draws.items()}, times)
        for _ in range(4)
    ]
    rates = frequencies(runs)
    assert 3.0 < rates["hop_dispersion"] < 14.0
    assert 1.0 <= rates["rotation_dispersion_PS4"] < 2.0
    assert rates["hop_rate_low_per_ps"] < 80.0 / 960.0 < rates["hop_rate_high_per_ps"]
    hops = sum(run.events["hop_rate"].count for run in runs)
    assert rates["hop_rate_per_ps"] == pytest.approx(hops / (4 * 960.0))
    wide = 4 * 960.0 * rates["hop_rate_high_per_ps"] - hops
    assert wide > 1.7 * (poisson_interval(hops)[1] - hops)
    assert frequency_ratios(rates).keys() == {"PS4"}


@pytest.mark.slow
@pytest.mark.parametrize("scatter", [0.0, 0.3])
@pytest.mark.parametrize("runs", [2, 4, 8])
@pytest.mark.parametrize("draw", [alone, strings])
def test_pooled_intervals_hold_the_truth_often_tried(draw: Draw, runs: int, scatter: float) -> None:
    trials = 1000
    ours, plain = pooled_coverage(draw, 80.0, runs, scatter, trials, seed=9)
    print(f"{draw.__name__}, {runs} runs, scatter {scatter}: ours {ours:.3f}, Poisson {plain:.3f}")
    assert ours > plain
    if not scatter:
        assert ours > 0.95 - 3.0 * np.sqrt(0.95 * 0.05 / trials) - 0.01


def hops_of(rng: np.random.Generator, burst: float, d: float, n_frames: int) -> Any:
    """Hops found in a crystal where cations vibrate and hop in strings, with a variance of `burst`."""
    if burst > 1.0:
        path = hopping_in_strings(rng, PARTICLES, n_frames, d, 0.1, burst)
    else:
        path = hopping(rng, PARTICLES, n_frames, d, 0.1)
    universe = mda.Universe.empty(PARTICLES, trajectory=True)
    positions = path + jiggle(rng, path.shape, 0.3, 0.1)
    universe.load_new(positions.astype(np.float32), dt=0.1)
    return DisplacementHops(universe.atoms, None, length=1.7, settle=1.0).run().data


def test_hops_in_strings_are_seen_in_the_trajectory() -> None:
    rng = np.random.default_rng(10)
    found = {burst: [hops_of(rng, burst, 0.03, 1000) for _ in range(10)] for burst in (1.0, 7.0)}
    phi = {burst: np.mean([one.hop_rate_dispersion for one in own]) for burst, own in found.items()}
    assert phi[1.0] < 1.4
    assert 4.0 < phi[7.0] < 9.0


@pytest.mark.slow
@pytest.mark.parametrize("burst", [1.0, 7.0])
def test_rates_in_a_trajectory_hold_the_truth_often_tried(burst: float) -> None:
    """Against the mean of all records, as hops closer than `settle` are one."""
    rng = np.random.default_rng(11)
    found = [hops_of(rng, burst, 0.03, 1000) for _ in range(300)]
    truth = np.mean([one.hop_rate for one in found])
    inside = np.mean([low <= truth <= high for low, high in (one.hop_rate_interval.values for one in found)])
    print(f"burst {burst}: {inside:.3f}, {np.mean([one.sizes['event'] for one in found]):.0f} hops")
    assert inside > 0.95 - 3.0 * np.sqrt(0.95 * 0.05 / 300)
