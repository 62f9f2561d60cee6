"""The histogram of pairs, against distances to many images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gases import ORTHORHOMBIC, SKEWED, image_distances
from MDAnalysis.lib.mdamath import triclinic_vectors

from openmm_anion.analysis.pair_histogram import inscribed_radius, pair_histogram, to_fixed_point

Array = np.ndarray[Any, Any]


@pytest.mark.parametrize("dimensions", [ORTHORHOMBIC, SKEWED, [9.0, 30.0, 11.0, 110.0, 95.0, 120.0]])
def test_distances_are_those_of_the_nearest_of_125_images(
    rng: np.random.Generator, dimensions: list[float]
) -> None:
    vectors = triclinic_vectors(dimensions).astype(float)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turned = vectors @ turn * np.sign(np.linalg.det(turn))  # a cell that does not begin along x
    a, b = rng.uniform(-2, 2, (1, 40, 3)), rng.uniform(-2, 2, (1, 37, 3))
    radius, width = inscribed_radius(turned), 0.07
    counts = pair_histogram(
        to_fixed_point(a),
        to_fixed_point(b),
        np.array([[0, 0]]),
        turned[None],
        np.full(40, -1),
        width,
        int(radius / width),
    )
    d = image_distances(
        (a[0] - np.floor(a[0])) @ turned, (b[0] - np.floor(b[0])) @ turned, np.asarray(turned)
    )
    expected = np.histogram(d, np.arange(len(counts) + 1) * width)[0]
    assert expected.sum() > 100
    np.testing.assert_array_equal(counts, expected)


def test_a_cell_that_is_not_reduced_only_has_a_smaller_sphere(rng: np.random.Generator) -> None:
    reduced = np.diag([10.0, 11.0, 12.0])
    sheared = np.array([[10.0, 0, 0], [20.0, 11.0, 0], [-10.0, 11.0, 12.0]])
    assert inscribed_radius(sheared) < 0.5 * inscribed_radius(reduced)
    x = rng.random((1, 200, 3)) @ reduced
    counts = [
        pair_histogram(
            to_fixed_point(x @ np.linalg.inv(cell)),
            to_fixed_point(x @ np.linalg.inv(cell)),
            np.array([[0, 0]]),
            cell[None],
            np.arange(200),
            0.1,
            int(inscribed_radius(sheared) / 0.1),
        )
        for cell in (reduced, sheared)
    ]
    assert counts[0].sum() > 100
    np.testing.assert_array_equal(counts[0], counts[1])


def test_fixed_point_holds_positions_to_a_millionth_of_a_percent(rng: np.random.Generator) -> None:
    x = rng.uniform(-3, 3, (7, 5, 3))
    back = to_fixed_point(x).transpose(0, 2, 1) / 2.0**32
    np.testing.assert_allclose((back - x + 0.5) % 1.0, 0.5, atol=2e-10)
