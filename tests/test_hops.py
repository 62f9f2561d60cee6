from __future__ import annotations

from typing import Any

import MDAnalysis as mda
import numpy as np
import pytest
from MDAnalysis.lib.mdamath import triclinic_vectors
from scipy.stats import CensoredData, ecdf, poisson
from synthetic_study import TETRAHEDRON, jiggle

from openmm_anion.analysis import continuous
from openmm_anion.analysis.displacement_hops import DisplacementHops, displacement_hops
from openmm_anion.analysis.hops import SiteHops
from openmm_anion.analysis.ions import Anion
from openmm_anion.analysis.poisson import poisson_interval
from openmm_anion.analysis.quantity import from_json
from openmm_anion.analysis.residence_times import Stays, settled_stays, stay_survival
from openmm_anion.analysis.sites import Sites
from openmm_anion.errors import InputError

Array = np.ndarray[Any, Any]
DT = 0.1
SITES = 4
N_CATIONS = 24
CUBIC = [14.0, 14.0, 14.0, 90.0, 90.0, 90.0]
TRICLINIC = [14.0, 15.0, 16.0, 65.0, 75.0, 80.0]
GRID = np.stack(np.meshgrid(*[np.arange(SITES)] * 3, indexing="ij"), -1).reshape(-1, 3)
CENTRES = (GRID[GRID.sum(axis=1) % SITES == 0] + 0.5) / SITES
N_ANIONS = len(CENTRES)
ANIONS = [
    Anion(
        "PS4",
        np.arange(5 * a, 5 * a + 5),
        ("P", "S", "S", "S", "S"),
        np.array([30.974] + [32.06] * 4),
        0,
        np.arange(1, 5),
    )
    for a in range(N_ANIONS)
]


def breathing(dimensions: list[float], n: int) -> Array:
    """Lengths and angles that change by several percent, each in its own time."""
    time = np.arange(n)[:, None]
    return np.array(dimensions) * (1.0 + 0.02 * np.sin(time / np.array([31.0, 17.0, 23.0, 41.0, 29.0, 37.0])))


def walk(rng: np.random.Generator, n_frames: int, rate: float) -> Array:
    """Random walks on the grid of sites, at most one step in a frame: (frames, cations, 3), whole numbers."""
    hops = rng.random((n_frames, N_CATIONS)) < 1.0 - np.exp(-rate * DT)
    hops[0] = False
    steps = np.zeros((n_frames, N_CATIONS, 3), dtype=int)
    along = rng.integers(0, 3, (n_frames, N_CATIONS, 1))
    np.put_along_axis(steps, along, (hops * rng.choice([-1, 1], hops.shape))[..., None], axis=2)
    return np.asarray(GRID[rng.permutation(len(GRID))[:N_CATIONS]] + np.cumsum(steps, axis=0))


def crystal(
    rng: np.random.Generator,
    path: Array,
    dimensions: Array | list[float],
    *,
    amplitude: float = 0.15,
    drift: float = 0.0,
    wrapped: bool = True,
) -> Any:
    """Anions and vibrating cations on the sites of `path`, all of it scaled with the cell of each frame."""
    n = len(path)
    boxes = np.broadcast_to(np.asarray(dimensions, dtype=float), (n, 6)).astype(np.float32)
    cells = np.array([triclinic_vectors(box, dtype=np.float64) for box in boxes])
    anions = (CENTRES @ cells)[:, :, None] + np.vstack([np.zeros(3), TETRAHEDRON])
    anions = anions + jiggle(rng, anions.shape, 0.05, DT)
    cations = path / SITES @ cells + jiggle(rng, path.shape, amplitude, DT)
    positions = np.concatenate([anions.reshape(n, -1, 3), cations], axis=1)
    positions += drift * DT * np.arange(n)[:, None, None] * np.array([1.0, 0.4, -0.7])
    if wrapped:
        positions -= np.floor(positions @ np.linalg.inv(cells)) @ cells
    universe = mda.Universe.empty(positions.shape[1], trajectory=True)
    universe.load_new(positions.astype(np.float32), dimensions=boxes, dt=DT)
    return universe


def cations_of(universe: Any) -> Any:
    return universe.atoms[5 * N_ANIONS :]


def number(cells: Array) -> Array:
    """Number of the site at whole-numbered coordinates."""
    return np.asarray(np.ravel_multi_index(tuple(np.moveaxis(cells % SITES, -1, 0)), (SITES,) * 3))


def steps_of(path: Array) -> list[tuple[int, int, int, int]]:
    """Hops put in: frame, cation, from, to."""
    frame, cation = np.nonzero((np.diff(path, axis=0) != 0).any(axis=-1))
    origin, goal = number(path[frame, cation]), number(path[frame + 1, cation])
    return list(zip((frame + 1).tolist(), cation.tolist(), origin.tolist(), goal.tolist(), strict=True))


def lasting_steps_of(path: Array, settle: int) -> list[tuple[int, int, int, int]]:
    """The same for hops that last, one cation and one frame at a time."""
    found = []
    for cation in range(path.shape[1]):
        stays: list[list[Any]] = []
        for frame, site in enumerate(path[:, cation].tolist()):
            if not stays or stays[-1][0] != site:
                stays.append([site, frame, 0])
            stays[-1][2] += 1
        here = stays[0][0]
        for site, begin, length in stays[1:]:
            if length < settle or site == here:
                continue
            if settle <= begin <= len(path) - settle:
                found.append((begin, cation, int(number(np.array(here))), int(number(np.array(site)))))
            here = site
    return sorted(found)


