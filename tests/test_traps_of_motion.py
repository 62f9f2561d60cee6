"""Traps of velocities and degrees of freedom: each test fails if its trap is sprung."""

from __future__ import annotations

import numpy as np
import openmm
import pytest
from frozen_salts import REFERENCE, TIMESTEP, frozen_salt, salt, state_arrays
from ion_crystals import assert_held, ion_crystal
from openmm import unit

from openmm_anion.freezing import MODES, freeze
from openmm_anion.integrators import LangevinMiddleIntegrator, VerletIntegrator
from openmm_anion.units import MOLAR_GAS_CONSTANT


def test_degrees_of_freedom_of_every_shape() -> None:
    expected = {"CN": (3, 2, 1), "SCN": (3, 2, 4), "NO3": (3, 3, 6), "NO2": (3, 3, 3), "BH4": (3, 3, 9)}
    for name, lost in expected.items():
        crystal = ion_crystal([name])
        for modes in MODES:
            if modes in ("V", "TV") and name in ("SCN", "NO3"):
                continue  # refused, see test_shapes
            frozen = frozen_salt(modes, crystal)
            wanted = sum(lost["TRV".index(mode)] for mode in modes)
            assert frozen.frozen_degrees_of_freedom == wanted
            assert frozen.degrees_of_freedom == 3 * len(crystal.symbols) - wanted
            energy = 0.5 * frozen.degrees_of_freedom * MOLAR_GAS_CONSTANT * 300 * unit.kilojoule_per_mole
            assert frozen.temperature(energy) == pytest.approx(300)


@pytest.mark.parametrize("bend", [1e-9, 1e-6, 1e-3, 8e-3])
def test_bent_thiocyanate_loses_two_rotations(bend: float) -> None:
    crystal = ion_crystal(["SCN"], noise=0.0)
    positions = crystal.positions.copy()
    along = positions[2] - positions[0]
    across = np.cross(along, [1.0, 0.0, 0.0])
    positions[1] += bend * across / np.linalg.norm(across)
    frozen = freeze(crystal.system, crystal.anions, "R", positions=positions)
    assert frozen.degrees_of_freedom == 3 * 4 - 2
    integrator = LangevinMiddleIntegrator(frozen, 300, 5.0, TIMESTEP, seed=1)
    context = REFERENCE.context(frozen.system, integrator)
    frozen.initialize(context, 300, seed=2)
    integrator.step(200)
    assert_held(frozen.violation(context), "R", True)
    _, v, _, _ = state_arrays(context)
    assert np.abs(v - frozen.project_velocities(v)).max() < 1e-10


@pytest.mark.parametrize("modes", MODES[1:])
def test_drawn_velocities_hold_no_frozen_motion(modes: str) -> None:
    """That runs keep them so is shown above and in test_freezing_exact."""
    frozen = frozen_salt(modes, salt(modes))
    drawn = frozen.draw_velocities(300 * unit.kelvin, seed=2)
    assert np.abs(drawn).max() > 0.1
    assert np.abs(drawn - frozen.project_velocities(drawn)).max() < 1e-12


@pytest.mark.parametrize("modes", ["", "T", "R", "TR", "RV"])
def test_kinetic_energy_belongs_to_the_positions(modes: str) -> None:
    """Three leapfrog steps by hand, with the projected acceleration: 2 K = sum m v(t - dt/2) v(t + dt/2)."""
    crystal = salt(modes)
    frozen = frozen_salt(modes, crystal)
    context = REFERENCE.context(frozen.system, VerletIntegrator(frozen, TIMESTEP))
    frozen.initialize(context, 300, seed=2)
    x, v, forces, _ = state_arrays(context)
    masses = frozen.masses[:, None]
    for _ in range(3):
        after = v + TIMESTEP * frozen.project_velocities(forces / masses)
        reported = context.getState(getEnergy=True).getKineticEnergy()._value
        assert reported == pytest.approx(0.5 * float((masses * v * after).sum()), rel=1e-10)
        assert abs(0.5 * float((masses * v**2).sum()) / reported - 1) > 1e-3
        v, x = after, x + TIMESTEP * after
        context.getIntegrator().step(1)
        now_x, now_v, forces, _ = state_arrays(context)
        assert np.abs(now_x - x).max() < 1e-12
        assert np.abs(now_v - v).max() < 1e-9


def test_friction_follows_the_time_step() -> None:
    system = openmm.System()
    for _ in range(3):
        system.addParticle(10.0)
    frozen = freeze(system, [], "free", positions=np.eye(3))
    integrator = LangevinMiddleIntegrator(frozen, 0.0, 2.0, 0.001, seed=1)
    context = REFERENCE.context(frozen.system, integrator)
    frozen.initialize(context)
    context.setVelocities(np.ones((3, 3)))
    integrator.step(100)
    integrator.setStepSize(0.004)
    integrator.step(100)
    assert state_arrays(context)[1] == pytest.approx(np.exp(-2.0 * 0.5), rel=1e-9)
