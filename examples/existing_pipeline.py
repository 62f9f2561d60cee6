"""Add freezing to an OpenMM script that you have: five lines.

    python examples/existing_pipeline.py [--steps 2000] [--out DIRECTORY]

`as_it_was` is somebody's script: a topology, a force field, OpenMM's integrator and OpenMM's reporters.
`with_freezing` is the same script with the rotation of all anions frozen. The lines that differ are numbered;
everything else, the reporters above all, stays as it is. Both run, and one line each says how far the anions
have turned. (In a script that minimises or equilibrates first, line 2 comes after that.)

The crystal is sodium borohydride, rocksalt with a BH4- in the place of each chloride. Its force field is a
toy: full charges, soft spheres and springs, good for showing how things fit together and for nothing else.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from pathlib import Path

import numpy as np
import openmm
from openmm import app, unit
from scipy.spatial.transform import Rotation

from openmm_anion import freeze
from openmm_anion.integrators import LangevinMiddleIntegrator

FORCE_FIELD = """<ForceField>
 <AtomTypes>
  <Type name="Na" class="Na" element="Na" mass="22.99"/>
  <Type name="B" class="B" element="B" mass="10.81"/>
  <Type name="H" class="H" element="H" mass="1.008"/>
 </AtomTypes>
 <Residues>
  <Residue name="NA"><Atom name="NA" type="Na"/></Residue>
  <Residue name="BH4">
   <Atom name="B" type="B"/>
   <Atom name="H1" type="H"/><Atom name="H2" type="H"/><Atom name="H3" type="H"/><Atom name="H4" type="H"/>
   <Bond from="0" to="1"/><Bond from="0" to="2"/><Bond from="0" to="3"/><Bond from="0" to="4"/>
  </Residue>
 </Residues>
 <HarmonicBondForce><Bond class1="B" class2="H" length="0.122" k="150000"/></HarmonicBondForce>
 <HarmonicAngleForce><Angle class1="H" class2="B" class3="H" angle="1.91063" k="300"/></HarmonicAngleForce>
 <NonbondedForce coulomb14scale="1" lj14scale="1">
  <Atom type="Na" charge="1.0" sigma="0.22" epsilon="0.4"/>
  <Atom type="B" charge="-0.2" sigma="0.33" epsilon="0.4"/>
  <Atom type="H" charge="-0.2" sigma="0.26" epsilon="0.1"/>
 </NonbondedForce>
</ForceField>"""

TEMPERATURE, FRICTION, TIMESTEP = 300 * unit.kelvin, 1 / unit.picosecond, 0.5 * unit.femtosecond
CUTOFF = 0.9 * unit.nanometer
SIDE, SPACING = 6, 0.3075  # ions along an edge; half the lattice constant of NaBH4, nm
CORNERS = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)


def crystal() -> tuple[app.Topology, unit.Quantity]:
    """Return the topology and the positions of a small crystal of NaBH4."""
    topology = app.Topology()
    chain = topology.addChain()
    positions = []
    for site in np.ndindex(SIDE, SIDE, SIDE):
        center = SPACING * np.array(site)
        if sum(site) % 2:
            topology.addAtom("NA", app.element.sodium, topology.addResidue("NA", chain))
            positions.append(center)
            continue
        residue = topology.addResidue("BH4", chain)
        boron = topology.addAtom("B", app.element.boron, residue)
        positions.append(center)
        for k, corner in enumerate(CORNERS, start=1):
            topology.addBond(boron, topology.addAtom(f"H{k}", app.element.hydrogen, residue))
            positions.append(center + 0.122 * (-1) ** site[2] * corner)  # layers look up and down in turn
    topology.setPeriodicBoxVectors(np.diag([SIDE * SPACING] * 3) * unit.nanometer)
    return topology, np.array(positions) * unit.nanometer


def reporters(directory: Path, interval: int) -> list[object]:
    """Return the reporters of the script: a trajectory and a log."""
    directory.mkdir(parents=True, exist_ok=True)
    columns = {"step": True, "potentialEnergy": True, "kineticEnergy": True, "speed": True}
    return [
        app.DCDReporter(str(directory / "run.dcd"), interval, enforcePeriodicBox=False),
        app.StateDataReporter(str(directory / "run.csv"), interval, **columns),
    ]


def as_it_was(directory: Path, steps: int) -> app.Simulation:
    """The script before: nothing is frozen, nothing of openmm_anion is used."""
    topology, positions = crystal()
    force_field = app.ForceField(io.StringIO(FORCE_FIELD))
    system = force_field.createSystem(topology, nonbondedMethod=app.PME, nonbondedCutoff=CUTOFF)
    integrator = openmm.LangevinMiddleIntegrator(TEMPERATURE, FRICTION, TIMESTEP)
    simulation = app.Simulation(topology, system, integrator)
    simulation.context.setPositions(positions)
    simulation.context.setVelocitiesToTemperature(TEMPERATURE)
    simulation.reporters += reporters(directory, max(1, steps // 20))
    simulation.step(steps)
    return simulation


def with_freezing(directory: Path, steps: int) -> app.Simulation:
    """The script after: the rotation of all BH4 is frozen, in the lines with a number.

    OpenMM's reporters would read temperatures too low: `frozen.temperature(kinetic_energy)` counts what is
    free.
    """
    topology, positions = crystal()
    force_field = app.ForceField(io.StringIO(FORCE_FIELD))
    system = force_field.createSystem(topology, nonbondedMethod=app.PME, nonbondedCutoff=CUTOFF)
    anions = [[atom.index for atom in r.atoms()] for r in topology.residues() if r.name == "BH4"]  # 1
    frozen = freeze(system, anions, "R", positions=positions)  # 2
    integrator = LangevinMiddleIntegrator(frozen, TEMPERATURE, FRICTION, TIMESTEP)  # 3
    simulation = app.Simulation(topology, frozen.system, integrator)  # 4
    frozen.initialize(simulation.context, TEMPERATURE)  # 5
    simulation.reporters += reporters(directory, max(1, steps // 20))
    simulation.step(steps)
    return simulation


def mean_turn(simulation: app.Simulation) -> float:
    """Return the mean angle by which the anions have turned since the start, degrees."""
    topology, start = crystal()
    before = start.value_in_unit(unit.nanometer)
    state = simulation.context.getState(positions=True)
    now = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
    masses = np.array([10.81, 1.008, 1.008, 1.008, 1.008])
    angles = []
    for residue in topology.residues():
        if residue.name == "BH4":
            own = [atom.index for atom in residue.atoms()]
            shapes = [
                points[own] - np.average(points[own], axis=0, weights=masses) for points in (now, before)
            ]
            angles.append(Rotation.align_vectors(*shapes, weights=masses)[0].magnitude())
    return float(np.degrees(np.mean(angles)))


def main() -> None:
    """Run both scripts."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--steps", type=int, default=2000, help="time steps of 0.5 fs (default: 2000)")
    parser.add_argument("--out", type=Path, help="where to write (default: a temporary directory)")
    arguments = parser.parse_args()
    out = arguments.out or Path(tempfile.mkdtemp())
    for name, script in (("as it was", as_it_was), ("with freezing", with_freezing)):
        simulation = script(out / name.replace(" ", "-"), arguments.steps)
        print(f"{name}: BH4 have turned by {mean_turn(simulation):.2g} degrees in the mean", flush=True)
    print(f"trajectories and logs are in {out}")


if __name__ == "__main__":
    main()
