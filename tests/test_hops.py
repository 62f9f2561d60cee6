"""Hops between sites are those put in, and stays last as long."""

from __future__ import annotations

from typing import Any

import MDAnalysis as mda
import numpy as np
import pytest
from hopping_crystal import (
    ANIONS,
    CELLS,
    CUBIC,
    DT,
    N_CATIONS,
    SITES,
    TRICLINIC,
    TWO,
    Array,
    breathing,
    cations_of,
    crystal,
    lasting_steps_of,
    line,
    sites_in,
    steps_of,
    table,
    walk,
)
from MDAnalysis.lib.mdamath import triclinic_vectors
from scipy.stats import CensoredData, ecdf, poisson

from openmm_anion.analysis import continuous
from openmm_anion.analysis.displacement_hops import DisplacementHops
from openmm_anion.analysis.hops import SiteHops
from openmm_anion.analysis.poisson import poisson_interval
from openmm_anion.analysis.quantity import from_json
from openmm_anion.analysis.residence_times import Stays, settled_stays, stay_survival
from openmm_anion.analysis.sites import Sites
from openmm_anion.errors import InputError


@pytest.mark.parametrize("dimensions", CELLS, ids=["cubic", "triclinic", "breathing"])
@pytest.mark.parametrize("radius", [None, 1.2])
def test_hops_between_sites_are_those_put_in(
    rng: np.random.Generator, dimensions: Array, radius: float | None
) -> None:
    path = walk(rng, 600, 0.4)
    universe = crystal(rng, path, dimensions, drift=2.0)
    first = np.atleast_2d(dimensions)[0].tolist()
    hops = SiteHops(cations_of(universe), sites_in(first), ANIONS, radius=radius, settle=0.7).run()
    assert len(steps_of(path)) > 400
    assert table(hops.data) == steps_of(path)
    assert table(hops.data, "lasting_") == lasting_steps_of(path, 7)
    assert 0 < hops.data.sizes["lasting_event"] < hops.data.sizes["event"]
    truth = np.diff(path, axis=0)
    truth = truth[(truth != 0).any(axis=-1)] / SITES @ hops.mean_cell
    np.testing.assert_allclose(hops.data.jump, truth, atol=1e-5)
    np.testing.assert_allclose(hops.data.jump_length, np.linalg.norm(truth, axis=1), atol=1e-5)


def test_the_mean_cell_is_that_of_the_frames(rng: np.random.Generator) -> None:
    boxes = breathing(TRICLINIC, 101)
    hops = SiteHops(cations_of(crystal(rng, walk(rng, 101, 0.1), boxes)), sites_in(TRICLINIC), ANIONS).run()
    np.testing.assert_allclose(hops.mean_cell, np.mean([triclinic_vectors(b) for b in boxes], 0), rtol=1e-5)


