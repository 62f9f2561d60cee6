"""Arguments that several integrators take, checked once."""

from __future__ import annotations

from typing import Any

from openmm import unit

from openmm_anion.errors import InputError
from openmm_anion.units import number


def positive_timestep(timestep: Any) -> float:
    """Return the time step in ps, or refuse one that is not positive.

    Parameters
    ----------
    timestep : Quantity or float
        Time step, ps.

    Returns
    -------
    float
        In ps.

    Raises
    ------
    InputError
        If it is no time, or not above zero.

    Examples
    --------
    >>> positive_timestep(2 * unit.femtosecond)
    0.002
    """
    return _positive_time(timestep, "time step", 0.002)


def relaxation_time(time: Any) -> float:
    """Return the relaxation time of a thermostat in ps, or refuse one that is not positive.

    Parameters
    ----------
    time : Quantity or float
        Relaxation time, ps.

    Returns
    -------
    float
        In ps.

    Raises
    ------
    InputError
        If it is no time, or not above zero.

    Examples
    --------
    >>> relaxation_time(0.5)
    0.5
    """
    return _positive_time(time, "relaxation time", 0.5)


def _positive_time(value: Any, what: str, example: float) -> float:
    time = number(value, unit.picosecond, what)
    if time <= 0:
        raise InputError(f"{what} {time:g} ps is not positive; give it in picoseconds, e.g. {example}")
    return time
