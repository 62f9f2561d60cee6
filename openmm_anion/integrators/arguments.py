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
    """
    step = number(timestep, unit.picosecond, "time step")
    if step <= 0:
        raise InputError(f"time step {step:g} ps is not positive; give it in picoseconds, e.g. 0.002")
    return step


def relaxation_time(time: Any) -> float:
    """Return the relaxation time of a thermostat in ps, or refuse one that is not positive.

    Parameters
    ----------
    time : Quantity or float
        Relaxation time, ps.
    """
    tau = number(time, unit.picosecond, "relaxation time")
    if tau <= 0:
        raise InputError(f"relaxation time {tau:g} ps is not positive; give it in picoseconds, e.g. 0.5")
    return tau
