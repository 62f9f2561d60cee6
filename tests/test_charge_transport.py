from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from MDAnalysis.lib.mdamath import triclinic_vectors
from numpy.typing import NDArray
from scipy.signal import lfilter
from synthetic_study import ANIONS, BOX, CATIONS, CUBIC, N_ANIONS, N_CATIONS, PS4_MASSES, hopping, trajectory
from universes import universe_of

from openmm_anion.analysis.charge_transport import ChargeDisplacement
from openmm_anion.analysis.collective_slope import collective_slope, wiener_relative_variance
from openmm_anion.analysis.conductivity import einstein_helfand, haven_ratio, nernst_einstein
from openmm_anion.analysis.diffusion import FitWindow
from openmm_anion.analysis.msd import MeanSquaredDisplacement, mean_squared_displacement
from openmm_anion.errors import InputError

Array = NDArray[np.float64]

TRICLINIC = [BOX, 1.1 * BOX, 1.2 * BOX, 70.0, 75.0, 80.0]
DT = 0.1


def walk(rng: np.random.Generator, n_frames: int, n: int, d: float = 0.1) -> Array:
    """Random walks, (frames, n, 3), A."""
    return np.asarray(np.cumsum(rng.normal(size=(n_frames, n, 3)) * np.sqrt(2.0 * d * DT), axis=0))


def by_definition(charge: Array) -> Array:
    """Collective squared displacement of a series (frames, 3) at all lags, along each axis."""
    n = len(charge)
    return np.array([((charge[k:] - charge[: n - k]) ** 2).mean(axis=0) for k in range(n)])


def test_one_value_by_hand() -> None:
    # D_sigma = 1e-8 m^2/s; e^2 = 2.566970e-38 C^2; kT = 8.283894e-21 J; V = 1e-27 m^3: 30.9875 S/m
    assert einstein_helfand(6.0, 1000.0, 600.0) == pytest.approx(0.309875, rel=1e-5)


def test_independent_ions_of_two_kinds_add_up() -> None:
    both = nernst_einstein([10, 4], [1.0, -2.0], [0.1, 0.03], 500.0, 700.0)
    alone = einstein_helfand(6.0 * (10 * 0.1 + 4 * 4 * 0.03), 500.0, 700.0)
    assert both == pytest.approx(alone)


@pytest.mark.parametrize(("volume", "temperature"), [(0.0, 300.0), (100.0, 0.0), (100.0, np.nan)])
def test_volume_and_temperature_must_be_above_zero(volume: float, temperature: float) -> None:
    with pytest.raises(InputError, match="is not above zero"):
        einstein_helfand(1.0, volume, temperature)


