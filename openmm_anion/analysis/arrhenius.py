"""The activation energy: a line through the logarithm of D against inverse temperature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, t

from openmm_anion.analysis.conductivity import RESOLVED, Interval, checked_level
from openmm_anion.analysis.quantity import new_axes
from openmm_anion.errors import InputError
from openmm_anion.units import EV, MOLAR_GAS_CONSTANT

Array = NDArray[np.float64]

EV_PER_KELVIN = MOLAR_GAS_CONSTANT / EV
"""Boltzmann's constant, eV/K."""

_FEWEST_TEMPERATURES = 3
"""Two points are on a line, whatever the law."""


@dataclass(frozen=True, eq=False)
class ArrheniusFit:
    r"""Diffusion coefficients and :math:`D = D_0 e^{-E_a / kT}` through them; see `arrhenius_fit`.

    Attributes
    ----------
    temperatures, diffusivities, errors : array, shape (n,)
        What was fitted: K, and D with its standard errors in any unit.
    activation_energy : float
        :math:`E_a`, eV.
    prefactor : float
        :math:`D_0`, in the unit of D.
    covariance : array, shape (2, 2)
        Of :math:`\ln D_0` and :math:`E_a` (eV), if the errors of D are right.
    chi_squared : float
        Sum of the squared distances from the line in standard errors; about n - 2 if the law holds.

    Examples
    --------
    >>> fit = arrhenius_fit([800.0, 900.0, 1000.0], [1.0, 2.0, 3.4], [0.1, 0.2, 0.3])
    >>> round(fit.activation_energy, 1)  # eV
    0.4
    """

    temperatures: Array
    diffusivities: Array
    errors: Array
    activation_energy: float
    prefactor: float
    covariance: Array
    chi_squared: float

    def predict(self, temperature: ArrayLike) -> Array:
        """Return D on the line, in the unit of D.

        Parameters
        ----------
        temperature : array_like
            Temperatures, K.

        Returns
        -------
        array
            D or conductivity at each temperature, in the unit of what was fitted.

        Raises
        ------
        InputError
            If one is not above zero.
        """
        return np.asarray(self.prefactor * np.exp(-self.activation_energy * _inverse(temperature)))

    def band(self, temperature: ArrayLike, level: float = 0.68) -> tuple[Array, Array]:
        """Return the interval of D at temperatures, between them or beyond, in the unit of D.

        Parameters
        ----------
        temperature : array_like
            Temperatures, K.
        level : float, optional
            Probability with which it holds the truth at one temperature.

        Returns
        -------
        low, high : array
            Ends of the interval at each temperature, in the unit of what was fitted.

        Raises
        ------
        InputError
            If a temperature is not above zero, or `level` is not between 0 and 1.
        """
        direction = np.stack([np.ones_like(_inverse(temperature)), -_inverse(temperature)], axis=-1)
        variance = ((direction @ self.covariance) * direction).sum(axis=-1)
        factor = np.exp(self._width(level) * np.sqrt(np.maximum(variance, 0.0)))
        return self.predict(temperature) / factor, self.predict(temperature) * factor

    def activation_energy_interval(self, level: float = 0.68) -> Interval:
        """Return the interval of the activation energy that holds the truth with probability `level`.

        Parameters
        ----------
        level : float
            Between 0 and 1.

        Returns
        -------
        low, high : float
            eV.
        """
        half = self._width(level) * float(np.sqrt(self.covariance[1, 1]))
        return self.activation_energy - half, self.activation_energy + half

    def prefactor_interval(self, level: float = 0.68) -> Interval:
        """Return the interval of the prefactor that holds the truth with probability `level`.

        Parameters
        ----------
        level : float
            Between 0 and 1.

        Returns
        -------
        low, high : float
            In the unit of what was fitted.
        """
        factor = float(np.exp(self._width(level) * np.sqrt(self.covariance[0, 0])))
        return self.prefactor / factor, self.prefactor * factor

    def _width(self, level: float) -> float:
        """Half an interval in standard errors: the wider of what the errors and what the scatter say."""
        above = 0.5 * (1.0 + checked_level(level))
        free = len(self.temperatures) - 2
        return max(float(norm.ppf(above)), float(t.ppf(above, free) * np.sqrt(self.chi_squared / free)))

    def plot(self, axes: Any = None) -> Any:
        """Draw D and the line with its 68 percent band against the inverse temperature.

        Parameters
        ----------
        axes : matplotlib.axes.Axes, optional
            Where to; by default in a new figure.

        Returns
        -------
        matplotlib.axes.Axes
        """
        axes = new_axes(axes)
        kelvin = 1.0 / np.linspace(1.0 / self.temperatures.max(), 1.0 / self.temperatures.min(), 100)
        axes.errorbar(1000.0 / self.temperatures, self.diffusivities, yerr=self.errors, fmt="o", ms=4.0)
        axes.plot(1000.0 / kelvin, self.predict(kelvin), lw=1.0)
        axes.fill_between(1000.0 / kelvin, *self.band(kelvin), alpha=0.25, lw=0.0)
        axes.set_yscale("log")
        axes.set_xlabel("1000 / T (1/K)")
        axes.set_ylabel("D")
        return axes


