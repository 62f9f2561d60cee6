"""Translation, rotation and vibration of anions, against motion that was put in."""

from __future__ import annotations

from typing import Any

import MDAnalysis as mda
import numpy as np
import pytest
from ase.data import atomic_masses, atomic_numbers
from ion_crystals import IONS
from MDAnalysis.lib.mdamath import triclinic_vectors
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from synthetic_study import jiggle

from openmm_anion.analysis.anion_motion import AnionMotion
from openmm_anion.analysis.best_fit import angle_between, fit_rotations, multiply, rotate
from openmm_anion.analysis.ions import Anion, find_ions
from openmm_anion.analysis.oriented_anions import mean_shapes
from openmm_anion.errors import InputError
from openmm_anion.shape import best_rotation

Array = NDArray[np.float64]

TRICLINIC = [14.0, 15.0, 16.0, 70.0, 75.0, 80.0]
CELL = triclinic_vectors(TRICLINIC).astype(float)
SHAPES = ["PS4", "NO3", "SCN", "PF6", "B12H12"]


def ion(name: str) -> tuple[Anion, Array]:
    """An ion with its atoms about the centre of mass, A."""
    symbols, shape = IONS[name]
    masses = np.array([atomic_masses[atomic_numbers[symbol]] for symbol in symbols])
    anion = Anion(name, np.arange(len(symbols)), tuple(symbols), masses, None, np.arange(len(symbols)))
    return anion, 10.0 * (shape - masses @ shape / masses.sum())


def quaternions_of(turns: Rotation) -> Array:
    return np.asarray(turns.as_quat()[:, [3, 0, 1, 2]])


def universe_of(positions: Array, symbols: list[str], dimensions: list[float] | None = None) -> Any:
    universe = mda.Universe.empty(positions.shape[1], trajectory=True)
    universe.add_TopologyAttr("elements", symbols)
    boxes = None if dimensions is None else np.tile(dimensions, (len(positions), 1))
    universe.load_new(positions.astype(np.float32), dimensions=boxes, dt=0.1)
    return universe


@pytest.mark.parametrize("name", SHAPES)
def test_known_rotations_are_found(name: str) -> None:
    anion, shape = ion(name)
    turns = Rotation.random(200, random_state=3)
    turned = np.einsum("fij,kj->fki", turns.as_matrix(), shape)
    line = shape[0] / np.linalg.norm(shape[0]) if name == "SCN" else np.zeros(3)
    found = fit_rotations(turned, np.array([0, len(shape)]), anion.masses, shape, line[None])[:, 0]
    np.testing.assert_allclose(rotate(found[:, None], shape), turned, atol=1e-9)
    if name == "SCN":
        # the shortest one: about an axis across the line, by the angle that the line turns
        np.testing.assert_allclose(found[:, 1:] @ line, 0.0, atol=1e-12)
        cosine = turns.apply(line) @ line
        np.testing.assert_allclose(2.0 * np.arccos(np.abs(found[:, 0])), np.arccos(cosine), atol=1e-6)
    else:
        assert angle_between(found, quaternions_of(turns)).max() < 1e-6


@pytest.mark.parametrize("name", ["PS4", "NO3", "NO2", "P2S7"])
def test_the_fit_is_that_of_kabsch_and_of_scipy(name: str) -> None:
    rng = np.random.default_rng(5)
    anion, shape = ion(name)
    here = Rotation.random(300, random_state=4).as_matrix() @ shape.T
    here = np.swapaxes(here, 1, 2) + 0.1 * rng.normal(size=(300, *shape.shape))
    here -= (anion.masses @ here / anion.masses.sum())[:, None]
    found = fit_rotations(here, np.array([0, len(shape)]), anion.masses, shape)[:, 0]
    right = best_rotation(
        np.broadcast_to(shape, here.shape), here, np.broadcast_to(anion.masses, here.shape[:2])
    )
    assert angle_between(found, quaternions_of(Rotation.from_matrix(right))).max() < 1e-6
    aligned = [Rotation.align_vectors(x, shape, weights=anion.masses)[0].as_quat() for x in here[:30]]
    assert angle_between(found[:30], np.array(aligned)[:, [3, 0, 1, 2]]).max() < 1e-6


def test_a_line_that_turns_over_has_a_rotation() -> None:
    anion, shape = ion("N3")
    line = np.array([0.0, 0.0, 1.0])
    found = fit_rotations(np.array([-shape]), np.array([0, 3]), anion.masses, shape, line[None])
    np.testing.assert_allclose(rotate(found[0, 0], line), -line, atol=1e-12)


def test_a_line_that_is_taken_for_a_body_is_not_a_number() -> None:
    anion, shape = ion("SCN")
    assert np.isnan(fit_rotations(shape[None], np.array([0, 3]), anion.masses, shape)).all()


def test_products_are_those_of_scipy() -> None:
    p, q = Rotation.random(50, random_state=1), Rotation.random(50, random_state=2)
    product = multiply(quaternions_of(p), quaternions_of(q))
    assert angle_between(product, quaternions_of(p * q)).max() < 1e-7


