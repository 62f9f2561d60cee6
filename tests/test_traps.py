"""Traps of Systems that somebody brings: each test fails if its trap is sprung."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import openmm
import pytest
from frozen_salts import MIXED, REFERENCE, RIGID, TIMESTEP, frozen_salt, salt, state_arrays
from ion_crystals import CUBIC, TRICLINIC, Array, IonCrystal, assert_held, ion_crystal
from platforms import PLATFORMS, PlatformCase

from openmm_anion.errors import InputError
from openmm_anion.freezing import MODES, freeze
from openmm_anion.integrators import LangevinMiddleIntegrator, VerletIntegrator


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
