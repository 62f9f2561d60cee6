"""Every refusal of freezing, of its integrators and of a FrozenSystem: one line that tells what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import openmm
import pytest
from ion_crystals import TRICLINIC, IonCrystal, ion_crystal
from openmm import unit

from openmm_anion.anions import find_polyanions
from openmm_anion.errors import InputError
from openmm_anion.freezing import MODES, FrozenSystem, freeze, parse_modes
from openmm_anion.integrators import LangevinMiddleIntegrator, VerletIntegrator

CRYSTAL = ion_crystal(["BH4", "CN", "PF6"], TRICLINIC)
WITH_T = [modes for modes in MODES if "T" in modes]


def refused(message: str, call: Callable[[], object]) -> None:
    """One line, from the start."""
    with pytest.raises(InputError, match="^" + message) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert "  " not in str(caught.value)


def frozen(modes: str = "TR") -> FrozenSystem:
    return freeze(CRYSTAL.system, CRYSTAL.anions, modes, positions=CRYSTAL.positions)


def crystal_with(*forces: openmm.Force) -> IonCrystal:
    crystal = ion_crystal(["BH4", "CN", "PF6"], TRICLINIC)
    for force in forces:
        crystal.system.addForce(force)
    return crystal


@pytest.mark.parametrize(
    ("modes", "message"),
    [
        ("X", r"unknown mode letter 'X' in 'X'; use T \(translation\), R \(rotation\), V \(vibration\)"),
        ("T,R", r"unknown mode letter ',' in 'T,R'"),
        ("TT", r"mode letter 'T' stands twice in 'TT'; give each letter once$"),
        ("rtr", r"mode letter 'R' stands twice in 'rtr'"),
    ],
)
def test_modes(modes: str, message: str) -> None:
    refused(message, lambda: frozen(modes))


def test_spellings_of_modes() -> None:
    assert [parse_modes(text) for text in ("", "free", " Free ", "vrt", "VT", "rV")] == [
        "",
        "",
        "",
        "TRV",
        "TV",
        "RV",
    ]


def test_definition_of_rotation() -> None:
    refused(
        r"unknown definition of frozen rotation 'euler'; known: .*eckart",
        lambda: freeze(CRYSTAL.system, CRYSTAL.anions, "R", positions=CRYSTAL.positions, rotation="euler"),
    )


@pytest.mark.parametrize(
    ("positions", "message"),
    [
        (CRYSTAL.positions[:-1], r"positions have shape \(16, 3\), but the System has 17 particles$"),
        (CRYSTAL.positions[:, :2], r"positions have shape \(17, 2\), but the System has 17 particles$"),
        (
            np.where(np.eye(17, 3, -4) > 0, np.nan, CRYSTAL.positions),
            r"positions is not finite at index \(4, 0\); check the file or the step it came from$",
        ),
        (
            CRYSTAL.positions * unit.kelvin,
            r"positions is in kelvin; give it in nanometer or a unit of that kind$",
        ),
        ("here", r"positions must be numeric, in nanometer; got 'here'$"),
        (np.zeros((17, 3)), r"particles 0 and 1 of anion 0 are at the same place; check the positions$"),
    ],
)
def test_positions(positions: Any, message: str) -> None:
    refused(message, lambda: freeze(CRYSTAL.system, CRYSTAL.anions, "R", positions=positions))


@pytest.mark.parametrize(
    ("anions", "message"),
    [
        ([], r"no anions were given to freeze TR in$"),
        ([[0]], r"anion 0 has 1 atom\(s\); a polyanion needs two or more particle indices$"),
        ([[0, 1], []], r"anion 1 has 0 atom\(s\)"),
        ([0, 1, 2], r"anion 0 has 1 atom\(s\)"),
        ([[0, 1], [5, 17]], r"anion 1 names particle 17, but the System has 17 particles$"),
        ([[0, -1]], r"anion 0 names particle -1, but the System has 17 particles$"),
        ([[0, 1], [2, 1]], r"particle 1 belongs to anion 0 and to anion 1; give each once$"),
        ([[0, 1, 0]], r"particle 0 belongs to anion 0 and to anion 0; give each once$"),
        ([[0.0, 1.6]], r"anion 0 is \[0\.0, 1\.6\]; give the indices of its particles$"),
        ([[True, False, True]], r"anion 0 is \[True, False, True\]; give the indices of its particles$"),
        (["BH4"], r"anion 0 is 'BH4'; give the indices of its particles$"),
    ],
)
def test_anions(anions: Any, message: str) -> None:
    refused(message, lambda: freeze(CRYSTAL.system, anions, "TR", positions=CRYSTAL.positions))


def test_massless_particles_and_virtual_sites() -> None:
    crystal = crystal_with()
    crystal.system.setParticleMass(2, 0.0)
    call = lambda: freeze(crystal.system, crystal.anions, "T", positions=crystal.positions)  # noqa: E731
    refused(r"particle 2 of anion 0 has no mass; a massless particle does not move at all$", call)
    crystal.system.setVirtualSite(2, openmm.TwoParticleAverageSite(0, 1, 0.5, 0.5))
    refused(r"particle 2 of anion 0 is a virtual site, which cannot be frozen$", call)


@pytest.mark.parametrize("modes", MODES[1:])
@pytest.mark.parametrize("again", ["free", "R"])
def test_frozen_twice(modes: str, again: str) -> None:
    once = frozen(modes)
    refused(
        r"the System is frozen already \(it holds the force 'openmm-anion: .*'\); freeze the original one",
        lambda: freeze(once.system, CRYSTAL.anions[1:2], again, positions=once.positions),
    )


@pytest.mark.parametrize("modes", WITH_T)
@pytest.mark.parametrize(
    "mover",
    [
        openmm.CMMotionRemover(),
        openmm.MonteCarloBarostat(1, 300),
        openmm.MonteCarloAnisotropicBarostat(openmm.Vec3(1, 1, 1), 300),
        openmm.MonteCarloFlexibleBarostat(1, 300),
        openmm.MonteCarloMembraneBarostat(1, 0, 300, 0, 0),
    ],
    ids=lambda force: type(force).__name__,
)
def test_movers_past_frozen_centres(modes: str, mover: openmm.Force) -> None:
    crystal = crystal_with(openmm.XmlSerializer.clone(mover))
    refused(
        rf"{modes} freezes the centres of the anions.*{type(mover).__name__}.*(remove it|equilibrate)",
        lambda: freeze(crystal.system, crystal.anions, modes, positions=crystal.positions),
    )


def test_movers_beside_free_centres() -> None:
    crystal = crystal_with(openmm.CMMotionRemover(), openmm.MonteCarloBarostat(1, 300))
    for modes in ("free", "R", "V", "RV"):
        freeze(crystal.system, crystal.anions, modes, positions=crystal.positions)


@pytest.mark.parametrize("modes", MODES[1:])
def test_andersen_thermostat(modes: str) -> None:
    crystal = crystal_with(openmm.AndersenThermostat(300, 1))
    refused(
        rf"AndersenThermostat draws velocities that know nothing of the frozen {modes} and runs too cold",
        lambda: freeze(crystal.system, crystal.anions, modes, positions=crystal.positions),
    )
    freeze(crystal.system, crystal.anions, "free", positions=crystal.positions)


@pytest.mark.parametrize("modes", MODES)
def test_constraints_inside_of_an_anion(modes: str) -> None:
    crystal = crystal_with()
    crystal.system.addConstraint(5, 6, 0.117)
    call = lambda: freeze(crystal.system, crystal.anions, modes, positions=crystal.positions)  # noqa: E731
    if "V" in modes:  # implied by the frozen shape
        system = call().system
        pairs = {frozenset(system.getConstraintParameters(i)[:2]) for i in range(system.getNumConstraints())}
        assert system.getNumConstraints() == len(pairs) == (9 + 1 + 15 if modes in ("V", "TV") else 0)
        return
    if "R" in modes:
        refused(
            r"the System constrains the distance of particles 5 and 6, inside anion 1, "
            rf"which {modes} cannot keep exactly; build the System without that constraint$",
            call,
        )
        return
    removed = {"": 0, "T": 9}[modes]
    assert call().degrees_of_freedom == 3 * 17 - removed - 1


@pytest.mark.parametrize("modes", MODES[1:])
def test_constraints_between_an_anion_and_others(modes: str) -> None:
    crystal = crystal_with()
    crystal.system.addConstraint(16, 3, 0.5)
    refused(
        r"the System constrains the distance of particles 16 and 3, between a frozen anion and another "
        rf"particle, which {modes} cannot keep exactly; build the System without that constraint$",
        lambda: freeze(crystal.system, crystal.anions, modes, positions=crystal.positions),
    )
    freeze(crystal.system, crystal.anions, "free", positions=crystal.positions)
    freeze(crystal.system, crystal.anions[1:], modes, positions=crystal.positions)


def test_some_of_the_anions() -> None:
    """A part of the ions found, and positions as OpenMM gives them."""
    found = find_polyanions(CRYSTAL.atoms, ["BH4", "CN", "PF6"])
    part = freeze(
        CRYSTAL.system,
        [anion for anion in found if anion.formula != "CN"],
        "RV",
        positions=[openmm.Vec3(*row) for row in CRYSTAL.wrapped * 10] * unit.angstrom,
    )
    assert [len(anion.indices) for anion in part.anions] == [5, 7]
    assert part.degrees_of_freedom == 3 * 17 - 12 - 18
    assert part.frozen_degrees_of_freedom == 12 + 18


@pytest.mark.parametrize("length", ["0.001", None, [0.001, 0.002], float("nan")])
def test_time_steps_that_are_no_numbers(length: Any) -> None:
    if length == "0.001":
        assert VerletIntegrator(frozen(), length).getStepSize()._value == 0.001
        return
    refused("time ?step (must be|is not finite)", lambda: VerletIntegrator(frozen(), length))


def test_integrators() -> None:
    system = frozen()
    refused(
        r"time ?step 0 ps is not positive; give it in picoseconds, e\.g\. 0\.002$",
        lambda: VerletIntegrator(system, 0),
    )
    refused(r"time ?step -0\.001 ps is not", lambda: VerletIntegrator(system, -1 * unit.femtosecond))
    refused(
        r"time ?step is in kelvin; give it in picosecond", lambda: VerletIntegrator(system, 1 * unit.kelvin)
    )
    refused(r"time ?step -1 ps is not", lambda: LangevinMiddleIntegrator(system, 300, 1, -1))
    refused(
        r"temperature -5 K is negative; give it in kelvin",
        lambda: LangevinMiddleIntegrator(system, -5, 1, 0.001),
    )
    refused(r"temperature is not finite", lambda: LangevinMiddleIntegrator(system, float("inf"), 1, 0.001))
    refused(
        r"friction -1 /ps is negative; give it in 1/ps, e\.g\. 1\.0$",
        lambda: LangevinMiddleIntegrator(system, 300, -1, 0.001),
    )
    refused(
        r"friction is in picosecond; give it in /picosecond",
        lambda: LangevinMiddleIntegrator(system, 300, 1 * unit.picosecond, 0.001),
    )
    langevin = LangevinMiddleIntegrator(system, 300, 1 / unit.picosecond, 1 * unit.femtosecond)
    refused(r"temperature -1 K is negative", lambda: langevin.setTemperature(-1))
    langevin.setTemperature(0.5 * unit.kelvin)
    assert langevin.getTemperature() == pytest.approx(0.5)


def test_methods_of_a_frozen_system() -> None:
    system = frozen()
    bad = np.where(np.eye(17, 3, -2) > 0, np.nan, CRYSTAL.positions)
    refused(r"positions is not finite at index \(2, 0\)", lambda: system.violation(bad))
    refused(
        r"positions have shape \(3, 3\), but the System has 17 particles$",
        lambda: system.violation(np.eye(3)),
    )
    refused(r"velocities have shape \(3, 3\), but the System", lambda: system.project_velocities(np.eye(3)))
    refused(r"velocities is not finite", lambda: system.project_velocities(bad))
    refused(
        r"velocities is in nanometer", lambda: system.project_velocities(CRYSTAL.positions * unit.nanometer)
    )
    refused(r"temperature -1 K is negative", lambda: system.draw_velocities(-1, 0))
    refused(r"temperature is in picosecond", lambda: system.draw_velocities(1 * unit.picosecond, 0))
    refused(r"kinetic energy is in kelvin", lambda: system.temperature(1 * unit.kelvin))
    refused(r"kinetic energy is not finite", lambda: system.temperature(float("nan")))


def test_context_that_has_blown_up() -> None:
    system = frozen("RV")
    context = openmm.Context(
        system.system, VerletIntegrator(system, 0.001), openmm.Platform.getPlatformByName("Reference")
    )
    context.setPositions(np.where(np.eye(17, 3, -2) > 0, np.nan, CRYSTAL.positions))
    refused(r"positions is not finite at index \(2, 0\)", lambda: system.violation(context))


def test_nothing_that_moves_has_no_temperature() -> None:
    system = openmm.System()
    for _ in range(2):
        system.addParticle(12.0)
    still = freeze(system, [[0, 1]], "TRV", positions=[[0, 0, 0], [0.1, 0, 0]])
    assert still.degrees_of_freedom == 0
    refused(
        r"0 degrees of freedom can move, so that there is no temperature$", lambda: still.temperature(0.0)
    )
    one = freeze(system, [[0, 1]], "RV", positions=[[0, 0, 0], [0.1, 0, 0]])
    assert one.temperature(1.0) > 0
    refused(r"0 degrees of freedom", lambda: one.temperature(0.0, drift_removed=True))
