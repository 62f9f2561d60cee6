"""Frozen motions stay frozen: exactness, energy and temperature in every mode on every platform."""

from __future__ import annotations

import numpy as np
import openmm
import pytest
from ionic_salt import ANIONS, salt_positions, salt_system
from openmm import unit
from platforms import PlatformCase

from openmm_anion.freezing import MODES, FrozenSystem, freeze
from openmm_anion.freezing.velocities import project_velocities
from openmm_anion.integrators import LangevinMiddleIntegrator, VerletIntegrator
from openmm_anion.units import MOLAR_GAS_CONSTANT

TIMESTEP = 0.0005  # ps; the X-Y stretch of the test salt has a period of 14 fs


def total_energy(context: openmm.Context) -> float:
    state = context.getState(getEnergy=True)
    energy = state.getPotentialEnergy() + state.getKineticEnergy()
    return float(energy.value_in_unit(unit.kilojoule_per_mole))


def frozen_salt(modes: str) -> FrozenSystem:
    return freeze(salt_system(), ANIONS, modes, positions=salt_positions())


@pytest.mark.parametrize("modes", MODES)
@pytest.mark.parametrize("ensemble", ["NVE", "NVT"])
def test_violations_stay_at_rounding(platform: PlatformCase, modes: str, ensemble: str) -> None:
    frozen = frozen_salt(modes)
    integrator = (
        VerletIntegrator(frozen, TIMESTEP)
        if ensemble == "NVE"
        else LangevinMiddleIntegrator(frozen, 300, 10.0, TIMESTEP, seed=1)
    )
    context = platform.context(frozen.system, integrator)
    frozen.initialize(context, 300, seed=2)
    start = frozen.positions.copy()
    integrator.step(300)  # past the 250 steps after which GPU platforms move molecules by box vectors
    violation = frozen.violation(context)
    length, angle = (1e-10, 1e-10) if platform.double else (1e-6, 1e-4)
    for mode, value, limit in zip(
        "TRV",
        (violation.translation, violation.rotation, violation.shape),
        (length, angle, length),
        strict=True,
    ):
        if mode in modes:
            assert value <= limit, f"{mode}: {violation}"
        else:
            assert np.isnan(value)
    # What is not frozen has moved, so that the bounds above mean something.
    moved = (
        context.getState(getPositions=True).getPositions(asNumpy=True).value_in_unit(unit.nanometer) - start
    )
    assert np.abs(moved[5::6]).max() > 0.005
    if modes and modes != "TRV":
        free = freeze(salt_system(), ANIONS, "TRV", positions=start).violation(context)
        for mode, value in zip("TRV", (free.translation, free.rotation, free.shape), strict=True):
            assert mode in modes or value > 1e-3


@pytest.mark.parametrize("modes", MODES[1:])
def test_velocities_of_frozen_motions_vanish(modes: str) -> None:
    frozen = frozen_salt(modes)
    integrator = LangevinMiddleIntegrator(frozen, 300, 10.0, TIMESTEP, seed=1)
    context = openmm.Context(frozen.system, integrator, openmm.Platform.getPlatformByName("Reference"))
    frozen.initialize(context, 300, seed=2)
    integrator.step(50)
    velocities = (
        context.getState(getVelocities=True)
        .getVelocities(asNumpy=True)
        .value_in_unit(unit.nanometer / unit.picosecond)
    )
    if modes not in ("V", "TV"):
        assert np.abs(velocities - project_velocities(velocities, frozen.anions, modes)).max() < 1e-10
        return
    # A rigid body turns: its velocity is the chord of a step, tangent at its present place to second order
    # only.
    positions = context.getState(getPositions=True).getPositions(asNumpy=True)
    now = freeze(salt_system(), ANIONS, modes, positions=positions)
    assert np.abs(velocities - project_velocities(velocities, now.anions, "V")).max() < 0.05
    if "T" in modes:
        assert np.abs(velocities - project_velocities(velocities, now.anions, "T")).max() < 1e-10


