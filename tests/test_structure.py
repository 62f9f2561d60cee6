"""Reading crystals: formats, supercells, OpenMM's orientation, topologies, and refusals in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openmm
import pytest
from ase import Atoms
from ase.build import bulk
from ase.constraints import FixAtoms
from ase.io import write
from ase.neighborlist import neighbor_list
from ion_crystals import TRICLINIC, Array, ion_crystal
from openmm import app, unit
from scipy.spatial.transform import Rotation

from openmm_anion.anions import find_polyanions
from openmm_anion.errors import InputError
from openmm_anion.structure import build_system, build_topology, ions_together, read_structure

EXAMPLE = Path(__file__).parents[1] / "examples" / "na3ps4" / "na3ps4.cif"


def neighbour_distances(atoms: Atoms, cutoff: float = 7.0) -> list[Array]:
    """Sorted distances from each atom to its neighbours, images included, angstrom."""
    first, distance = neighbor_list("id", atoms, cutoff)
    return [np.sort(distance[first == i]) for i in range(len(atoms))]


def assert_same_crystal(one: Atoms, other: Atoms) -> None:
    assert list(one.symbols) == list(other.symbols)
    for ours, theirs in zip(neighbour_distances(one), neighbour_distances(other), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-7)


def assert_openmm_orientation(atoms: Atoms) -> None:
    box = atoms.cell.array
    assert np.abs(np.triu(box, 1)).max() < 1e-12
    assert box[0, 0] > 0
    assert box[1, 1] > 0
    assert box[2, 2] > 0
    assert abs(box[1, 0]) <= 0.5 * box[0, 0] + 1e-9
    assert abs(box[2, 0]) <= 0.5 * box[0, 0] + 1e-9
    assert abs(box[2, 1]) <= 0.5 * box[1, 1] + 1e-9
    openmm.Context(build_system(atoms), openmm.VerletIntegrator(0.001), openmm.Platform.getPlatform(0))


@pytest.mark.parametrize("name", ["POSCAR", "crystal.vasp", "crystal.extxyz", "crystal.cif", "crystal.xsf"])
def test_formats(tmp_path: Path, name: str) -> None:
    crystal = ion_crystal(["BH4", "NO3"], TRICLINIC).atoms
    crystal = crystal[np.argsort(crystal.numbers, kind="stable")]
    write(tmp_path / name, crystal)
    atoms = read_structure(tmp_path / name)
    assert_openmm_orientation(atoms)
    if name.endswith("cif"):  # six decimals
        assert (
            np.abs(
                np.sort(atoms.get_all_distances(mic=True)) - np.sort(crystal.get_all_distances(mic=True))
            ).max()
            < 1e-4
        )
    else:
        assert_same_crystal(atoms, crystal)


def test_example() -> None:
    atoms = read_structure(EXAMPLE, (2, 1, 3))
    assert len(atoms) == 16 * 6
    assert atoms.cell.lengths() == pytest.approx([13.98, 6.99, 20.97])
    assert_openmm_orientation(atoms)
    assert len(find_polyanions(atoms, "PS4")) == 12


def test_last_of_several_frames(tmp_path: Path) -> None:
    frames = [bulk("NaCl", "rocksalt", a=a) for a in (5.5, 5.7)]
    write(tmp_path / "frames.extxyz", frames)
    assert read_structure(tmp_path / "frames.extxyz").get_volume() == pytest.approx(frames[1].get_volume())


@pytest.mark.parametrize("supercell", [(1, 1, 1), (2, 1, 1), [1, 2, 2], np.array([2, 2, 2])])
@pytest.mark.parametrize("kind", ["turned", "left-handed", "skewed", "rhombohedral", "negative"])
def test_orientation_keeps_all_distances(tmp_path: Path, kind: str, supercell: Any) -> None:
    crystal = ion_crystal(["NO3", "CN"], TRICLINIC * 0.6, seed=5).atoms
    cell = crystal.cell.array[[2, 0, 1]]
    crystal.set_cell(cell)
    if kind == "turned":
        turn = Rotation.random(random_state=1).as_matrix()
        crystal.set_cell(cell @ turn.T, scale_atoms=True)
    elif kind == "left-handed":
        crystal.set_cell(cell[[1, 0, 2]])
    elif kind == "negative":
        crystal.set_cell(-cell)
    elif kind == "skewed":
        crystal.set_cell(np.array([[1, 0, 0], [2, 1, 0], [-1, 3, 1]]) @ cell)
    else:
        crystal = Atoms("NaCN", [[0, 0, 0], [3, 3, 3], [3, 3, 4.2]], cell=[6, 6, 6, 50, 50, 50], pbc=True)
    write(tmp_path / "crystal.extxyz", crystal)
    atoms = read_structure(tmp_path / "crystal.extxyz", supercell)
    assert_openmm_orientation(atoms)
    assert atoms.get_volume() == pytest.approx(abs(crystal.get_volume()) * np.prod(supercell))
    assert_same_crystal(atoms, crystal.repeat(tuple(int(n) for n in supercell)))
    # A rotation, no reflection: the handedness of four atoms stays.
    if kind == "turned":
        corners = [np.linalg.det(a.positions[1:4] - a.positions[0]) for a in (atoms, crystal)]
        assert corners[0] == pytest.approx(corners[1])


def test_masses_stay_and_selective_dynamics_is_dropped(tmp_path: Path) -> None:
    crystal = bulk("NaCl", "rocksalt", a=5.64, cubic=True)
    crystal.set_constraint(FixAtoms([0, 1]))
    write(tmp_path / "POSCAR", crystal)
    atoms = read_structure(tmp_path / "POSCAR", (2, 1, 1))
    assert atoms.constraints == []
    atoms.set_masses([7.0] * len(atoms))
    system = build_system(atoms)
    assert system.getNumParticles() == 16
    assert system.getParticleMass(3).value_in_unit(unit.dalton) == 7.0
    box = [vector.value_in_unit(unit.nanometer) for vector in system.getDefaultPeriodicBoxVectors()]
    assert np.allclose(np.array(box), np.diag([1.128, 0.564, 0.564]))


HEADER = '2\nLattice="{}" Properties=species:S:1:pos:R:3 pbc="{}"\n'
CUBE = "5 0 0 0 5 0 0 0 5"
PAIR = "C 0 0 0\nN 0 0 1.2\n"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("garbage.cif", "hello", r"garbage\.cif cannot be read by ASE: \w+"),
        ("garbage.extxyz", "hello", r"garbage\.extxyz cannot be read by ASE: "),
        ("POSCAR", "a\nb\nc\n", r"POSCAR cannot be read by ASE: "),
        ("unknown.dat", "hello", r"unknown\.dat cannot be read by ASE: "),
        ("empty.cif", "", r"empty\.cif cannot be read by ASE: "),
        ("molecule.xyz", "2\n\n" + PAIR, r"molecule\.xyz has no periodic cell; give a crystal"),
        ("slab.extxyz", HEADER.format(CUBE, "T T F") + PAIR, r"slab\.extxyz has no periodic cell"),
        ("flat.extxyz", HEADER.format("5 0 0 0 5 0 5 5 0", "T T T") + PAIR, r"has no periodic cell"),
        (
            "cell.extxyz",
            HEADER.format("nan 0 0 0 5 0 0 0 5", "T T T") + PAIR,
            r"^a cell vector in .* is not finite$",
        ),
        (
            "nan.extxyz",
            HEADER.format(CUBE, "T T T") + "C 0 0 0\nN 0 nan 1.2\n",
            r"^atom 1 in .*nan\.extxyz has a coordinate that is not finite$",
        ),
        (
            "coincident.extxyz",
            HEADER.format(CUBE, "T T T") + "C 0 0 0\nN 0 0 4.9\n",
            r"^atoms 0 and 1 in .* are 0\.10 A apart; remove doubles or choose the occupancy",
        ),
        (
            "dummy.extxyz",
            HEADER.format(CUBE, "T T T") + "C 0 0 0\nX 0 0 2\n",
            r"^atom 1 in .* has no element",
        ),
        (
            "part.cif",
            EXAMPLE.read_text().replace("0.5    0.5    1.0", "0.5    0.5    0.5"),
            r"partly occupied sites",
        ),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_structure(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    for path in (tmp_path / "no.cif", tmp_path):
        with pytest.raises(InputError, match=r"^structure file .* (not found|is a directory; give a file)$"):
            read_structure(path)


@pytest.mark.parametrize(
    "supercell", [(1, 1), (0, 1, 1), (-1, 1, 1), (1.5, 1, 1), 2, "222", (True, True, True)]
)
def test_supercells_that_are_none(supercell: Any) -> None:
    with pytest.raises(
        InputError, match=r"^supercell .* must be three positive whole numbers, e\.g\. \[2, 2, 2\]$"
    ):
        read_structure(EXAMPLE, supercell)


def test_topology_has_one_residue_per_ion() -> None:
    crystal = ion_crystal(["BH4", "NO3", "BH4"], TRICLINIC)
    order = np.random.default_rng(2).permutation(len(crystal.symbols))
    scattered = crystal.atoms[order]
    atoms = ions_together(scattered, find_polyanions(scattered, ["BH4", "NO3"]))
    anions = find_polyanions(atoms, ["BH4", "NO3"])
    topology = build_topology(atoms, anions)
    residues = list(topology.residues())
    assert sorted(residue.name for residue in residues) == ["BH4", "BH4", "NA", "NA", "NA", "NO3"]
    assert [len(list(residue.atoms())) for residue in residues[3:]] == [1, 1, 1]
    for anion in anions:
        assert np.array_equal(np.diff(anion.indices), np.ones(len(anion) - 1))
    assert [atom.element.symbol for atom in topology.atoms()] == list(atoms.symbols)
    assert [atom.index for atom in topology.atoms()] == list(range(len(atoms)))
    bonds = {frozenset((bond[0].index, bond[1].index)) for bond in topology.bonds()}
    assert bonds == {frozenset(map(int, pair)) for anion in anions for pair in anion.bonds}
    assert len(bonds) == 4 + 4 + 3
    assert all(bond[0].residue is bond[1].residue for bond in topology.bonds())
    box = topology.getPeriodicBoxVectors().value_in_unit(unit.nanometer)
    assert np.allclose(np.array(box), TRICLINIC)


def test_topology_survives_a_pdb_file(tmp_path: Path) -> None:
    atoms = read_structure(EXAMPLE)
    atoms = ions_together(atoms, find_polyanions(atoms, "PS4"))
    anions = find_polyanions(atoms, "PS4")
    with (tmp_path / "crystal.pdb").open("w") as file:
        app.PDBFile.writeFile(build_topology(atoms, anions), anions.positions * unit.nanometer, file)
    with (tmp_path / "crystal.pdb").open() as file:
        again = app.PDBFile(file)
    assert [residue.name for residue in again.topology.residues()] == ["PS4"] * 2 + ["NA"] * 6
    assert [atom.name for atom in again.topology.atoms()][:5] == ["P1", "S1", "S2", "S3", "S4"]
    assert np.abs(again.getPositions(asNumpy=True)._value - anions.positions).max() < 1e-4
