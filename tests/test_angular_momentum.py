"""Rotation frozen as zero angular momentum: exactness, energy, reversibility, and what it leaves free."""

from __future__ import annotations

import numpy as np
import openmm
import pytest
import test_freezing_exact
import torch
from ion_crystals import IONS, TRICLINIC, Array, ion_crystal
from ionic_salt import ANIONS, salt_positions, salt_system
from openmm import unit
from platforms import PlatformCase
from scipy.spatial.transform import Rotation

from openmm_anion.freezing import FrozenSystem, freeze
from openmm_anion.freezing.angular_momentum import AngularMomentum
from openmm_anion.freezing.reference import FrozenAnion
from openmm_anion.freezing.stiffness import STIFFNESS
from openmm_anion.freezing.violation import diagnose
from openmm_anion.integrators import BussiIntegrator, LangevinMiddleIntegrator, VerletIntegrator

TIMESTEP = 0.0005  # ps
LIMIT = {"host": 1e-10, "double": 1e-7, "mixed": 1e-2}
"""Angular velocities, rad/ps: rounding of positions over half a time step and the size of an anion."""


def salt(modes: str) -> FrozenSystem:
    return freeze(salt_system(), ANIONS, modes, positions=salt_positions(), rotation="angular-momentum")


def salt_run(frozen: FrozenSystem, integrator: openmm.CustomIntegrator, name: str = "CPU") -> openmm.Context:
    context = openmm.Context(frozen.system, integrator, openmm.Platform.getPlatformByName(name))
    frozen.initialize(context, 300, seed=3)
    return context


def arrays(context: openmm.Context) -> tuple[Array, Array, Array]:
    """Positions, velocities and forces of a Context in OpenMM's units."""
    state = context.getState(getPositions=True, getVelocities=True, getForces=True)
    return (
        state.getPositions(asNumpy=True).value_in_unit(unit.nanometer),
        state.getVelocities(asNumpy=True).value_in_unit(unit.nanometer / unit.picosecond),
        state.getForces(asNumpy=True).value_in_unit(unit.kilojoule_per_mole / unit.nanometer),
    )


@pytest.mark.parametrize("noise", [0.0, 0.004], ids=["ideal", "thermal"])
def test_projection(noise: float) -> None:
    """All sizes in one batch: no turn is left at the start of the drift, and nothing else is changed."""
    random = np.random.default_rng(2)
    anions: list[FrozenAnion] = []
    for _, shape in IONS.values():
        start = sum(len(anion.indices) for anion in anions)
        turned = Rotation.random(random_state=start).apply(shape) + random.uniform(0, 3, 3)
        turned += noise * random.normal(size=shape.shape)
        anions.append(
            FrozenAnion(np.arange(start, start + len(shape)), random.uniform(1, 40, len(shape)), turned)
        )
    positions = np.concatenate([anion.positions for anion in anions])
    moves = 0.01 * random.normal(size=positions.shape)
    module = torch.jit.script(AngularMomentum(anions, len(positions)))
    assert float(module(torch.tensor(positions), torch.tensor(0.0))[1].abs().max()) == 0.0
    forces = module(torch.tensor(positions + moves), torch.tensor(1.0))[1].numpy()
    masses = np.concatenate([anion.masses for anion in anions])[:, None]
    corrected = moves + forces / masses / STIFFNESS
    box = np.diag([9.0, 9.0, 9.0])
    before, after = (
        diagnose(positions, box, anions, [True] * len(anions), "", velocities).violation.angular_velocity
        for velocities in (moves, corrected)
    )
    assert before > 0.02
    assert after < 1e-13
    for anion in anions:
        own = anion.indices
        change, mass = (corrected - moves)[own], masses[own]
        assert np.abs((mass * change).sum(axis=0)).max() < 1e-14 * mass.sum()
        # A turn of the shape: the smallest change in the mass metric.
        arms = positions[own] - (mass * positions[own]).sum(axis=0) / mass.sum()
        turns = np.concatenate([np.cross(axis, arms).reshape(-1, 1) for axis in np.eye(3)], axis=1)
        fit = turns @ np.linalg.lstsq(turns, change.ravel(), rcond=1e-10)[0]
        assert np.abs(fit - change.ravel()).max() < 1e-15