def table(data: Any, name: str = "") -> list[tuple[int, int, int, int]]:
    columns = [
        np.round(data[f"{name}time"].values / DT).astype(int),
        data[f"{name}cation"].values - 5 * N_ANIONS,
        data[f"{name}from_site"].values,
        data[f"{name}to_site"].values,
    ]
    return [tuple(row) for row in np.column_stack(columns).tolist()]


def sites_in(dimensions: list[float]) -> Sites:
    return Sites(GRID / SITES, np.asarray(dimensions))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


CELLS = [np.array(CUBIC), np.array(TRICLINIC), breathing(TRICLINIC, 600)]


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


@pytest.mark.parametrize("dimensions", CELLS, ids=["cubic", "triclinic", "breathing"])
def test_displacements_find_the_hops_that_are_apart(rng: np.random.Generator, dimensions: Array) -> None:
    path = walk(rng, 600, 0.15)
    universe = crystal(rng, path, dimensions, drift=2.0)
    settle = 8
    hops = DisplacementHops(cations_of(universe), ANIONS, length=1.7, settle=settle * DT).run()
    found = {
        (round(float(t) / DT), int(c) - 5 * N_ANIONS): jump
        for t, c, jump in zip(hops.data.time, hops.data.cation, hops.data.jump.values, strict=True)
    }
    put_in: dict[int, list[int]] = {c: [] for c in range(N_CATIONS)}
    for frame, cation, _, _ in steps_of(path):
        put_in[cation].append(frame)
    apart = {
        (f, c)
        for c, frames in put_in.items()
        for f in frames
        if settle <= f <= 600 - settle and all(g == f or abs(g - f) > 2 * settle for g in frames)
    }
    assert len(apart) > 60
    for frame, cation in apart:
        truth = (path[frame, cation] - path[frame - 1, cation]) / SITES @ hops.mean_cell
        np.testing.assert_allclose(found[frame, cation], truth, atol=0.5)
    for frame, cation in found:
        assert min(abs(frame - g) for g in put_in[cation]) < settle


def by_definition(x: Array, length: float, w: int) -> list[tuple[int, int]]:
    n, found = len(x), []
    for p in range(x.shape[1]):
        d = np.zeros(n)
        for t in range(1, n):
            d[t] = np.linalg.norm(x[t : t + w, p].mean(axis=0) - x[max(t - w, 0) : t, p].mean(axis=0))
        for t in range(w, n - w + 1):
            if d[t] > length and d[t] >= d[max(t - w, 1) : t + w + 1].max():
                found.append((t, p))
    return sorted(found)


@pytest.mark.parametrize(("n_frames", "window"), [(300, 5), (301, 6), (40, 12), (25, 2)])
def test_displacements_follow_the_definition(rng: np.random.Generator, n_frames: int, window: int) -> None:
    x = np.cumsum(rng.normal(size=(n_frames, 6, 3)), axis=0) + 1e3
    time, particle, jumps, _, noise = displacement_hops(x, 1.5, window)
    assert list(zip(time.tolist(), particle.tolist(), strict=True)) == by_definition(x, 1.5, window)
    assert len(time)
    for t, p, jump in zip(time, particle, jumps, strict=True):
        np.testing.assert_allclose(
            jump, x[t : t + window, p].mean(axis=0) - x[t - window : t, p].mean(axis=0), atol=1e-9
        )
    assert noise > 0.0


def test_rattling_is_no_hop_and_has_its_amplitude(rng: np.random.Generator) -> None:
    universe = crystal(rng, walk(rng, 1500, 0.0), TRICLINIC, amplitude=0.25, drift=3.0)
    by_site = SiteHops(cations_of(universe), sites_in(TRICLINIC), ANIONS, radius=1.0).run().data
    by_displacement = DisplacementHops(cations_of(universe), ANIONS, length=1.7, settle=1.0).run().data
    for data in (by_site, by_displacement):
        assert data.sizes["event"] == 0
        assert float(data.hop_rate) == 0.0
        assert 0.0 < data.hop_rate_interval.values[1] < 4.0 / (N_CATIONS * 140.0)
    assert by_site.survival.shape == (1, 1)
    assert np.isinf(by_site.residence_time)
    assert float(by_displacement.rattling_amplitude) == pytest.approx(0.25 * np.sqrt(3.0), rel=0.02)


def test_rattling_is_measured_between_hops(rng: np.random.Generator) -> None:
    universe = crystal(rng, walk(rng, 2000, 0.03), CUBIC, amplitude=0.2)
    data = DisplacementHops(cations_of(universe), ANIONS, length=1.7, settle=0.8).run().data
    assert data.sizes["event"] > 80
    # Hops to and fro within the windows are not told apart from rattling.
    assert float(data.rattling_amplitude) == pytest.approx(0.2 * np.sqrt(3.0), rel=0.1)


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


def line(x: list[float], edge: float = 8.0) -> Any:
    """One cation on a line, 0.5 ps a frame."""
    universe = mda.Universe.empty(1, trajectory=True)
    positions = np.zeros((len(x), 1, 3))
    positions[:, 0, 0] = x
    universe.load_new(positions, dimensions=np.tile([edge] * 3 + [90.0] * 3, (len(x), 1)), dt=0.5)
    return universe.atoms


TWO = Sites(np.array([[0.0, 0.0, 0.0], [0.5, 0.0, 0.0]]), 8.0 * np.eye(3), ("a", "b"))


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


def test_a_displacement_that_begins_before_the_windows_fit_is_not_told() -> None:
    for hop, told in ((8, []), (9, []), (10, [5.0]), (30, [15.0]), (31, []), (39, [])):
        data = DisplacementHops(line([0.0] * hop + [4.0] * (40 - hop)), None, length=1.0, settle=5.0).run()
        np.testing.assert_array_equal(data.data.time, told)


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
