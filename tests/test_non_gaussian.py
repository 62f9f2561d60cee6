from __future__ import annotations

import numpy as np
import pytest
from MDAnalysis.lib.mdamath import triclinic_vectors
from numpy.typing import NDArray
from synthetic_study import ANIONS, BOX, CATIONS, N_ANIONS, PS4_MASSES, trajectory
from universes import universe_of

from openmm_anion.analysis.msd import mean_squared_displacement
from openmm_anion.analysis.non_gaussian import (
    NonGaussianParameter,
    displacement_moments,
    log_spaced_lags,
    non_gaussian_parameter,
)
from openmm_anion.errors import InputError

Array = NDArray[np.float64]

DT = 0.1
TRICLINIC = [BOX, 1.1 * BOX, 1.2 * BOX, 70.0, 75.0, 80.0]


def jumps(rng: np.random.Generator, n_frames: int, n: int, rate: float) -> Array:
    """Unit jumps along axes of a cubic grid, at a total rate per ps, Poisson; (frames, n, 3)."""
    shape = (n_frames, n, 3)
    forth, back = (rng.poisson(rate * DT / 6.0, shape) for _ in range(2))
    return np.asarray(np.cumsum(forth - back, axis=0), dtype=np.float64)


def by_definition(positions: Array, lag: int) -> float:
    squares = ((positions[lag:] - positions[:-lag]) ** 2).sum(axis=-1)
    return float(3.0 * (squares**2).mean() / (5.0 * squares.mean() ** 2) - 1.0)


@pytest.mark.parametrize("n_frames", [40, 41])
def test_equals_the_definition_for_wrapped_drifting_ions(n_frames: int) -> None:
    positions = trajectory(np.random.default_rng(3), n_frames, 0.2, drift=1.0)
    vectors = triclinic_vectors(TRICLINIC)
    wrapped = positions - np.floor(positions @ np.linalg.inv(vectors)) @ vectors
    universe = universe_of(wrapped, TRICLINIC)
    lags = np.array([1, 2, 7, n_frames - 1]) * DT
    ours = NonGaussianParameter(universe.atoms[CATIONS], ANIONS, lags=lags).run().data
    centres = np.einsum(
        "faik,i->fak", positions[:, : 5 * N_ANIONS].reshape(n_frames, -1, 5, 3), PS4_MASSES / PS4_MASSES.sum()
    )
    moved = positions[:, CATIONS] - centres.mean(axis=1, keepdims=True)
    expected = [by_definition(moved, k) for k in (1, 2, 7, n_frames - 1)]
    np.testing.assert_allclose(ours.alpha, expected, rtol=1e-4)
    np.testing.assert_allclose(ours.lag_times, lags)
    msd = mean_squared_displacement(moved).mean(axis=1)
    np.testing.assert_allclose(ours.msd, msd[[1, 2, 7, n_frames - 1]], rtol=1e-4)


def test_moments_keep_their_digits_far_from_the_origin() -> None:
    positions = np.cumsum(0.01 * np.random.default_rng(1).normal(size=(300, 3, 3)), axis=0)
    near, far = (displacement_moments(x, np.array([1, 30])) for x in (positions, positions + 1e4))
    np.testing.assert_allclose(near[0], mean_squared_displacement(positions)[[1, 30]], rtol=1e-9)
    np.testing.assert_allclose(far[1], near[1], rtol=1e-7)


def test_a_random_walk_is_gaussian() -> None:
    positions = np.cumsum(np.random.default_rng(7).normal(size=(1000, 200, 3)), axis=0)
    data = NonGaussianParameter(universe_of(positions).atoms, None).run().data
    short = data.isel(lag_times=data.lag_times.values < 5.0)
    assert (np.abs(short.alpha) < 3.5 * short.alpha_error).all()
    assert (short.alpha_error < 0.04).all()


def test_jumps_have_the_value_of_their_number() -> None:
    rate = 0.5
    positions = jumps(np.random.default_rng(5), 2000, 200, rate)
    lags = np.array([0.5, 2.0, 8.0])
    data = NonGaussianParameter(universe_of(positions).atoms, None, lags=lags).run().data
    expected = 3.0 / (5.0 * rate * lags)
    np.testing.assert_allclose(data.alpha, expected, atol=3.0 * data.alpha_error.max())
    assert (np.abs(data.alpha - expected) < 3.5 * data.alpha_error).all()
    assert (data.alpha_error < 0.1 * expected + 0.01).all()


def test_errors_are_those_of_leaving_out_and_of_repeating() -> None:
    rng = np.random.default_rng(9)
    values, errors = [], []
    for _ in range(150):
        second, fourth = displacement_moments(jumps(rng, 200, 20, 2.0), np.array([10]))
        alpha, error = non_gaussian_parameter(second, fourth)
        values.append(alpha[0])
        errors.append(error[0])
    without = [0.6 * np.delete(fourth[0], p).mean() / np.delete(second[0], p).mean() ** 2 for p in range(20)]
    assert error[0] == pytest.approx(np.sqrt(19 / 20 * ((without - np.mean(without)) ** 2).sum()))
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(values), rel=0.25)


def test_a_single_cation_tells_no_error() -> None:
    positions = np.cumsum(np.random.default_rng(7).normal(size=(50, 1, 3)), axis=0)
    data = NonGaussianParameter(universe_of(positions).atoms, None).run().data
    assert np.isfinite(data.alpha).all()
    assert np.isnan(data.alpha_error).all()


@pytest.mark.parametrize("n_frames", [2, 3, 10, 1000])
def test_default_lags_go_from_a_frame_to_half_the_run(n_frames: int) -> None:
    lags = log_spaced_lags(n_frames, 50)
    assert lags[0] == 1
    assert lags[-1] == max(1, round(0.5 * (n_frames - 1)))
    assert (np.diff(lags) > 0).all()


@pytest.mark.parametrize(
    ("lags", "message"),
    [
        ([0.0, 0.1], "a lag time is zero"),
        ([0.15], "no whole multiple"),
        ([9.0], "longer than the trajectory"),
    ],
)
def test_lags_that_are_none_are_refused(lags: list[float], message: str) -> None:
    positions = np.cumsum(np.random.default_rng(7).normal(size=(20, 2, 3)), axis=0)
    with pytest.raises(InputError, match=message):
        NonGaussianParameter(universe_of(positions).atoms, None, lags=lags).run()


def test_ions_that_stand_still_are_refused() -> None:
    universe = universe_of(np.ones((20, 2, 3)))
    with pytest.raises(InputError, match=r"no cation moves within 0.1 ps"):
        NonGaussianParameter(universe.atoms, None).run()
    with pytest.raises(InputError, match="cation selection is empty"):
        NonGaussianParameter(universe.atoms[:0], None)


def test_the_curve_is_drawn_against_the_logarithm() -> None:
    positions = np.cumsum(np.random.default_rng(7).normal(size=(50, 3, 3)), axis=0)
    axes = NonGaussianParameter(universe_of(positions).atoms, None).run().plot()
    assert axes.get_xscale() == "log"
    assert axes.get_ylabel() == "non-Gaussian parameter"
