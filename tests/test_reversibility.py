"""Time reversal and long runs at constant energy."""

from __future__ import annotations

import numpy as np
import openmm
import pytest
from ionic_salt import ANIONS, salt_positions, salt_system
from openmm import unit

from openmm_anion.freezing import MODES, freeze
from openmm_anion.integrators import VerletIntegrator
from openmm_anion.units import MOLAR_GAS_CONSTANT

TIMESTEP = 0.0005


@pytest.mark.parametrize("modes", MODES)
def test_running_back_leads_to_where_it_began(modes: str) -> None:
    """Forward, velocities of the next half step flipped, and back by as many steps."""
    frozen = freeze(salt_system(), ANIONS, modes, positions=salt_positions())
    integrator = VerletIntegrator(frozen, TIMESTEP)
    context = openmm.Context(frozen.system, integrator, openmm.Platform.getPlatformByName("Reference"))
    frozen.initialize(context, 300, seed=1)
    path = [frozen.positions.copy()]
    for _ in range(101):
        integrator.step(1)
        positions = context.getState(positions=True).getPositions(asNumpy=True)
        path.append(positions.value_in_unit(unit.nanometer).copy())
    # Leapfrog keeps velocities half a step behind: from the last position but one, minus those of the last
    # step
    # lead back.
    velocities = context.getState(velocities=True).getVelocities(asNumpy=True)
    context.setPositions(path[100])
    context.setVelocities(-velocities)
    integrator.step(100)
    back = context.getState(positions=True).getPositions(asNumpy=True).value_in_unit(unit.nanometer)
    assert np.abs(path[100] - path[0]).max() > 0.01
    assert np.abs(back - path[0]).max() < 1e-9


def drift_and_violation(
    modes: str, platform: str, properties: dict[str, str], steps: int
) -> tuple[float, float]:
    """Drift of the total energy, kT per degree of freedom and nanosecond, and the largest violation, nm."""
    frozen = freeze(salt_system(), ANIONS, modes, positions=salt_positions())
    integrator = VerletIntegrator(frozen, TIMESTEP)
    context = openmm.Context(
        frozen.system, integrator, openmm.Platform.getPlatformByName(platform), properties
    )
    frozen.initialize(context, 300, seed=1)
    integrator.step(100)
    times, energies, worst = [], [], 0.0
    for _ in range(500):
        integrator.step(steps // 500)
        state = context.getState(energy=True)
        total = state.getPotentialEnergy() + state.getKineticEnergy()
        times.append(state.getTime().value_in_unit(unit.nanosecond))
        energies.append(total.value_in_unit(unit.kilojoule_per_mole))
        worst = max(worst, frozen.violation(context).displacement)
    slope = np.polyfit(times, energies, 1)[0]
    return float(slope) / frozen.degrees_of_freedom / (MOLAR_GAS_CONSTANT * 300), worst


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("modes", MODES)
def test_energy_does_not_drift_over_1e5_steps(modes: str) -> None:
    free, _ = drift_and_violation("", "CPU", {"Threads": "1"}, 100_000)
    drift, worst = drift_and_violation(modes, "CPU", {"Threads": "1"}, 100_000)
    assert abs(drift) < 0.05
    assert abs(drift) < max(1.5 * abs(free), 0.02)
    assert worst < 1e-12


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("precision", "limit"), [("mixed", 1e-6), ("double", 1e-8)])
@pytest.mark.parametrize("modes", ["T", "R", "V", "TR", "TV", "RV"])
def test_gpu_kernels_neither_heat_nor_drift_over_1e5_steps(modes: str, precision: str, limit: float) -> None:
    drift, worst = drift_and_violation(modes, "OpenCL", {"Precision": precision}, 100_000)
    assert abs(drift) < 0.05
    assert worst < limit
