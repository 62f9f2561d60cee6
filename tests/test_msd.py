from __future__ import annotations

from typing import Any

import MDAnalysis as mda
import numpy as np
import pytest
from MDAnalysis.analysis.msd import EinsteinMSD
from MDAnalysis.lib.mdamath import triclinic_vectors
from synthetic_study import BOX, N_ANIONS, TETRAHEDRON, hopping, trajectory

from openmm_anion.analysis.framework import Framework
from openmm_anion.analysis.msd import MeanSquaredDisplacement, mean_squared_displacement
from openmm_anion.errors import InputError

ANIONS = [list(range(5 * a, 5 * a + 5)) for a in range(N_ANIONS)]
CATIONS = slice(5 * N_ANIONS, None)
CUBIC = [BOX, BOX, BOX, 90.0, 90.0, 90.0]


def universe_of(
    positions: np.ndarray[Any, Any], dimensions: list[float] | None = None, dt: float = 0.1
) -> Any:
    universe = mda.Universe.empty(positions.shape[1], trajectory=True)
    universe.add_TopologyAttr(
        "masses", ([30.974] + [32.06] * 4) * N_ANIONS + [22.99] * (positions.shape[1] - 80)
    )
    boxes = None if dimensions is None else np.tile(dimensions, (len(positions), 1))
    universe.load_new(positions.astype(np.float32), dimensions=boxes, dt=dt)
    return universe


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(2)


