"""Modes switched on and off in a running Context, and frozen in some of the anions only."""

from __future__ import annotations

import numpy as np
import openmm
import pytest
from ion_crystals import TRICLINIC, Array, IonCrystal, assert_held, ion_crystal
from openmm import unit
from platforms import PLATFORMS, PlatformCase

from openmm_anion import InputError, find_polyanions, freeze
from openmm_anion.freezing import MODES, FrozenSystem
from openmm_anion.integrators import BussiIntegrator, NoseHooverIntegrator, VerletIntegrator

TIMESTEP = 0.0005  # ps
REFERENCE = PLATFORMS[0]
KINDS = ["PS4", "PS4", "BH4", "SCN"]
TOUR = ("T", "V", "RV", "", "TV", "R", "TRV", "TR", "V")


def switchable(crystal: IonCrystal, modes: str, rotation: str = "eckart") -> FrozenSystem:
    return freeze(
        crystal.system,
        crystal.anions,
        modes,
        positions=crystal.positions,
        rotation=rotation,
        switchable=True,
    )


def started(frozen: FrozenSystem, platform: PlatformCase) -> openmm.Context:
    context = platform.context(frozen.system, VerletIntegrator(frozen, TIMESTEP))
    frozen.initialize(context, 300, seed=1)
    return context


def positions_of(context: openmm.Context) -> Array:
    state = context.getState(getPositions=True)
    return np.asarray(state.getPositions(asNumpy=True).value_in_unit(unit.nanometer))


@pytest.mark.parametrize("rotation", ["eckart", "angular-momentum"])
def test_a_tour_of_all_modes(platform: PlatformCase, rotation: str) -> None:
    """Every mode in turn, in one Context: what is frozen is held to rounding, what is free moves on."""
    frozen = switchable(ion_crystal(KINDS, TRICLINIC), "", rotation)
    context = started(frozen, platform)
    context.getIntegrator().step(30)
    for modes in TOUR:
        frozen = frozen.switch(context, modes, temperature=300, seed=3)
        assert frozen.modes == modes
        before = positions_of(context)
        context.getIntegrator().step(30)
        violation = frozen.violation(context)
        turning = rotation == "angular-momentum" and "R" in modes and "V" not in modes
        assert_held(violation, modes.replace("R", "") if turning else modes, platform.double)
        if turning:
            assert violation.angular_velocity < (1e-7 if platform.double else 1e-2)
        moved = np.linalg.norm(positions_of(context) - before, axis=1)
        assert moved[-len(KINDS) :].max() > 1e-3  # the cations
        now = frozen.diagnose(context)
        for letter, values in zip("TRV", (now.translation, now.rotation, now.shape), strict=True):
            assert letter in modes or values.max() > 1e-4, letter


@pytest.mark.parametrize("modes", MODES)
def test_same_trajectory_as_frozen_from_the_start(modes: str) -> None:
    """Switched to in a Context, or built for: the same path to 1e-9 nm (two ways to hold a shape)."""
    crystal = ion_crystal(["PF6", "PF6"], TRICLINIC)
    switched = switchable(crystal, "")
    context = started(switched, REFERENCE)
    context.getIntegrator().step(20)
    switched = switched.switch(context, modes)
    built = freeze(crystal.system, crystal.anions, modes, positions=switched.positions)
    assert built.degrees_of_freedom == switched.degrees_of_freedom
    other = REFERENCE.context(built.system, VerletIntegrator(built, TIMESTEP))
    built.initialize(other)
    velocities = context.getState(getVelocities=True).getVelocities(asNumpy=True)
    other.setVelocities(velocities)
    for each in (context, other):
        each.getIntegrator().step(50)
    # Where only the orientation is held, the shapes it is defined by differ: the built one at the start.
    limit = 1e-9 if modes not in ("R", "TR") else 3e-4
    assert np.abs(positions_of(context) - positions_of(other)).max() < limit