@pytest.mark.parametrize("modes", ["R", "TR"])
def test_no_anion_turns(platform: PlatformCase, modes: str) -> None:
    crystal = ion_crystal(["NO3", "P2S6", "BH4", "PF6", "NO2", "CN"], TRICLINIC)
    frozen = freeze(
        crystal.system, crystal.anions, modes, positions=crystal.wrapped, rotation="angular-momentum"
    )
    integrator = LangevinMiddleIntegrator(frozen, 300, 5.0, TIMESTEP, seed=1)
    context = platform.context(frozen.system, integrator)
    frozen.initialize(context, 300, seed=2)
    frozen.check(context)
    integrator.step(260)
    violation = frozen.violation(context)
    assert violation.angular_velocity < LIMIT[platform.accuracy]
    assert np.isnan(violation.rotation)
    assert np.isnan(violation.shape)
    if "T" in modes:
        assert violation.translation < (1e-10 if platform.double else 1e-6)
    # The orientation is not what is held: the anions have crept.
    eckart = freeze(crystal.system, crystal.anions, "R", positions=crystal.positions)
    assert eckart.violation(context).rotation > 1e-3


def test_linear_anions_turn_in_proportion_to_the_time_step() -> None:
    """The axis of a bending ion turns within a step, and some angular momentum along it gets across."""
    left = []
    for timestep in (TIMESTEP, TIMESTEP / 2):
        crystal = ion_crystal(["SCN", "ICl2"])
        frozen = freeze(
            crystal.system, crystal.anions, "R", positions=crystal.positions, rotation="angular-momentum"
        )
        assert frozen.frozen_degrees_of_freedom == 4
        integrator = VerletIntegrator(frozen, timestep)
        context = openmm.Context(frozen.system, integrator, openmm.Platform.getPlatformByName("Reference"))
        frozen.initialize(context, 300, seed=2)
        worst = 0.0
        for _ in range(20):
            integrator.step(round(5 * TIMESTEP / timestep))
            worst = max(worst, frozen.violation(context).angular_velocity)
        left.append(worst)
    assert left[0] < 1e-6
    assert left[1] == pytest.approx(0.5 * left[0], rel=0.1)


@pytest.mark.parametrize("ensemble", ["Bussi", "Verlet"])
def test_between_steps_nothing_is_left(ensemble: str) -> None:
    frozen = salt("R")
    integrator = (
        VerletIntegrator(frozen, TIMESTEP)
        if ensemble == "Verlet"
        else BussiIntegrator(frozen, 300, 0.5, TIMESTEP, seed=1)
    )
    context = salt_run(frozen, integrator)
    integrator.step(103)
    assert frozen.violation(context).angular_velocity < 1e-10
    state = context.getState(getForces=True, groups={frozen.projector_group})
    assert np.abs(state.getForces(asNumpy=True)._value).max() == 0.0


@pytest.mark.parametrize("modes", ["R", "TR"])
def test_energy_is_as_steady_as_in_the_free_run(modes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    free, _ = test_freezing_exact.energy_noise("", TIMESTEP)
    monkeypatch.setattr(test_freezing_exact, "frozen_salt", salt)
    noise, drift = test_freezing_exact.energy_noise(modes, TIMESTEP)
    assert noise <= 1.5 * free
    assert abs(drift) <= 2.0 * free  # as in test_freezing_exact
    assert 3.2 < noise / test_freezing_exact.energy_noise(modes, TIMESTEP / 2)[0] < 4.8


def test_leapfrog_is_reversible() -> None:
    frozen = salt("R")
    integrator = VerletIntegrator(frozen, TIMESTEP)
    context = salt_run(frozen, integrator, "Reference")
    integrator.step(100)
    positions, velocities, forces = arrays(context)
    assert np.abs(positions - frozen.positions).max() > 0.01
    # The kick of the first step back makes this -v, with which it came.
    context.setVelocities(-velocities - TIMESTEP * forces / frozen.masses[:, None])
    integrator.step(100)
    assert np.abs(arrays(context)[0] - frozen.positions).max() < 1e-9


def test_a_rigid_anion_keeps_its_orientation() -> None:
    """RV is RV, whatever rotation is."""
    paths = []
    for rotation in ("eckart", "angular-momentum"):
        frozen = freeze(salt_system(), ANIONS, "RV", positions=salt_positions(), rotation=rotation)
        assert not frozen.two_phases
        integrator = VerletIntegrator(frozen, TIMESTEP)
        context = salt_run(frozen, integrator, "Reference")
        integrator.step(20)
        assert frozen.violation(context).rotation < 1e-10
        paths.append(arrays(context)[0])
    assert np.array_equal(paths[0], paths[1])


def test_temperature_counts_the_free_motions(monkeypatch: pytest.MonkeyPatch) -> None:
    assert salt("R").degrees_of_freedom == 480
    monkeypatch.setattr(test_freezing_exact, "frozen_salt", salt)
    test_freezing_exact.test_temperature_counts_the_free_motions("R")
