from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.constants import Boltzmann, elementary_charge

from openmm_anion.analysis.arrhenius import ArrheniusFit, arrhenius_fit
from openmm_anion.errors import InputError

Array = NDArray[np.float64]

KELVIN = np.array([500.0, 600.0, 700.0, 850.0])
ENERGY, PREFACTOR = 0.31, 4.0


def truth(kelvin: Array | float) -> Array:
    return np.asarray(PREFACTOR * np.exp(-ENERGY * elementary_charge / (Boltzmann * np.asarray(kelvin))))


def noisy_fit(rng: np.random.Generator, relative: float, told: float | None = None) -> ArrheniusFit:
    d = truth(KELVIN) * np.exp(rng.normal(size=len(KELVIN)) * relative)
    return arrhenius_fit(KELVIN, d, (relative if told is None else told) * d)


def test_an_exact_law_comes_back() -> None:
    fit = arrhenius_fit(KELVIN, truth(KELVIN), 0.1 * truth(KELVIN))
    assert fit.activation_energy == pytest.approx(ENERGY, rel=1e-9)
    assert fit.prefactor == pytest.approx(PREFACTOR, rel=1e-8)
    assert fit.chi_squared == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(fit.predict([300.0, 1000.0]), truth(np.array([300.0, 1000.0])), rtol=1e-8)


def test_equals_a_weighted_polynomial_fit() -> None:
    rng = np.random.default_rng(3)
    d = truth(KELVIN) * np.exp(0.2 * rng.normal(size=4))
    errors = d * [0.3, 0.2, 0.1, 0.05]
    fit = arrhenius_fit(KELVIN, d, errors)
    x = elementary_charge / (Boltzmann * KELVIN)
    sigma = np.sqrt(np.log(1.0 + (errors / d) ** 2))
    (slope, intercept), covariance = np.polyfit(x, np.log(d), 1, w=1.0 / sigma, cov="unscaled")
    assert fit.activation_energy == pytest.approx(-slope)
    assert np.log(fit.prefactor) == pytest.approx(intercept)
    turned = np.array([[covariance[1, 1], -covariance[0, 1]], [-covariance[0, 1], covariance[0, 0]]])
    np.testing.assert_allclose(fit.covariance, turned, rtol=1e-8)
    residuals = (np.log(d) - slope * x - intercept) / sigma
    assert fit.chi_squared == pytest.approx((residuals**2).sum())
    at = elementary_charge / (Boltzmann * 300.0)
    error = np.sqrt(np.array([at, 1.0]) @ covariance @ [at, 1.0])
    low, high = fit.band(300.0, 0.95)
    widened = max(1.959964, 4.302653 * np.sqrt(fit.chi_squared / 2.0))  # normal, Student with 2
    assert np.log(high / fit.predict(300.0)) == pytest.approx(widened * error, rel=1e-5)
    assert np.log(fit.predict(300.0) / low) == pytest.approx(widened * error, rel=1e-5)


@pytest.mark.parametrize("level", [0.68, 0.95])
def test_intervals_hold_the_truth_at_least_as_often_as_they_say(level: float) -> None:
    rng = np.random.default_rng(4)
    fits = [noisy_fit(rng, 0.15) for _ in range(400)]
    for inside in (
        [low < ENERGY < high for low, high in (fit.activation_energy_interval(level) for fit in fits)],
        [low < PREFACTOR < high for low, high in (fit.prefactor_interval(level) for fit in fits)],
        [low < truth(300.0) < high for low, high in (fit.band(300.0, level) for fit in fits)],
    ):
        assert level - 0.05 < np.mean(inside) < level + 0.2


def test_intervals_hold_the_truth_where_errors_are_too_small() -> None:
    rng = np.random.default_rng(5)
    fits = [noisy_fit(rng, 0.3, told=0.03) for _ in range(400)]
    inside = [low < ENERGY < high for low, high in (fit.activation_energy_interval(0.68) for fit in fits)]
    assert np.mean(inside) == pytest.approx(0.68, abs=0.07)


def test_several_runs_at_one_temperature_count() -> None:
    rng = np.random.default_rng(6)
    kelvin = np.repeat(KELVIN, 4)
    d = truth(kelvin) * np.exp(0.1 * rng.normal(size=16))
    many, few = arrhenius_fit(kelvin, d, 0.1 * d), arrhenius_fit(kelvin[::4], d[::4], 0.1 * d[::4])
    assert many.covariance[1, 1] == pytest.approx(few.covariance[1, 1] / 4.0)


@pytest.mark.parametrize("kelvin", [[600.0], [600.0, 800.0], [600.0, 600.0, 800.0]])
def test_fewer_than_three_temperatures_tell_no_error(kelvin: list[float]) -> None:
    d = truth(np.array(kelvin))
    with pytest.raises(InputError, match=r"needs at least 3 temperatures, got [12]"):
        arrhenius_fit(kelvin, d, 0.1 * d)


def test_an_upper_bound_is_refused_by_name() -> None:
    d = truth(KELVIN)
    with pytest.raises(InputError, match=r"at 500 K: D .* is within its noise .* leave this temperature out"):
        arrhenius_fit(KELVIN, d, d * [0.6, 0.1, 0.1, 0.1])
    with pytest.raises(InputError, match=r"at 600 K: D -0\.001 is within its noise"):
        arrhenius_fit(KELVIN, [0.1, -0.001, 0.2, 0.3], [0.01] * 4)


@pytest.mark.parametrize(
    ("kelvin", "d", "errors", "message"),
    [
        ([500.0, 600.0, 700.0], [1.0, 2.0], [0.1] * 3, "do not belong together"),
        ([500.0, 600.0, -700.0], [1.0, 2.0, 3.0], [0.1] * 3, "not above zero"),
        ([500.0, 600.0, 700.0], [1.0, np.nan, 3.0], [0.1] * 3, "at 600 K: .* is no measurement"),
        ([500.0, 600.0, 700.0], [1.0, 2.0, 3.0], [0.1, 0.1, 0.0], "at 700 K: .* is no measurement"),
    ],
)
def test_odd_numbers_are_refused(
    kelvin: list[float], d: list[float], errors: list[float], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        arrhenius_fit(kelvin, d, errors)


def test_questions_without_an_answer_are_refused() -> None:
    fit = noisy_fit(np.random.default_rng(1), 0.1)
    with pytest.raises(InputError, match="give temperatures in K"):
        fit.predict(0.0)
    with pytest.raises(InputError, match="no probability"):
        fit.activation_energy_interval(68.0)


def test_the_line_is_drawn_through_the_points() -> None:
    axes = noisy_fit(np.random.default_rng(1), 0.1).plot()
    assert axes.get_yscale() == "log"
    x = axes.lines[-1].get_xdata()
    assert (x.min(), x.max()) == (pytest.approx(1000.0 / 850.0), pytest.approx(2.0))
