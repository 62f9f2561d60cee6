"""Frozen motions under the shipped machine-learned potential, in every mode on every platform."""

from __future__ import annotations

import copy

import numpy as np
import openmm
import pytest
from crystals import CRYSTAL
from openmm import unit
from platforms import PlatformCase

from openmm_anion import models
from openmm_anion.anions import Polyanions, find_polyanions
from openmm_anion.freezing import MODES, freeze
from openmm_anion.integrators import LangevinMiddleIntegrator, VerletIntegrator
from openmm_anion.structure import build_system, read_structure

Crystal = tuple[Polyanions, list[str], models.Potential, openmm.System]


@pytest.fixture(scope="module")
def crystal() -> Crystal:
    atoms = read_structure(CRYSTAL, (2, 2, 2))
    atoms.rattle(0.05, seed=1)
    return find_polyanions(atoms, "PS4"), list(atoms.symbols), models.load("na3ps4"), build_system(atoms)


@pytest.mark.parametrize("modes", MODES)
def test_modes_hold_and_the_state_tells_the_truth(
    platform: PlatformCase, modes: str, crystal: Crystal
) -> None:
    anions, symbols, potential, bare = crystal
    system = copy.deepcopy(bare)
    potential.add_to(system, symbols)
    frozen = freeze(system, anions, modes, positions=anions.positions)
    integrator = LangevinMiddleIntegrator(frozen, 850, 1.0, 0.002, seed=3)
    context = platform.context(frozen.system, integrator)
    frozen.initialize(context, 850, seed=4)
    frozen.check(context)
    integrator.step(10)
    assert frozen.violation(context).displacement <= (1e-10 if platform.double else 1e-6)

    state = context.getState(getPositions=True, getEnergy=True, getForces=True)
    positions = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
    energy, forces = potential.energy_forces(symbols, positions, frozen.box)
    assert state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole) == pytest.approx(
        energy, abs=0.05
    )
    ours = state.getForces(asNumpy=True).value_in_unit(unit.kilojoule_per_mole / unit.nanometer)
    assert np.abs(ours - forces).max() < (0.05 if platform.double else 0.2)


@pytest.mark.parametrize("modes", ["", "T", "R", "V"])
def test_energy_is_conserved(modes: str, crystal: Crystal) -> None:
    """0.3 ps of NVE at 850 K: fluctuation of the total energy against that of the potential energy."""
    anions, symbols, potential, bare = crystal
    system = copy.deepcopy(bare)
    potential.add_to(system, symbols)
    frozen = freeze(system, anions, modes, positions=anions.positions)
    integrator = VerletIntegrator(frozen, 0.001)
    context = openmm.Context(frozen.system, integrator, openmm.Platform.getPlatformByName("CPU"))
    frozen.initialize(context, 850, seed=4)
    integrator.step(2)
    total, part = [], []
    for _ in range(60):
        integrator.step(5)
        state = context.getState(getEnergy=True)
        part.append(state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole))
        total.append(part[-1] + state.getKineticEnergy().value_in_unit(unit.kilojoule_per_mole))
    assert np.std(total) < 0.03 * np.std(part)
