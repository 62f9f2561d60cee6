"""The distinct part: against brute force, MDAnalysis and mdtraj, in cells of every form."""

from __future__ import annotations

import itertools
from typing import Any

import mdtraj
import numpy as np
import pytest
from gases import ORTHORHOMBIC, SKEWED, gas, image_distances
from MDAnalysis.analysis.rdf import InterRDF
from MDAnalysis.lib.mdamath import triclinic_vectors
from synthetic_study import ANIONS, BOX, CATIONS, CUBIC, TETRAHEDRON, ps4, trajectory
from universes import universe_of, wrapped

from openmm_anion.analysis.distinct_van_hove import VanHoveDistinct
from openmm_anion.analysis.ions import Anion

Array = np.ndarray[Any, Any]


@pytest.mark.parametrize("dimensions", [ORTHORHOMBIC, SKEWED])
def test_an_ideal_gas_has_no_structure(rng: np.random.Generator, dimensions: list[float]) -> None:
    n_a, n_b = 300, 400
    universe = universe_of(gas(rng, 6, n_a + n_b, dimensions), dimensions)
    volume = abs(np.linalg.det(triclinic_vectors(dimensions)))
    a, b = universe.atoms[:n_a], universe.atoms[n_a:]
    for second, n_pairs in ((b, n_a * n_b), (a, n_a * (n_a - 1))):
        # one time origin at each lag, so that pairs are independent
        data = VanHoveDistinct(a, second, lags=[0.0, 0.3, 0.5], width=0.5, origins=100).run().data
        edges = np.append(data.distance.values - 0.25, data.distance.values[-1] + 0.25)
        expected = n_pairs * 4.0 / 3.0 * np.pi * np.diff(edges**3) / volume
        each_pair = 1.0 + (second is a)  # there and back
        error = np.sqrt(each_pair / expected)
        assert error[-1] < 0.03
        assert (np.abs(data.g - 1.0) < 4.5 * error + 5.0 / expected).all()
        whole = (data.g * expected).sum("distance") / expected.sum()
        assert (np.abs(whole - 1.0) < 4.0 * np.sqrt(each_pair / expected.sum())).all()


@pytest.mark.parametrize(("n_frames", "origins"), [(12, 1), (13, 3)])
def test_distinct_part_equals_brute_force_in_a_skewed_cell(
    rng: np.random.Generator, n_frames: int, origins: int
) -> None:
    vectors = triclinic_vectors(SKEWED)
    universe = universe_of(wrapped(gas(rng, n_frames, 30, SKEWED), vectors), SKEWED)
    a, b = universe.atoms[:14], universe.atoms[9:]  # five atoms are in both, at other places
    lags = [0.0, 0.2, 0.7]
    data = VanHoveDistinct(a, b, lags=lags, width=0.3, origins=origins).run().data
    edges = np.append(data.distance.values - 0.15, data.distance.values[-1] + 0.15)
    x = universe.trajectory.timeseries(order="fac").astype(float)
    different = a.indices[:, None] != b.indices[None, :]
    assert different.size - different.sum() == 5
    volume = abs(np.linalg.det(vectors))
    for k, lag in enumerate((0, 2, 7)):
        starts = range(0, n_frames - lag, origins)
        counts = sum(
            np.histogram(image_distances(x[t, a.indices], x[t + lag, b.indices], vectors)[different], edges)[
                0
            ]
            for t in starts
        )
        shells = 4.0 / 3.0 * np.pi * np.diff(edges**3)
        expected = counts / len(starts) * volume / (different.sum() * shells)
        np.testing.assert_allclose(data.g[k], expected, rtol=1e-6)
        np.testing.assert_allclose(data.radial[k], counts / (len(starts) * 14 * 0.3), rtol=1e-6)
        assert data.n_origins[k] == len(starts)


