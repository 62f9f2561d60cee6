"""The self part: against its definition, against a Gaussian, and the frame it is in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from MDAnalysis.lib.mdamath import triclinic_vectors
from synthetic_study import ANIONS, BOX, CATIONS, CUBIC, N_ANIONS, PS4_MASSES, trajectory
from universes import universe_of, wrapped

from openmm_anion.analysis.van_hove import VanHoveSelf, gaussian_in_bins

Array = np.ndarray[Any, Any]


def test_a_random_walk_is_gaussian(rng: np.random.Generator) -> None:
    n_frames, n, step = 40, 2000, 0.3
    walk = np.cumsum(step * rng.normal(size=(n_frames, n, 3)), axis=0)
    data = (
        VanHoveSelf(universe_of(walk).atoms, None, lags=[0.1, 0.9], width=0.25, longest_distance=5.0)
        .run()
        .data
    )
    frames = np.array([1, 9])
    edges: Array = np.arange(21) * 0.25
    true = gaussian_in_bins(3.0 * step**2 * frames, edges)
    np.testing.assert_allclose(data.msd, 3.0 * step**2 * frames, rtol=0.02)
    # every 9th origin is independent; 5 standard errors of a share of the counts
    independent = n * (n_frames - frames) / frames
    error = np.sqrt(true * 0.25 / independent[:, None]) / 0.25 + 5.0 / (0.25 * independent[:, None])
    assert (np.abs(data.radial - true) < 5.0 * error).all()
    assert (np.abs(data.gaussian - true) < 5.0 * error).all()


def test_the_integral_is_one(rng: np.random.Generator) -> None:
    universe = universe_of(np.cumsum(rng.normal(size=(30, 20, 3)), axis=0))
    lags = [0.0, 0.1, 1.0, 2.9]
    data = VanHoveSelf(universe.atoms, None, lags=lags, width=0.2, longest_distance=60.0).run().data
    np.testing.assert_allclose(data.radial.sum("distance") * 0.2, 1.0, rtol=1e-12)
    np.testing.assert_array_equal(data.beyond, 0.0)
    edges = np.arange(301) * 0.2
    shells = 4.0 / 3.0 * np.pi * np.diff(edges**3)
    np.testing.assert_allclose((data.density * shells).sum("distance"), 1.0, rtol=1e-12)
    np.testing.assert_allclose(data.gaussian.sum("distance") * 0.2, 1.0, rtol=1e-9)
    np.testing.assert_allclose(data.lag_times, lags)
    np.testing.assert_array_equal(data.n_origins, [30, 29, 20, 1])
    assert data.radial[0, 0] == 1.0 / 0.2  # nothing has moved yet


@pytest.mark.parametrize(("n_frames", "origins"), [(30, 1), (31, 3), (32, 7)])
def test_self_part_equals_the_definition(rng: np.random.Generator, n_frames: int, origins: int) -> None:
    universe = universe_of(np.cumsum(rng.normal(size=(n_frames, 9, 3)), axis=0))
    data = (
        VanHoveSelf(universe.atoms, None, lags=[0.4, 1.7], width=0.5, longest_distance=6.1, origins=origins)
        .run()
        .data
    )
    x = universe.trajectory.timeseries(order="fac").astype(float)
    for k, lag in enumerate((4, 17)):
        starts = range(0, n_frames - lag, origins)
        d = np.array([np.linalg.norm(x[t + lag] - x[t], axis=-1) for t in starts]).ravel()
        expected = np.histogram(d, np.arange(13) * 0.5)[0] / (len(d) * 0.5)
        np.testing.assert_allclose(data.radial[k], expected, rtol=1e-12)
        np.testing.assert_allclose(data.beyond[k], np.mean(d >= 6.0), atol=1e-12)
        np.testing.assert_allclose(data.msd[k], np.mean(d**2), rtol=1e-12)


@pytest.mark.parametrize("dimensions", [CUBIC, [BOX, 1.1 * BOX, 1.2 * BOX, 70.0, 75.0, 80.0]])
def test_wrapping_and_drift_change_nothing(dimensions: list[float]) -> None:
    vectors = triclinic_vectors(dimensions)
    still = trajectory(np.random.default_rng(4), 101, 0.04, drift=0.0)
    moving = wrapped(trajectory(np.random.default_rng(4), 101, 0.04, drift=2.0), vectors)
    results = [
        VanHoveSelf(universe_of(x, dimensions).atoms[CATIONS], ANIONS, lags=[2.0, 5.0], width=0.25).run().data
        for x in (still, moving)
    ]
    # single precision moves a few displacements over the edge of a bin
    np.testing.assert_allclose(results[1].radial, results[0].radial, atol=5e-3)
    np.testing.assert_allclose(results[1].msd, results[0].msd, rtol=1e-4)
    lab = VanHoveSelf(universe_of(moving, dimensions).atoms[CATIONS], None, lags=[2.0]).run().data
    assert lab.msd[0] > 10.0 * results[0].msd[0]


def test_displacements_are_from_the_mean_of_the_anion_centres() -> None:
    x = trajectory(np.random.default_rng(3), 60, 0.04)
    data = VanHoveSelf(universe_of(x, CUBIC).atoms[CATIONS], ANIONS, lags=[0.6, 3.0]).run(step=2).data
    anions = x[:, : 5 * N_ANIONS].reshape(60, N_ANIONS, 5, 3)
    centres = np.einsum("tamk,m->tak", anions, PS4_MASSES / PS4_MASSES.sum())
    moved = (x[:, CATIONS] - centres.mean(axis=1)[:, None])[::2]
    for k, lag in enumerate((3, 15)):
        np.testing.assert_allclose(data.msd[k], ((moved[lag:] - moved[:-lag]) ** 2).sum(-1).mean(), rtol=1e-5)


def test_gaussian_of_nothing_is_in_the_first_bin() -> None:
    edges: Array = np.arange(5) * 0.5
    expected: Array = np.array([[2.0, 0.0, 0.0, 0.0]])
    np.testing.assert_allclose(gaussian_in_bins(np.zeros(1), edges), expected)
