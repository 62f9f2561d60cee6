"""Freezing inside of other people's OpenMM pipelines: force fields, reporters, Python forces, files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import openmm
import pytest
from ion_crystals import TRICLINIC, IonCrystal, assert_held, ion_crystal
from ionic_salt import ANIONS, salt_positions, salt_system
from openmm import app, unit
from platforms import PLATFORMS, PlatformCase

from openmm_anion import FrozenSystem, InputError, freeze, relax
from openmm_anion.integrators import LangevinMiddleIntegrator, VerletIntegrator
from openmm_anion.reporters import FrozenStateReporter

TIMESTEP = 0.0005
REFERENCE = PLATFORMS[0]

FORCE_FIELD = """<ForceField>
 <AtomTypes>
  <Type name="K" class="K" element="K" mass="39.0983"/>
  <Type name="C" class="C" element="C" mass="12.011"/>
  <Type name="N" class="N" element="N" mass="14.007"/>
 </AtomTypes>
 <Residues>
  <Residue name="K"><Atom name="K" type="K"/></Residue>
  <Residue name="CN"><Atom name="C" type="C"/><Atom name="N" type="N"/><Bond from="0" to="1"/></Residue>
 </Residues>
 <HarmonicBondForce><Bond class1="C" class2="N" length="0.117" k="900000"/></HarmonicBondForce>
 <NonbondedForce coulomb14scale="1" lj14scale="1">
  <Atom type="K" charge="1.0" sigma="0.30" epsilon="0.4"/>
  <Atom type="C" charge="-0.5" sigma="0.33" epsilon="0.4"/>
  <Atom type="N" charge="-0.5" sigma="0.32" epsilon="0.4"/>
 </NonbondedForce>
</ForceField>"""


def potassium_cyanide() -> tuple[app.Topology, unit.Quantity, openmm.System, list[list[int]]]:
    """Rocksalt KCN, as an OpenMM script builds it: topology, force field file, PME."""
    topology = app.Topology()
    chain = topology.addChain()
    points, anions = [], []
    random = np.random.default_rng(1)
    for site in np.ndindex(6, 6, 6):
        center = 0.326 * np.array(site)
        if sum(site) % 2:
            residue = topology.addResidue("K", chain)
            topology.addAtom("K", app.element.potassium, residue)
            points.append(center)
            continue
        residue = topology.addResidue("CN", chain)
        atoms = [topology.addAtom(name, app.Element.getBySymbol(name), residue) for name in ("C", "N")]
        topology.addBond(*atoms)
        axis = random.normal(size=3)
        axis *= 0.0585 / np.linalg.norm(axis)
        anions.append([len(points), len(points) + 1])
        points += [center - axis, center + axis]
    topology.setPeriodicBoxVectors(np.diag([6 * 0.326] * 3) * unit.nanometer)
    force_field = app.ForceField(io.StringIO(FORCE_FIELD))
    system = force_field.createSystem(
        topology, nonbondedMethod=app.PME, nonbondedCutoff=0.9 * unit.nanometer, removeCMMotion=False
    )
    return topology, np.array(points) * unit.nanometer, system, anions


@pytest.mark.parametrize("modes", ["T", "R", "TV", "RV"])
def test_force_field_simulation_with_all_standard_reporters(modes: str, tmp_path: Path) -> None:
    """Minimise, freeze where that ends, run with OpenMM's reporters, save, and go on from the file."""
    topology, positions, system, anions = potassium_cyanide()
    platform = openmm.Platform.getPlatformByName("CPU")
    before = app.Simulation(topology, system, openmm.VerletIntegrator(TIMESTEP), platform)
    before.context.setPositions(positions)
    before.minimizeEnergy(maxIterations=20)
    start = before.context.getState(positions=True).getPositions()
    frozen = freeze(system, anions, modes, positions=start)
    integrator = LangevinMiddleIntegrator(frozen, 300 * unit.kelvin, 1 / unit.picosecond, TIMESTEP, seed=1)
    simulation = app.Simulation(topology, frozen.system, integrator, platform)
    frozen.initialize(simulation.context, 300, seed=2)
    names = ("dcd", "xtc", "pdb", "cif", "csv", "chk", "xml", "log")
    files = {name: tmp_path / f"run.{name}" for name in names}
    log = FrozenStateReporter(files["log"], 10, frozen)
    simulation.reporters += [
        app.DCDReporter(str(files["dcd"]), 10, enforcePeriodicBox=False),
        app.XTCReporter(str(files["xtc"]), 10, enforcePeriodicBox=False),
        app.PDBReporter(str(files["pdb"]), 20),
        app.PDBxReporter(str(files["cif"]), 20),
        app.StateDataReporter(
            str(files["csv"]), 5, step=True, potentialEnergy=True, temperature=True, density=True, speed=True
        ),
        app.CheckpointReporter(str(files["chk"]), 20),
        log,
    ]
    simulation.step(40)
    log.close()
    assert all(file.stat().st_size > 100 for name, file in files.items() if name != "xml")
    assert_held(frozen.violation(simulation.context), modes, True)
    simulation.saveState(str(files["xml"]))
    again = app.Simulation(topology, frozen.system, integrator_like(frozen), platform)
    again.loadState(str(files["xml"]))
    again.step(10)
    assert_held(frozen.violation(again.context), modes, True)
    again.loadCheckpoint(str(files["chk"]))
    assert again.currentStep == 40
    again.step(10)
    assert_held(frozen.violation(again.context), modes, True)


def integrator_like(frozen: FrozenSystem) -> openmm.CustomIntegrator:
    return LangevinMiddleIntegrator(frozen, 300, 1.0, TIMESTEP, seed=1)