def test_equals_mdanalysis_at_time_zero(rng: np.random.Generator) -> None:
    universe = universe_of(gas(rng, 7, 40, SKEWED), SKEWED)
    a, b = universe.atoms[:25], universe.atoms[25:]
    longest = 4.0
    ours = VanHoveDistinct(a, b, lags=[0.0], width=0.2, longest_distance=longest).run().data.g[0]
    theirs = InterRDF(a, b, nbins=20, range=(0.0, longest)).run().results.rdf
    assert theirs.max() > 1.0
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_equals_mdtraj_at_later_times(rng: np.random.Generator) -> None:
    n_frames, n_a, n_b, width, lag = 20, 15, 21, 0.25, 3
    x = wrapped(gas(rng, n_frames, n_a + n_b, ORTHORHOMBIC), triclinic_vectors(ORTHORHOMBIC))
    universe = universe_of(x, ORTHORHOMBIC)
    ours = (
        VanHoveDistinct(
            universe.atoms[:n_a], universe.atoms[n_a:], lags=[0.1 * lag], width=width, longest_distance=5.0
        )
        .run()
        .data
    )
    topology = mdtraj.Topology()
    chain = topology.add_chain()
    for _ in range(n_a + n_b):
        topology.add_atom("Na", mdtraj.element.sodium, topology.add_residue("Na", chain))
    theirs = mdtraj.Trajectory(universe.trajectory.timeseries(order="fac") / 10.0, topology)
    theirs.unitcell_lengths = np.tile(np.array(ORTHORHOMBIC[:3]) / 10.0, (n_frames, 1))
    theirs.unitcell_angles = np.full((n_frames, 3), 90.0)
    pairs = np.array(list(itertools.product(range(n_a), range(n_a, n_a + n_b))))
    times = np.array([[t, t + lag] for t in range(n_frames - lag)])
    _, g = mdtraj.compute_rdf_t(
        theirs, pairs, times, r_range=(0.0, 0.5), bin_width=width / 10.0, self_correlation=False
    )
    np.testing.assert_allclose(ours.g[0], g.mean(axis=0), rtol=1e-4, atol=1e-4)


def test_an_atom_does_not_meet_itself_but_others_take_its_place() -> None:
    """Two atoms change places: what stands at a distance of zero later is the other one."""
    x = np.array([[[1.0, 1.0, 1.0], [4.0, 1.0, 1.0]], [[4.0, 1.0, 1.0], [1.0, 1.0, 1.0]]])
    universe = universe_of(x, [9.0, 9.0, 9.0, 90.0, 90.0, 90.0], dt=1.0)
    both = universe.atoms
    data = VanHoveDistinct(both, both[::-1], lags=[0.0, 1.0], width=0.5).run().data
    shares = data.radial.values * 0.5
    assert shares[0].nonzero()[0].tolist() == [6]
    assert shares[1].nonzero()[0].tolist() == [0]
    assert shares[0, 6] == shares[1, 0] == 1.0


def broken_anions(rng: np.random.Generator, n_frames: int, dimensions: list[float]) -> tuple[Any, Array]:
    """Two kinds of anions on the faces of the cell, wrapped atom by atom, and cations; true centres too."""
    vectors = triclinic_vectors(dimensions)
    centres = np.array([[0.02, 0.5, 0.99], [0.5, 0.01, 0.0]]) @ vectors + rng.uniform(
        -0.2, 0.2, (n_frames, 2, 3)
    )
    first = centres[:, :1] + np.vstack([np.zeros(3), TETRAHEDRON])
    second = centres[:, 1:] + np.array([[0.0, 0.0, 0.6], [0.0, 0.0, -0.6]])
    cations = rng.random((6, 3)) @ vectors + rng.uniform(-0.3, 0.3, (n_frames, 6, 3))
    atoms = np.concatenate([first, second, cations], axis=1)
    return universe_of(wrapped(atoms, vectors), dimensions), centres