def test_quaternions_go_on_through_a_full_turn() -> None:
    anion, shape = ion("NO3")
    turn = np.linspace(0.0, 4.0 * np.pi, 81)
    turned = np.einsum("fij,kj->fki", Rotation.from_rotvec(turn[:, None] * [0, 0, 1]).as_matrix(), shape)
    found = fit_rotations(turned, np.array([0, 4]), anion.masses, shape)[:, 0]
    np.testing.assert_allclose(found[:, 0], np.cos(0.5 * turn), atol=1e-9)
    np.testing.assert_allclose(found[:, 3], np.sin(0.5 * turn), atol=1e-9)


def crowd(n_frames: int, vibration: float) -> tuple[Any, tuple[Anion, ...], Rotation, Array, Array]:
    """Wrapped PS4 and NO3 across faces of a triclinic cell, drifting; what was put in, and all unwrapped."""
    rng = np.random.default_rng(8)
    names = ["PS4", "NO3", "PS4", "NO3"]
    places = np.array([[0.02, 0.01, 0.98], [0.5, 0.0, 0.5], [0.4, 0.5, 0.0], [0.99, 0.5, 0.6]]) @ CELL
    steps = rng.normal(0.0, 0.05, (n_frames, 4, 3))
    steps[0] = 0.0
    centres = places + np.cumsum(steps, axis=0)
    first = Rotation.random(4, random_state=2)
    spins = np.cumsum(rng.normal(0.0, 0.2, (n_frames, 4, 3)), axis=0)
    spins -= spins[0]
    turns = Rotation.from_rotvec(spins.reshape(-1, 3))
    matrices = turns.as_matrix().reshape(n_frames, 4, 3, 3) @ first.as_matrix()
    pieces, symbols = [], []
    for k, name in enumerate(names):
        anion, shape = ion(name)
        symbols += list(anion.symbols)
        shaken = shape + jiggle(rng, (n_frames, *shape.shape), vibration, 0.1)
        shaken -= (anion.masses @ shaken / anion.masses.sum())[:, None]
        pieces.append(centres[:, k, None] + np.einsum("fij,fkj->fki", matrices[:, k], shaken))
    drift = 0.1 * np.arange(n_frames)[:, None, None]
    whole = np.concatenate([*pieces, np.full((n_frames, 1, 3), 3.0)], axis=1) + drift
    wrapped = whole - np.floor(whole @ np.linalg.inv(CELL)) @ CELL
    universe = universe_of(wrapped, [*symbols, "Na"], TRICLINIC)
    anions = find_ions(universe, "Na", ["PS4", "NO3"]).anions
    return universe, anions, turns, centres, whole


@pytest.mark.parametrize("reference", ["mean", "first"])
def test_motion_across_the_faces_of_a_drifting_triclinic_cell(reference: Any) -> None:
    universe, anions, turns, centres, _ = crowd(101, 0.0)
    assert [anion.formula for anion in anions] == ["PS4", "NO3", "PS4", "NO3"]
    data = AnionMotion(universe, anions, reference=reference).run().data
    # positions are in single precision: 1e-6 A at bonds of 1 to 2 A
    np.testing.assert_allclose(data.angle, turns.magnitude().reshape(101, 4), atol=1e-5)
    moved = centres - centres.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(data.displacement, moved - moved[0], atol=1e-5)
    assert np.abs(data.displacement).max() > 0.5
    np.testing.assert_allclose(data.vibration_rms, 0.0, atol=2e-6)
    np.testing.assert_allclose(data.total, data.translation + data.rotation, atol=1e-5)
    assert data.time.values[-1] == pytest.approx(10.0)
    steps = (data.quaternion.values[1:] * data.quaternion.values[:-1]).sum(axis=-1)
    assert steps.min() > 0.8


def test_parts_are_those_of_the_definition_and_obey_the_sum_rule() -> None:
    universe, anions, _, _, whole = crowd(60, 0.08)
    analysis = AnionMotion(universe, anions).run()
    data, starts = analysis.data, [0, 5, 9, 14]
    origin = np.mean([a.masses @ whole[:, a.indices] / a.masses.sum() for a in anions], axis=0)
    moving = whole - origin[:, None]
    for kind in ("PS4", "NO3"):
        right = np.zeros((60, 5))
        members = [k for k, anion in enumerate(anions) if anion.formula == kind]
        for k in members:
            anion = anions[k]
            m = anion.masses / anion.masses.sum()
            shape = analysis.references[starts[k] : starts[k] + len(m)]
            x = moving[:, anion.indices]
            c = m @ x
            about = x - c[:, None]
            q = best_rotation(np.broadcast_to(shape, about.shape), about, np.broadcast_to(m, about.shape[:2]))
            turned = np.einsum("fij,kj->fki", q, shape)
            left = about - turned
            parts = [x - x[0], (c - c[0])[:, None] + 0.0 * x, turned - turned[0], left - left[0]]
            squares = [(m @ part**2).sum(axis=-1) for part in parts]
            cross = 2.0 * (m @ (parts[2] * parts[3])).sum(axis=-1)
            right += np.stack([*squares, cross], axis=1) / len(members)
            amplitude = np.sqrt((m @ left**2).sum(axis=-1).mean())
            np.testing.assert_allclose(data.vibration_rms[k], amplitude, rtol=1e-4)
        for j, name in enumerate(["total", "translation", "rotation", "vibration", "cross"]):
            np.testing.assert_allclose(data[name].sel(kind=kind), right[:, j], atol=2e-5)
    assert np.abs(data.cross).max() > 1e-4
    np.testing.assert_allclose(
        data.total, data.translation + data.rotation + data.vibration + data.cross, atol=1e-12
    )