def arrhenius_fit(temperatures: ArrayLike, diffusivities: ArrayLike, errors: ArrayLike) -> ArrheniusFit:
    r"""Fit :math:`\ln D = \ln D_0 - E_a / kT` by weighted least squares.

    Errors are those of a log-normal distribution, :math:`\sigma_{\ln D}^2 = \ln(1 + \sigma^2 / D^2)`.
    Intervals are those of these errors, or of the scatter about the line with Student's distribution,
    whichever are wider: runs that started from one snapshot each scatter more than each of them can tell.
    For a conductivity give :math:`\sigma T`, which has the activation energy of D.

    Parameters
    ----------
    temperatures : array_like, shape (n,)
        K; several runs may have the same one.
    diffusivities, errors : array_like, shape (n,)
        D and its standard errors, in one unit.

    Returns
    -------
    ArrheniusFit

    Raises
    ------
    InputError
        If there are fewer than three temperatures, numbers do not belong together or are not above zero,
        or a D is within its noise: that is an upper bound, and a line through bounds is no measurement.

    Examples
    --------
    >>> kelvin = np.array([500.0, 600.0, 800.0])
    >>> D = 2.0 * np.exp(-0.3 / (8.617333e-5 * kelvin))
    >>> fit = arrhenius_fit(kelvin, D, 0.1 * D)
    >>> fit.activation_energy, fit.prefactor, fit.activation_energy_interval()
    (0.300, 2.000, (0.284, 0.316))
    """
    kelvin, d, sigma = (np.asarray(x, dtype=np.float64) for x in (temperatures, diffusivities, errors))
    if not (kelvin.shape == d.shape == sigma.shape and kelvin.ndim == 1):
        raise InputError(
            f"{kelvin.size} temperatures, {d.size} diffusion coefficients and {sigma.size} errors do not "
            "belong together; give one of each"
        )
    different = len(np.unique(kelvin))
    if different < _FEWEST_TEMPERATURES:
        raise InputError(
            f"an Arrhenius fit needs at least {_FEWEST_TEMPERATURES} temperatures, got {different}; through "
            "fewer there is always a line, and no error can be told"
        )
    inverse = _inverse(kelvin)
    for temperature, value, error in zip(kelvin, d, sigma, strict=True):
        if not (np.isfinite(value) and 0.0 < error < np.inf):
            raise InputError(f"at {temperature:g} K: D {value:g} with the error {error:g} is no measurement")
        if value <= RESOLVED * error:
            raise InputError(
                f"at {temperature:g} K: D {value:g} is within its noise ({error:g}), an upper bound; leave "
                "this temperature out or run longer"
            )
    log_d, weights = np.log(d), 1.0 / np.log1p((sigma / d) ** 2)
    # About the mean of 1/kT, where the level of the line and its slope are independent.
    middle = float(np.average(inverse, weights=weights))
    about = inverse - middle
    spread = float(weights @ about**2)
    energy = -float(weights @ (about * log_d)) / spread
    level = float(np.average(log_d, weights=weights))
    back = np.array([[1.0, middle], [0.0, 1.0]])  # to the intercept at infinite temperature
    return ArrheniusFit(
        temperatures=kelvin,
        diffusivities=d,
        errors=sigma,
        activation_energy=energy,
        prefactor=float(np.exp(level + energy * middle)),
        covariance=back @ np.diag([1.0 / weights.sum(), 1.0 / spread]) @ back.T,
        chi_squared=float(weights @ (log_d - level + energy * about) ** 2),
    )


def _inverse(temperatures: ArrayLike) -> Array:
    """1 / kT, 1/eV."""
    kelvin = np.asarray(temperatures, dtype=np.float64)
    if not (np.isfinite(kelvin) & (kelvin > 0.0)).all():
        raise InputError("a temperature is not above zero; give temperatures in K")
    return np.asarray(1.0 / (EV_PER_KELVIN * kelvin))