def by_definition(positions: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    n = len(positions)
    return np.array([((positions[k:] - positions[: n - k]) ** 2).sum(-1).mean(0) for k in range(n)])


@pytest.mark.parametrize("n_frames", [2, 3, 50, 51, 128, 243])
def test_equals_the_definition_for_odd_and_even_lengths(rng: np.random.Generator, n_frames: int) -> None:
    positions = np.cumsum(rng.normal(size=(n_frames, 5, 3)), axis=0)
    np.testing.assert_allclose(mean_squared_displacement(positions), by_definition(positions), rtol=1e-10)


@pytest.mark.parametrize("n_frames", [1, 2, 7, 50, 51, 128])
def test_short_lags_equal_the_definition(rng: np.random.Generator, n_frames: int) -> None:
    """The transform is smaller than the series then, whose end comes back on top of its beginning."""
    positions = 500.0 + np.cumsum(rng.normal(size=(n_frames, 9, 3)), axis=0)
    exact = by_definition(positions)
    for lags in range(1, n_frames + 1):
        found = mean_squared_displacement(positions, lags)
        np.testing.assert_allclose(found, exact[:lags], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("n_frames", [200, 201])
def test_equals_mdanalysis_on_unwrapped_data(rng: np.random.Generator, n_frames: int) -> None:
    universe = universe_of(trajectory(rng, n_frames, 0.04, drift=0.0), CUBIC)
    cations = universe.atoms[CATIONS]
    ours = MeanSquaredDisplacement(cations, None).run()
    theirs = EinsteinMSD(cations, msd_type="xyz", fft=False).run()
    np.testing.assert_allclose(
        ours.results.msd_by_particle, theirs.results.msds_by_particle, rtol=1e-10, atol=1e-10
    )
    np.testing.assert_allclose(ours.results.msd, theirs.results.timeseries, rtol=1e-10, atol=1e-10)


def test_keeps_its_digits_far_from_the_origin(rng: np.random.Generator) -> None:
    positions = np.cumsum(0.01 * rng.normal(size=(500, 4, 3)), axis=0)
    np.testing.assert_allclose(
        mean_squared_displacement(positions + 2e4)[1], mean_squared_displacement(positions)[1], rtol=1e-6
    )


def test_drift_of_the_framework_does_not_count(rng: np.random.Generator) -> None:
    still = trajectory(np.random.default_rng(4), 101, 0.04, drift=0.0)
    drifting = trajectory(np.random.default_rng(4), 101, 0.04, drift=2.0)
    results = [
        MeanSquaredDisplacement(universe_of(x, CUBIC).atoms[CATIONS], ANIONS).run() for x in (still, drifting)
    ]
    np.testing.assert_allclose(results[1].results.msd, results[0].results.msd, rtol=1e-4)
    lab = MeanSquaredDisplacement(universe_of(drifting, CUBIC).atoms[CATIONS], None).run()
    assert lab.results.msd[50] > 100 * results[0].results.msd[50]


def test_a_turning_anion_does_not_move_the_frame(rng: np.random.Generator) -> None:
    frame = Framework([range(5)], [30.974, 32.06, 32.06, 32.06, 32.06])
    still = np.vstack([np.zeros(3), TETRAHEDRON])
    # one ligand far out: the mean of the ligands moves, the centre of mass is where its mass is
    other = still.copy()
    other[1:] = TETRAHEDRON @ np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    np.testing.assert_allclose(frame.origin(other), frame.origin(still), atol=1e-12)


def test_every_anion_counts_the_same_whatever_its_mass() -> None:
    frame = Framework([[0], [1]], [100.0, 1.0])
    np.testing.assert_allclose(frame.origin(np.array([[0.0, 0, 0], [2.0, 0, 0]])), [1.0, 0, 0])


TRICLINIC = [BOX, 1.1 * BOX, 1.2 * BOX, 70.0, 75.0, 80.0]


@pytest.mark.parametrize("dimensions", [CUBIC, TRICLINIC])
def test_wrapped_positions_are_unwrapped(rng: np.random.Generator, dimensions: list[float]) -> None:
    positions = trajectory(rng, 300, 0.2)
    vectors = triclinic_vectors(dimensions)
    wrapped = positions - np.floor(positions @ np.linalg.inv(vectors)) @ vectors
    right, ours = (
        MeanSquaredDisplacement(universe_of(x, dimensions).atoms[CATIONS], ANIONS).run()
        for x in (positions, wrapped)
    )
    np.testing.assert_allclose(ours.results.msd, right.results.msd, atol=2e-3)


def test_wrapped_positions_that_are_too_far_apart_are_refused(rng: np.random.Generator) -> None:
    positions = trajectory(rng, 300, 0.2)
    positions[150:, 90] += 0.45 * BOX
    wrapped = positions - np.floor(positions / BOX) * BOX
    with pytest.raises(InputError, match=r"frame 150: atom 90 of a wrapped trajectory moves .* too far"):
        MeanSquaredDisplacement(universe_of(wrapped, CUBIC).atoms[CATIONS], ANIONS).run()


def test_tensor_holds_every_product(rng: np.random.Generator) -> None:
    positions = np.cumsum(rng.normal(size=(60, 85, 3)) * [1.0, 0.5, 0.2], axis=0)
    positions[..., 2] += positions[..., 0]
    result = MeanSquaredDisplacement(universe_of(positions).atoms[CATIONS], None, tensor=True).run().results
    x = positions.astype(np.float32).astype(float)[:, CATIONS]
    for k in (1, 7, 59):
        d = x[k:] - x[:-k]
        np.testing.assert_allclose(
            result.msd_tensor[k], np.einsum("fpa,fpb->ab", d, d) / (d.shape[0] * d.shape[1]), rtol=1e-9
        )
    np.testing.assert_allclose(np.trace(result.msd_tensor, axis1=1, axis2=2), result.msd, atol=1e-9)


def test_lag_times_come_from_whole_numbers(rng: np.random.Generator) -> None:
    universe = universe_of(np.cumsum(rng.normal(size=(1001, 81, 3)) * 0.01, axis=0), dt=0.01)
    lags = (
        MeanSquaredDisplacement(universe.atoms[CATIONS], None, frame_interval=0.01)
        .run(step=7)
        .results.lag_times
    )
    np.testing.assert_array_equal(lags, np.arange(143) * (7 * 0.01))


def test_an_empty_selection_is_refused(rng: np.random.Generator) -> None:
    universe = universe_of(trajectory(rng, 5, 0.0), CUBIC)
    with pytest.raises(InputError, match="cation selection is empty"):
        MeanSquaredDisplacement(universe.atoms[:0], ANIONS)


def test_positions_that_are_not_numbers_are_refused(rng: np.random.Generator) -> None:
    positions = trajectory(rng, 20, 0.0)
    positions[7, 90] = np.nan
    with pytest.raises(InputError, match="frame 7: the position of atom 90 is not finite"):
        MeanSquaredDisplacement(universe_of(positions, CUBIC).atoms[CATIONS], ANIONS).run()


@pytest.mark.parametrize(
    ("how", "message"),
    [({"frames": [0, 1, 3]}, "equally spaced and in order"), ({"stop": 1}, "at least 2 frames")],
)
def test_odd_choices_of_frames_are_refused(
    rng: np.random.Generator, how: dict[str, Any], message: str
) -> None:
    universe = universe_of(trajectory(rng, 10, 0.0), CUBIC)
    with pytest.raises(InputError, match=message):
        MeanSquaredDisplacement(universe.atoms[CATIONS], ANIONS).run(**how)


def test_a_trajectory_without_a_time_step_is_refused(rng: np.random.Generator, tmp_path: Any) -> None:
    path = tmp_path / "walk.xyz"
    walk = hopping(rng, 2, 4, 0.1, 0.1)
    path.write_text(
        "".join("2\n\n" + "".join(f"Na {x:f} {y:f} {z:f}\n" for x, y, z in frame) for frame in walk)
    )
    universe = mda.Universe(str(path))
    with pytest.raises(InputError, match="give frame_interval in ps"):
        MeanSquaredDisplacement(universe.atoms, None).run()
    with pytest.warns(UserWarning, match="no dt information"):  # MDAnalysis, on the time of a frame
        told = MeanSquaredDisplacement(universe.atoms, None, frame_interval=0.5).run()
    assert told.results.lag_times[1] == 0.5


def test_a_framework_without_anions_is_refused() -> None:
    with pytest.raises(InputError, match="at least one anion"):
        Framework([], [1.0])
    with pytest.raises(InputError, match="names atom 3"):
        Framework([[0, 3]], [1.0])