def test_the_mean_shape_is_found_under_large_rotations() -> None:
    rng = np.random.default_rng(6)
    anion, shape = ion("PS4")
    turns = Rotation.random(4000, random_state=1).as_matrix()
    atoms = np.einsum("fij,fkj->fki", turns, shape + 0.1 * rng.normal(size=(4000, 5, 3)))
    atoms -= (anion.masses @ atoms / anion.masses.sum())[:, None]
    mean, lines = mean_shapes(atoms, np.array([0, 5]), anion.masses)
    assert not lines.any()
    # alignment takes what looks like rotation out of the noise, and leaves the shape a percent larger at most
    distances = [np.linalg.norm(x[:, None] - x, axis=-1) for x in (mean, shape)]
    np.testing.assert_allclose(distances[0], distances[1], rtol=0.01, atol=0.01)


def test_a_bending_rod_is_linear_and_has_the_angle_of_its_axis() -> None:
    rng = np.random.default_rng(7)
    anion, shape = ion("SCN")
    turns = Rotation.from_rotvec(np.cumsum(rng.normal(0.0, 0.1, (300, 3)), axis=0))
    bent = np.einsum("fij,fkj->fki", turns.as_matrix(), shape + 0.03 * rng.normal(size=(300, 3, 3)))
    analysis = AnionMotion(universe_of(bent, ["S", "C", "N"]), [anion]).run()
    axes = turns.apply([0.0, 0.0, 1.0])
    assert abs(analysis.lines[0] @ axes[0]) == pytest.approx(1.0, abs=0.01)
    right = np.arccos(np.clip(axes @ axes[0], -1.0, 1.0))
    q = analysis.data.quaternion.values[:, 0]
    line = rotate(q, np.broadcast_to(analysis.lines[0], (300, 3)))
    # noise of 0.03 A at the ends of a rod of 2.8 A, in this frame and in the first
    error = np.arccos(np.clip(line @ line[0], -1.0, 1.0)) - right
    assert np.sqrt((error**2).mean()) < 0.03
    assert right.max() > 1.0


@pytest.mark.parametrize("amplitude", [0.05, 0.3])
def test_libration_is_about_the_running_mean(amplitude: float) -> None:
    rng = np.random.default_rng(9)
    anion, shape = ion("PS4")
    slow = np.linspace(0.0, 3.0, 2000)[:, None] * [0.0, 0.0, 1.0]
    quick = rng.normal(0.0, amplitude / np.sqrt(3.0), (2000, 3))
    turns = (Rotation.from_rotvec(slow) * Rotation.from_rotvec(quick)).as_matrix()
    universe = universe_of(np.einsum("fij,kj->fki", turns, shape), list(anion.symbols))
    found = float(AnionMotion(universe, [anion], window=2.0).run().data.libration_rms[0])
    # 21 frames in the mean: a share of 1 / 21 of the variance is in the mean itself
    assert found == pytest.approx(amplitude * np.sqrt(1.0 - 1.0 / 21.0), rel=0.03)


@pytest.mark.parametrize(
    ("anions", "options", "message"),
    [
        ([], {}, "there are no anions"),
        ([np.arange(5)], {}, "hold a ndarray"),
        ([Anion("O", np.arange(1), ("O",), np.ones(1), None, np.arange(1))], {}, "has one atom"),
        ([ion("PS4")[0]], {"reference": "maen"}, "did you mean 'mean'"),
        ([ion("PS4")[0]], {"window": 0.0}, "window 0.0 is no time"),
    ],
)
def test_what_makes_no_sense_is_refused(anions: Any, options: dict[str, Any], message: str) -> None:
    universe = universe_of(np.zeros((3, 5, 3)), ["P", "S", "S", "S", "S"])
    with pytest.raises(InputError, match=message):
        AnionMotion(universe, anions, **options)


@pytest.mark.parametrize("reference", ["mean", "first"])
def test_a_shape_that_has_collapsed_is_refused(reference: Any) -> None:
    anion, shape = ion("PS4")
    positions = np.tile(shape, (4, 1, 1))
    positions[2] = positions[2, :, :1] * [1.0, 0.0, 0.0]
    with pytest.raises(InputError, match=r"frame 2: the orientation of anion 0 \(PS4.*cannot be told"):
        AnionMotion(universe_of(positions, list(anion.symbols)), [anion], reference=reference).run()


def test_it_draws() -> None:
    universe, anions, *_ = crowd(5, 0.02)
    axes = AnionMotion(universe, anions).run().plot()
    assert axes.get_xlabel() == "time (ps)"
    assert len(axes.lines) == 10