@pytest.mark.parametrize("n_frames", [60, 61])
@pytest.mark.parametrize("dimensions", [CUBIC, TRICLINIC])
def test_equals_the_definition_for_wrapped_drifting_ions(n_frames: int, dimensions: list[float]) -> None:
    positions = trajectory(np.random.default_rng(3), n_frames, 0.2, drift=1.0)
    vectors = triclinic_vectors(dimensions)
    universe = universe_of(positions - np.floor(positions @ np.linalg.inv(vectors)) @ vectors, dimensions)
    groups = [
        (universe.atoms[CATIONS][:30], 1.0),
        (universe.atoms[CATIONS][30:], 2.0),
        (ANIONS[:5], -3.0),
        (ANIONS[5:], -2.0),
    ]
    ours = ChargeDisplacement(groups, ANIONS).run().data
    centres = np.einsum(
        "faik,i->fak", positions[:, : 5 * N_ANIONS].reshape(n_frames, -1, 5, 3), PS4_MASSES / PS4_MASSES.sum()
    )
    origin = centres.mean(axis=1)
    charge = positions[:, CATIONS][:, :30].sum(axis=1) + 2.0 * positions[:, CATIONS][:, 30:].sum(axis=1)
    charge += -3.0 * centres[:, :5].sum(axis=1) - 2.0 * centres[:, 5:].sum(axis=1)
    charge -= (30 + 2 * (N_CATIONS - 30) - 3 * 5 - 2 * (N_ANIONS - 5)) * origin
    expected = by_definition(charge)
    np.testing.assert_allclose(ours.charge_msd_by_axis, expected, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(ours.charge_msd, expected.sum(axis=1), rtol=1e-4, atol=1e-3)
    assert list(np.bincount(ours.group_of_particle)) == [30, N_CATIONS - 30, 5, N_ANIONS - 5]


def test_a_single_ion_carries_its_own_displacement() -> None:
    universe = universe_of(walk(np.random.default_rng(1), 200, 1), CUBIC)
    ours = ChargeDisplacement([(universe.atoms, 2.0)], None).run().data
    msd = MeanSquaredDisplacement(universe.atoms, None).run().results.msd
    np.testing.assert_allclose(ours.charge_msd, 4.0 * msd, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ours.msd_by_particle[:, 0], msd, rtol=1e-9, atol=1e-12)


def test_anions_of_one_kind_carry_no_current_in_their_own_frame() -> None:
    universe = universe_of(trajectory(np.random.default_rng(3), 50, 0.1), CUBIC)
    cations = universe.atoms[CATIONS]
    alone = ChargeDisplacement([(cations, 1.0)], ANIONS).run().data
    both = ChargeDisplacement([(cations, 1.0), (ANIONS, -3.0)], ANIONS).run().data
    np.testing.assert_allclose(both.charge_msd, alone.charge_msd, rtol=1e-5, atol=1e-6)


def test_the_volume_is_the_mean() -> None:
    edges = np.linspace(9.0, 11.0, 50)
    cells = np.stack([edges, edges, edges, *[np.full(50, 90.0)] * 3], axis=1)
    universe = universe_of(walk(np.random.default_rng(1), 50, 4, 0.01), cells)
    data = ChargeDisplacement([(universe.atoms, 1.0)], None).run().data
    assert float(data.volume) == pytest.approx((edges.astype(np.float32) ** 3).mean(), rel=1e-6)


@pytest.mark.parametrize(("together", "haven"), [(1, 1.0), (2, 0.5), (3, 1 / 3)])
def test_haven_ratio_of_ions_that_move_together(together: int, haven: float) -> None:
    rng = np.random.default_rng(8)
    inverse, inside, trials = [], 0, 40
    for _ in range(trials):
        groups = hopping(rng, 24 // together, 600, 0.5, DT)
        positions = np.repeat(groups, together, axis=1) + 0.1 * rng.normal(size=(600, 24, 3))
        universe = universe_of(positions, [200.0, 200.0, 200.0, 90.0, 90.0, 90.0])
        result = (
            ChargeDisplacement([(universe.atoms, 1.0)], None, longest=10.0)
            .run()
            .conductivity(600.0, hop_length=3.5)
        )
        inverse.append(result.sigma / result.independent)
        inside += result.haven_interval[0] < haven < result.haven_interval[1]
    error = np.std(inverse) / np.sqrt(len(inverse))
    assert abs(np.mean(inverse) - 1.0 / haven) < 3.0 * error
    assert error < 0.06 / haven
    # 68 percent, less three standard errors of the count; hops that both conductivities share make it more.
    assert 0.45 < inside / trials < 0.95


def test_conductivity_of_a_known_walk() -> None:
    universe = universe_of(
        walk(np.random.default_rng(6), 4000, 30, 0.1), [20.0, 20.0, 20.0, 90.0, 90.0, 90.0]
    )
    result = (
        ChargeDisplacement([(universe.atoms, 2.0)], None)
        .run()
        .conductivity(500.0, hop_length=1.0, window=FitWindow(1.0, 5.0), level=0.95)
    )
    truth = nernst_einstein([30], [2.0], [0.1], 8000.0, 500.0)
    assert result.resolved
    assert result.sigma_interval[0] < truth < result.sigma_interval[1]
    assert result.independent_interval[0] < truth < result.independent_interval[1]
    assert result.independent == pytest.approx(truth, rel=0.05)
    assert result.sigma_interval[1] / result.sigma_interval[0] < 2.0
    assert result.diffusion[0].n_particles == 30


@pytest.mark.parametrize(
    ("diffusivities", "vibration"), [((1.0, 1.0, 1.0), 0.0), ((1.0, 0.0, 0.0), 0.0), ((1.0, 0.5, 0.5), 3.0)]
)
def test_intervals_of_one_series_hold_the_truth_as_often_as_they_say(
    diffusivities: tuple[float, float, float], vibration: float
) -> None:
    rng = np.random.default_rng(11)
    d = np.array(diffusivities)
    n_frames, trials, memory = 501, 400, np.exp(-DT / 0.2)
    inside = {0.68: 0, 0.95: 0}
    slopes, errors = [], []
    for _ in range(trials):
        x = np.cumsum(rng.normal(size=(n_frames, 3)) * np.sqrt(2.0 * d * DT), axis=0)
        noise = rng.normal(size=(n_frames + 100, 3)) * vibration * np.sqrt(1.0 - memory**2)
        x += lfilter([1.0], [1.0, -memory], noise, axis=0)[100:]
        msd = mean_squared_displacement(x[..., None], 80)
        fit = collective_slope(np.arange(80) * DT, msd, n_frames=n_frames)
        slopes.append(fit.slope)
        errors.append(fit.standard_error)
        for level in inside:
            low, high = fit.interval(level)
            inside[level] += low <= 2.0 * d.sum() <= high
    assert np.mean(slopes) == pytest.approx(2.0 * d.sum(), abs=3.0 * np.std(slopes) / np.sqrt(trials))
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(slopes), rel=0.15)
    assert inside[0.68] / trials == pytest.approx(0.68, abs=0.07)
    assert inside[0.95] / trials == pytest.approx(0.95, abs=0.035)


def test_the_variance_of_a_slope_equals_that_of_the_quadratic_form() -> None:
    n, slope, window = 50, 2.0, FitWindow(0.5, 1.5)
    k = np.arange(n)
    m = np.where(k > 0, slope * DT * k + 3.0 * (1.0 - 0.4 ** np.minimum(k, 5)), 0.0)
    m[5:] = slope * DT * k[5:] + m[5] - slope * DT * 5
    fit = collective_slope(k * DT, m[:, None], n_frames=n, window=window)
    covariance = 0.5 * (m[:, None] + m[None, :] - m[np.abs(k[:, None] - k[None, :])])
    lags = np.arange(5, 16)
    weights = (lags - lags.mean()) / ((lags - lags.mean()) ** 2).sum() / DT
    form = np.zeros((n, n))
    for lag, weight in zip(lags, weights, strict=True):
        difference = np.eye(n)[lag:] - np.eye(n)[: n - lag]
        form += weight / (n - lag) * difference.T @ difference
    product = form @ covariance
    assert np.trace(product) == pytest.approx(slope)
    assert fit.slope == pytest.approx(slope)
    assert fit.standard_error**2 == pytest.approx(2.0 * np.trace(product @ product))


def test_variance_of_a_walk_equals_the_sum_over_pairs() -> None:
    n = 23
    expected = []
    for k in range(1, n):
        i = np.arange(n - k)
        overlap = np.maximum(k - np.abs(i[:, None] - i[None, :]), 0.0) / k
        expected.append(2.0 * (overlap**2).mean())
    np.testing.assert_allclose(wiener_relative_variance(n, np.arange(1, n)), expected, rtol=1e-12)


def test_errors_of_the_curve_are_the_spread_of_walks() -> None:
    rng = np.random.default_rng(2)
    runs = [
        ChargeDisplacement([(universe_of(walk(rng, 100, 2), CUBIC).atoms, 1.0)], None).run().data
        for _ in range(100)
    ]
    curves = np.array([run.charge_msd.values for run in runs])
    errors = np.array([run.charge_msd_error.values for run in runs])
    for lag in (1, 5, 20):
        assert np.sqrt((errors[:, lag] ** 2).mean()) == pytest.approx(curves[:, lag].std(), rel=0.25)


def test_vibrations_alone_give_an_upper_bound() -> None:
    rng = np.random.default_rng(4)
    positions = 5.0 + 0.2 * rng.normal(size=(1000, 10, 3))
    universe = universe_of(positions, [10.0, 10.0, 10.0, 90.0, 90.0, 90.0])
    result = ChargeDisplacement([(universe.atoms, 1.0)], None).run().conductivity(600.0, hop_length=3.0)
    assert not result.resolved
    assert result.sigma_interval[0] == 0.0
    assert 0.0 < result.sigma_interval[1] < nernst_einstein([10], [1.0], [0.05], 1000.0, 600.0)
    assert result.haven_interval[1] == np.inf


def test_nothing_moves_at_all() -> None:
    universe = universe_of(np.ones((100, 6, 3)) * np.arange(6)[:, None], CUBIC)
    result = ChargeDisplacement([(universe.atoms, 1.0)], None).run().conductivity(600.0, hop_length=3.0)
    assert result.sigma == 0.0
    assert result.sigma_interval[0] == 0.0
    assert result.sigma_interval[1] > 0.0  # a hop may have been missed
    assert np.isnan(result.haven_ratio)
    assert result.haven_interval == (0.0, np.inf)


def test_haven_ratio_where_one_side_is_not_resolved() -> None:
    ratio, (low, high) = haven_ratio(1.0, (0.0, 2.0), 2.0, (1.0, 4.0))
    assert (ratio, low) == (0.5, 0.0)
    assert high == pytest.approx(0.5 * np.exp(np.hypot(np.log(2.0), np.log(2.0))))
    ratio, (low, high) = haven_ratio(1.0, (0.5, 2.0), 2.0, (0.0, 4.0))
    assert high == np.inf
    assert 0.0 < low < ratio


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (lambda u: [(ANIONS, -3.0)], "no group is an AtomGroup"),
        (lambda u: [(u.atoms[:0], 1.0)], "selection is empty"),
        (lambda u: [(u.atoms[CATIONS], 1.0), (u.atoms[90:], 2.0)], "atom 90 is in two groups"),
        (lambda u: [(u.atoms[CATIONS], 0.0)], "carry no current"),
        (lambda u: [(u.atoms[CATIONS], np.nan)], "carry no current"),
        (lambda u: [(u.atoms[CATIONS], 1.0), ([], -3.0)], "neither an AtomGroup nor some anions"),
        (lambda u: [(u.atoms[CATIONS], 1.0), (u.copy().atoms[:5], -3.0)], "different universes"),
    ],
)
def test_groups_that_make_no_sense_are_refused(groups: Any, message: str) -> None:
    universe = universe_of(trajectory(np.random.default_rng(1), 4, 0.0), CUBIC)
    with pytest.raises(InputError, match=message):
        ChargeDisplacement(groups(universe), ANIONS)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"hop_length": 0.0}, "hop_length 0 A is no length"),
        ({"level": 1.0}, "level 1.0 is no probability"),
        ({"temperature": -1.0}, "temperature -1 K is not above zero"),
        ({"window": FitWindow(1.0, 100.0)}, "after the longest lag of 9.9 ps"),
        ({"window": FitWindow(1.0, 1.1)}, "only 2 lag times lie in the fit window"),
    ],
)
def test_odd_questions_are_refused(how: dict[str, Any], message: str) -> None:
    universe = universe_of(walk(np.random.default_rng(1), 100, 5), CUBIC)
    analysis = ChargeDisplacement([(universe.atoms, 1.0)], None).run()
    with pytest.raises(InputError, match=message):
        analysis.conductivity(**{"temperature": 600.0, "hop_length": 3.0} | how)


def test_without_a_cell_the_volume_must_be_given() -> None:
    universe = universe_of(walk(np.random.default_rng(1), 100, 5))
    analysis = ChargeDisplacement([(universe.atoms, 1.0)], None)
    with pytest.raises(InputError, match=r"call run\(\) first"):
        analysis.conductivity(600.0, hop_length=3.0)
    analysis.run()
    with pytest.raises(InputError, match="give volume in A"):
        analysis.conductivity(600.0, hop_length=3.0)
    assert analysis.conductivity(600.0, hop_length=3.0, volume=1000.0).volume == 1000.0


def test_the_curve_is_drawn_with_its_error() -> None:
    universe = universe_of(walk(np.random.default_rng(1), 50, 5), CUBIC)
    axes = ChargeDisplacement([(universe.atoms, 1.0)], None).run().plot()
    assert axes.get_ylabel() == "squared displacement of the charge (e^2 A^2)"
    assert len(axes.collections) == 1