@pytest.mark.parametrize("dimensions", [ORTHORHOMBIC, SKEWED])
def test_centres_of_anions_across_the_faces(rng: np.random.Generator, dimensions: list[float]) -> None:
    universe, centres = broken_anions(rng, 9, dimensions)
    pair = Anion("CN", np.array([5, 6]), ("C", "N"), np.array([1.0, 1.0]), None, np.array([0, 1]))
    masses = np.array([31.0, 32.0, 32.0, 32.0, 32.0])  # about a symmetric centre any masses will do
    anions = [Anion("PS4", np.arange(5), ("P", "S", "S", "S", "S"), masses, 0, np.arange(1, 5)), pair]
    cations = universe.atoms[7:]
    data = VanHoveDistinct(cations, anions, lags=[0.3], width=0.4, origins=1).run().data
    x = universe.trajectory.timeseries(order="fac").astype(float)[:, 7:]
    edges = np.append(data.distance.values - 0.2, data.distance.values[-1] + 0.2)
    vectors = triclinic_vectors(dimensions)
    counts = sum(np.histogram(image_distances(x[t], centres[t + 3], vectors), edges)[0] for t in range(6))
    assert np.sum(counts) > 10
    np.testing.assert_allclose(data.radial[0] * 0.4 * 6 * 6, counts, atol=1e-9)


def test_framework_drift_does_not_smear_the_neighbours() -> None:
    still = trajectory(np.random.default_rng(4), 61, 0.0, drift=0.0)
    moving = wrapped(trajectory(np.random.default_rng(4), 61, 0.0, drift=1.5), np.eye(3) * BOX)

    def of(x: Array, frame: Any) -> Any:
        cations = universe_of(x, CUBIC).atoms[CATIONS]
        return VanHoveDistinct(cations, ANIONS, lags=[2.0], width=0.5, relative_to=frame).run().data.g[0]

    right = of(still, ANIONS)
    np.testing.assert_allclose(of(moving, ANIONS), right, atol=0.02)
    assert float(np.abs(of(moving, None) - right).max()) > 1.0


def test_a_breathing_cell_moves_nothing_by_itself(rng: np.random.Generator) -> None:
    """Atoms that drift through faces of a cell that changes; later places count in the earlier cell."""
    n_frames, lag = 40, 5
    scale = 1.0 + 0.02 * np.sin(np.arange(n_frames))
    dimensions = np.tile(SKEWED, (n_frames, 1))
    dimensions[:, :3] *= scale[:, None]
    fractional = rng.random((20, 3)) + 0.05 * np.arange(n_frames)[:, None, None]
    cells = triclinic_vectors(SKEWED) * scale[:, None, None]
    atoms = universe_of((fractional % 1.0) @ cells, dimensions).atoms
    data = VanHoveDistinct(atoms[:8], atoms[8:], lags=[0.0, 0.5], width=0.5, origins=1).run().data
    edges = np.append(data.distance.values - 0.25, data.distance.values[-1] + 0.25)
    shells = 4.0 / 3.0 * np.pi * np.diff(edges**3)
    for k, later in enumerate((0, lag)):
        starts = range(n_frames - later)
        counts = sum(
            np.histogram(
                image_distances(
                    fractional[t, :8] % 1.0 @ cells[t], fractional[t + later, 8:] % 1.0 @ cells[t], cells[t]
                ),
                edges,
            )[0]
            for t in starts
        )
        volume = np.linalg.det(cells[: len(starts)]).mean()
        expected = counts / len(starts) * volume / (8 * 12 * shells)
        np.testing.assert_allclose(data.g[k], expected, rtol=1e-5)


def test_blocks_and_sparse_origins_give_what_one_block_gives(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    universe, _ = broken_anions(rng, 23, SKEWED)

    def run() -> Any:
        return (
            VanHoveDistinct(universe.atoms[7:], [ps4(0)], lags=[0.2, 1.0], width=0.4, origins=4)
            .run(start=1, step=2)
            .data
        )

    at_once = run()
    monkeypatch.setattr("openmm_anion.analysis.continuous.BLOCK_NUMBERS", 3 * 11 * 2)
    np.testing.assert_array_equal(run().g, at_once.g)
    assert at_once.n_origins.values.tolist() == [3, 2]
    np.testing.assert_allclose(at_once.lag_times, [0.2, 1.0])
