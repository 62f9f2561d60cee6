"""Conductivity from slopes: Nernst and Einstein, Einstein and Helfand."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import Boltzmann, elementary_charge

from openmm_anion.errors import InputError

Array = NDArray[np.float64]
Interval = tuple[float, float]

SIEMENS_PER_CM = elementary_charge**2 / Boltzmann * 1e20
"""One e^2 A^2/ps per A^3 and K, over Boltzmann's constant, in S/cm."""

RESOLVED = 2.0
"""Standard errors above zero from which on a slope is quoted as a number."""


def einstein_helfand(slope: float, volume: float, temperature: float) -> float:
    r"""Return the conductivity that the collective displacement of the charge tells.

    .. math:: \sigma = \frac{1}{6 V k T} \frac{d}{dt}
              \Big\langle \Big| \sum_i q_i \Delta r_i(t) \Big|^2 \Big\rangle

    Parameters
    ----------
    slope : float
        Of the collective mean squared displacement, e^2 A^2/ps.
    volume : float
        Mean volume of the cell, A^3.
    temperature : float
        Temperature, K.

    Returns
    -------
    float
        Conductivity, S/cm.

    Raises
    ------
    InputError
        If volume or temperature is not above zero.

    Examples
    --------
    >>> einstein_helfand(slope=6.0, volume=1000.0, temperature=600.0)
    0.3099
    """
    _above_zero(volume, "volume", "A^3")
    _above_zero(temperature, "temperature", "K")
    return float(SIEMENS_PER_CM * slope / (6.0 * volume * temperature))


def nernst_einstein(
    numbers: ArrayLike, charges: ArrayLike, diffusivities: ArrayLike, volume: float, temperature: float
) -> float:
    r"""Return the conductivity of ions that move independently.

    .. math:: \sigma_\mathrm{NE} = \frac{1}{V k T} \sum_s N_s q_s^2 D_s

    Parameters
    ----------
    numbers, charges, diffusivities : array_like
        Of each species: how many ions, their charge in e, their diffusion coefficient in A^2/ps.
    volume : float
        Mean volume of the cell, A^3.
    temperature : float
        Temperature, K.

    Returns
    -------
    float
        Conductivity, S/cm.

    Raises
    ------
    InputError
        If volume or temperature is not above zero.

    Examples
    --------
    >>> nernst_einstein([10], [1.0], [0.1], volume=1000.0, temperature=600.0)
    0.3099
    """
    squares = np.asarray(numbers) * np.asarray(charges, dtype=np.float64) ** 2
    return einstein_helfand(6.0 * float(np.sum(squares * np.asarray(diffusivities))), volume, temperature)


def haven_ratio(
    independent: float, independent_interval: Interval, collective: float, collective_interval: Interval
) -> tuple[float, Interval]:
    r"""Return the Haven ratio :math:`H = \sigma_\mathrm{NE} / \sigma = D^* / D_\sigma` and its interval.

    The distances from the estimates to the ends of both intervals, on the logarithmic scale, add in squares;
    the ends keep being unequally far, as those of `CollectiveSlope.interval` are.

    Parameters
    ----------
    independent, collective : float
        Nernst-Einstein conductivity and conductivity, in one unit.
    independent_interval, collective_interval : tuple of float
        Their intervals, of one level; a lower end of zero says that nothing is resolved.

    Returns
    -------
    ratio : float
        Not a number where the conductivity is not above zero.
    interval : tuple of float
        Of the same level. From zero or to infinity where one of the two is not resolved.

    References
    ----------
    G. Y. Zou, A. Donner, Statist. Med. 27, 1693 (2008), doi:10.1002/sim.3095.

    Examples
    --------
    >>> haven_ratio(1.0, (1.0, 1.0), 2.0, (1.0, 4.0))
    (0.5, (0.25, 1.0))
    """
    if not collective > 0.0:
        return float("nan"), (0.0, float("inf"))
    ratio = independent / collective
    if not ratio > 0.0:
        return ratio, (0.0, float("inf"))
    low, high = 0.0, float("inf")
    if independent_interval[0] > 0.0:
        low = np.exp(
            -np.hypot(
                np.log(independent / independent_interval[0]), np.log(collective_interval[1] / collective)
            )
        )
    if collective_interval[0] > 0.0:
        high = np.exp(
            np.hypot(
                np.log(independent_interval[1] / independent), np.log(collective / collective_interval[0])
            )
        )
    return ratio, (float(ratio * low), float(ratio * high))


def checked_level(level: float) -> float:
    """The level of an interval, if it is one.

    Parameters
    ----------
    level : float
        Probability that an interval is to hold the truth with.

    Returns
    -------
    float
        The same.

    Raises
    ------
    InputError
        If it is not between 0 and 1.

    Examples
    --------
    >>> checked_level(0.95)
    0.95
    """
    if not 0.0 < level < 1.0:
        raise InputError(f"level {level} is no probability between 0 and 1, such as 0.68 or 0.95")
    return float(level)


def _above_zero(value: float, what: str, unit: str) -> None:
    if not 0.0 < value < np.inf:
        raise InputError(f"{what} {value:g} {unit} is not above zero; give the mean of the run")