def energy_noise(modes: str, timestep: float, time: float = 0.2) -> tuple[float, float]:
    """Root mean square fluctuation and drift of the total energy, kJ/mol per degree of freedom."""
    frozen = frozen_salt(modes)
    integrator = VerletIntegrator(frozen, timestep)
    context = openmm.Context(
        frozen.system, integrator, openmm.Platform.getPlatformByName("CPU"), {"Threads": "1"}
    )
    frozen.initialize(context, 300, seed=3)
    energies = []
    for _ in range(100):
        energies.append(total_energy(context))
        integrator.step(round(time / timestep / 100))
    half = len(energies) // 2
    drift = np.mean(energies[half:]) - np.mean(energies[:half])
    return float(np.std(energies)) / frozen.degrees_of_freedom, float(drift) / frozen.degrees_of_freedom


@pytest.mark.parametrize("modes", MODES[1:])
def test_energy_is_as_steady_as_in_the_free_run(modes: str) -> None:
    free, _ = energy_noise("", TIMESTEP)
    noise, drift = energy_noise(modes, TIMESTEP)
    assert free < 2e-4
    assert noise <= 1.5 * free
    assert abs(drift) <= 2.0 * free  # the slow part of the noise, also of second order


@pytest.mark.parametrize("modes", ["", "T", "R", "TR", "V", "RV"])
def test_energy_noise_falls_with_the_square_of_the_time_step(modes: str) -> None:
    coarse, fine = energy_noise(modes, 0.0005)[0], energy_noise(modes, 0.00025)[0]
    assert 3.2 < coarse / fine < 4.8


@pytest.mark.parametrize(
    # Kind by kind, with every mode and thermostat: test_equipartition.py.
    "modes",
    [pytest.param(modes, marks=[] if modes == "TV" else pytest.mark.slow) for modes in MODES],
)
def test_temperature_counts_the_free_motions(modes: str) -> None:
    """Langevin runs at 300 K read 300 K with the degrees of freedom of the mode."""
    frozen = frozen_salt(modes)
    integrator = LangevinMiddleIntegrator(frozen, 300, 20.0, TIMESTEP, seed=4)
    context = openmm.Context(
        frozen.system, integrator, openmm.Platform.getPlatformByName("CPU"), {"Threads": "1"}
    )
    frozen.initialize(context, 300, seed=5)
    integrator.step(500)
    readings = []
    for _ in range(200):
        integrator.step(25)
        energy = context.getState(getEnergy=True).getKineticEnergy()
        readings.append(frozen.temperature(energy))
    blocks = np.mean(np.reshape(readings, (20, -1)), axis=1)
    error = blocks.std(ddof=1) / np.sqrt(len(blocks))
    assert error < 8
    assert abs(blocks.mean() - 300) < 4 * error + 0.2


def test_degrees_of_freedom() -> None:
    """32 anions of five atoms and 32 cations."""
    expected = {"": 576, "T": 480, "R": 480, "V": 288, "TR": 384, "TV": 192, "RV": 192, "TRV": 96}
    assert {modes: frozen_salt(modes).degrees_of_freedom for modes in MODES} == expected


@pytest.mark.parametrize("modes", MODES)
def test_initial_velocities_obey_the_constraints(modes: str) -> None:
    frozen = frozen_salt(modes)
    velocities = frozen.draw_velocities(300 * unit.kelvin, seed=6)
    assert np.abs(velocities - project_velocities(velocities, frozen.anions, modes)).max() < 1e-13
    masses = frozen.masses
    if "T" not in modes:
        assert np.abs(masses @ velocities).max() < 1e-11
    kinetic = [
        0.5 * float(masses @ (frozen.draw_velocities(300, seed=seed) ** 2).sum(axis=1)) for seed in range(200)
    ]
    free = frozen.degrees_of_freedom - (0 if "T" in modes else 3)
    mean = 2 * np.mean(kinetic) / (free * MOLAR_GAS_CONSTANT)
    assert abs(mean - 300) < 4 * 300 * np.sqrt(2 / free / 200)
