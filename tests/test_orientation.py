"""How long anions keep their orientation, against the definition and closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from MDAnalysis.lib.mdamath import triclinic_vectors
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from scipy.special import eval_legendre
from synthetic_study import TETRAHEDRON, jiggle
from universes import universe_of

from openmm_anion.analysis.decay import fit_decay
from openmm_anion.analysis.ions import Anion
from openmm_anion.analysis.legendre import legendre_correlation, rotor_correlation
from openmm_anion.analysis.orientation import OrientationalCorrelation
from openmm_anion.errors import InputError

Array = NDArray[np.float64]

ARMS = TETRAHEDRON / np.linalg.norm(TETRAHEDRON, axis=1, keepdims=True)
PS4 = np.vstack([np.zeros(3), TETRAHEDRON])
NO3 = 1.25 * np.array([[0, 0, 0], [1, 0, 0], [-0.5, 0.75**0.5, 0], [-0.5, -(0.75**0.5), 0]])
TRICLINIC = [11.0, 12.0, 13.0, 70.0, 80.0, 75.0]
MASSES = {"PS4": [30.974] + [32.06] * 4, "NO3": [14.007] + [15.999] * 3, "CN": [12.011, 14.007]}


def anion(formula: str, first: int = 0, center: int | None = 0) -> Anion:
    symbols = {"PS4": "P S S S S", "NO3": "N O O O", "CN": "C N"}[formula].split()
    ligands = np.array([k for k in range(len(symbols)) if k != center])
    return Anion(
        formula, first + np.arange(len(symbols)), tuple(symbols), np.array(MASSES[formula]), center, ligands
    )


def random_walk(rng: np.random.Generator, n_frames: int, n: int, step: float) -> Array:
    """Rotation matrices of free rotational diffusion, (frame, n, 3, 3); `step` is rms per axis, rad."""
    turns = Rotation.from_rotvec(rng.normal(0.0, step, (n_frames * n, 3))).as_matrix()
    turns = turns.reshape(n_frames, n, 3, 3)
    turns[0] = Rotation.random(n, random_state=1).as_matrix()
    for k in range(1, n_frames):
        turns[k] = turns[k] @ turns[k - 1]
    return np.asarray(turns)


def by_definition(u: Array, order: int) -> Array:
    n = len(u)
    return np.array([eval_legendre(order, (u[k:] * u[: n - k]).sum(-1)).mean(0) for k in range(n)])


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("n_frames", [2, 3, 50, 51, 128, 243])
def test_equals_the_definition_for_odd_and_even_lengths(n_frames: int, order: int) -> None:
    u = random_walk(np.random.default_rng(2), n_frames, 7, 0.3)[..., 0]
    np.testing.assert_allclose(legendre_correlation(u, order), by_definition(u, order), atol=1e-12)
    few = max(2, n_frames // 3)
    np.testing.assert_allclose(legendre_correlation(u, order, few), by_definition(u, order)[:few], atol=1e-12)


def test_groups_are_averaged_and_single_precision_is_read() -> None:
    u = random_walk(np.random.default_rng(3), 60, 40, 0.2)[..., 2].astype(np.float32)
    groups = legendre_correlation(u.reshape(60, 10, 4, 3), 2)
    right = by_definition(u.astype(float), 2).reshape(60, 10, 4).mean(axis=2)
    np.testing.assert_allclose(groups, right, atol=1e-6)


@pytest.mark.parametrize("order", [0, 4])
def test_an_unknown_order_is_refused(order: int) -> None:
    with pytest.raises(InputError, match="give 1 to 3"):
        legendre_correlation(np.ones((2, 1, 3)), order)


def test_the_rotor_function_is_a_sum_over_pairs_of_arms() -> None:
    rng = np.random.default_rng(4)
    u = np.einsum("faij,kj->faki", random_walk(rng, 31, 3, 0.3), ARMS) + 0.05 * rng.normal(size=(31, 3, 4, 3))
    u /= np.linalg.norm(u, axis=-1, keepdims=True)
    pairs = eval_legendre(3, np.einsum("faki,gaji->fgakj", u, u)).sum(axis=(-1, -2)) * 9.0 / 80.0
    right = [np.mean([pairs[f, f + k] for f in range(31 - k)], axis=0) for k in range(31)]
    np.testing.assert_allclose(rotor_correlation(u), right, atol=1e-12)


def test_the_rotor_function_does_not_see_an_exchange_of_ligands() -> None:
    rng = np.random.default_rng(5)
    u = np.einsum("faij,kj->faki", random_walk(rng, 80, 4, 0.02), ARMS)
    mixed = u.copy()
    for frame in mixed:
        for each in frame:
            each[:] = each[rng.permutation(4)]
    np.testing.assert_allclose(rotor_correlation(mixed), rotor_correlation(u), atol=1e-12)
    assert np.abs(legendre_correlation(mixed, 1) - legendre_correlation(u, 1)).max() > 0.5


def test_isotropic_diffusion_decays_as_debye_said() -> None:
    step, n_frames, n = 0.1, 2000, 60
    diffusion = 0.5 * step**2 / 0.1  # per ps
    turns = random_walk(np.random.default_rng(6), n_frames, n, step)
    places = 10.0 * np.arange(n)[:, None, None] * [1.0, 0.0, 0.0]
    positions = (np.einsum("faij,kj->faki", turns, PS4) + places).reshape(n_frames, -1, 3)
    anions = [anion("PS4", 5 * a) for a in range(n)]
    data = OrientationalCorrelation(universe_of(positions), anions, orders=(1, 2, 3)).run().data
    for order in (1, 2, 3):
        rate = order * (order + 1) * diffusion
        curve, error = data[f"c{order}"].values[:, 0], data[f"c{order}_error"].values[:, 0]
        for lag in (5, 10, 20, 50, 100, 200):
            right = np.exp(-rate * 0.1 * lag)
            assert abs(curve[lag] - right) < 4.5 * max(error[lag], 1e-3)
        assert float(data.tau.sel(order=order)[0]) == pytest.approx(1.0 / rate, rel=0.12)
        assert 0.003 < rate * float(data.tau_error.sel(order=order)[0]) < 0.12
        assert float(data.frequency.sel(order=order)[0]) == pytest.approx(rate, rel=0.12)
        assert abs(float(data.plateau.sel(order=order)[0])) < 0.06
    # for a free rotor there is nothing but l = 3 in the rotor functions
    np.testing.assert_allclose(data.rotor[:50, 0], np.exp(-12.0 * diffusion * data.lag_times[:50]), atol=0.06)


def freely_turning_rods(rng: np.random.Generator, n: int, n_frames: int, step: float) -> Any:
    """Orientational correlation of rods in free rotational diffusion; `step` is rms per axis, rad."""
    u = random_walk(rng, n_frames, n, step)[..., 0]
    positions = np.zeros((n_frames, n, 2, 3))
    positions[:, :, 1] = 1.2 * u
    positions += 10.0 * np.arange(n)[:, None, None] * [1.0, 0.0, 0.0]
    anions = [anion("CN", 2 * a) for a in range(n)]
    return OrientationalCorrelation(universe_of(positions.reshape(n_frames, -1, 3)), anions).run().data


def shares_within(
    n: int, n_frames: int, step: float, trials: int, seed: int
) -> dict[int, tuple[float, float]]:
    """How often tau_l is within one and two of its errors of the truth, by l."""
    rng = np.random.default_rng(seed)
    found = [freely_turning_rods(rng, n, n_frames, step) for _ in range(trials)]
    shares = {}
    for order in (1, 2):
        true = 0.1 / (0.5 * step**2 * order * (order + 1))
        of_order = [data.sel(order=order).isel(kind=0) for data in found]
        tau = np.array([float(data.tau) for data in of_order])
        error = np.array([float(data.tau_error) for data in of_order])
        assert np.isfinite(tau).all()
        away = np.abs(tau - true) / error
        shares[order] = (float((away < 1.0).mean()), float((away < 2.0).mean()))
        mean, scatter, told = tau.mean() / true, tau.std(ddof=1) / true, error.mean() / true
        print(f"{n} anions, run of {0.1 * n_frames / true:.0f} tau_{order}: within {shares[order]}")
        print(f"tau {mean:.3f} +- {scatter:.3f} of the truth, error {told:.3f}")
    return shares


def test_errors_of_times_are_their_scatter() -> None:
    shares = shares_within(16, 600, 0.2, 25, seed=13)
    for one, two in shares.values():
        assert 0.4 < one < 0.92
        assert two > 0.8


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "n_frames", "step", "expected"),
    [(16, 2000, 0.1, (0.66, 0.94)), (48, 2000, 0.1, (0.66, 0.94)), (4, 4000, 0.15, (0.6, 0.86))],
)
def test_errors_of_times_hold_the_truth_often_tried(
    n: int, n_frames: int, step: float, expected: tuple[float, float]
) -> None:
    """As docs/theory.md says: a little less often than 68 and 95 times of 100, with four anions 60, 86."""
    trials = 100
    for shares in shares_within(n, n_frames, step, trials, seed=14).values():
        for share, level in zip(shares, expected, strict=True):
            assert abs(share - level) < 3.0 * np.sqrt(level * (1.0 - level) / trials) + 0.02


def test_the_error_is_that_of_leaving_anions_out() -> None:
    """Of three anions: the jackknife over three analyses of two anions each."""
    turns = random_walk(np.random.default_rng(15), 1500, 3, 0.2)
    positions = np.einsum("faij,kj->faki", turns, PS4) + 10.0 * np.arange(3)[:, None, None] * [0.0, 1.0, 0.0]

    def over(*members: int) -> Any:
        atoms = positions[:, list(members)].reshape(1500, -1, 3)
        anions = [anion("PS4", 5 * k) for k in range(len(members))]
        return OrientationalCorrelation(universe_of(atoms), anions).run().data

    everything = over(0, 1, 2)
    for name in ("tau", "frequency"):
        parts = np.array([over(*pair)[name].values for pair in ((1, 2), (0, 2), (0, 1))])
        right = np.sqrt(2.0 / 3.0 * np.square(parts - parts.mean(axis=0)).sum(axis=0))
        np.testing.assert_allclose(everything[f"{name}_error"], right, rtol=1e-3)
        assert np.isnan(over(0)[f"{name}_error"]).all()
    assert np.isfinite(over(0).tau).all()


def test_a_time_that_is_not_known_has_no_error() -> None:
    data = freely_turning_rods(np.random.default_rng(16), 8, 300, 0.005)
    assert np.isnan(data.tau).all()
    assert np.isnan(data.tau_error).all()
    assert np.isnan(data.frequency_error).all()


def test_jumps_between_equivalent_orientations_decay_but_for_the_rotor_function() -> None:
    rng = np.random.default_rng(7)
    n_frames, n, rate, amplitude = 6000, 24, 0.2, 0.1
    group = Rotation.create_group("T").as_matrix()
    jumps = rng.random((n_frames, n)) < rate * 0.1
    which = rng.integers(0, 12, (n_frames, n))
    state = np.empty((n_frames, n, 3, 3))
    state[0] = np.eye(3)
    for k in range(1, n_frames):
        state[k] = np.where(jumps[k, :, None, None], state[k - 1] @ group[which[k]], state[k - 1])
    swing = Rotation.from_rotvec(jiggle(rng, (n_frames, n, 3), amplitude, 0.1, tau=0.05).reshape(-1, 3))
    turns = swing.as_matrix().reshape(state.shape) @ state
    places = 10.0 * np.arange(n)[:, None, None] * [0.0, 1.0, 0.0]
    positions = (np.einsum("faij,kj->faki", turns, PS4) + places).reshape(n_frames, -1, 3)
    anions = [anion("PS4", 5 * a) for a in range(n)]
    data = OrientationalCorrelation(universe_of(positions), anions).run().data
    # a jump to one of the 12 at random, itself among them, loses all of C1 and C2
    for order in (1, 2):
        found = float(data.tau.sel(order=order)[0])
        assert found == pytest.approx(1.0 / rate, rel=0.1)
        left = np.exp(-order * (order + 1) * amplitude**2)
        total = float(data.amplitude.sel(order=order)[0] + data.plateau.sel(order=order)[0])
        assert total == pytest.approx(left, abs=0.03)
    assert not data.note.values[0, 0]
    np.testing.assert_allclose(data.rotor[20:1000, 0], np.exp(-12.0 * amplitude**2), atol=0.02)


def test_two_kinds_across_the_faces_of_a_triclinic_cell() -> None:
    rng = np.random.default_rng(8)
    cell = triclinic_vectors(TRICLINIC).astype(float)
    turns = random_walk(rng, 71, 4, 0.2)
    places = np.array([[0.01, 0.99, 0.0], [0.5, 0.5, 0.98], [0.5, 0.02, 0.5], [0.0, 0.5, 0.5]]) @ cell
    pieces = [
        np.einsum("fij,kj->fki", turns[:, k], shape) + places[k]
        for k, shape in enumerate([PS4, NO3, PS4, NO3])
    ]
    positions = np.concatenate(pieces, axis=1) + 0.05 * np.arange(71)[:, None, None]
    wrapped = positions - np.floor(positions @ np.linalg.inv(cell)) @ cell
    anions = [anion("PS4", 0), anion("NO3", 5), anion("PS4", 9), anion("NO3", 14)]
    data = OrientationalCorrelation(universe_of(wrapped, TRICLINIC), anions).run().data
    for formula, shape, members in (("PS4", PS4, [0, 2]), ("NO3", NO3, [1, 3])):
        u = np.einsum("faij,kj->faki", turns[:, members], shape[1:] / np.linalg.norm(shape[1]))
        for order in (1, 2):
            right = by_definition(u, order).mean(axis=(1, 2))
            np.testing.assert_allclose(data[f"c{order}"].sel(kind=formula), right, atol=1e-5)
    assert np.isnan(data.rotor.sel(kind="NO3")).all()
    assert float(data.rotor.sel(kind="PS4")[0]) == 1.0


def test_without_a_central_atom_directions_are_from_the_centre_of_mass() -> None:
    turns = random_walk(np.random.default_rng(9), 40, 1, 0.3)
    rod = np.array([[0.3, 0.0, 0.0], [1.47, 0.0, 0.0]])
    positions = np.einsum("fij,kj->fki", turns[:, 0], rod)
    data = OrientationalCorrelation(universe_of(positions), [anion("CN", center=None)]).run().data
    np.testing.assert_allclose(data.c1[:, 0], by_definition(turns[:, :1, :, 0], 1).ravel(), atol=1e-5)
    assert "rotor" not in data


def test_a_square_has_no_rotor_function() -> None:
    square = np.array([[0, 0, 0], [2.0, 0, 0], [-2.0, 0, 0], [0, 2.0, 0], [0, -2.0, 0]])
    positions = np.einsum("fij,kj->fki", random_walk(np.random.default_rng(1), 30, 1, 0.3)[:, 0], square)
    assert "rotor" not in OrientationalCorrelation(universe_of(positions), [anion("PS4")]).run().data


def test_a_decay_that_is_not_there_or_not_over_has_no_time() -> None:
    t = np.arange(0.0, 100.0, 0.1)
    librations = fit_decay(t, 0.1 * np.exp(-t / 0.05) + 0.9, 0.5, 25.0)
    assert np.isnan(librations.time)
    assert "does not decay" in librations.note
    assert librations.plateau == pytest.approx(0.9)
    slow = fit_decay(t, np.exp(-t / 60.0), 0.5, 25.0)
    assert np.isnan(slow.time)
    assert "make the run longer" in slow.note
    short = fit_decay(t[:10], np.exp(-t[:10]), 0.5, 0.9)
    assert "too few" in short.note


@pytest.mark.parametrize(("time", "stretch", "plateau"), [(0.8, 1.0, 0.0), (3.0, 0.7, 0.2), (5.0, 1.0, 0.6)])
def test_a_stretched_decay_is_found(time: float, stretch: float, plateau: float) -> None:
    t = np.arange(0.0, 200.0, 0.1)
    curve = (0.95 - plateau) * np.exp(-((t / time) ** stretch)) + plateau
    mean_time = np.trapezoid(np.exp(-((np.arange(0.0, 2e3, 1e-3) / time) ** stretch)), dx=1e-3)
    found = fit_decay(t, curve, 0.5, 50.0)
    assert found.time == pytest.approx(mean_time, rel=1e-3)
    assert found.plateau == pytest.approx(plateau, abs=1e-4)


@pytest.mark.parametrize(
    ("anions", "options", "message"),
    [
        ([], {}, "there are no anions"),
        ([anion("PS4")], {"orders": (1, 5)}, "orders"),
        ([anion("PS4")], {"orders": ()}, "orders"),
        ([anion("PS4")], {"librations": -1.0}, "no time in ps"),
        ([anion("PS4"), anion("PS4", center=None)], {}, "different numbers of ligands"),
    ],
)
def test_what_makes_no_sense_is_refused(anions: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        OrientationalCorrelation(universe_of(np.zeros((3, 5, 3))), anions, **options)


def test_a_ligand_on_its_centre_is_refused() -> None:
    positions = np.tile(PS4, (6, 1, 1))
    positions[4, 2] = positions[4, 0]
    with pytest.raises(InputError, match=r"frame 4: atom 2 is 0\.000 A from the centre"):
        OrientationalCorrelation(universe_of(positions), [anion("PS4")]).run()


def test_it_draws() -> None:
    positions = np.einsum("fij,kj->fki", random_walk(np.random.default_rng(2), 60, 1, 0.2)[:, 0], PS4)
    axes = OrientationalCorrelation(universe_of(positions), [anion("PS4")]).run().plot()
    assert axes.get_xlabel() == "lag time (ps)"
    assert len(axes.lines) == 3
