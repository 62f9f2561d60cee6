"""Equal shares: each kind of motion that is free has the temperature of the bath, with every thermostat.

The kinds are those of `FrozenSystem.kinetic_temperatures`: cations, and translation, rotation and vibration
of the anions. The velocities of a State belong to the middle between two kicks. There the Langevin scheme
samples harmonic motions without any error of the time step, and there the others rescale; between kinds of
motion their shares then differ by ``(w dt)^2 / 12`` for the frequencies w. The step of 2 fs is a 32nd of the
fastest period (as 0.4 fs is for a B-H bond), and all kinds have similar w, which leaves 0.1 percent.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import openmm
import pytest
from anharmonic_crystal import Array, anharmonic_crystal

from openmm_anion.freezing import MODES, FrozenSystem
from openmm_anion.integrators import BussiIntegrator, LangevinMiddleIntegrator, NoseHooverIntegrator

TEMPERATURE = 300.0  # K
TIMESTEP = 0.002  # ps
Make = Callable[[FrozenSystem], openmm.CustomIntegrator]


def langevin(frozen: FrozenSystem) -> openmm.CustomIntegrator:
    return LangevinMiddleIntegrator(frozen, TEMPERATURE, 100.0, TIMESTEP, seed=1)


def bussi(frozen: FrozenSystem) -> openmm.CustomIntegrator:
    return BussiIntegrator(frozen, TEMPERATURE, 0.05, TIMESTEP, seed=1)


def nose_hoover(frozen: FrozenSystem) -> openmm.CustomIntegrator:
    return NoseHooverIntegrator(frozen, TEMPERATURE, 0.1, TIMESTEP)


CASES = [*((modes, "eckart") for modes in MODES), ("R", "angular-momentum"), ("TR", "angular-momentum")]
THERMOSTATS = [langevin, bussi, nose_hoover]
FEW = [("", "eckart"), ("TR", "eckart"), ("V", "eckart"), ("R", "angular-momentum")]
"""What of each thermostat but the first the default tests look at; the slow ones look at all."""
each_case = pytest.mark.parametrize(("modes", "rotation"), CASES)
each_thermostat = pytest.mark.parametrize("thermostat", THERMOSTATS)


def shares(frozen: FrozenSystem, drift: bool) -> Array:
    """Expected temperatures of the four kinds over that of the bath.

    Where the drift of the whole is zero and stays so, a body of mass m misses m/M of three freedoms.
    """
    inside = sum(anion.masses.sum() for anion in frozen.anions) / frozen.masses.sum()
    outside = len(frozen.masses) - sum(len(anion.indices) for anion in frozen.anions)
    lost = 0.0 if drift else np.array([(1 - inside) / outside, inside / len(frozen.anions), 0.0, 0.0])
    return np.asarray(1.0 - lost * np.ones(4))


def temperatures(
    frozen: FrozenSystem, integrator: openmm.CustomIntegrator, blocks: int, steps: int, every: int
) -> tuple[Array, Array]:
    """Temperatures of the free kinds of motion over those expected, and their standard errors.

    The errors are those of the mean of `blocks` blocks of `steps` steps each, after 2 ps to come to rest.
    """
    context = openmm.Context(frozen.system, integrator, openmm.Platform.getPlatformByName("Reference"))
    frozen.initialize(context, TEMPERATURE, seed=2)
    integrator.step(1000)
    readings = []
    for _ in range(blocks * (steps // every)):
        integrator.step(every)
        found = frozen.kinetic_temperatures(context.getState(positions=True, velocities=True))
        readings.append([found.rest, found.translation, found.rotation, found.vibration])
    assert frozen.violation(context).displacement < 1e-10
    # Langevin noise moves the whole, and frozen centres take its momentum.
    drift = isinstance(integrator, LangevinMiddleIntegrator) or not frozen.conserves_momentum
    ratios = np.array(readings) / (TEMPERATURE * shares(frozen, drift))
    free = ~np.isnan(ratios[0])
    means = ratios[:, free].reshape(blocks, -1, int(free.sum())).mean(axis=1)
    return means.mean(axis=0), means.std(axis=0, ddof=1) / np.sqrt(blocks)


@pytest.mark.parametrize(
    ("thermostat", "modes", "rotation"),
    [(langevin, *case) for case in CASES] + [(other, *case) for other in THERMOSTATS[1:] for case in FEW],
)
def test_equal_shares(thermostat: Make, modes: str, rotation: str) -> None:
    """32 anions for 4 ps: every temperature within 15 percent of the bath's and 5 standard errors."""
    frozen = anharmonic_crystal(4, modes, rotation)
    mean, error = temperatures(frozen, thermostat(frozen), blocks=20, steps=100, every=25)
    assert error.max() < 0.05
    assert np.abs(mean - 1).max() < 0.15
    assert (np.abs(mean - 1) / error).max() < 5


@pytest.mark.slow
@pytest.mark.timeout(900)
@each_thermostat
@each_case
def test_equal_shares_to_one_percent(thermostat: Make, modes: str, rotation: str) -> None:
    """108 anions for 80 ps: every temperature within 1 percent of the bath's and 4 standard errors.

    Langevin noise decorrelates velocities faster, and 40 ps do.
    """
    frozen = anharmonic_crystal(6, modes, rotation)
    steps = 500 if thermostat is langevin else 1000
    mean, error = temperatures(frozen, thermostat(frozen), blocks=40, steps=steps, every=25)
    assert error.max() < 0.004
    assert np.abs(mean - 1).max() < 0.01
    assert (np.abs(mean - 1) / error).max() < 4
