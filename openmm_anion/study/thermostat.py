"""The integrator of a production run, as the study file names it."""

from __future__ import annotations

import openmm

from openmm_anion.freezing import FrozenSystem
from openmm_anion.integrators import (
    BussiIntegrator,
    LangevinMiddleIntegrator,
    NoseHooverIntegrator,
    VerletIntegrator,
)
from openmm_anion.study.settings import DynamicsSettings


def production_integrator(
    dynamics: DynamicsSettings, frozen: FrozenSystem, temperature: float, seed: int
) -> openmm.CustomIntegrator:
    """Return the integrator that the study asks for.

    Parameters
    ----------
    dynamics : DynamicsSettings
        Thermostat, its constants, and the time step.
    frozen : FrozenSystem
        What is frozen.
    temperature : float
        Temperature, K.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    openmm.CustomIntegrator
        With the time step of the study.
    """
    step, time = dynamics.timestep, dynamics.relaxation_time
    if dynamics.thermostat == "bussi":
        return BussiIntegrator(frozen, temperature, time, step, seed)
    if dynamics.thermostat == "langevin-middle":
        return LangevinMiddleIntegrator(frozen, temperature, dynamics.friction, step, seed)
    if dynamics.thermostat == "nose-hoover":
        return NoseHooverIntegrator(frozen, temperature, time, step)
    return VerletIntegrator(frozen, step)
