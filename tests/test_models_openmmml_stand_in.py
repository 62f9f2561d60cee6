"""Both ways between openmm-ml and this package, with a stand-in (the real one: test_models_openmmml)."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import numpy as np
import openmm
import pytest
import stand_in_openmmml
from crystals import na3ps4
from openmm import app, unit

from openmm_anion import find_polyanions, models
from openmm_anion.errors import InputError
from openmm_anion.models.openmm_ml_entry import NAME
from openmm_anion.models.sources import openmm_ml, sevennet
from openmm_anion.structure import build_topology, ions_together

ATOMS = ions_together(na3ps4(), find_polyanions(na3ps4(), "PS4"))
SYMBOLS = list(ATOMS.symbols)


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, module in stand_in_openmmml.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    theirs = EntryPoint("harmonic", "stand_in_openmmml:HarmonicFactory", openmm_ml.GROUP)

    def registered(group: str) -> Any:
        return [*entry_points(group=group), theirs]

    monkeypatch.setattr(openmm_ml, "entry_points", registered)


def topology() -> app.Topology:
    return build_topology(ATOMS, find_polyanions(ATOMS, "PS4"))


def test_every_name_of_ours_is_registered() -> None:
    registered = {entry.name for entry in entry_points(group=openmm_ml.GROUP)}
    assert {NAME + name for name in [*models.available(), *sevennet.names()]} <= registered


def test_our_potential_for_users_of_openmm_ml() -> None:
    from openmmml import MLPotential

    system = MLPotential("openmm-anion-na3ps4").createSystem(topology())
    assert system.getForce(0).getForceGroup() == 3
    context = openmm.Context(
        system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatform("CPU"), {"Threads": "1"}
    )
    context.setPositions(ATOMS.positions / 10)
    energy, _ = models.load("na3ps4").energy_forces(SYMBOLS, ATOMS.positions / 10, ATOMS.cell.array / 10)
    assert context.getState(energy=True).getPotentialEnergy()._value == pytest.approx(energy, abs=0.01)


def test_what_users_of_openmm_ml_are_told() -> None:
    from openmmml import MLPotential

    with pytest.raises(
        InputError, match=r"'openmm-anion-na3ps4' takes no arguments, but was given modelPath"
    ):
        MLPotential("openmm-anion-na3ps4", modelPath="x")
    potential = MLPotential("openmm-anion-na3ps4")
    assert potential._impl.getMLLongRange() is False
    with pytest.raises(InputError, match=r"takes no option precision; it takes kind"):
        potential.createSystem(topology(), precision="single")
    lithium = app.Topology()
    lithium.setPeriodicBoxVectors(np.eye(3) * 2 * unit.nanometer)
    residue = lithium.addResidue("LI", lithium.addChain())
    lithium.addAtom("Li", app.Element.getBySymbol("Li"), residue)
    with pytest.raises(InputError, match=r"does not know element Li"):
        potential.createSystem(lithium)
    lithium.setPeriodicBoxVectors(None)
    with pytest.raises(InputError, match=r"does not know element Li|needs a periodic box"):
        potential.createSystem(lithium)


def test_their_potentials_here() -> None:
    potential = models.load("openmmml:harmonic", options={"k": 100.0})
    assert "openmmml:harmonic" in models.names()
    energy, forces = potential.energy_forces(["Na", "Cl"], [[0.1, 0, 0], [0, 0.2, 0]], np.eye(3))
    assert energy == pytest.approx(0.5 * 100 * (0.01 + 0.04))
    np.testing.assert_allclose(forces, [[-10, 0, 0], [0, -20, 0]], atol=1e-9)
    system = openmm.System()
    system.addParticle(23.0)
    system.setDefaultPeriodicBoxVectors(*np.eye(3))
    assert potential.add_to(system, ["Na"]) == 0
    assert system.getForce(0).getName() == "CustomExternalForce"


def test_what_cannot_be_made() -> None:
    with pytest.raises(
        InputError, match=r"openmm-ml knows no potential 'harmonik'; did you mean 'openmmml:harmonic'?"
    ):
        models.load("openmmml:harmonik")
    with pytest.raises(
        InputError, match=r"cannot be made by openmm-ml: .*unexpected keyword argument 'color'"
    ):
        models.load("openmmml:harmonic", color="red")
    with pytest.raises(InputError, match=r"cannot be made by openmm-ml: 'k'"):
        models.load("openmmml:harmonic").create_force(["Na"])
    with pytest.raises(InputError, match=r"consists of 2 forces; make its System with openmmml.MLPotential"):
        models.load("openmmml:harmonic", forces=2, options={"k": 1.0}).create_force(["Na"])
    with pytest.raises(InputError, match=r"cannot become a force of kind 'torch'; use 'openmm-ml'"):
        models.load("openmmml:harmonic", options={"k": 1.0}).create_force(["Na"], kind="torch")
