"""Traps of cells, images and references: each test fails if its trap is sprung."""

from __future__ import annotations

import numpy as np
import openmm
import pytest
from frozen_salts import REFERENCE, TIMESTEP, frozen_salt, salt, state_arrays
from ion_crystals import assert_held, ion_crystal
from platforms import PlatformCase
from scipy.spatial.transform import Rotation

from openmm_anion.errors import InputError
from openmm_anion.freezing import MODES, freeze
from openmm_anion.integrators import LangevinMiddleIntegrator, VerletIntegrator


@pytest.mark.parametrize("modes", MODES[1:])
def test_wrapped_input_gives_what_whole_input_gives(modes: str) -> None:
    crystal = salt(modes)
    cut = [np.ptp(crystal.wrapped[anion], axis=0).max() > 0.5 for anion in crystal.anions]
    assert sum(cut) >= 2
    whole = freeze(crystal.system, crystal.anions, modes, positions=crystal.positions)
    wrapped = freeze(crystal.system, crystal.anions, modes, positions=crystal.wrapped)
    ends = []
    for frozen in (whole, wrapped):
        context = REFERENCE.context(frozen.system, VerletIntegrator(frozen, TIMESTEP))
        frozen.initialize(context, 300, seed=2)
        context.getIntegrator().step(20)
        ends.append(state_arrays(context)[0] - frozen.positions)
    assert np.abs(ends[0] - ends[1]).max() < 1e-9


@pytest.mark.parametrize("modes", MODES[1:])
def test_context_with_split_anions_is_refused(modes: str) -> None:
    refuse_split(REFERENCE, modes)


def test_context_with_split_anions_is_refused_everywhere(platform: PlatformCase) -> None:
    refuse_split(platform, "R")


def refuse_split(platform: PlatformCase, modes: str) -> None:
    crystal = salt(modes)
    frozen = freeze(crystal.system, crystal.anions, modes, positions=crystal.wrapped)
    context = platform.context(frozen.system, VerletIntegrator(frozen, TIMESTEP))
    frozen.initialize(context)
    frozen.check(context)
    context.setPositions(crystal.wrapped)
    with pytest.raises(InputError, match=r"^anion 0 is split by the periodic boundary in this Context"):
        frozen.check(context)


def test_cage_that_has_turned_is_not_split() -> None:
    """A cage wider than half of the box, frozen in T only."""
    crystal = ion_crystal(["B12H12"], np.diag([0.95] * 3))
    frozen = frozen_salt("T", crystal)
    context = REFERENCE.context(frozen.system, VerletIntegrator(frozen, TIMESTEP))
    frozen.initialize(context)
    anion = frozen.anions[0]
    turned = frozen.positions.copy()
    turned[anion.indices] = anion.center + Rotation.from_rotvec([0, 0, np.pi]).apply(anion.displacements)
    context.setPositions(turned)
    frozen.check(context)


@pytest.mark.parametrize("modes", ["R", "V", "RV"])
def test_anions_that_cross_the_border(platform: PlatformCase, modes: str) -> None:
    """GPU platforms move whole molecules by box vectors every 250 steps: let all drift by a box and more."""
    crystal = salt(modes)
    frozen = frozen_salt(modes, crystal)
    context = platform.context(frozen.system, VerletIntegrator(frozen, TIMESTEP))
    frozen.initialize(context)
    drift = np.array([6.0, -5.0, 4.0])
    context.setVelocities(np.tile(drift, (len(frozen.positions), 1)))
    context.getIntegrator().step(620)
    assert_held(frozen.violation(context), modes, platform.double)
    frozen_at_rest = REFERENCE.context(frozen.system, VerletIntegrator(frozen, TIMESTEP))
    frozen.initialize(frozen_at_rest)
    frozen_at_rest.getIntegrator().step(620)
    here = state_arrays(context)[0] - 620 * TIMESTEP * drift
    there = state_arrays(frozen_at_rest)[0]
    assert np.abs(there - frozen.positions).max() > 0.003
    assert np.abs(here - there).max() < (1e-4 if platform.accuracy == "host" else 1e-3)


