"""Find the edge at which the teacher's crystal is under no pressure: `python cell.py SEED` (ten minutes).

Molecular dynamics at 500 K whose cell follows the pressure; the edge is averaged when it no longer drifts.
"""

from __future__ import annotations

import sys

import numpy as np
import openmm
from build import crystal
from openmm import unit

from openmm_anion import models
from openmm_anion.structure import build_system

TEMPERATURE, START, STEPS, EVERY = 500.0, 9.9, 300, 10
TIMESTEP = 0.002
"""ps; hydrogen weighs 4 Da here, for averages over positions do not depend on masses."""

STIFFNESS, RELAXATION, LARGEST = 12.0, 0.15, 0.003
"""Bulk modulus, GPa, and time, ps, by which the cell follows; and the largest change at once."""

STRAIN = 5e-4
"""Of the difference that gives the pressure."""

GPA = 1.66054e-3
"""One kJ/mol/nm^3."""


def main(seed: int) -> None:
    """Print edge and pressure as it goes on, and their means over the second half."""
    atoms = crystal(START, seed)
    system = build_system(atoms)
    models.load("7net-0").add_to(system, list(atoms.symbols))
    for i, symbol in enumerate(atoms.symbols):
        if symbol == "H":
            system.setParticleMass(i, 4.0)
    integrator = openmm.LangevinMiddleIntegrator(TEMPERATURE, 10.0, TIMESTEP)
    integrator.setRandomNumberSeed(seed)
    platform = openmm.Platform.getPlatformByName("CPU")
    context = openmm.Context(system, integrator, platform, {"Threads": "1"})
    context.setPositions(atoms.positions / 10)
    context.setVelocitiesToTemperature(TEMPERATURE, seed)
    edge, kinetic = START / 10, len(atoms) * 0.00831446 * TEMPERATURE
    history = []
    for k in range(1, STEPS // EVERY + 1):
        integrator.step(EVERY)
        positions = context.getState(positions=True).getPositions(asNumpy=True)
        x = positions.value_in_unit(unit.nanometer)
        energies = []
        for factor in (1 - STRAIN, 1 + STRAIN):
            context.setPeriodicBoxVectors(*(edge * factor * np.eye(3)))
            context.setPositions(x * factor)
            energy = context.getState(energy=True).getPotentialEnergy()
            energies.append(energy.value_in_unit(unit.kilojoule_per_mole))
        volume = edge**3 * ((1 + STRAIN) ** 3 - (1 - STRAIN) ** 3)
        pressure = (kinetic / edge**3 - (energies[1] - energies[0]) / volume) * GPA
        change = EVERY * TIMESTEP / RELAXATION * pressure / (3 * STIFFNESS)
        factor = 1 + float(np.clip(change, -LARGEST, LARGEST))
        edge *= factor
        context.setPeriodicBoxVectors(*(edge * np.eye(3)))
        context.setPositions(x * factor)
        history.append((edge * 10, pressure))
        print(f"{k * EVERY * TIMESTEP:.2f} ps  {edge * 10:.4f} A  {pressure:+.2f} GPa", flush=True)
    length, pressure = np.mean(history[len(history) // 2 :], axis=0)
    print(f"second half: {length:.3f} A, {pressure:+.2f} GPa")


if __name__ == "__main__":
    main(int(sys.argv[1]))