@pytest.mark.parametrize("modes", ["T", "R", "TR", "V", "TV", "RV", "TRV"])
def test_systems_and_integrators_as_xml(modes: str) -> None:
    """Without a TorchForce both come back from XML, and the trajectory is the same, bit by bit."""
    frozen = freeze(salt_system(), ANIONS, modes, positions=salt_positions())
    ends = []
    for through_xml in (False, True):
        system: Any = frozen.system
        integrator: Any = VerletIntegrator(frozen, TIMESTEP)
        if through_xml:
            system, integrator = (
                openmm.XmlSerializer.deserialize(openmm.XmlSerializer.serialize(each))
                for each in (system, integrator)
            )
        context = REFERENCE.context(system, integrator)
        frozen.initialize(context, 300, seed=1)
        integrator.step(20)
        ends.append(context.getState(getPositions=True).getPositions(asNumpy=True)._value)
        assert_held(frozen.violation(context), modes, True)
    assert np.array_equal(*ends)


def spring(state: openmm.State) -> tuple[float, np.ndarray]:
    """A PythonForce of a user's: every particle on a weak spring along x, kJ/mol."""
    positions = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
    forces = np.zeros_like(positions)
    forces[:, 0] = -10.0 * positions[:, 0]
    return float(5.0 * (positions[:, 0] ** 2).sum()), forces


@pytest.mark.parametrize("modes", ["T", "RV", "TV"])
def test_python_forces(platform: PlatformCase, modes: str) -> None:
    """A PythonForce acts beside the projectors, and only forces that cannot be pickled need `in_place`."""
    crystal = ion_crystal(["PS4", "PS4"], TRICLINIC)
    crystal.system.addForce(openmm.PythonForce(spring))
    frozen = freeze(crystal.system, crystal.anions, modes, positions=crystal.positions)
    context = platform.context(frozen.system, VerletIntegrator(frozen, TIMESTEP))
    frozen.initialize(context, 300, seed=1)
    context.getIntegrator().step(30)
    assert_held(frozen.violation(context), modes, platform.double)


def closed_over() -> IonCrystal:
    crystal = ion_crystal(["PS4"], TRICLINIC)
    crystal.system.addForce(openmm.PythonForce(lambda state: spring(state)))
    return crystal


def test_forces_that_cannot_be_copied() -> None:
    crystal = closed_over()
    arguments = (crystal.system, crystal.anions, "T")
    with pytest.raises(InputError, match=r"function of its PythonForce cannot be pickled; .*in_place=True"):
        freeze(*arguments, positions=crystal.positions)
    moved = crystal.positions + 0.01
    frozen = freeze(*arguments, positions=crystal.positions, reference=moved, in_place=True)
    assert frozen.system is crystal.system
    context = REFERENCE.context(frozen.system, VerletIntegrator(frozen, TIMESTEP))
    with pytest.raises(InputError, match=r"relax needs the unfrozen System"):
        relax(frozen, context, 300)
    crystal = closed_over()
    frozen = freeze(crystal.system, crystal.anions, "T", positions=crystal.positions, in_place=True)
    context = REFERENCE.context(frozen.system, VerletIntegrator(frozen, TIMESTEP))
    frozen.initialize(context, 300, seed=1)
    context.getIntegrator().step(20)
    assert_held(frozen.violation(context), "T", True)


@pytest.mark.parametrize("modes", ["T", "V", "TRV"])
def test_frozen_in_place_counts_as_a_copy_does(modes: str) -> None:
    counts = []
    for in_place in (False, True):
        crystal = ion_crystal(["PS4"], TRICLINIC)
        frozen = freeze(crystal.system, crystal.anions, modes, positions=crystal.positions, in_place=in_place)
        counts.append(frozen.degrees_of_freedom)
    assert counts[0] == counts[1]


@pytest.mark.parametrize(("name", "modes"), [("PS4", "free"), ("PF6", "V"), ("PS4", "TRV")])
def test_integrators_of_openmm_do_where_openmm_holds_all(name: str, modes: str) -> None:
    """The same leapfrog: the same trajectory to the tolerance of distances."""
    crystal = ion_crystal([name] * 2, TRICLINIC)
    frozen = freeze(crystal.system, crystal.anions, modes, positions=crystal.positions)
    assert frozen.held_by_openmm
    own = openmm.VerletIntegrator(TIMESTEP)
    own.setConstraintTolerance(1e-12)
    ends = []
    for integrator in (own, VerletIntegrator(frozen, TIMESTEP)):
        context = REFERENCE.context(frozen.system, integrator)
        frozen.initialize(context, 300, seed=1)
        integrator.step(50)
        assert_held(frozen.violation(context), frozen.modes, True)
        ends.append(context.getState(positions=True).getPositions(asNumpy=True).value_in_unit(unit.nanometer))
    assert np.abs(ends[0] - frozen.positions).max() > 1e-2
    assert np.abs(ends[0] - ends[1]).max() < 1e-10


def test_integrators_of_openmm_do_not_where_projectors_hold() -> None:
    crystal = ion_crystal(["PS4"], TRICLINIC)
    for modes in ("T", "R", "TR", "TV", "RV"):
        assert not freeze(crystal.system, crystal.anions, modes, positions=crystal.positions).held_by_openmm
    for modes in ("free", "V", "TRV"):
        frozen = freeze(crystal.system, crystal.anions, modes, positions=crystal.positions, switchable=True)
        assert not frozen.held_by_openmm
    cage = ion_crystal(["B12H12"], TRICLINIC)
    assert not freeze(cage.system, cage.anions, "V", positions=cage.positions).held_by_openmm
