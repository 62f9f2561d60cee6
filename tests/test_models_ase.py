"""ASE calculators as potentials."""

from __future__ import annotations

import numpy as np
import openmm
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator
from ase.calculators.lj import LennardJones
from crystals import na3ps4
from platforms import PlatformCase

from openmm_anion import models
from openmm_anion.errors import InputError
from openmm_anion.structure import build_system
from openmm_anion.units import EV

ELEMENTS = ["Na", "P", "S"]


def test_energy_and_forces_are_the_calculators(platform: PlatformCase) -> None:
    atoms = na3ps4()
    calculator = LennardJones(sigma=2.2, epsilon=0.02, rc=6.0, smooth=True)
    atoms.calc = calculator
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    system = build_system(atoms)
    models.from_ase(calculator, ELEMENTS).add_to(system, list(atoms.symbols))
    context = platform.context(system, openmm.VerletIntegrator(0.001))
    context.setPositions(atoms.positions / 10)
    state = context.getState(energy=True, forces=True)
    assert state.getPotentialEnergy()._value / EV == pytest.approx(energy, rel=1e-6)
    np.testing.assert_allclose(state.getForces(asNumpy=True)._value / (10 * EV), forces, rtol=1e-4, atol=1e-5)


def test_one_calculator_serves_several_systems_and_a_changing_box() -> None:
    potential = models.from_ase(LennardJones(sigma=3.4, epsilon=0.01, rc=6.0), ["Ar"], name="argon")
    box = np.eye(3) * 1.5
    one = potential.bind(["Ar", "Ar"])
    alone, _ = potential.energy_forces(["Ar"], [[0, 0, 0]], box)
    pair, forces = potential.energy_forces(["Ar", "Ar"], [[0, 0, 0], [0.4, 0, 0]], box)
    assert alone == pytest.approx(0, abs=1e-12)
    assert pair < 0
    assert forces[0, 0] == pytest.approx(-forces[1, 0])
    squeezed, _ = potential.energy_forces(["Ar", "Ar"], [[0, 0, 0], [0.4, 0, 0]], np.diag([0.8, 1.5, 1.5]))
    assert squeezed < 1.5 * pair  # a neighbour on either side
    assert potential.bind(["Ar", "Ar"]) is not one


class Smeared(Calculator):
    """Forces belong to the free energy, as with smeared electrons."""

    implemented_properties = ["energy", "free_energy", "forces"]  # noqa: RUF012  as ASE has it

    def calculate(self, atoms: Atoms, properties: list[str], changes: list[str]) -> None:  # type: ignore[override]
        super().calculate(atoms, properties, changes)
        self.results = {"energy": 1.0, "free_energy": 2.0, "forces": np.zeros((len(atoms), 3))}


def test_the_energy_is_the_one_that_the_forces_belong_to() -> None:
    energy, _ = models.from_ase(Smeared(), ["Na"]).energy_forces(["Na"], [[0, 0, 0]], np.eye(3))
    assert energy == pytest.approx(2 * EV)


class NoForces(Calculator):
    implemented_properties = ["energy"]  # noqa: RUF012  as ASE has it


def test_errors() -> None:
    with pytest.raises(InputError, match="is no ASE calculator; give an object"):
        models.from_ase(LennardJones, ["Ar"])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="calculator NoForces gives no forces"):
        models.from_ase(NoForces(), ["Ar"])
    argon = models.from_ase(LennardJones(), ["Ar"])
    with pytest.raises(InputError, match="does not know element Na"):
        argon.bind(["Na"])
    with pytest.raises(InputError, match="cannot become a force of kind 'torch'; use 'python'"):
        argon.create_force(["Ar"], kind="torch")
