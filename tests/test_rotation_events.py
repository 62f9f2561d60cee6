"""Events of rotation: those that were put in are found, and no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ion_crystals import IONS
from MDAnalysis.lib.mdamath import triclinic_vectors
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from scipy.stats import poisson
from synthetic_study import jiggle
from test_anion_motion import TRICLINIC, ion, quaternions_of, universe_of

from openmm_anion.analysis.best_fit import angle_between, rotate
from openmm_anion.analysis.dwells import dwell_means, find_dwells
from openmm_anion.analysis.ions import Anion, find_ions
from openmm_anion.analysis.poisson import poisson_interval
from openmm_anion.analysis.proper_symmetry import ends_are_alike, proper_symmetry
from openmm_anion.analysis.quantity import from_json
from openmm_anion.analysis.rotation_events import RotationEvents
from openmm_anion.errors import InputError

Array = NDArray[np.float64]

ORDERS = {
    "NO2": 2, "NO3": 6, "BH4": 12, "PS4": 12, "PF6": 24, "P2S6": 6, "P2S7": 1, "CB11H12": 5, "B12H12": 60,
}  # fmt: skip


@pytest.mark.parametrize(("name", "order"), ORDERS.items())
@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_symmetry_of_ions(name: str, order: int, noise: float) -> None:
    anion, shape = ion(name)
    turn = Rotation.random(random_state=4)
    here = turn.apply(shape + noise * np.random.default_rng(1).normal(size=shape.shape))
    found = proper_symmetry(here, anion.symbols)
    assert len(found) == order
    assert angle_between(found[0], np.array([1.0, 0.0, 0.0, 0.0])) < 1e-6
    images = rotate(found[:, None], here[None])
    apart = np.linalg.norm(images[:, :, None] - here, axis=-1)
    nearest = apart.argmin(axis=2)
    kinds = np.array(anion.symbols)
    assert (kinds[nearest] == kinds).all()
    assert len(np.unique(nearest, axis=0)) == len(found)
    if not noise:
        np.testing.assert_allclose(apart.min(axis=2), 0.0, atol=1e-9)


def test_another_element_breaks_the_symmetry() -> None:
    _, shape = ion("PS4")
    assert len(proper_symmetry(shape, ["P", "S", "S", "S", "O"])) == 3
    assert len(proper_symmetry(shape, ["P", "S", "S", "O", "O"])) == 2


@pytest.mark.parametrize(("name", "alike"), [("SCN", False), ("CN", False), ("N3", True), ("ICl2", True)])
def test_ends_of_rods(name: str, alike: bool) -> None:
    anion, shape = ion(name)
    assert ends_are_alike(shape, anion.symbols) == alike


def turned(states: Rotation, shape: Array, rng: np.random.Generator, libration: float) -> Array:
    """Atoms of one anion that librates about its states and vibrates, (frame, atom, 3)."""
    n = len(states)
    swing = Rotation.from_rotvec(jiggle(rng, (n, 3), libration, 0.1, tau=0.1))
    vibration = jiggle(rng, (n, *shape.shape), 0.05, 0.1, tau=0.05)
    return np.asarray(np.einsum("fij,fkj->fki", (swing * states).as_matrix(), shape + vibration))


def about(axis: str, *degrees: float) -> Rotation:
    return Rotation.from_euler(axis, np.array(degrees)[:, None], degrees=True)


def steps(rotations: Rotation, times: list[int], n_frames: int) -> Rotation:
    """The state in each frame: at each of the times the next of the rotations is reached."""
    return rotations[np.searchsorted(times, np.arange(n_frames), side="right")]


@pytest.mark.parametrize(("name", "angle"), [("PS4", 120), ("PF6", 90), ("B12H12", 72), ("NO3", 120)])
def test_jumps_put_in_are_found(name: str, angle: float) -> None:
    rng = np.random.default_rng(11)
    anion, shape = ion(name)
    symmetry = proper_symmetry(shape, anion.symbols)
    angles = angle_between(symmetry[:1], symmetry)
    fitting = symmetry[np.abs(np.degrees(angles) - angle) < 1.0]
    jump = Rotation.from_quat(fitting[0][[1, 2, 3, 0]])
    start = Rotation.random(random_state=3)
    states = Rotation.concatenate([start, start * jump, start * jump * jump])
    times = [100, 250]
    atoms = turned(steps(states, times, 400), shape, rng, 0.08)
    data = RotationEvents(universe_of(atoms, list(anion.symbols)), [anion]).run().data
    np.testing.assert_allclose(data.event_time, [10.0, 25.0])
    np.testing.assert_allclose(np.degrees(data.event_angle), angle, atol=2.0)
    assert data.event_equivalent.all()
    assert (data.event_misfit < 0.05).all()
    assert int(data.operations[0]) == len(symmetry)
    assert float(data.libration_rms[0]) == pytest.approx(0.08 * np.sqrt(3.0), rel=0.2)


def test_a_new_orientation_is_no_equivalent_one() -> None:
    rng = np.random.default_rng(12)
    anion, shape = ion("PS4")
    # a quarter turn about an axis of order two makes the other tetrahedron of the cube
    states = about("x", 0.0, 90.0, 270.0)
    atoms = turned(steps(states, [120, 300], 420), shape, rng, 0.08)
    data = RotationEvents(universe_of(atoms, list(anion.symbols)), [anion]).run().data
    np.testing.assert_array_equal(data.event_equivalent, [False, True])
    np.testing.assert_allclose(data.event_time, [12.0, 30.0])
    np.testing.assert_allclose(np.degrees(data.event_angle), [90.0, 180.0], atol=3.0)
    np.testing.assert_allclose(np.degrees(data.event_misfit), [90.0, 0.0], atol=3.0)
    assert float(data.frequency[0]) == pytest.approx(2 * float(data.frequency_equivalent[0]))


@pytest.mark.parametrize("libration", [0.1, 0.22])
@pytest.mark.parametrize("name", ["PS4", "NO3"])
def test_librations_alone_are_no_events(name: str, libration: float) -> None:
    rng = np.random.default_rng(13)
    anion, shape = ion(name)
    n = 5000
    atoms = turned(Rotation.concatenate([Rotation.random(random_state=1)] * n), shape, rng, libration)
    data = RotationEvents(universe_of(atoms, list(anion.symbols)), [anion]).run().data
    assert data.sizes["event"] == 0
    assert float(data.frequency[0]) == 0.0
    assert float(data.frequency_high[0]) == pytest.approx(-np.log(0.025) / (0.1 * (n - 1 - 20)))


def test_an_excursion_that_comes_back_is_no_event() -> None:
    anion, shape = ion("PS4")
    jump = Rotation.from_rotvec(np.radians(120.0) / np.sqrt(3.0) * np.ones(3))
    states = steps(Rotation.concatenate([Rotation.identity(), jump, Rotation.identity()]), [100, 108], 300)
    atoms = turned(states, shape, np.random.default_rng(2), 0.05)
    universe = universe_of(atoms, list(anion.symbols))
    assert RotationEvents(universe, [anion], settle=1.0).run().data.sizes["event"] == 0
    quick = RotationEvents(universe, [anion], settle=0.5).run().data
    np.testing.assert_allclose(quick.event_time, [10.0, 10.8])


@pytest.mark.parametrize(("name", "equivalent"), [("SCN", False), ("N3", True)])
def test_a_rod_that_turns_over(name: str, equivalent: bool) -> None:
    anion, shape = ion(name)
    states = steps(
        Rotation.from_euler("xyz", [[0.0, 0, 0], [180.0, 0, 0], [180.0, 0, 90.0]], True), [90, 200], 300
    )
    atoms = turned(states, shape, np.random.default_rng(3), 0.06)
    data = RotationEvents(universe_of(atoms, list(anion.symbols)), [anion]).run().data
    # the last rotation is about the rod itself: nothing is seen of it
    np.testing.assert_allclose(data.event_time, [9.0])
    np.testing.assert_allclose(data.event_angle, np.pi, atol=0.1)
    assert bool(data.event_equivalent[0]) == equivalent


def test_angles_are_true_angles_and_the_threshold_is_one() -> None:
    anion, shape = ion("P2S7")
    assert len(proper_symmetry(shape, ["P", "P", *"SSSSSSO"])) == 1
    odd = Anion("P2S6O", anion.indices, ("P", "P", *"SSSSSSO"), anion.masses, None, anion.ligands)
    states = steps(about("z", 0.0, 40.0), [150], 300)
    atoms = turned(states, shape, np.random.default_rng(4), 0.03)
    universe = universe_of(atoms, list(odd.symbols))
    for threshold, count in ((30.0, 1), (50.0, 0)):
        data = RotationEvents(universe, [odd], threshold=np.radians(threshold)).run().data
        assert data.sizes["event"] == count
        np.testing.assert_allclose(np.degrees(data.event_angle), 40.0, atol=2.0)


def test_jumps_of_known_rate_across_the_faces_of_a_triclinic_cell() -> None:
    rng = np.random.default_rng(15)
    anion, shape = ion("PS4")
    symmetry = proper_symmetry(shape, anion.symbols)
    group = Rotation.from_quat(symmetry[1:, [1, 2, 3, 0]])
    cell = triclinic_vectors(TRICLINIC).astype(float)
    n, n_frames, rate, settle = 6, 12000, 0.02, 1.0
    places = np.array([[0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5], [0.5, 0.5, 0], [0, 0.5, 0.5]]) @ cell
    put_in: list[tuple[float, int]] = []
    pieces = []
    for a in range(n):
        # jumps apart by more than settle are separate events
        times = np.cumsum(15 + rng.exponential(1.0 / (0.1 * rate) - 15, 100)).astype(int)
        times = times[times < n_frames - 15]
        states = [Rotation.random(random_state=a)]
        for which in rng.integers(0, 11, len(times)):
            states.append(states[-1] * group[int(which)])
        pieces.append(turned(steps(Rotation.concatenate(states), list(times), n_frames), shape, rng, 0.12))
        put_in += [(0.1 * time, a) for time in times]
    whole = np.concatenate([x + place for x, place in zip(pieces, places, strict=True)], axis=1)
    whole = np.concatenate([whole, np.full((n_frames, 1, 3), 4.0)], axis=1)
    whole += 0.003 * np.arange(n_frames)[:, None, None]
    wrapped = whole - np.floor(whole @ np.linalg.inv(cell)) @ cell
    universe = universe_of(wrapped, [*anion.symbols] * n + ["Na"], TRICLINIC)
    anions = find_ions(universe, "Na", "PS4").anions
    data = RotationEvents(universe, anions, settle=settle).run().data
    assert len(put_in) > 100
    found = list(zip(data.event_time.values, data.event_anion.values, strict=True))
    assert len(found) == len(put_in)
    for (time, which), (right, owner) in zip(sorted(found, key=lambda e: (e[1], e[0])), put_in, strict=True):
        assert which == owner
        assert time == pytest.approx(right, abs=0.11)
    assert data.event_equivalent.all()
    degrees = np.degrees(data.event_angle.values)
    assert (np.minimum(np.abs(degrees - 120.0), np.abs(degrees - 180.0)) < 8.0).all()
    assert float(data.frequency_low[0]) < rate < float(data.frequency_high[0])
    assert float(data.frequency[0]) == pytest.approx(len(put_in) / (n * (0.1 * (n_frames - 1) - 2.0)))
    np.testing.assert_array_equal(data.events, [sum(owner == a for _, owner in put_in) for a in range(n)])


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    for mean in (0.5, 3.0, 20.0):
        counts = np.arange(100)
        inside = [low <= mean <= high for low, high in map(poisson_interval, counts.tolist())]
        assert poisson.pmf(counts, mean)[inside].sum() >= 0.95
    low, high = poisson_interval(7, 0.9)
    assert poisson.sf(6, low) == pytest.approx(0.05)
    assert poisson.cdf(7, high) == pytest.approx(0.05)


def test_dwells_and_their_means() -> None:
    directions = np.repeat([[1.0, 0, 0], [0, 1.0, 0], [1.0, 0, 0]], [10, 2, 10], axis=0)
    starts, labels, dwells = find_dwells(directions, np.eye(3)[None], 0.7, 4)
    assert len(starts) == len(labels) == 0
    np.testing.assert_array_equal(dwells, [0] * 10 + [-1] * 2 + [0] * 10)
    starts, labels, dwells = find_dwells(directions, np.eye(3)[None], 0.7, 1)
    np.testing.assert_array_equal(starts, [10, 12])
    np.testing.assert_array_equal(labels, [-1, -1])
    np.testing.assert_array_equal(dwells, [0] * 10 + [1] * 2 + [2] * 10)
    np.testing.assert_allclose(dwell_means(directions, dwells), np.eye(3)[[0, 1, 0]])


def test_a_basin_that_was_not_kept_at_first_is_no_start_of_an_event() -> None:
    directions = np.repeat([[1.0, 0, 0], [0, 1.0, 0]], [3, 20], axis=0)
    starts, _, dwells = find_dwells(directions, np.eye(3)[None], 0.7, 5)
    assert not len(starts)
    np.testing.assert_array_equal(dwells, [-1] * 3 + [0] * 20)


def test_signs_of_quaternions_do_not_matter() -> None:
    rng = np.random.default_rng(6)
    q = quaternions_of(steps(about("x", 0.0, 100.0), [30], 60))
    q *= rng.choice([-1.0, 1.0], (60, 1))
    starts, labels, dwells = find_dwells(q, np.eye(4)[None], 0.7, 5)
    np.testing.assert_array_equal(starts, [30])
    assert angle_between(*dwell_means(q, dwells)) == pytest.approx(np.radians(100.0))
    np.testing.assert_array_equal(labels, [-1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 45.0}, "give it in rad"),
        ({"settle": -1.0}, "settle -1.0 is no time"),
        ({"confidence": 95.0}, "confidence 95.0 is not between"),
        ({"settle": 2.0}, "not longer than twice settle"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], message: str) -> None:
    anion, shape = ion("PS4")
    with pytest.raises(InputError, match=message):
        RotationEvents(universe_of(np.tile(shape, (30, 1, 1)), list(anion.symbols)), [anion], **options).run()


def test_it_draws_and_is_written(tmp_path: Path) -> None:
    anion, shape = ion("N3")
    states = steps(about("x", 0.0, 180.0), [20], 50)
    universe = universe_of(turned(states, shape, np.random.default_rng(1), 0.05), IONS["N3"][0])
    events = RotationEvents(universe, [anion]).run()
    axes = events.plot()
    assert axes.get_xlabel() == "angle of the rotation (degrees)"
    assert axes.patches
    events.to_json(tmp_path / "events.json")
    assert from_json(tmp_path / "events.json").equals(events.data)
