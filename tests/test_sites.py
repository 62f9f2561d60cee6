from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import xarray as xr
from MDAnalysis.lib.mdamath import triclinic_vectors
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation
from synthetic_study import jiggle
from universes import universe_of

from openmm_anion.analysis.density import CationDensity
from openmm_anion.analysis.hops import SiteHops
from openmm_anion.analysis.quantity import variable
from openmm_anion.analysis.sites import NearestSite, Sites, find_sites, smoothed
from openmm_anion.errors import InputError

Array = np.ndarray[Any, Any]
CELLS = {
    "cubic": [9.0, 9.0, 9.0, 90.0, 90.0, 90.0],
    "triclinic": [9.0, 11.0, 13.0, 63.0, 72.0, 81.0],
    "hexagonal": [9.0, 9.0, 5.0, 90.0, 90.0, 120.0],
    "flat": [20.0, 4.0, 9.0, 90.0, 100.0, 90.0],
    "skewed": [9.0, 9.5, 10.0, 90.0, 90.0, 35.0],
}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(8)


def over_images(points: Array, sites: Array, cell: Array, reach: int) -> tuple[Array, Array]:
    """Nearest site and its distance, over all images up to `reach` cells away (1: 27 images)."""
    images = np.array(list(product(range(-reach, reach + 1), repeat=3)))
    d = (points[:, None, None] - np.floor(points)[:, None, None] - sites[:, None] - images) @ cell
    distances = np.linalg.norm(d, axis=-1).min(axis=2)
    return distances.argmin(axis=1), distances.min(axis=1)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("n_sites", [1, 2, 40])
@pytest.mark.parametrize("radius", [None, 1.1])
def test_nearest_sites_are_those_of_all_images(
    rng: np.random.Generator, name: str, n_sites: int, radius: float | None
) -> None:
    cell = triclinic_vectors(CELLS[name]).astype(float)
    sites = Sites(rng.random((n_sites, 3)), cell)
    points = 6.0 * rng.random((400, 3)) - 3.0
    points[:4] = [[0.0, 0.0, 0.0], [1.0, -1.0, 2.0], [-1e-17, 1e-17, 1.0 - 1e-16], [0.5, 0.5, 0.5]]
    # In a skewed cell the nearest image is not always among 27.
    expected, distance = over_images(points, sites.fractional, cell, 2 if name == "skewed" else 1)
    number, vectors = NearestSite(sites, radius)(points)
    near = distance <= (np.inf if radius is None else radius)
    np.testing.assert_array_equal(number, np.where(near, expected, -1))
    assert near.any()
    np.testing.assert_allclose(np.linalg.norm(vectors[near], axis=1), distance[near], atol=1e-9)
    away = (points - sites.fractional[number])[near] - vectors[near] @ np.linalg.inv(cell)
    np.testing.assert_allclose(away, np.round(away), atol=1e-9)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("n_sites", [1, 2, 40])
def test_no_site_is_nearer_than_the_one_in_whose_core_a_position_is(
    rng: np.random.Generator, name: str, n_sites: int
) -> None:
    cell = triclinic_vectors(CELLS[name]).astype(float)
    sites = Sites(rng.random((n_sites, 3)), cell)
    at = rng.integers(n_sites, size=400)
    away = rng.normal(size=(400, 3))
    away *= (0.999 * np.sqrt(NearestSite(sites).core[at]) / np.linalg.norm(away, axis=1))[:, None]
    points = sites.fractional[at] + away @ np.linalg.inv(cell)
    found, distance = over_images(points, sites.fractional, cell, 2)
    np.testing.assert_array_equal(found, at)
    np.testing.assert_allclose(distance, np.linalg.norm(away, axis=1), rtol=1e-9)


def test_a_turned_cell_gives_the_same_hops(rng: np.random.Generator) -> None:
    dimensions = CELLS["triclinic"]
    cell = triclinic_vectors(dimensions).astype(float)
    fractional = np.array([[0.1, 0.2, 0.3], [0.35, 0.2, 0.3]])
    path = rng.integers(0, 2, (80, 1)).repeat(5, axis=0)
    universe = universe_of(fractional[path] @ cell + jiggle(rng, (400, 1, 3), 0.15, 0.1), dimensions)
    turn = Rotation.random(random_state=1).as_matrix()
    given, turned = (Sites.at(fractional @ vectors, vectors) for vectors in (cell, cell @ turn))
    np.testing.assert_allclose(turned.fractional, given.fractional, atol=1e-6)
    by_given, by_turned = (SiteHops(universe.atoms, sites, None).run().data for sites in (given, turned))
    assert by_given.sizes["event"] == (np.diff(path[:, 0]) != 0).sum() > 10
    np.testing.assert_array_equal(by_turned.time, by_given.time)
    np.testing.assert_allclose(by_turned.jump, by_given.jump, atol=1e-5)
    np.testing.assert_allclose(
        np.abs(by_given.jump), np.tile(0.25 * cell[0], (len(by_given.time), 1)), atol=1e-5
    )