def test_orientation_held_is_the_one_at_the_switch() -> None:
    """An anion that turned by more than 0.2 rad is held where it is then: no step pulls it back."""
    crystal = ion_crystal(["BH4", "BH4"], TRICLINIC)
    frozen = switchable(crystal, "")
    context = started(frozen, REFERENCE)
    context.getIntegrator().step(400)
    assert frozen.diagnose(context).rotation.max() > 0.2
    before = positions_of(context)
    frozen = frozen.switch(context, "R")
    assert np.abs(positions_of(context) - before).max() < 1e-12
    context.getIntegrator().step(1)
    assert np.abs(positions_of(context) - before).max() < 3e-3
    context.getIntegrator().step(100)
    assert frozen.violation(context).rotation < 1e-10


def test_velocities_lose_what_is_frozen_and_no_more() -> None:
    frozen = switchable(ion_crystal(KINDS, TRICLINIC), "")
    context = started(frozen, REFERENCE)
    context.getIntegrator().step(10)
    before = context.getState(getVelocities=True).getVelocities(asNumpy=True)._value
    frozen = frozen.switch(context, "TR")
    after = context.getState(getVelocities=True).getVelocities(asNumpy=True)._value
    assert np.abs(after - frozen.project_velocities(after)).max() < 1e-13
    assert np.abs(after[-4:] - before[-4:]).max() == 0.0
    lost = before - after
    assert np.abs((frozen.masses[:, None] * lost * after).sum()) < 1e-10  # orthogonal: nothing else is lost
    # Motions that are free again start at rest, or at a temperature.
    frozen = frozen.switch(context, "R")
    state = context.getState(getPositions=True, getVelocities=True)
    assert frozen.kinetic_temperatures(state).translation < 1e-20
    frozen = frozen.switch(context, "TR").switch(context, "R", temperature=300, seed=2)
    state = context.getState(getPositions=True, getVelocities=True)
    assert 30 < frozen.kinetic_temperatures(state).translation < 1000
    assert frozen.kinetic_temperatures(state).vibration > 0


@pytest.mark.parametrize("kind", ["bussi", "nose-hoover"])
def test_thermostats_count_what_is_free_now(kind: str) -> None:
    frozen = switchable(ion_crystal(["BH4"] * 8, TRICLINIC), "T")
    integrator = (
        BussiIntegrator(frozen, 300, 0.02, TIMESTEP, seed=1)
        if kind == "bussi"
        else NoseHooverIntegrator(frozen, 300, 0.02, TIMESTEP)
    )
    context = REFERENCE.context(frozen.system, integrator)
    frozen.initialize(context, 300, seed=1)
    assert integrator.getGlobalVariableByName("n") == frozen.degrees_of_freedom
    for modes in ("RV", "", "TV"):
        frozen = frozen.switch(context, modes, temperature=300)
        free = frozen.degrees_of_freedom - (0 if "T" in modes else 3)
        assert integrator.getGlobalVariableByName("n") == free
    integrator.step(200)
    assert_held(frozen.violation(context), "TV", True)


def test_checkpoints_and_new_contexts_are_told_what_is_frozen() -> None:
    crystal = ion_crystal(KINDS, TRICLINIC)
    frozen = switchable(crystal, "")
    context = started(frozen, REFERENCE)
    context.getIntegrator().step(20)
    frozen = frozen.switch(context, "TV")
    context.getIntegrator().step(10)
    checkpoint = context.createCheckpoint()
    context.getIntegrator().step(10)
    expected = positions_of(context)
    other = frozen.switch(context, "R")
    context.getIntegrator().step(10)
    assert other.modes == "R"
    context.loadCheckpoint(checkpoint)
    frozen.hold(context)
    context.getIntegrator().step(10)
    assert np.array_equal(positions_of(context), expected)
    again = REFERENCE.context(frozen.system, VerletIntegrator(frozen, TIMESTEP))
    again.loadCheckpoint(checkpoint)
    frozen.hold(again)
    again.getIntegrator().step(10)
    assert np.abs(positions_of(again) - expected).max() < 1e-12