def test_frames_in_small_blocks_give_the_same(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = walk(rng, 200, 0.5)
    universe = crystal(rng, path, TRICLINIC, drift=1.0)
    monkeypatch.setattr(continuous, "BLOCK_NUMBERS", 3 * universe.atoms.n_atoms * 7)
    hops = SiteHops(cations_of(universe), sites_in(TRICLINIC), ANIONS, radius=1.2).run()
    assert table(hops.data) == steps_of(path)
    lasting = DisplacementHops(cations_of(universe), ANIONS, length=1.7, settle=0.5).run()
    monkeypatch.undo()
    at_once = DisplacementHops(cations_of(universe), ANIONS, length=1.7, settle=0.5).run()
    assert at_once.data.sizes["event"] > 50
    np.testing.assert_allclose(lasting.data.jump, at_once.data.jump, atol=1e-6)


@pytest.mark.parametrize("n_frames", [2000, 2001])
def test_rates_are_those_put_in(rng: np.random.Generator, n_frames: int) -> None:
    rate = 0.05
    universe = crystal(rng, walk(rng, n_frames, rate), CUBIC)
    data = SiteHops(cations_of(universe), sites_in(CUBIC), ANIONS, radius=1.2, settle=0.5).run().data
    low, high = data.hop_rate_interval.values
    assert low < rate < high < 1.3 * rate
    assert high / low < 1.4
    assert float(data.hop_rate) == pytest.approx(data.sizes["event"] / (N_CATIONS * (n_frames - 1) * DT))
    low, high = data.residence_time_interval.values
    assert low < 1.0 / rate < high
    assert float(data.residence_time) == pytest.approx(1.0 / float(data.hop_rate))
    # A long stay follows another one at once, or after short stays, if those do not lead back: 5 times of 6.
    survive = np.exp(-rate * 0.5)
    low, high = data.lasting_hop_rate_interval.values
    assert low < rate * survive**2 * (1.0 + 5 / 6 * (1.0 - survive)) < high
    by_displacement = DisplacementHops(cations_of(universe), ANIONS, length=1.7, settle=0.5).run().data
    low, high = by_displacement.hop_rate_interval.values
    assert low < rate * survive**2 < high


def test_uncorrelated_hops_on_a_cubic_grid_return_one_time_in_six(rng: np.random.Generator) -> None:
    universe = crystal(rng, walk(rng, 3000, 0.5), CUBIC)
    data = SiteHops(cations_of(universe), sites_in(CUBIC), ANIONS).run().data
    n = data.sizes["event"]
    assert n > 2000
    assert float(data.return_fraction) == pytest.approx(1 / 6, abs=3.0 * np.sqrt(1 / 6 * 5 / 6 / n))
    follows = n - len(np.unique(data.cation))
    assert float(data.return_fraction) == pytest.approx(float(data.returns.sum()) / follows)


def test_drift_of_the_framework_changes_nothing() -> None:
    still, drifting = (
        crystal(np.random.default_rng(3), walk(np.random.default_rng(4), 400, 0.2), CUBIC, drift=drift)
        for drift in (0.0, 4.0)
    )
    events = [
        table(SiteHops(cations_of(u), sites_in(CUBIC), ANIONS, radius=1.2).run().data)
        for u in (still, drifting)
    ]
    assert events[0] == events[1]
    lab = SiteHops(cations_of(drifting), sites_in(CUBIC), None, radius=1.2).run().data
    assert lab.sizes["event"] > 1.5 * len(events[0])
    jumps = [
        DisplacementHops(cations_of(u), ANIONS, length=1.7, settle=0.5).run().data.jump.values
        for u in (still, drifting)
    ]
    np.testing.assert_allclose(jumps[0], jumps[1], atol=1e-4)


def test_a_cation_keeps_its_site_until_it_enters_another() -> None:
    atoms = line([0.0, 1.5, 2.5, 1.8, 2.3, 0.2, 2.1, 3.8, 2.2, 1.8, 4.1, 4.0])
    data = SiteHops(atoms, TWO, None, radius=1.0, settle=0.5).run().data
    np.testing.assert_array_equal(data.time, [3.5])
    assert float(data.within_radius) == 5 / 12
    crossings = SiteHops(atoms, TWO, None, settle=0.5).run().data
    np.testing.assert_array_equal(crossings.to_site, [1, 0, 1, 0, 1, 0, 1])
    np.testing.assert_array_equal(crossings.returns, [0, 1, 1, 1, 1, 1, 1])


def test_a_hop_to_an_image_of_the_same_site_counts() -> None:
    one = Sites(np.zeros((1, 3)), 8.0 * np.eye(3))
    data = SiteHops(line([0.0, 3.0, 6.0, 7.9, 0.2]), one, None, radius=1.0, settle=0.5).run().data
    np.testing.assert_array_equal(data.from_site, data.to_site)
    np.testing.assert_allclose(data.jump, [[8.0, 0.0, 0.0]])


@pytest.mark.parametrize(("before", "after", "lasts"), [(3, 3, 1), (2, 4, 0), (4, 2, 0)])
def test_hops_near_an_end_of_the_record_are_not_told(before: int, after: int, lasts: int) -> None:
    data = SiteHops(line([0.0] * before + [4.0] * after), TWO, None, settle=1.5).run().data
    assert data.sizes["event"] == 1
    assert data.sizes["lasting_event"] == lasts
    # One frame at which a hop could have been seen.
    assert float(data.lasting_hop_rate) == lasts / 0.5
    assert float(data.hop_rate) == 1 / 2.5


def test_survival_of_stays_is_that_of_kaplan_and_meier(rng: np.random.Generator) -> None:
    frames, ended = rng.integers(1, 60, 200), rng.random(200) < 0.7
    ours, error = stay_survival(frames, ended, 60)
    theirs = ecdf(CensoredData(uncensored=frames[ended], right=frames[~ended])).sf
    known = np.isfinite(ours)
    np.testing.assert_allclose(ours[known], theirs.evaluate(np.arange(60.0))[known], atol=1e-12)
    with pytest.warns(RuntimeWarning, match="undefined at some observations"):
        bounds = theirs.confidence_interval(0.95).high.probabilities
    at = theirs.quantiles.astype(int)
    inside = (bounds < 1.0) & known[at]
    np.testing.assert_allclose((ours + 1.959964 * error)[at][inside], bounds[inside], atol=1e-6)


def test_a_short_record_does_not_shorten_stays(rng: np.random.Generator) -> None:
    rate = 0.1
    universe = crystal(rng, walk(rng, 200, rate), CUBIC)
    more = [SiteHops(cations_of(universe), sites_in(CUBIC), ANIONS, radius=1.2).run()]
    for seed in range(6):
        other = np.random.default_rng(seed)
        universe = crystal(other, walk(other, 200, rate), CUBIC)
        more.append(SiteHops(cations_of(universe), sites_in(CUBIC), ANIONS, radius=1.2).run())
    stays = [hops.stays for hops in more]
    watched = np.concatenate([s.watched[~s.first] for s in stays])
    ended = np.concatenate([~s.last[~s.first] for s in stays])
    survival, error = stay_survival(watched, ended, 101)
    at = np.array([10, 30, 60, 100])
    truth = np.exp(-rate * DT * at)
    assert (np.abs(survival[at] - truth) < 3.0 * error[at]).all()
    assert (error[at] < 0.08).all()
    # What one gets from the stays that ended, and so could be measured.
    assert watched[ended].mean() * DT < 0.75 / rate


def test_survival_is_given_for_each_kind_of_site() -> None:
    x = [0.0] + [4.0, 0.0, 0.0, 0.0] * 5 + [4.0]
    hops = SiteHops(line(x), TWO, None, settle=0.5).run()
    data = hops.data
    np.testing.assert_array_equal(data.kind, ["a", "b"])
    np.testing.assert_array_equal(data.stay_times, [0.0, 0.5, 1.0, 1.5])
    np.testing.assert_allclose(data.survival, [[1.0, 1.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(data.transitions, [[0, 6], [5, 0]])
    np.testing.assert_array_equal(hops.transition_matrix(), [[0, 6], [5, 0]])
    np.testing.assert_allclose(data.occupancy, [16 / 22, 6 / 22])
    np.testing.assert_array_equal(data.departures, [6, 5])
    np.testing.assert_allclose(data.site_residence_time, [16 * 0.5 / 6, 5 * 0.5 / 5])
    settled = SiteHops(line(x), TWO, None, settle=1.0).run()
    assert settled.data.sizes["lasting_event"] == 0
    assert settled.transition_matrix(lasting=True).sum() == 0
    assert settled.data.sizes["event"] == 11


def test_settling_joins_what_short_stays_separate() -> None:
    cation = np.array([0, 0, 0, 0, 1, 1])
    stays = Stays(
        cation,
        np.array([3, 4, 3, 5, 5, 6]),
        np.zeros((6, 3), dtype=int),
        np.array([0, 10, 12, 25, 0, 99]),
        np.array([10, 12, 25, 100, 99, 100]),
    )
    settled = settled_stays(stays, 5)
    np.testing.assert_array_equal(settled.cation, [0, 0, 1])
    np.testing.assert_array_equal(settled.site, [3, 5, 5])
    np.testing.assert_array_equal(settled.begin, [0, 25, 0])
    np.testing.assert_array_equal(settled.end, [25, 100, 100])


@pytest.mark.parametrize("count", [0, 1, 7, 400])
def test_poisson_intervals_leave_the_chance_they_say(count: int) -> None:
    low, high = poisson_interval(count, 0.9)
    assert poisson.cdf(count, high) == pytest.approx(0.05)
    assert low == 0.0 if count == 0 else poisson.sf(count - 1, low) == pytest.approx(0.05)


def test_results_can_be_written_and_drawn(rng: np.random.Generator, tmp_path: Any) -> None:
    universe = crystal(rng, walk(rng, 200, 0.2), CUBIC)
    for quantity in (
        SiteHops(cations_of(universe), sites_in(CUBIC), ANIONS).run(),
        DisplacementHops(cations_of(universe), ANIONS, length=1.7, settle=0.5).run(),
    ):
        quantity.to_json(tmp_path / "hops.json")
        np.testing.assert_allclose(from_json(tmp_path / "hops.json").jump, quantity.data.jump)
        assert quantity.plot().get_xlabel()


def test_wrong_input_is_refused(rng: np.random.Generator) -> None:
    universe = crystal(rng, walk(rng, 30, 0.1), CUBIC)
    atoms = cations_of(universe)
    with pytest.raises(InputError, match="cation selection is empty"):
        SiteHops(atoms[:0], sites_in(CUBIC), ANIONS)
    with pytest.raises(InputError, match="at least one anion"):
        SiteHops(atoms, sites_in(CUBIC), [])
    with pytest.raises(InputError, match="radius -1"):
        SiteHops(atoms, sites_in(CUBIC), ANIONS, radius=-1.0)
    with pytest.raises(InputError, match=r"sites are for a cell with edges .*15"):
        SiteHops(atoms, sites_in(TRICLINIC), ANIONS).run()
    with pytest.raises(InputError, match=r"no cation comes within 0.5 A of a site"):
        SiteHops(atoms, Sites(np.array([[0.125] * 3]), np.array(CUBIC)), ANIONS, radius=0.5).run()
    with pytest.raises(InputError, match=r"settle 2 ps before and after a hop needs 40 frames, got 30"):
        SiteHops(atoms, sites_in(CUBIC), ANIONS, settle=2.0).run()
    with pytest.raises(InputError, match="settle -1"):
        SiteHops(atoms, sites_in(CUBIC), ANIONS, settle=-1.0).run()
    with pytest.raises(InputError, match="less than 2 frames"):
        DisplacementHops(atoms, ANIONS, length=1.0, settle=0.1).run()
    with pytest.raises(InputError, match="length 0"):
        DisplacementHops(atoms, ANIONS, length=0.0, settle=0.5)
    with pytest.raises(InputError, match="at least 2 frames"):
        SiteHops(atoms, sites_in(CUBIC), ANIONS).run(stop=1)


def test_a_cell_that_flips_or_is_missing_is_refused(rng: np.random.Generator) -> None:
    boxes = np.tile(CUBIC, (20, 1))
    boxes[7:, 5] = 75.0
    universe = crystal(rng, walk(rng, 20, 0.0), boxes, wrapped=False)
    with pytest.raises(InputError, match=r"the cell of frame 7 differs by 26 percent from the first"):
        SiteHops(cations_of(universe), sites_in(CUBIC), ANIONS).run()
    bare = mda.Universe.empty(1, trajectory=True)
    bare.load_new(np.zeros((5, 1, 3)), dt=0.1)
    with pytest.raises(InputError, match="has no cell, which SiteHops needs"):
        SiteHops(bare.atoms, sites_in(CUBIC), None).run()
    assert DisplacementHops(bare.atoms, None, length=1.0, settle=0.2).run().data.sizes["event"] == 0