@pytest.mark.parametrize("name", ["cubic", "triclinic", "hexagonal"])
def test_sites_are_found_where_cations_vibrate(rng: np.random.Generator, name: str) -> None:
    dimensions = CELLS[name]
    cell = triclinic_vectors(dimensions).astype(float)
    fractional = np.array([[0.01, 0.99, 0.5], [0.5, 0.52, 0.02], [0.51, 0.03, 0.98]])
    n = 1500
    where = np.tile([0, 1], (n, 1))
    where[1000:, 1] = 2
    positions = fractional[where] @ cell + jiggle(rng, (n, 2, 3), 0.3, 0.1)
    positions -= np.floor(positions @ np.linalg.inv(cell)) @ cell
    # A hop of half a cell cannot be unwrapped, so the parts are put together by their densities.
    parts = [
        CationDensity(universe_of(part, dimensions).atoms, None).run().data
        for part in (positions[:1000], positions[1000:])
    ]
    density = parts[0].assign(density=(2.0 * parts[0].density + parts[1].density) / 3.0)
    sites = find_sites(density, radius=1.0)
    assert len(sites) == 3
    np.testing.assert_allclose(sites.occupancies, [1.0, 2 / 3, 1 / 3], atol=0.01)
    number, vectors = NearestSite(Sites(fractional, cell))(sites.fractional)
    np.testing.assert_array_equal(number, [0, 1, 2])
    assert np.abs(vectors).max() < 0.1
    only = find_sites(density, radius=1.0, least_occupancy=0.5)
    assert len(only) == 2
    assert only.occupancies.sum() == pytest.approx(2.0)


def grid_density(cell: Array, shape: tuple[int, int, int], rho: Array) -> xr.Dataset:
    return xr.Dataset(
        {
            "density": variable("a b c", rho.reshape(shape), "1/A^3", "density"),
            "cell": variable("vector xyz", cell, "A", "cell"),
        }
    )


def test_close_maxima_are_one_site() -> None:
    rho = np.zeros((40, 40, 40))
    rho[10, 10, 10], rho[16, 10, 10], rho[30, 30, 30] = 300.0, 100.0, 200.0
    density = grid_density(8.0 * np.eye(3), rho.shape, rho)
    apart = find_sites(density, radius=1.0)
    np.testing.assert_allclose(
        apart.positions, [[2.0, 2.0, 2.0], [6.0, 6.0, 6.0], [3.2, 2.0, 2.0]], atol=1e-9
    )
    np.testing.assert_allclose(apart.occupancies, 0.2**3 * np.array([300.0, 200.0, 100.0]))
    together = find_sites(density, radius=1.5)
    np.testing.assert_allclose(together.positions, [[2.3, 2.0, 2.0], [6.0, 6.0, 6.0]], atol=1e-9)
    np.testing.assert_allclose(together.occupancies, 0.2**3 * np.array([400.0, 200.0]))


def test_smoothing_is_a_gaussian_that_is_round(rng: np.random.Generator) -> None:
    rho = rng.random((30, 24, 20))
    ours = smoothed(rho, np.diag([6.0, 6.0, 6.0]), 0.5)
    theirs = gaussian_filter(rho, np.array([0.5 * 30, 0.5 * 24, 0.5 * 20]) / 6.0, mode="wrap", truncate=8.0)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    cell = triclinic_vectors(CELLS["hexagonal"]).astype(float)
    spike = np.zeros((36, 36, 20))
    spike[0, 0, 0] = 1.0
    around = smoothed(spike, cell, 0.6)
    # The six neighbours of a point of a hexagonal lattice are equally far: no axis is special.
    six = [around[4, 0, 0], around[0, 4, 0], around[4, 4, 0], around[-4, 0, 0], around[0, -4, 0]]
    np.testing.assert_allclose(six, around[-4, -4, 0], rtol=1e-6)  # single precision of the cell
    assert around[4, 0, 0] / around[0, 0, 0] == pytest.approx(np.exp(-0.5 / 0.36), rel=1e-6)


def test_wrong_sites_are_refused() -> None:
    cell = 8.0 * np.eye(3)
    with pytest.raises(InputError, match="at least one"):
        Sites(np.empty((0, 3)), cell)
    with pytest.raises(InputError, match="finite"):
        Sites(np.array([[0.0, 0.0, np.nan]]), cell)
    with pytest.raises(InputError, match="sites 0 and 2 are at the same place"):
        Sites(np.array([[0.001, 0.5, 0.5], [0.5, 0.5, 0.5], [0.999, 0.5, 0.5]]), cell)
    with pytest.raises(InputError, match="2 sites, 1 kinds"):
        Sites(np.array([[0.0] * 3, [0.5] * 3]), cell, ("a",))
    with pytest.raises(InputError, match="right-handed"):
        Sites(np.zeros((1, 3)), np.diag([1.0, 1.0, -1.0]))
    with pytest.raises(InputError, match="got shape \\(3,\\)"):
        Sites.at([0.0, 0.0, 0.0], cell)
    density = grid_density(cell, (20, 20, 20), np.full(8000, 1e-6))
    with pytest.raises(InputError, match=r"half the smallest height of the cell, 4\.00 A"):
        find_sites(density, radius=4.5)
    with pytest.raises(InputError, match="smoothing 0"):
        find_sites(density, smoothing=0.0)
    with pytest.raises(InputError, match="no maximum of the density"):
        find_sites(density)
    with pytest.raises(InputError, match="zero everywhere"):
        find_sites(0.0 * density)
