"""Stochastic velocity rescaling and Nose-Hoover chains: the canonical distribution of the free motions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import openmm
import pytest
from ionic_salt import ANIONS, salt_positions, salt_system
from openmm import unit
from platforms import PlatformCase
from scipy import stats

from openmm_anion.errors import InputError
from openmm_anion.freezing import FrozenSystem, freeze
from openmm_anion.integrators import BussiIntegrator, NoseHooverIntegrator
from openmm_anion.units import MOLAR_GAS_CONSTANT

TIMESTEP = 0.0005
TEMPERATURE = 300.0
Make = Callable[[FrozenSystem], openmm.CustomIntegrator]


def bussi(frozen: FrozenSystem) -> openmm.CustomIntegrator:
    return BussiIntegrator(frozen, TEMPERATURE, 0.02, TIMESTEP, seed=3)


def nose_hoover(frozen: FrozenSystem) -> openmm.CustomIntegrator:
    return NoseHooverIntegrator(frozen, TEMPERATURE, 0.05, TIMESTEP)


def kinetic_energies(frozen: FrozenSystem, integrator: openmm.CustomIntegrator, samples: int) -> np.ndarray:
    context = openmm.Context(
        frozen.system, integrator, openmm.Platform.getPlatformByName("CPU"), {"Threads": "1"}
    )
    frozen.initialize(context, TEMPERATURE, seed=1)
    integrator.step(1000)
    energies = []
    for _ in range(samples):
        integrator.step(40)
        state = context.getState(getEnergy=True)
        energies.append(state.getKineticEnergy().value_in_unit(unit.kilojoule_per_mole))
    assert frozen.violation(context).displacement < 1e-10
    return np.array(energies)


SLOW = pytest.mark.slow
"""Every thermostat with more modes, kind by kind, is in test_equipartition.py."""


@pytest.mark.parametrize(
    ("thermostat", "modes"),
    [
        (bussi, "R"),
        (nose_hoover, "V"),
        pytest.param(bussi, "T", marks=SLOW),
        pytest.param(nose_hoover, "", marks=SLOW),
        pytest.param(bussi, "", marks=SLOW),
        pytest.param(bussi, "V", marks=SLOW),
        pytest.param(nose_hoover, "T", marks=SLOW),
        pytest.param(nose_hoover, "R", marks=SLOW),
    ],
)
def test_temperature_of_the_free_motions(thermostat: Make, modes: str) -> None:
    frozen = freeze(salt_system(), ANIONS, modes, positions=salt_positions())
    energies = kinetic_energies(frozen, thermostat(frozen), 200)
    count = frozen.degrees_of_freedom - 3 * frozen.conserves_momentum
    readings = 2 * energies / (count * MOLAR_GAS_CONSTANT)
    blocks = readings.reshape(20, -1).mean(axis=1)
    error = blocks.std(ddof=1) / np.sqrt(len(blocks))
    assert error < 6
    assert abs(blocks.mean() - TEMPERATURE) < 4 * error


@pytest.mark.parametrize("modes", [pytest.param("T", marks=SLOW), "RV"])
def test_rescaled_kinetic_energy_has_the_gamma_distribution(modes: str) -> None:
    """Where every step rescales afresh (tau far below a step), K is a new sample of the canonical one."""
    frozen = freeze(salt_system(), ANIONS, modes, positions=salt_positions())
    integrator = BussiIntegrator(frozen, TEMPERATURE, 1e-6, TIMESTEP, seed=5, interval=40)
    energies = kinetic_energies(frozen, integrator, 200)
    count = frozen.degrees_of_freedom - 3 * frozen.conserves_momentum
    expected = stats.gamma(0.5 * count, scale=MOLAR_GAS_CONSTANT * TEMPERATURE)
    assert stats.kstest(energies, expected.cdf).pvalue > 1e-3


@pytest.mark.parametrize("free", [2, 3, 4, 9, 60, 3000])
def test_rescaling_draws_chi_squared(free: int) -> None:
    """The sum of n - 1 squared normals, from 4,000 rescalings, for few and for many degrees of freedom."""
    system = openmm.System()
    system.addParticle(1.0)
    frozen = replace(freeze(system, [], "", positions=[[0, 0, 0]]), unfrozen_degrees_of_freedom=free + 3)
    integrator = BussiIntegrator(frozen, TEMPERATURE, 0.1, TIMESTEP, seed=7, interval=1)
    context = openmm.Context(system, integrator, openmm.Platform.getPlatformByName("Reference"))
    context.setPositions([[0, 0, 0]])
    context.setVelocities([[1, 0, 0]])
    drawn = []
    for _ in range(4000):
        integrator.step(1)
        drawn.append(integrator.getGlobalVariableByName("rest"))
    assert stats.kstest(drawn, stats.chi2(free - 1).cdf).pvalue > 1e-3


@pytest.mark.parametrize("thermostat", [bussi, nose_hoover])
def test_frozen_motions_stay_frozen(platform: PlatformCase, thermostat: Make) -> None:
    frozen = freeze(salt_system(), ANIONS, "TV", positions=salt_positions())
    integrator = thermostat(frozen)
    context = platform.context(frozen.system, integrator)
    frozen.initialize(context, TEMPERATURE, seed=2)
    integrator.step(100)
    assert frozen.violation(context).displacement <= (1e-10 if platform.double else 1e-6)


def test_rescaling_keeps_the_drift_of_the_whole() -> None:
    frozen = freeze(salt_system(), ANIONS, "R", positions=salt_positions())
    integrator = bussi(frozen)
    context = openmm.Context(frozen.system, integrator, openmm.Platform.getPlatformByName("Reference"))
    frozen.initialize(context, TEMPERATURE, seed=1)
    integrator.step(100)
    velocities = context.getState(getVelocities=True).getVelocities(asNumpy=True)
    drift = frozen.masses @ velocities.value_in_unit(unit.nanometer / unit.picosecond) / frozen.masses.sum()
    assert np.abs(drift).max() < 1e-10


def test_nose_hoover_conserves_its_energy() -> None:
    """The extended energy H + sum Q xi^2/2 + kT (n eta_1 + ...) is steady where K alone swings."""
    frozen = freeze(salt_system(), ANIONS, "R", positions=salt_positions())
    integrator = NoseHooverIntegrator(frozen, TEMPERATURE, 0.05, TIMESTEP)
    context = openmm.Context(
        frozen.system, integrator, openmm.Platform.getPlatformByName("CPU"), {"Threads": "1"}
    )
    frozen.initialize(context, TEMPERATURE, seed=1)
    count = frozen.degrees_of_freedom - 3
    kT = MOLAR_GAS_CONSTANT * TEMPERATURE
    eta = 0.0
    extended, total = [], []
    for _ in range(1000):
        integrator.step(1)
        rates = [integrator.getGlobalVariableByName(f"xi{k}") for k in range(1, 5)]
        eta += TIMESTEP * (count * rates[0] + sum(rates[1:]))
        state = context.getState(getEnergy=True)
        energy = (state.getPotentialEnergy() + state.getKineticEnergy()).value_in_unit(
            unit.kilojoule_per_mole
        )
        masses = [count * kT * 0.05**2] + [kT * 0.05**2] * 3
        bath = sum(0.5 * mass * rate**2 for mass, rate in zip(masses, rates, strict=True))
        total.append(energy)
        extended.append(energy + bath + kT * eta)
    # The kinetic energy belongs to the middle of the step, hence the noise; it must not drift with K.
    smooth = np.ones(100) / 100
    assert np.ptp(np.convolve(extended, smooth, "valid")) < 0.1 * np.ptp(np.convolve(total, smooth, "valid"))


def test_bad_arguments() -> None:
    frozen = freeze(salt_system(), ANIONS, "T", positions=salt_positions())
    for thermostat in (BussiIntegrator, NoseHooverIntegrator):
        with pytest.raises(InputError, match=r"relaxation time 0 ps is not positive"):
            thermostat(frozen, 300, 0.0, 0.001)
        with pytest.raises(InputError, match=r"time step -0.001 ps is not positive"):
            thermostat(frozen, 300, 0.1, -1 * unit.femtosecond)
        with pytest.raises(InputError, match=r"temperature -1 K is negative"):
            thermostat(frozen, -1, 0.1, 0.001)
        with pytest.raises(InputError, match=r"temperature is in picosecond; give it in kelvin"):
            thermostat(frozen, 300 * unit.picosecond, 0.1, 0.001)
    with pytest.raises(InputError, match="interval of 0 steps"):
        BussiIntegrator(frozen, 300, 0.1, 0.001, interval=0)
    with pytest.raises(InputError, match="chain of 1 thermostats"):
        NoseHooverIntegrator(frozen, 300, 0.1, 0.001, chain=1)
    with pytest.raises(InputError, match="above 0 K"):
        NoseHooverIntegrator(frozen, 0, 0.1, 0.001)


def test_temperature_of_the_bath_can_change() -> None:
    frozen = freeze(salt_system(), ANIONS, "T", positions=salt_positions())
    for integrator in (bussi(frozen), nose_hoover(frozen)):
        integrator.setTemperature(500 * unit.kelvin)
        assert integrator.getTemperature() == pytest.approx(500)
    with pytest.raises(InputError, match="above 0 K"):
        NoseHooverIntegrator(frozen, 300, 0.1, 0.001).setTemperature(0)
