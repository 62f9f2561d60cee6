"""The shipped potential: in OpenMM, against itself, and what it refuses."""

from __future__ import annotations

import shutil
from pathlib import Path

import ase
import numpy as np
import openmm
import pytest
import torch
from crystals import na3ps4
from numpy.typing import NDArray
from openmm import unit
from platforms import PlatformCase

from openmm_anion import models
from openmm_anion.errors import InputError
from openmm_anion.models.potential import Potential
from openmm_anion.models.scripted import ScriptedPotential

SHEAR = np.array([[1, 0, 0], [0.2, 1, 0], [-0.1, 0.3, 1]])


@pytest.fixture(scope="module")
def potential() -> Potential:
    return models.load("na3ps4")


def crystal(shear: bool = False) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """Symbols, positions and box (nm); some atoms moved into other cells."""
    atoms = na3ps4()
    if shear:
        atoms.set_cell(atoms.cell.array @ SHEAR, scale_atoms=True)
    box = atoms.cell.array / 10
    images = np.random.default_rng(5).integers(-2, 3, (len(atoms), 3))
    return list(atoms.symbols), atoms.positions / 10 + images @ box, box


@pytest.mark.parametrize("shear", [False, True], ids=["cubic", "triclinic"])
def test_torchforce_equals_direct_evaluation(
    potential: Potential, platform: PlatformCase, shear: bool
) -> None:
    symbols, positions, box = crystal(shear)
    system = openmm.System()
    for _ in symbols:
        system.addParticle(20.0)
    system.setDefaultPeriodicBoxVectors(*box)
    potential.add_to(system, symbols)
    context = platform.context(system, openmm.VerletIntegrator(0.001))
    context.setPositions(positions)
    state = context.getState(energy=True, forces=True)
    energy, forces = potential.energy_forces(symbols, positions, box)
    assert state.getPotentialEnergy()._value == pytest.approx(energy, abs=0.05, rel=1e-7)
    assert np.abs(forces).max() > 500
    # far outside of the box float32 positions carry errors of 2e-7 nm, on bonds of 1e5 kJ/mol/nm^2
    tolerance = 0.02 if platform.double else 0.5
    np.testing.assert_allclose(state.getForces(asNumpy=True)._value, forces, atol=tolerance, rtol=1e-5)


def test_forces_are_the_gradient_of_the_energy(potential: Potential) -> None:
    symbols, positions, box = crystal()
    _, forces = potential.energy_forces(symbols, positions, box)
    h = 1e-4
    for atom, axis in ((0, 0), (3, 1), (5, 2), (100, 0)):
        energies = []
        for step in (-h, h):
            moved = positions.copy()
            moved[atom, axis] += step
            energies.append(potential.energy_forces(symbols, moved, box)[0])
        assert -(energies[1] - energies[0]) / (2 * h) == pytest.approx(forces[atom, axis], abs=3.0, rel=5e-3)


def test_wrapping_permutation_and_rotation_change_nothing(potential: Potential) -> None:
    symbols, positions, box = crystal(shear=True)
    energy, forces = potential.energy_forces(symbols, positions, box)

    wrapped = ase.Atoms(symbols, positions=positions, cell=box, pbc=True)
    wrapped.wrap()
    other_energy, other_forces = potential.energy_forces(symbols, wrapped.positions, box)
    assert other_energy == pytest.approx(energy, abs=0.01)
    np.testing.assert_allclose(other_forces, forces, atol=0.02)

    order = np.random.default_rng(1).permutation(len(symbols))
    other_energy, other_forces = potential.energy_forces([symbols[k] for k in order], positions[order], box)
    assert other_energy == pytest.approx(energy, abs=0.01)
    np.testing.assert_allclose(other_forces, forces[order], atol=0.02)

    rotation = np.linalg.qr(np.random.default_rng(2).standard_normal((3, 3)))[0]
    other_energy, other_forces = potential.energy_forces(symbols, positions @ rotation, box @ rotation)
    assert other_energy == pytest.approx(energy, abs=0.01)
    np.testing.assert_allclose(other_forces, forces @ rotation, atol=0.05)


def test_quantities_are_taken(potential: Potential) -> None:
    symbols, positions, box = crystal()
    plain = potential.energy_forces(symbols, positions, box)
    given = potential.energy_forces(
        symbols, positions * 10 * unit.angstrom, unit.Quantity(box * 10, unit.angstrom)
    )
    assert given[0] == pytest.approx(plain[0], abs=0.01)


def test_file_round_trip(potential: Potential, tmp_path: Path) -> None:
    assert isinstance(potential, ScriptedPotential)
    potential.write(tmp_path / "copy.pt")
    copy = models.load(tmp_path / "copy.pt")
    symbols, positions, box = crystal()
    assert copy.card == potential.card
    assert (
        copy.energy_forces(symbols, positions, box)[0] == potential.energy_forces(symbols, positions, box)[0]
    )


def test_what_comes_with_the_package() -> None:
    assert "na3ps4" in models.available()
    for name in models.available():
        assert models.load(name).name == name


def fails(match: str) -> pytest.RaisesExc[InputError]:
    return pytest.raises(InputError, match=match)


def test_unknown_name_and_missing_file(tmp_path: Path) -> None:
    with fails("potential 'na3ps' is unknown; did you mean 'na3ps4'"):
        models.load("na3ps")
    with fails("missing.pt not found"):
        models.load(tmp_path / "missing.pt")


def test_truncated_and_foreign_files(tmp_path: Path) -> None:
    shipped = models.SHIPPED / "na3ps4.pt"
    short = tmp_path / "short.pt"
    short.write_bytes(shipped.read_bytes()[:10000])
    with fails("short.pt is truncated or no TorchScript file"):
        models.load(short)
    text = tmp_path / "text.pt"
    text.write_text("not a model")
    with fails("text.pt is truncated or no TorchScript file"):
        models.load(text)
    foreign = tmp_path / "foreign.pt"
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), str(foreign))
    with fails(r"foreign.pt has no card.json of this package"):
        models.load(foreign)
    shutil.copy(shipped, tmp_path / "whole.pt")
    assert models.load(tmp_path / "whole.pt").name == "na3ps4"


def test_what_the_potential_cannot_describe(potential: Potential) -> None:
    box = np.eye(3) * 1.4
    potential.check(["Na", "P", "S"], box)
    with fails("does not know element Li .atom 1.; it knows Na, P, S"):
        potential.check(["Na", "Li"], box)
    with fails("needs a periodic box"):
        potential.check(["Na"], None)
    with fails("no volume"):
        potential.check(["Na"], np.zeros((3, 3)))
    with fails(r"shape \(3, 3\)"):
        potential.check(["Na"], [1.4, 1.4, 1.4])
    with fails(r"the cell is 0.699 nm wide but potential .na3ps4. needs 1\."):
        potential.check(["Na"], np.diag([1.4, 0.699, 1.4]))
    # three long vectors, yet faces close to each other
    with fails("use a larger supercell"):
        potential.check(["Na"], [[1.4, 0, 0], [0, 1.4, 0], [1.0, 1.0, 0.9]])
    with fails("not finite"):
        potential.energy_forces(["Na"], [[np.nan, 0, 0]], box)
    system = openmm.System()
    system.addParticle(22.99)
    with fails("2 symbols given for a system of 1 particles"):
        potential.add_to(system, ["Na", "P"])
