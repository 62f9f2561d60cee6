"""Time reversal at constant energy."""

from __future__ import annotations

import numpy as np
import openmm
import pytest
from ionic_salt import ANIONS, salt_positions, salt_system
from openmm import unit

from openmm_anion.freezing import MODES, freeze
from openmm_anion.integrators import VerletIntegrator

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
    # step lead back.
    velocities = context.getState(velocities=True).getVelocities(asNumpy=True)
    context.setPositions(path[100])
    context.setVelocities(-velocities)
    integrator.step(100)
    back = context.getState(positions=True).getPositions(asNumpy=True).value_in_unit(unit.nanometer)
    assert np.abs(path[100] - path[0]).max() > 0.01
    assert np.abs(back - path[0]).max() < 1e-9