@pytest.mark.parametrize("modes", MODES[1:])
def test_only_some_anions(platform: PlatformCase, modes: str) -> None:
    """The selected ones are held to rounding, the others move in all their motions."""
    crystal = ion_crystal(["PS4", "PS4", "PS4"], TRICLINIC)
    frozen = freeze(crystal.system, crystal.anions, modes, positions=crystal.positions, only=[0, 2])
    assert [anion.indices[0] for anion in frozen.anions] == [crystal.anions[0][0], crystal.anions[2][0]]
    context = platform.context(frozen.system, VerletIntegrator(frozen, TIMESTEP))
    frozen.initialize(context, 300, seed=1)
    context.getIntegrator().step(100)
    assert_held(frozen.violation(context), modes, platform.double)
    now = frozen.diagnose(context)
    assert min(now.translation[1], now.rotation[1], now.shape[1]) > 1e-3
    per_anion = {"T": 3, "R": 3, "V": 9}
    assert frozen.frozen_degrees_of_freedom == 2 * sum(per_anion[letter] for letter in modes)
    parts = frozen.kinetic_temperatures(context.getState(getPositions=True, getVelocities=True))
    assert min(parts.translation, parts.rotation, parts.vibration) > 1  # of the free one


def test_selection_by_formula_and_region() -> None:
    crystal = ion_crystal(KINDS, TRICLINIC)
    anions = find_polyanions(crystal.atoms, ["PS4", "BH4", "SCN"])
    by_formula = freeze(crystal.system, anions, "T", positions=anions.positions, only="PS4")
    assert [anion.formula for anion in by_formula.anions] == ["PS4", "PS4"]
    half = 0.5 * float(anions.centers_of_mass[:, 2].max())
    by_place = freeze(crystal.system, anions, "T", positions=anions.positions, only=lambda c: c[2] > half)
    assert by_place.held == tuple(anions.centers_of_mass[:, 2] > half)
    assert 0 < sum(by_place.held) < 4
    frozen = freeze(crystal.system, anions, "", positions=anions.positions, switchable=True)
    context = started(frozen, REFERENCE)
    frozen = frozen.switch(context, "TV", only="BH4")
    context.getIntegrator().step(20)
    now = frozen.diagnose(context)
    held = np.array(frozen.held)
    assert held.sum() == 1
    assert now.translation[held].max() < 1e-12 < 1e-4 < now.translation[~held].min()


@pytest.mark.parametrize(
    ("only", "message"),
    [
        ("PS", "no anion has the formula 'PS'; did you mean 'PS4'?"),
        ([0, 9], "only names anion 9, but there are 4"),
        ([1, 1], "only names an anion twice"),
        ([], "is no formula, function or list"),
        ([0.5], "is no formula, function or list"),
        (lambda center: center[0] > 99, "selects none of the anions"),
    ],
)
def test_selections_that_cannot_be(only: object, message: str) -> None:
    crystal = ion_crystal(KINDS, TRICLINIC)
    anions = find_polyanions(crystal.atoms, ["PS4", "BH4", "SCN"])
    with pytest.raises(InputError) as error:
        freeze(crystal.system, anions, "T", positions=anions.positions, only=only)  # type: ignore[arg-type]
    assert message in str(error.value)


def test_refusals() -> None:
    crystal = ion_crystal(["PS4"], TRICLINIC)
    frozen = freeze(crystal.system, crystal.anions, "T", positions=crystal.positions)
    context = started(frozen, REFERENCE)
    with pytest.raises(InputError, match=r"T was frozen for good; make the System with freeze\("):
        frozen.switch(context, "R")
    crystal.system.addForce(openmm.MonteCarloBarostat(1.0, 300))
    with pytest.raises(InputError, match="MonteCarloBarostat"):
        switchable(crystal, "")


def test_given_force_groups() -> None:
    crystal = ion_crystal(["PS4"], TRICLINIC, group=7)
    assert (
        freeze(
            crystal.system, crystal.anions, "T", positions=crystal.positions, force_groups=[5]
        ).projector_group
        == 5
    )
    for groups, message in (
        ([7], r"force group 7 is in use by "),
        ([0], r"force group 0 cannot hold projectors; take one from 1 to 31"),
        ([32], r"force group 32 cannot hold projectors"),
        ([], r"must name 1 group"),
    ):
        with pytest.raises(InputError, match=message):
            freeze(crystal.system, crystal.anions, "T", positions=crystal.positions, force_groups=groups)
    with pytest.raises(InputError, match=r"must name 2 group"):
        freeze(
            crystal.system,
            crystal.anions,
            "T",
            positions=crystal.positions,
            switchable=True,
            force_groups=[3],
        )
