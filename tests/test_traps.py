"""Traps of freezing motions in OpenMM: each test fails if its trap is sprung."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import openmm
import pytest
from ion_crystals import CUBIC, TRICLINIC, Array, IonCrystal, assert_held, ion_crystal
from openmm import unit
from platforms import PLATFORMS, PlatformCase
from scipy.spatial.transform import Rotation

from openmm_anion.errors import InputError
from openmm_anion.freezing import MODES, FrozenSystem, freeze
from openmm_anion.integrators import LangevinMiddleIntegrator, VerletIntegrator
from openmm_anion.units import MOLAR_GAS_CONSTANT

TIMESTEP = 0.0005  # ps
REFERENCE = PLATFORMS[0]
RIGID = ["PF6", "PF6"]  # distances hold it, and its straight F-P-F angles are the harder ones
MIXED = ["CN", "SCN", "NO3", "BH4"]


def salt(modes: str, box: Array = TRICLINIC) -> IonCrystal:
    return ion_crystal(RIGID if modes in ("V", "TV") else MIXED, box)


def frozen_salt(modes: str, crystal: IonCrystal) -> FrozenSystem:
    return freeze(crystal.system, crystal.anions, modes, positions=crystal.positions)


def state_arrays(context: openmm.Context) -> tuple[Array, Array, Array, float]:
    """Positions, velocities, forces and potential energy."""
    state = context.getState(getPositions=True, getVelocities=True, getForces=True, getEnergy=True)
    return (
        np.array(state.getPositions(asNumpy=True)._value),
        np.array(state.getVelocities(asNumpy=True)._value),
        np.array(state.getForces(asNumpy=True)._value),
        state.getPotentialEnergy()._value,
    )


def add_water(crystal: IonCrystal) -> tuple[IonCrystal, list[int]]:
    """Put a rigid water with a virtual site (as in TIP4P) into the crystal."""
    pair = next(f for f in crystal.system.getForces() if isinstance(f, openmm.CustomNonbondedForce))
    origin = np.array([0.5, 0.5, 0.5]) @ crystal.box
    places = origin + np.array([[0, 0, 0], [0.0757, 0.0586, 0], [-0.0757, 0.0586, 0], [0, 0, 0]])
    weights = (0.7, 0.15, 0.15)
    places[3] = np.dot(weights, places[:3])
    first = crystal.system.getNumParticles()
    water = list(range(first, first + 4))
    for mass, charge, radius in ((16.0, 0.0, 0.06), (1.0, 0.5, 0.03), (1.0, 0.5, 0.03), (0.0, -1.0, 0.0)):
        crystal.system.addParticle(mass)
        pair.addParticle([charge, radius])
    for i, j in ((0, 1), (0, 2), (1, 2)):
        crystal.system.addConstraint(water[i], water[j], float(np.linalg.norm(places[i] - places[j])))
    for i in range(4):
        for j in range(i):
            pair.addExclusion(water[i], water[j])
    crystal.system.setVirtualSite(water[3], openmm.ThreeParticleAverageSite(*water[:3], *weights))
    return replace(crystal, positions=np.concatenate([crystal.positions, places])), water


@pytest.mark.parametrize("modes", ["", "TR", "TV", "RV"])
def test_constraints_and_virtual_sites_beside_frozen_anions(platform: PlatformCase, modes: str) -> None:
    """GPU platforms keep moves apart that a later constraint step corrects, and update sites only there."""
    crystal, water = add_water(salt(modes, CUBIC))
    frozen = frozen_salt(modes, crystal)
    context = platform.context(frozen.system, LangevinMiddleIntegrator(frozen, 300, 5.0, TIMESTEP, seed=1))
    frozen.initialize(context, 300, seed=2)
    context.getIntegrator().step(60)
    assert_held(frozen.violation(context), modes, platform.double)
    x, v, _, _ = state_arrays(context)
    if modes != "TV":  # a shape that turns has other tangents: see test_freezing_exact
        # In mixed precision what is promised of positions, 1e-4 rad at 0.15 nm, over half a step.
        assert np.abs(v - frozen.project_velocities(v)).max() < (1e-6 if platform.double else 0.06)
    assert np.abs(v).max() > 1
    limit = 1e-8 if platform.double else 1e-6
    assert np.linalg.norm(x[water[3]] - np.dot((0.7, 0.15, 0.15), x[water[:3]])) < limit
    before = crystal.positions
    for i, j in ((0, 1), (0, 2), (1, 2)):
        a, b = water[i], water[j]
        assert np.linalg.norm(x[a] - x[b]) == pytest.approx(np.linalg.norm(before[a] - before[b]), abs=limit)
    assert np.linalg.norm(x[water[0]] - before[water[0]]) > 1e-3


def test_initial_velocities_obey_the_constraints_of_the_user() -> None:
    crystal, water = add_water(salt("R", CUBIC))
    anion = crystal.anions[3]
    crystal.system.addConstraint(
        anion[0], anion[1], float(np.linalg.norm(crystal.positions[anion[0]] - crystal.positions[anion[1]]))
    )
    frozen = frozen_salt("T", crystal)
    context = REFERENCE.context(frozen.system, VerletIntegrator(frozen, TIMESTEP))
    frozen.initialize(context, 300, seed=3)
    _, v, _, _ = state_arrays(context)
    for i, j in ((water[0], water[1]), (water[1], water[2]), (anion[0], anion[1])):
        along = crystal.positions[i] - crystal.positions[j]
        assert abs(np.dot(v[i] - v[j], along) / np.linalg.norm(along)) < 1e-6
        assert np.linalg.norm(v[i] - v[j]) > 0.1
    assert np.abs(v - frozen.project_velocities(v)).max() < 1e-12


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


@pytest.mark.parametrize("modes", MODES)
def test_state_tells_the_forces_of_the_user(platform: PlatformCase, modes: str) -> None:
    crystal = salt(modes)
    frozen = frozen_salt(modes, crystal)
    context = platform.context(frozen.system, VerletIntegrator(frozen, TIMESTEP))
    frozen.initialize(context)
    _, _, forces, energy = state_arrays(context)
    true_forces, true_energy = bare(platform.label, tuple(crystal.names))
    # 1e-7 nm in a float position, times the stiffness of the projector and the heaviest atom.
    noise = 1e-5 if platform.double else 0.02
    assert np.isfinite(forces).all()
    assert np.abs(forces - true_forces).max() < noise
    assert energy == pytest.approx(true_energy, abs=noise)


@cache
def bare(label: str, names: tuple[str, ...]) -> tuple[Array, float]:
    """Forces and energy of the System as the user made it."""
    platform = next(case for case in PLATFORMS if case.label == label)
    crystal = ion_crystal(names, TRICLINIC)
    frozen = freeze(
        crystal.system, crystal.anions, "TV" if names[0] == "PF6" else "T", positions=crystal.positions
    )
    context = platform.context(crystal.system, openmm.VerletIntegrator(TIMESTEP))
    context.setPositions(frozen.positions)
    _, _, forces, energy = state_arrays(context)
    return forces, energy


@pytest.mark.parametrize("modes", ["T", "R", "V", "RV"])
@pytest.mark.parametrize("group", [0, 1, 30, 31])
def test_forces_in_any_group_act(group: int, modes: str) -> None:
    ends = []
    for used in (0, group):
        crystal = ion_crystal(RIGID if modes == "V" else MIXED, TRICLINIC, group=used)
        frozen = frozen_salt(modes, crystal)
        assert frozen.projector_group == (None if modes == "V" else 30 if used == 31 else 31)
        context = REFERENCE.context(frozen.system, VerletIntegrator(frozen, TIMESTEP))
        frozen.initialize(context, 300, seed=2)
        context.getIntegrator().step(20)
        ends.append(state_arrays(context)[0])
        assert_held(frozen.violation(context), modes, True)
    assert np.abs(ends[0] - ends[1]).max() < 1e-12


def test_crowded_force_groups() -> None:
    crystal = salt("T")
    for group in [*range(1, 17), *range(18, 32)]:
        spare = openmm.HarmonicBondForce()
        spare.setForceGroup(group)
        crystal.system.addForce(spare)
    assert frozen_salt("T", crystal).projector_group == 17
    spare.setForceGroup(17)
    assert frozen_salt("T", crystal).projector_group == 31
    for group in (17, 31):
        spare = openmm.HarmonicBondForce()
        spare.setForceGroup(group)
        crystal.system.addForce(spare)
    with pytest.raises(InputError, match=r"^all force groups from 1 to 31 are in use"):
        frozen_salt("T", crystal)
    assert frozen_salt("free", crystal).degrees_of_freedom == 3 * crystal.system.getNumParticles()


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


@pytest.mark.parametrize("modes", ["R", "V", "RV"])
def test_barostat_without_frozen_centres(modes: str) -> None:
    crystal = salt(modes)
    pair = next(f for f in crystal.system.getForces() if isinstance(f, openmm.CustomNonbondedForce))
    pair.setCutoffDistance(0.35)  # leaves the box room to shrink
    crystal.system.addForce(openmm.MonteCarloBarostat(1.0, 300.0, 25))
    crystal.system.addForce(openmm.CMMotionRemover(10))
    frozen = frozen_salt(modes, crystal)
    context = REFERENCE.context(frozen.system, LangevinMiddleIntegrator(frozen, 300, 20.0, TIMESTEP, seed=1))
    frozen.initialize(context, 300, seed=2)
    context.getIntegrator().step(1500)
    readings = []
    for _ in range(50):
        context.getIntegrator().step(20)
        kinetic = context.getState(getEnergy=True).getKineticEnergy()
        readings.append(frozen.temperature(kinetic, drift_removed=True))
    assert 220 < np.mean(readings) < 400
    box = context.getState().getPeriodicBoxVectors(asNumpy=True)._value
    assert abs(np.linalg.det(box) / np.linalg.det(crystal.box) - 1) > 1e-3
    assert_held(frozen.violation(context), modes, True)


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


def test_user_system_and_positions_are_left_alone() -> None:
    crystal = salt("V")
    before = openmm.XmlSerializer.serialize(crystal.system)
    given = crystal.wrapped
    copy = given.copy()
    for modes in MODES:
        freeze(crystal.system, crystal.anions, modes, positions=given)
    assert openmm.XmlSerializer.serialize(crystal.system) == before
    assert np.array_equal(given, copy)


def test_masses_of_the_system_count() -> None:
    """Hydrogen made heavier in the System alone: centres and projections follow its masses."""
    crystal = ion_crystal(["BH4", "BH4"], TRICLINIC)
    for anion in crystal.anions:
        crystal.system.setParticleMass(anion[1], 4.0)
    frozen = frozen_salt("TR", crystal)
    context = REFERENCE.context(frozen.system, VerletIntegrator(frozen, TIMESTEP))
    frozen.initialize(context, 300, seed=2)
    context.getIntegrator().step(50)
    assert_held(frozen.violation(context), "TR", True)
    x = state_arrays(context)[0]
    for anion in crystal.anions:
        masses = np.array([10.81, 4.0, 1.008, 1.008, 1.008])
        center = masses @ (x[anion] - crystal.positions[anion]) / masses.sum()
        assert np.abs(center).max() < 1e-10


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
