from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import MDAnalysis as mda
import mdtraj
import numpy as np
import pytest
from MDAnalysis.analysis.rdf import InterRDF
from MDAnalysis.lib.mdamath import triclinic_vectors
from synthetic_study import BOX, N_ANIONS, TETRAHEDRON, trajectory

from openmm_anion.analysis.distinct_van_hove import VanHoveDistinct
from openmm_anion.analysis.ions import Anion
from openmm_anion.analysis.pair_histogram import inscribed_radius, pair_histogram, to_fixed_point
from openmm_anion.analysis.van_hove import VanHoveSelf, gaussian_in_bins, lags_in_frames
from openmm_anion.errors import InputError

Array = np.ndarray[Any, Any]

CUBIC = [BOX, BOX, BOX, 90.0, 90.0, 90.0]
ORTHORHOMBIC = [12.0, 14.0, 17.0, 90.0, 90.0, 90.0]
SKEWED = [12.0, 14.0, 15.0, 55.0, 60.0, 50.0]
MASSES = np.array([30.974] + [32.06] * 4)
CATIONS = slice(5 * N_ANIONS, None)


def ps4(first: int) -> Anion:
    return Anion("PS4", np.arange(first, first + 5), ("P", "S", "S", "S", "S"), MASSES, 0, np.arange(1, 5))


ANIONS = [ps4(5 * a) for a in range(N_ANIONS)]


def universe_of(positions: Array, dimensions: Sequence[float] | Array | None = None, dt: float = 0.1) -> Any:
    universe = mda.Universe.empty(positions.shape[1], trajectory=True)
    boxes = None if dimensions is None else np.broadcast_to(dimensions, (len(positions), 6)).copy()
    universe.load_new(positions.astype(np.float32), dimensions=boxes, dt=dt)
    return universe


def wrapped(positions: Array, vectors: Array) -> Array:
    return np.asarray(positions - np.floor(positions @ np.linalg.inv(vectors)) @ vectors)


def gas(rng: np.random.Generator, n_frames: int, n: int, dimensions: Sequence[float]) -> Array:
    """Particles that stay within 1 A of where they were, anywhere in the cell."""
    vectors = triclinic_vectors(dimensions)
    start = rng.random((n, 3)) @ vectors
    return np.asarray(start + rng.uniform(-0.5, 0.5, (n_frames, n, 3)))


def image_distances(a: Array, b: Array, vectors: Array, reach: int = 2) -> Array:
    """Shortest distance of each a from each b among (2 reach + 1)^3 images."""
    shifts = np.array(list(itertools.product(range(-reach, reach + 1), repeat=3))) @ vectors
    d = b[None, :] - a[:, None]
    return np.asarray(np.linalg.norm(d[:, :, None] + shifts, axis=-1).min(axis=-1))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


# The histogram of pairs


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


# The self part


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
    centres = np.einsum("tamk,m->tak", anions, MASSES / MASSES.sum())
    moved = (x[:, CATIONS] - centres.mean(axis=1)[:, None])[::2]
    for k, lag in enumerate((3, 15)):
        np.testing.assert_allclose(data.msd[k], ((moved[lag:] - moved[:-lag]) ** 2).sum(-1).mean(), rtol=1e-5)


def test_gaussian_of_nothing_is_in_the_first_bin() -> None:
    edges: Array = np.arange(5) * 0.5
    expected: Array = np.array([[2.0, 0.0, 0.0, 0.0]])
    np.testing.assert_allclose(gaussian_in_bins(np.zeros(1), edges), expected)


# The distinct part


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


# What is refused


@pytest.mark.parametrize(
    ("lags", "message"),
    [
        ([0.35], r"lag 0\.35 ps is no whole multiple of the 0\.1 ps .* nearest are 0\.3 and 0\.4 ps"),
        ([0.10015], r"lag 0\.10015 ps .* nearest are 0\.1 and 0\.2 ps"),
        ([5.0], r"lag 5 ps is longer than the trajectory, 4\.9 ps"),
        ([-0.1], r"lag -0\.1 ps is no lag time"),
        ([np.nan], "lag nan ps is no lag time"),
        ([], "no lag times are given"),
    ],
)
def test_odd_lags_are_refused(lags: list[float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        lags_in_frames(lags, 0.1, 50)


def test_lags_of_long_runs_may_be_off_by_single_precision() -> None:
    interval = float(np.float32(0.1)) * (1.0 + 1e-7)
    assert lags_in_frames([2000.0], interval, 30_000)[0] == 20_000


def test_odd_arguments_are_refused(rng: np.random.Generator) -> None:
    universe = universe_of(gas(rng, 5, 8, SKEWED), SKEWED)
    atoms = universe.atoms
    radius = inscribed_radius(triclinic_vectors(SKEWED).astype(float))
    assert radius < 6.0 < min(SKEWED[:3]) / 2.0 + 0.1
    with pytest.raises(InputError, match=r"longest_distance 6 A is longer than half the smallest height"):
        VanHoveDistinct(atoms, atoms, lags=[0.1], longest_distance=6.0).run()
    VanHoveDistinct(atoms, atoms, lags=[0.1], longest_distance=radius).run()
    with pytest.raises(InputError, match="group_a selection is empty"):
        VanHoveDistinct(atoms[:0], atoms, lags=[0.1])
    with pytest.raises(InputError, match="group_b selection is empty"):
        VanHoveDistinct(atoms, atoms[:0], lags=[0.1])
    with pytest.raises(InputError, match="group_b holds no anions"):
        VanHoveDistinct(atoms, [], lags=[0.1])
    with pytest.raises(InputError, match="group_a names an atom twice"):
        VanHoveDistinct(atoms[[0, 0]], atoms, lags=[0.1])
    with pytest.raises(InputError, match="no pair of two"):
        VanHoveDistinct(atoms[:1], atoms[:1], lags=[0.1])
    with pytest.raises(InputError, match="of two universes"):
        VanHoveDistinct(atoms, universe.copy().atoms, lags=[0.1])
    with pytest.raises(InputError, match="has no cell"):
        VanHoveDistinct(*[universe_of(rng.random((3, 4, 3))).atoms] * 2, lags=[0.1]).run()
    with pytest.raises(InputError, match="origins 0: give the number of frames"):
        VanHoveDistinct(atoms, atoms, lags=[0.1], origins=0)
    with pytest.raises(InputError, match="cation selection is empty"):
        VanHoveSelf(atoms[:0], None, lags=[0.1])
    with pytest.raises(InputError, match="width -1 is no distance"):
        VanHoveSelf(atoms, None, lags=[0.1], width=-1)
    with pytest.raises(InputError, match="change width"):
        VanHoveSelf(atoms, None, lags=[0.1], width=1e-9)
    with pytest.raises(InputError, match="longer than the trajectory"):
        VanHoveSelf(atoms, None, lags=[0.5]).run()
    with pytest.raises(InputError, match="at least one anion"):
        VanHoveSelf(atoms, [], lags=[0.1])


def test_both_parts_can_be_drawn(rng: np.random.Generator) -> None:
    universe = universe_of(gas(rng, 6, 8, CUBIC), CUBIC)
    lags = [0.1, 0.3]
    axes = VanHoveSelf(universe.atoms, None, lags=lags).run().plot()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["0.1 ps", "0.3 ps"]
    assert len(axes.lines) == 4
    axes = VanHoveDistinct(universe.atoms, universe.atoms, lags=lags).run().plot()
    assert axes.get_xlabel() == "distance (A)"
    assert len(axes.lines) == 2
