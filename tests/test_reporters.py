"""The reporter of what is free and what is frozen, in a `Simulation` beside OpenMM's own reporters."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import openmm
import pytest
from ionic_salt import ANIONS, SALT, salt_positions, salt_system
from openmm import app, unit

from openmm_anion.freezing import freeze
from openmm_anion.integrators import LangevinMiddleIntegrator
from openmm_anion.reporters import COLUMNS, FrozenStateReporter


def salt_topology() -> app.Topology:
    topology = app.Topology()
    chain = topology.addChain()
    elements = {"X": app.element.boron, "Y": app.element.hydrogen, "Li": app.element.lithium}
    for kind in SALT["types"]:
        topology.addAtom(kind, elements[kind], topology.addResidue(kind, chain))
    return topology


SLOW = pytest.mark.slow


@pytest.mark.parametrize("modes", ["R", *(pytest.param(modes, marks=SLOW) for modes in ("", "TV", "RV"))])
def test_every_free_motion_has_the_temperature_of_the_bath(modes: str, tmp_path: Path) -> None:
    frozen = freeze(salt_system(), ANIONS, modes, positions=salt_positions())
    integrator = LangevinMiddleIntegrator(frozen, 300, 50.0, 0.0005, seed=11)
    platform = openmm.Platform.getPlatformByName("CPU")
    simulation = app.Simulation(salt_topology(), frozen.system, integrator, platform, {"Threads": "1"})
    frozen.initialize(simulation.context, 300, seed=12)
    simulation.step(1000)
    theirs = io.StringIO()
    simulation.reporters.append(
        app.StateDataReporter(theirs, 25, step=True, temperature=True, totalEnergy=True)
    )
    with FrozenStateReporter(tmp_path / "state.csv", 25, frozen) as reporter:
        simulation.reporters.append(reporter)
        simulation.step(8000)
    table = np.genfromtxt(tmp_path / "state.csv", delimiter=",", names=True)
    assert table.dtype.names == COLUMNS
    assert list(table["step"]) == list(range(1025, 9001, 25))
    assert table["constraint_violation_nm"].max() < 1e-10
    for motion, name in zip("TRV", COLUMNS[4:7], strict=True):
        if motion in modes:
            assert np.isnan(table[name]).all()
    for name in ("temperature_K", "rest_K", *COLUMNS[4:7]):
        if np.isnan(table[name]).all():
            continue
        blocks = table[name].reshape(20, -1).mean(axis=1)
        error = blocks.std(ddof=1) / np.sqrt(len(blocks))
        assert error < 10
        assert abs(blocks.mean() - 300) < 4 * error + 1, name
    assert len(theirs.getvalue().splitlines()) == 321


def test_parts_add_up_to_the_kinetic_energy() -> None:
    """In the free crystal the temperatures, weighted by degrees of freedom, give the whole."""
    frozen = freeze(salt_system(), ANIONS, "", positions=salt_positions())
    integrator = LangevinMiddleIntegrator(frozen, 300, 1.0, 0.0005, seed=1)
    context = openmm.Context(frozen.system, integrator, openmm.Platform.getPlatformByName("Reference"))
    frozen.initialize(context, 300, seed=2)
    state = context.getState(positions=True, velocities=True, energy=True)
    parts = frozen.kinetic_temperatures(state)
    counted = 96 * parts.rest + 96 * parts.translation + 96 * parts.rotation + 288 * parts.vibration
    energy = state.getKineticEnergy().value_in_unit(unit.kilojoule_per_mole)
    assert counted / 576 == pytest.approx(frozen.temperature(energy), rel=1e-12)
