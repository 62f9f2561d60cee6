"""Equilibration at constant pressure: energies that know the box, the mean cell, and runs in it."""

from __future__ import annotations

import json
from pathlib import Path

import MDAnalysis
import numpy as np
import openmm
import pytest
from crystals import CRYSTAL
from openmm import unit
from short_study import settings

from openmm_anion import models
from openmm_anion.errors import InputError
from openmm_anion.freezing import freeze
from openmm_anion.structure import build_system, read_structure
from openmm_anion.study.equilibration import Snapshot, equilibrate
from openmm_anion.study.prepared import PreparedStudy, prepare_study
from openmm_anion.study.pressure import box_of, scaled, with_barostat
from openmm_anion.study.schedule import run_study
from openmm_anion.units import ANGSTROM

Array = np.ndarray


def strained_energy(supercell: tuple[int, int, int], strain: Array, *, built: bool) -> float:
    """Energy of a disturbed crystal after a strain: in a System that is built so, or strained in place."""
    atoms = read_structure(CRYSTAL, supercell)
    rng = np.random.default_rng(4)
    cells = len(atoms) // 16
    positions = atoms.positions * ANGSTROM + np.tile(rng.normal(0.0, 0.01, (16, 3)), (cells, 1))
    box = atoms.cell.array * ANGSTROM
    if built:
        atoms.set_cell(box @ strain / ANGSTROM)
    system = build_system(atoms)
    models.load("na3ps4").add_to(system, list(atoms.symbols))
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatform("CPU"))
    if not built:
        context.setPeriodicBoxVectors(*(box @ strain))
    context.setPositions(positions @ strain)
    energy = context.getState(energy=True).getPotentialEnergy()
    return float(energy.value_in_unit(unit.kilojoule_per_mole))


def test_energies_follow_the_box() -> None:
    """What a barostat goes by: per atom the same in every supercell and way to strain it, under shear too."""
    slopes = {}
    for name, supercell, built in (
        ("in place", (2, 2, 2), False),
        ("built so", (2, 2, 2), True),
        ("twice the crystal", (2, 2, 4), False),
    ):
        energies = []
        for size in (-2e-3, 2e-3):
            strain = np.eye(3) + size * np.array([[1.0, 0, 0], [0.5, 1.0, 0], [0, 0.3, 1.0]])
            energies.append(strained_energy(supercell, strain, built=built) / np.prod(supercell))
        slopes[name] = (energies[1] - energies[0]) / 4e-3
    assert abs(slopes["in place"]) > 100.0  # kJ/mol per cell: it is not that nothing changes
    for name, slope in slopes.items():
        assert slope == pytest.approx(slopes["in place"], rel=1e-3), name


def test_anions_are_scaled_as_wholes(study: PreparedStudy) -> None:
    after = study.box @ np.array([[1.02, 0, 0], [0.01, 0.99, 0], [0, 0, 1.0]])
    there = study.in_cell(after)
    for old, new in zip(study.anions, there.anions, strict=True):
        np.testing.assert_allclose(
            new.positions - new.center_of_mass, old.positions - old.center_of_mass, atol=1e-12
        )
        np.testing.assert_allclose(
            new.center_of_mass @ np.linalg.inv(after),
            old.center_of_mass @ np.linalg.inv(study.box),
            atol=1e-12,
        )
    np.testing.assert_allclose(there.box, after)
    cations = study.cations
    np.testing.assert_allclose(
        there.anions.positions[cations], study.anions.positions[cations] @ np.linalg.solve(study.box, after)
    )
    assert there.system.getDefaultPeriodicBoxVectors()[0][0].value_in_unit(unit.nanometer) == after[0, 0]


def test_a_cell_too_small_for_the_potential_is_refused(study: PreparedStudy) -> None:
    with pytest.raises(InputError, match="use a larger supercell"):
        study.in_cell(0.7 * study.box)


@pytest.mark.parametrize(
    ("barostat", "name"),
    [
        ("isotropic", "MonteCarloBarostat"),
        ("anisotropic", "MonteCarloAnisotropicBarostat"),
        ("flexible", "MonteCarloFlexibleBarostat"),
    ],
)
def test_barostats_keep_anions_whole(study: PreparedStudy, barostat: str, name: str) -> None:
    """No potential, a pressure that crushes: cells change as each barostat may, anions do not."""
    free = freeze(build_system(study.atoms), study.anions, "free", positions=study.anions.positions)
    system = with_barostat(free.system, study.anions, barostat, 1e5, 850.0, 3)  # type: ignore[arg-type]
    assert name in {force.getName() for force in system.getForces()}
    system.addForce(openmm.CustomExternalForce("0*periodicdistance(x, y, z, 0, 0, 0)"))  # makes it periodic
    integrator = openmm.VerletIntegrator(1e-9)
    context = openmm.Context(system, integrator, openmm.Platform.getPlatform("Reference"))
    context.setPositions(free.positions)
    integrator.step(2000)
    state = context.getState(positions=True)
    box = box_of(state)
    assert np.linalg.det(box) < 0.98 * np.linalg.det(study.box)
    lengths, off = np.diag(box), np.abs(box - np.diag(np.diag(box))).max()
    assert (np.ptp(lengths) < 1e-6) == (barostat == "isotropic")
    assert (off < 1e-9) == (barostat != "flexible")
    positions = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
    for anion in study.anions:
        here = positions[anion.indices]
        np.testing.assert_allclose(here - here[0], anion.positions - anion.positions[0], atol=1e-5)


def test_a_study_in_the_mean_cell(tmp_path: Path) -> None:
    """The cell gives way to the pressure; the snapshot knows its cell, and runs and files are in it."""
    asked = settings(barostat="isotropic", pressure=3e5, modes=["TR"], equilibration=0.2, production=0.04)
    steps: list[int] = []
    study = prepare_study(asked)
    squeezed = equilibrate(study, 850.0, 5, "CPU", steps.append)
    assert sum(steps) == round(asked.dynamics.before_production / 0.002) == 120
    assert squeezed.box is not None
    assert np.linalg.det(squeezed.box) < 0.99 * np.linalg.det(study.box)
    place = tmp_path / "runs/T850K/snapshot-0/snapshot.npz"
    place.parent.mkdir(parents=True)
    squeezed.write(place)
    again = Snapshot.read(place).box
    assert again is not None
    np.testing.assert_array_equal(again, squeezed.box)
    assert set(run_study(asked, tmp_path, quiet=True).statuses.values()) == {"finished"}
    for mode in ("free", "TR"):
        run = place.parent / mode
        np.testing.assert_allclose(json.loads((run / "run.json").read_text())["box_nm"], squeezed.box)
        universe = MDAnalysis.Universe(tmp_path / "topology.pdb", run / "trajectory.dcd")
        assert universe.dimensions[:3] == pytest.approx(10 * np.diag(squeezed.box), rel=1e-6)
        assert universe.atoms.positions == pytest.approx(10 * squeezed.positions, abs=1e-5)


def test_positions_follow_the_cell_they_are_in() -> None:
    there = scaled(np.array([[0.1, 0.2, 0.3]]), [], np.eye(3), np.diag([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(there, [[0.1, 0.4, 0.9]])
