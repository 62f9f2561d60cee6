from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.typing import NDArray
from synthetic_study import BOX, N_ANIONS, trajectory

from openmm_anion.analysis.integrity import AnionWatch, BondWatch
from openmm_anion.errors import InputError

Array = NDArray[np.float64]

SYMBOLS = ["P", "S", "S", "S", "S"] * N_ANIONS + ["Na"] * 48
BONDS = [[[5 * a + k, 5 * a] if k % 2 else [5 * a, 5 * a + k] for k in range(1, 5)] for a in range(N_ANIONS)]
MEMBERS = [list(range(5 * a, 5 * a + 5)) for a in range(N_ANIONS)]
MASSES = [30.974, 32.06, 32.06, 32.06, 32.06] * N_ANIONS + [22.99] * 48
BOX_NM = 0.1 * BOX * np.eye(3)


@pytest.fixture
def frames() -> Array:
    return 0.1 * trajectory(np.random.default_rng(6), 50, 0.04)


def watch_of(reference: Array) -> BondWatch:
    return BondWatch(["PS4"] * N_ANIONS, BONDS, SYMBOLS, reference, BOX_NM)


def test_vibrating_anions_are_whole_also_when_wrapped(frames: Array) -> None:
    watch = watch_of(frames[0])
    for i, frame in enumerate(frames):
        assert watch(frame - np.floor(frame / (0.1 * BOX)) * 0.1 * BOX, BOX_NM, 0.1 * i) == []


def test_a_lost_ligand_is_named_once_with_its_time(frames: Array) -> None:
    watch = watch_of(frames[0])
    frames[20:, 5 * 3 + 2] += [0.0, -0.25, 0.0]
    events = [event for i, frame in enumerate(frames) for event in watch(frame, BOX_NM, 0.1 * i)]
    assert len(events) == 1
    event = events[0]
    assert (event.anion, event.formula, event.atom, event.symbol) == (3, "PS4", 17, "S")
    assert event.time_ps == pytest.approx(2.0)
    bond = np.linalg.norm(frames[20, 17] - frames[20, 15])
    assert event.distance_nm == pytest.approx(bond)
    assert "PS4 number 3 lost S (atom 17) at 2 ps" in str(event)


def test_the_threshold_is_one_and_a_half_bond_lengths() -> None:
    reference = np.array([[0.1, 0.0, 0.0], [0.3, 0.0, 0.0]])
    watch = BondWatch(["PS"], [[[0, 1]]], ["P", "S"], reference, BOX_NM)
    assert watch([[0.1, 0.0, 0.0], [0.399, 0.0, 0.0]], BOX_NM, 0.0) == []
    assert len(watch([[0.1, 0.0, 0.0], [0.401, 0.0, 0.0]], BOX_NM, 1.0)) == 1


def test_positions_that_are_not_numbers_count_as_broken(frames: Array) -> None:
    watch = watch_of(frames[0])
    frames[1, 0] = np.nan
    assert len(watch(frames[1], BOX_NM, 0.1)) == 4


def test_triclinic_cells_take_the_nearest_image() -> None:
    box = np.array([[1.0, 0.0, 0.0], [0.4, 1.0, 0.0], [0.3, 0.4, 1.0]])
    reference = np.array([[0.05, 0.05, 0.05], [0.2, 0.05, 0.05]])
    watch = BondWatch(["PS"], [[[0, 1]]], ["P", "S"], reference, box)
    assert watch(reference + np.array([[0, 0, 0], box[2] - box[1]]), box, 0.0) == []


def all_watches(reference: Array) -> AnionWatch:
    return AnionWatch(["PS4"] * N_ANIONS, BONDS, MEMBERS, SYMBOLS, MASSES, reference, BOX_NM)


def test_a_crystal_that_drifts_through_the_cell_is_whole(frames: Array) -> None:
    watch = all_watches(frames[0])
    for i, frame in enumerate(frames):
        moved = frame + 0.05 * i
        assert watch(moved - np.floor(moved / (0.1 * BOX)) * 0.1 * BOX, BOX_NM, 0.1 * i) == []


def test_anions_that_bind_to_each_other_are_named_once(frames: Array) -> None:
    watch = all_watches(frames[0])
    vector = frames[:, 15] - frames[:, 10]
    vector -= np.round(vector / (0.1 * BOX)) * 0.1 * BOX
    way = vector / np.linalg.norm(vector, axis=1, keepdims=True)
    frames[10, MEMBERS[2]] += 0.23 * way[10]  # a collision
    frames[30:, MEMBERS[2]] += (0.23 * way)[30:, None]  # under half of the way to the neighbour
    events = [event for i, frame in enumerate(frames) for event in watch(frame, BOX_NM, 0.1 * i)]
    assert {event.what for event in events} == {"bound"}
    assert len(events) == 1
    assert 3.5 <= events[0].time_ps <= 3.7
    assert {events[0].anion, events[0].atom // 5} == {2, 3}
    assert f"of another anion at {events[0].time_ps:g} ps" in str(events[0])


def test_an_anion_that_leaves_its_place_is_named(frames: Array) -> None:
    watch = BondWatch(["PS4"] * N_ANIONS, BONDS, SYMBOLS, frames[0], BOX_NM)
    places = all_watches(frames[0])
    for i in range(50):
        frames[i, MEMBERS[5]] += [0.0, 0.0, 0.012 * i]
    events = [event for i, frame in enumerate(frames) for event in places(frame, BOX_NM, 0.1 * i)]
    (left,) = (event for event in events if event.what == "left")
    assert (left.anion, left.atom) == (5, 25)
    # half of 4.95 A, of which the mean of 16 anions takes a sixteenth along
    assert left.time_ps == pytest.approx(2.475 * 16 / 15 / 1.2, abs=0.4)
    assert left.distance_nm > 0.2475
    assert all(watch(frame, BOX_NM, 0.1 * i) == [] for i, frame in enumerate(frames))


def test_a_frame_costs_little(frames: Array) -> None:
    watch = all_watches(frames[0])
    begin = time.perf_counter()
    for _ in range(100):
        watch(frames[0], BOX_NM, 0.0)
    assert (time.perf_counter() - begin) / 100 < 3e-3


def test_nothing_to_watch_is_refused() -> None:
    with pytest.raises(InputError, match="no anion has a bond"):
        BondWatch(["P"], [[]], ["P"], [[0.0, 0.0, 0.0]], BOX_NM)
    with pytest.raises(InputError, match="names atom 9"):
        BondWatch(["PS"], [[[0, 9]]], ["P", "S"], [[0.0, 0.0, 0.0]] * 2, BOX_NM)
