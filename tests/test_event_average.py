from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from MDAnalysis.lib.distances import distance_array
from MDAnalysis.lib.mdamath import triclinic_vectors
from scipy.spatial.transform import Rotation
from synthetic_study import jiggle

from openmm_anion.analysis import event_average, event_windows
from openmm_anion.analysis.event_average import (
    EventAverage,
    control_times,
    departure_p_value,
    nearest_ions,
)
from openmm_anion.analysis.event_windows import window_values
from openmm_anion.errors import InputError

Array = np.ndarray[Any, Any]

N_FRAMES, N_IONS = 3000, 12
DT = 0.1
WINDOW: dict[str, Any] = {"frame_interval": DT, "before": 2.0, "after": 3.0}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(17)


def some_events(rng: np.random.Generator, n: int) -> Array:
    return np.column_stack([rng.integers(0, N_FRAMES, n), rng.integers(0, N_IONS, n)])


def noise(rng: np.random.Generator) -> Array:
    return jiggle(rng, (N_FRAMES, N_IONS), 1.0, DT, tau=0.5)


def test_the_mean_and_its_error_are_those_of_the_definition(rng: np.random.Generator) -> None:
    series, events = noise(rng), some_events(rng, 60)
    data = EventAverage(events, {"a": series}, **WINDOW, n_controls=3).run().data
    windows = np.array([series[f - 20 : f + 31, j] for f, j in events if 20 <= f <= N_FRAMES - 31])
    assert data.n_events == len(windows)
    assert data.n_left_out == 60 - len(windows)
    np.testing.assert_allclose(data.a, windows.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(data.a_error, windows.std(axis=0, ddof=1) / np.sqrt(len(windows)), rtol=1e-12)
    np.testing.assert_allclose(data.lag_times, DT * np.arange(-20, 31))


def test_windows_reach_the_ends_of_the_record() -> None:
    series = np.arange(10.0)[:, None]
    at = {"frame_interval": 1.0, "before": 2.0, "after": 3.0, "n_controls": 5}
    data = EventAverage([[2, 0], [6, 0], [1, 0], [7, 0]], {"a": series}, **at).run().data  # type: ignore[arg-type]
    assert data.n_events == 2
    np.testing.assert_allclose(data.a, 4.0 + np.arange(-2, 4))


@pytest.mark.parametrize("base", [0, 4, 6])
def test_distances_and_angles_are_those_of_scipy(rng: np.random.Generator, base: int) -> None:
    positions = np.cumsum(rng.normal(size=(50, 3, 3)), axis=0)
    turns = Rotation.from_rotvec(np.cumsum(rng.normal(size=(50, 3, 3)) * 0.5, axis=0).reshape(-1, 3))
    quaternions = turns.as_quat()[:, [3, 0, 1, 2]].reshape(50, 3, 4)
    quaternions *= rng.choice([-1.0, 1.0], (50, 3, 1))  # either sign is the same rotation
    frames, ions = np.array([4, 20, 47]), np.array([2, 0, 1])
    distances, angles = (window_values(x, frames, ions, 4, 2, base) for x in (positions, quaternions))
    rotations = np.array(turns.as_matrix()).reshape(50, 3, 3, 3)
    for e, (f, j) in enumerate(zip(frames, ions, strict=True)):
        then = f - 4 + base
        for k in range(7):
            moved = positions[f - 4 + k, j] - positions[then, j]
            assert distances[e, k] == pytest.approx(np.linalg.norm(moved), abs=1e-12)
            turned = Rotation.from_matrix(rotations[f - 4 + k, j] @ rotations[then, j].T)
            assert angles[e, k] == pytest.approx(turned.magnitude(), abs=1e-7)


def test_small_angles_keep_their_digits() -> None:
    half = 0.5e-9
    q = np.array([[[1.0, 0, 0, 0]], [[np.cos(half), np.sin(half), 0, 0]]])
    angle = window_values(q, np.array([1]), np.array([0]), 1, 0, 0)[0, 1]
    assert angle == pytest.approx(1e-9, rel=1e-6)


def test_a_response_to_events_is_found(rng: np.random.Generator) -> None:
    series, events = noise(rng), some_events(rng, 150)
    for frame, ion in events:
        series[frame : frame + 10, ion] += 0.6
    series += np.linspace(0.0, 2.0, N_IONS)  # some anions have more of it at all times
    data = EventAverage(events, {"a": series}, **WINDOW, n_controls=300, units={"a": "deg"}).run().data
    assert (data.a_p_value < 0.01).all()
    high = data.a_band.sel(bound=97.5)
    during = (data.lag_times > -0.05) & (data.lag_times < 0.95)
    assert (data.a > high).isel(lag_times=during).all()
    # windows of other events overlap here and there, which adds to both
    rise = (data.a - data.a_control.sel(control="shifted")).values
    before = data.lag_times.values < -0.05
    assert np.abs(rise[during] - 0.6).max() < 4.0 * data.a_error.max()
    assert np.abs(rise[before]).max() < 4.0 * data.a_error.max()
    assert data.a.attrs["units"] == "deg"


def test_nothing_is_found_where_nothing_happens(rng: np.random.Generator) -> None:
    p_values, outside = [], []
    for seed in range(60):
        series = noise(rng) + np.linspace(0.0, 2.0, N_IONS)
        average = EventAverage(some_events(rng, 60), {"a": series}, **WINDOW, n_controls=99, seed=seed)
        data = average.run().data
        p_values.append(data.a_p_value.values)
        low, high = data.a_band
        outside.append([((data.a < low) | (data.a > high)).mean()])
    p = np.array(p_values)
    # uniform between 0 and 1: of 60, 3 are below 0.05 and 30 below a half
    assert ((p < 0.05).sum(axis=0) <= 9).all()
    assert (np.abs(p.mean(axis=0) - 0.5) < 4.0 / np.sqrt(12 * 60)).all()
    assert 0.02 < np.mean(outside) < 0.1


def test_only_shifted_times_keep_events_together(rng: np.random.Generator) -> None:
    # Bursts of events in slow noise: their average varies more than that of as many at random.
    p_values = []
    for seed in range(40):
        series = jiggle(rng, (N_FRAMES, N_IONS), 1.0, DT, tau=2.0)
        start = rng.integers(0, N_FRAMES - 40, 5)
        events = np.column_stack(
            [np.repeat(start, 30) + np.tile(np.arange(30), 5), np.repeat(np.arange(5), 30)]
        )
        data = EventAverage(events, {"a": series}, **WINDOW, n_controls=60, seed=seed).run().data
        p_values.append(data.a_p_value.sel(control=["random", "shifted"]).values)
    random, shifted = (np.array(p_values) < 0.05).sum(axis=0)
    assert random > 20
    assert shifted < 9


def test_controls_are_what_they_are_said_to_be(rng: np.random.Generator) -> None:
    frames = np.array([3, 3, 10, 17])
    random, shifted = control_times(frames, 3, 17, 2, 4000, rng)
    for times in (random, shifted):
        assert times.min() == 3
        assert times.max() == 17
    assert ((shifted - frames - (shifted[:, :1] - frames[0])) % 15 == 0).all()
    away = np.abs(shifted - frames)
    assert np.minimum(away, 15 - away).min() == 2  # no control sees the events
    np.testing.assert_allclose(np.bincount(random.ravel())[3:] / random.size, 1 / 15, rtol=0.1)
    again = control_times(frames, 3, 17, 2, 4000, np.random.default_rng(17))
    np.testing.assert_array_equal(again[0], random)


def test_p_values_count_controls_that_depart_as_far(rng: np.random.Generator) -> None:
    controls = rng.normal(size=(199, 30))
    assert departure_p_value(np.full(30, 5.0), controls) == pytest.approx(1 / 200)
    assert departure_p_value(controls.mean(axis=0), controls) == 1.0
    assert departure_p_value(np.zeros(3), np.zeros((9, 3))) == 1.0


def test_anions_jump_when_a_cation_passes(rng: np.random.Generator) -> None:
    """Distances of a centre and angles of an orientation, from the beginning of the window."""
    events = np.column_stack([np.sort(rng.permutation(2900)[:40]) + 50, np.arange(40) % N_IONS])
    positions = jiggle(rng, (N_FRAMES, N_IONS, 3), 0.02, DT)
    angle = np.zeros((N_FRAMES, N_IONS))
    for frame, ion in events:
        positions[frame:, ion, 0] += 0.5
        angle[frame:, ion] += 2.0
    zero = np.zeros_like(angle)
    quaternions = np.stack([np.cos(0.5 * angle), zero, np.sin(0.5 * angle), zero], axis=-1)
    series = {"moved": positions, "turned": quaternions}
    average = EventAverage(events, series, **WINDOW, n_controls=200)
    data = average.run().data
    after = data.lag_times.values > -0.05
    np.testing.assert_allclose(data.moved[after], 0.5, atol=0.03)
    np.testing.assert_allclose(data.moved[~after], 0.0, atol=0.06)
    np.testing.assert_allclose(data.turned, np.where(after, 2.0, 0.0), atol=1e-12)
    assert (data.moved_p_value < 0.01).all()
    assert [data[name].attrs["units"] for name in series] == ["A", "rad"]
    assert (data.turned_band.sel(bound=97.5).isel(lag_times=-1) < 1.5).all()
    axes = average.plot(name="turned", control="random")
    assert axes.get_xlabel() == "time from the event (ps)"
    assert axes.get_ylabel() == "turned (rad)"


@pytest.mark.parametrize("numbers", [3, 900, 5000, 60_000])  # an ion at a time, a window and more, all ions
@pytest.mark.parametrize("before", [0.0, 2.0, 140.0])
def test_maps_of_files_are_read_in_pieces(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, numbers: int, before: float
) -> None:
    events = some_events(rng, 80)
    events = events[~np.isin(events[:, 1], (0, 7))]  # ions without events
    turned = rng.normal(size=(N_FRAMES, N_IONS, 4))
    series = {
        "shape": noise(rng),
        "moved": np.cumsum(rng.normal(size=(N_FRAMES, N_IONS, 3)), axis=0),
        "turned": turned / np.linalg.norm(turned, axis=2, keepdims=True),
    }
    options = WINDOW | {"before": before, "n_controls": 7}
    expected = EventAverage(events, series, **options).run().data
    monkeypatch.setattr(event_windows, "PIECE_NUMBERS", numbers)
    monkeypatch.setattr(event_average, "_CHECKED_NUMBERS", numbers)
    maps = {}
    for name, values in series.items():
        maps[name] = np.memmap(tmp_path / name, values.dtype, "w+", shape=values.shape)
        maps[name][:] = values
    found = EventAverage(events, maps, **options).run().data
    assert int(found.n_events) > 20
    for key, values in expected.items():
        np.testing.assert_allclose(found[key], values, rtol=1e-11, atol=1e-13, err_msg=str(key))
    maps["turned"][2000, 5] *= 1.1
    with pytest.raises(InputError, match="'turned' is no unit quaternion at frame 2000 of ion 5"):
        EventAverage(events, maps, **options)
    maps["shape"][2900, 3] = np.inf
    with pytest.raises(InputError, match="'shape' is not finite at frame 2900 of ion 3"):
        EventAverage(events, maps, **options)


def test_distances_may_be_taken_from_the_event() -> None:
    walk = np.zeros((9, 1, 3))
    walk[:, 0, 1] = np.arange(9.0)
    at: dict[str, Any] = {"frame_interval": 0.5, "before": 1.0, "after": 0.5, "n_controls": 2}
    events = [[3, 0], [5, 0]]
    np.testing.assert_allclose(EventAverage(events, {"x": walk}, **at).run().data.x, [0, 1, 2, 3])
    np.testing.assert_allclose(EventAverage(events, {"x": walk}, origin=0.0, **at).run().data.x, [2, 1, 0, 1])
    with pytest.raises(InputError, match="origin 1 ps is not in the window"):
        EventAverage(events, {"x": walk}, origin=1, **at)


@pytest.mark.parametrize("count", [1, 2])
def test_nearest_ions_are_those_of_mdanalysis(rng: np.random.Generator, count: int) -> None:
    dimensions = np.array([14.0, 15.0, 16.0, 70.0, 75.0, 80.0], dtype=np.float32)
    vectors = triclinic_vectors(dimensions, dtype=np.float64)
    corners = np.stack(np.meshgrid(*[np.arange(3)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    centers = (corners / 3.0 + rng.normal(size=(20, 27, 3)) * 0.05) @ vectors
    frames = rng.integers(0, 20, 50)
    places = rng.uniform(-2.0, 2.0, (50, 3)) @ vectors  # wrapped or not
    cells = np.tile(vectors, (20, 1, 1))
    found = nearest_ions(frames, places, centers, cells, count)
    for k in range(50):
        distances = distance_array(places[k], centers[frames[k]], box=dimensions)[0]
        np.testing.assert_array_equal(found[count * k : count * (k + 1), 1], np.argsort(distances)[:count])
    np.testing.assert_array_equal(found[:, 0], np.repeat(frames, count))
    np.testing.assert_array_equal(nearest_ions(frames, places, centers, vectors, count), found)


def test_cations_move_when_the_nearest_anion_turns(rng: np.random.Generator) -> None:
    """The reverse: the same average with the roles exchanged."""
    vectors = 12.0 * np.eye(3)
    homes = np.stack(np.meshgrid(*[[0.5, 6.5]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    anions = homes + jiggle(rng, (N_FRAMES, 8, 3), 0.05, DT)
    cations = homes - 1.0 + jiggle(rng, (N_FRAMES, 8, 3), 0.05, DT)  # across the faces for some
    turns = np.column_stack([np.arange(60, 2940, 60), rng.integers(0, 8, 48)])
    for frame, anion in turns:
        cations[frame:, anion, 2] += 12.0  # a whole cell, so it is still at its anion
    wrapped = cations - np.floor(cations / 12.0) * 12.0
    events = nearest_ions(turns[:, 0], anions[turns[:, 0], turns[:, 1]], wrapped, vectors)
    np.testing.assert_array_equal(events[:, 1], turns[:, 1])
    data = EventAverage(events, {"moved": cations}, **WINDOW, n_controls=100).run().data
    np.testing.assert_allclose(data.moved[20:], 12.0, atol=0.1)
    np.testing.assert_allclose(data.moved[:20], 0.0, atol=0.2)


@pytest.mark.parametrize(
    ("events", "series", "options", "message"),
    [
        ([[3, 0]], {}, {}, "at least one series"),
        ([[3, 0]], {"a": np.zeros((9, 1))}, {}, "1 of 1 events have a window of 3 frames within the 9"),
        ([[3, 0], [9, 0]], {"a": np.zeros((9, 1))}, {}, "event 1 is at frame 9, but there are 9"),
        ([[3, -1], [3, 0]], {"a": np.zeros((9, 1))}, {}, "event 0 is at ion -1, but there are 1"),
        ([[3.0, 0.0]], {"a": np.zeros((9, 1))}, {}, "give whole numbers"),
        ([3, 0], {"a": np.zeros((9, 1))}, {}, "give whole numbers"),
        ([[3, 0]], {"a": np.zeros(9)}, {}, r"series 'a' has the shape \(9,\)"),
        ([[3, 0]], {"a": np.zeros((9, 1, 2))}, {}, r"series 'a' has the shape \(9, 1, 2\)"),
        ([[3, 0]], {"a": np.zeros((9, 1, 4))}, {}, "no unit quaternion at frame 0 of ion 0"),
        ([[3, 0]], {"a": np.full((9, 1), np.nan)}, {}, "not finite at frame 0 of ion 0"),
        ([[3, 0]], {"a": np.zeros((9, 1)), "b": np.zeros((8, 1))}, {}, "a 9 and 1, b 8 and 1"),
        ([[3, 0]], {"a": np.zeros((9, 1))}, {"before": -1.0}, "give two times"),
        ([[3, 0]], {"a": np.zeros((9, 1))}, {"n_controls": 0}, "give at least 1"),
        ([[3, 0]], {"a": np.zeros((9, 1))}, {"frame_interval": 0.0}, "no time in ps"),
    ],
)
def test_odd_input_is_refused(events: Any, series: Any, options: dict[str, Any], message: str) -> None:
    usual: dict[str, Any] = {"frame_interval": 0.1, "before": 0.1, "after": 0.1}
    with pytest.raises(InputError, match=message):
        EventAverage(events, series, **(usual | options)).run()


def test_odd_places_are_refused() -> None:
    centers = np.zeros((3, 2, 3))
    centers[:, 1] = 5.0
    with pytest.raises(InputError, match="count 3: there are 2 ions"):
        nearest_ions([0], [[0.0, 0, 0]], centers, 10.0 * np.eye(3), 3)
    with pytest.raises(InputError, match="event 0 is at frame 3, but there are 3"):
        nearest_ions([3], [[0.0, 0, 0]], centers, 10.0 * np.eye(3))
    with pytest.raises(InputError, match=r"frame 1: the nearest ions of event 0 are up to 8\.7 A away"):
        nearest_ions([1], [[0.0, 0, 0]], centers, 10.0 * np.eye(3), 2)
