"""Quantities in, plain numbers out: everything inside the package is in ps, nm, kJ/mol, K, Da.

These are OpenMM's own units, so a bare number means the same here as in OpenMM.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from openmm import unit

from openmm_anion.errors import InputError

MOLAR_GAS_CONSTANT = unit.MOLAR_GAS_CONSTANT_R.value_in_unit(unit.kilojoule_per_mole / unit.kelvin)
"""Boltzmann's constant per mole, kJ/(mol K)."""

ANGSTROM = 0.1
"""One angstrom in nm."""

EV = (1.602176634e-19 * 6.02214076e23) / 1000.0
"""One electronvolt in kJ/mol (exact SI values)."""


def number(value: Any, in_unit: unit.Unit, what: str) -> float:
    """Return `value` as a float in `in_unit`; bare numbers are taken to be in it already.

    Parameters
    ----------
    value : Quantity or float
        What the user gave.
    in_unit : openmm.unit.Unit
        The unit wanted.
    what : str
        The name used in the error message.

    Returns
    -------
    float
        In `in_unit`.

    Raises
    ------
    InputError
        If the unit is of another kind, or the number is not finite.

    Examples
    --------
    >>> number(2.0 * unit.femtosecond, unit.picosecond, "timestep")
    0.002
    """
    plain = array(value, in_unit, what)
    if plain.ndim != 0:
        raise InputError(f"{what} must be one number in {in_unit}, not an array of shape {plain.shape}")
    return float(plain)


def temperature_in_kelvin(value: Any) -> float:
    """Return a temperature as a float in K.

    Parameters
    ----------
    value : Quantity or float
        What the user gave.

    Returns
    -------
    float
        K.

    Raises
    ------
    InputError
        If it is negative or no temperature.

    Examples
    --------
    >>> temperature_in_kelvin(850 * unit.kelvin)
    850.0
    """
    kelvin = number(value, unit.kelvin, "temperature")
    if kelvin < 0:
        raise InputError(f"temperature {kelvin:g} K is negative; give it in kelvin, zero or above")
    return kelvin


def array(value: Any, in_unit: unit.Unit, what: str) -> NDArray[np.float64]:
    """Return `value` as a float64 array in `in_unit`; bare numbers are taken to be in it already.

    Parameters
    ----------
    value : Quantity or array_like
        What the user gave.
    in_unit : openmm.unit.Unit
        The unit wanted.
    what : str
        The name used in the error message.

    Returns
    -------
    array of float
        In `in_unit`, of the same shape.

    Raises
    ------
    InputError
        If the unit is of another kind, or a number is missing or not finite.

    Examples
    --------
    >>> array([[1.0, 2.0, 3.0]] * unit.angstrom, unit.nanometer, "positions")
    array([[0.1, 0.2, 0.3]])
    """
    if unit.is_quantity(value):
        if not value.unit.is_compatible(in_unit):
            raise InputError(f"{what} is in {value.unit}; give it in {in_unit} or a unit of that kind")
        value = value.value_in_unit(in_unit)
    try:
        plain = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{what} must be numeric, in {in_unit}; got {value!r}"[:300]) from None
    bad = np.argwhere(~np.isfinite(plain))
    if len(bad):
        at = "" if plain.ndim == 0 else f" at index {tuple(int(i) for i in bad[0])}"
        raise InputError(f"{what} is not finite{at}; check the file or the step it came from")
    return plain