@pytest.mark.parametrize(
    ("modes", "move"),
    [("T", "shift"), ("R", "turn"), ("V", "stretch"), ("TRV", "shift"), ("RV", "turn"), ("TV", "stretch")],
)
def test_context_elsewhere_than_the_reference_is_refused(modes: str, move: str) -> None:
    crystal = salt(modes)
    frozen = frozen_salt(modes, crystal)
    context = REFERENCE.context(frozen.system, VerletIntegrator(frozen, TIMESTEP))
    frozen.initialize(context)
    frozen.check(context)
    anion = frozen.anions[1]
    moved = {
        "shift": anion.displacements + 0.002,
        "turn": Rotation.from_rotvec([0.03, -0.02, 0.03]).apply(anion.displacements),
        "stretch": 1.03 * anion.displacements,
    }[move]
    positions = frozen.positions.copy()
    positions[anion.indices] = anion.center + moved
    context.setPositions(positions)
    with pytest.raises(InputError, match=rf"are not those in which {modes} was frozen \("):
        frozen.check(context)
    again = freeze(
        crystal.system, crystal.anions, modes, positions=context.getState(getPositions=True).getPositions()
    )
    assert again.violation(context).displacement < 1e-12


def test_anchor_met_exactly(platform: PlatformCase) -> None:
    """The distance to the anchor has no gradient at zero: no NaN may come of it."""
    system = openmm.System()
    system.setDefaultPeriodicBoxVectors(*np.diag([2.0, 2.0, 2.0]))
    for _ in range(4):
        system.addParticle(16.0)
    nonbonded = openmm.NonbondedForce()
    for charge in (1, -1, 1, -1):
        nonbonded.addParticle(charge, 0.1, 0.1)
    nonbonded.setNonbondedMethod(nonbonded.CutoffPeriodic)
    nonbonded.setCutoffDistance(0.9)
    system.addForce(nonbonded)
    positions = np.array([[0.375, 0.5, 0.5], [0.625, 0.5, 0.5], [1.5, 1.375, 1.5], [1.5, 1.625, 1.5]])
    frozen = freeze(system, [[0, 1], [2, 3]], "TR", positions=positions)
    context = platform.context(frozen.system, VerletIntegrator(frozen, TIMESTEP))
    frozen.initialize(context)
    assert frozen.projector_group is not None
    state = context.getState(getForces=True, getEnergy=True, groups={frozen.projector_group})
    assert np.abs(state.getForces(asNumpy=True)._value).max() == 0
    assert state.getPotentialEnergy()._value == 0
    context.getIntegrator().step(2)
    assert_held(frozen.violation(context), "TR", platform.double)


@pytest.mark.parametrize("modes", MODES)
def test_one_anion_in_open_space(modes: str) -> None:
    """No box, no cations, indices in any order: only the free motions of one ion are left."""
    crystal = ion_crystal(["BH4"])
    bonds = next(f for f in crystal.system.getForces() if isinstance(f, openmm.HarmonicBondForce))
    system = openmm.System()
    for mass in (10.81, 1.008, 1.008, 1.008, 1.008):
        system.addParticle(mass)
    system.addForce(openmm.XmlSerializer.clone(bonds))
    frozen = freeze(system, [[3, 0, 4, 1, 2]], modes, positions=crystal.positions[:5] - 7.0)
    assert frozen.degrees_of_freedom == 15 - frozen.frozen_degrees_of_freedom
    context = REFERENCE.context(frozen.system, LangevinMiddleIntegrator(frozen, 300, 5.0, TIMESTEP, seed=1))
    frozen.initialize(context, 300, seed=2)
    frozen.check(context)
    context.getIntegrator().step(200)
    assert_held(frozen.violation(context), modes, True)
