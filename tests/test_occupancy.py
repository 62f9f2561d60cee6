"""Disordered crystals: partly occupied sites filled by number, apart from one another, and by seed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from crystals import CRYSTAL
from short_study import settings

from openmm_anion.anions import find_polyanions
from openmm_anion.cli import main
from openmm_anion.errors import InputError
from openmm_anion.occupancy import SiteChoice
from openmm_anion.structure import read_structure
from openmm_anion.study.prepared import prepare_study
from openmm_anion.study.settings import StudySettings, read_settings

HEAD = """data_disordered
_cell_length_a 7.0
_cell_length_b 7.0
_cell_length_c 7.0
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_symmetry_equiv_pos_as_xyz
'x,y,z'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
"""
PS4 = """P1 P 0 0 0 1
S1 S 0.1691 0.1691 0.1691 1
S2 S 0.1691 0.8309 0.8309 1
S3 S 0.8309 0.1691 0.8309 1
S4 S 0.8309 0.8309 0.1691 1
"""
MIXED = """X1 Br 0.5 0.5 0.5 0.5
X2 Cl 0.5 0.5 0.5 0.5
"""
SPLIT = """Na1 Na 0.5 0.5 0.05 0.6
Na2 Na 0.5 0.5 0.95 0.4
"""


def cif(folder: Path, *lines: str) -> Path:
    path = folder / "disordered.cif"
    path.write_text(HEAD + "".join(lines))
    return path


def composition(atoms: Atoms) -> Counter[str]:
    return Counter(atoms.get_chemical_symbols())


def test_numbers_are_those_of_the_occupancies(tmp_path: Path) -> None:
    """Mixed, split and full sites, in any order in the file."""
    path = cif(tmp_path, MIXED, PS4, SPLIT, "Na3 Na 0.5 0.05 0.5 0.75\n")
    for seed in range(3):
        atoms = read_structure(path, (2, 2, 2), SiteChoice(seed))
        # 0.6 and 0.4 of 8 are no whole numbers; both are rounded, and their sum is not.
        assert composition(atoms) == {"P": 8, "S": 32, "Br": 4, "Cl": 4, "Na": 8 + 6}
        assert len(find_polyanions(atoms, "PS4")) == 8
    (note,) = atoms.info["notes"]
    assert "4 Br and 4 Cl on 8 sites" in note
    assert "5 Na (rounded from 4.8) on 8 sites; 3 Na (rounded from 3.2) on 8 sites; 6 Na on 8 sites" in note


def test_close_sites_are_not_taken_both(tmp_path: Path) -> None:
    """Sites 0.7 A apart: each pair holds one; without the rule some would hold two."""
    path = cif(tmp_path, PS4, SPLIT)
    atoms = read_structure(path, (2, 2, 2), SiteChoice(5))
    sodium = atoms[atoms.numbers == 11]
    distances = sodium.get_all_distances(mic=True) + 9 * np.eye(len(sodium))
    assert distances.min() > 5.5
    assert len(sodium) == 8
    crowded = read_structure(path, (2, 2, 2), SiteChoice(5, closest=0.1))
    assert crowded.get_all_distances(mic=True)[np.triu_indices(len(crowded), 1)].min() < 0.8


def test_disordered_anions_come_out_whole(tmp_path: Path) -> None:
    """BH4 on the eight corners of a cube, half occupied: every boron gets a tetrahedron."""
    h = 0.687 / 7.0
    corners = [(x, y, z) for x in (h, -h) for y in (h, -h) for z in (h, -h)]
    hydrogen = "".join(
        f"H{k} H {x % 1:.6f} {y % 1:.6f} {z % 1:.6f} 0.5\n" for k, (x, y, z) in enumerate(corners)
    )
    path = cif(tmp_path, "B1 B 0 0 0 1\nNa1 Na 0.5 0.5 0.5 1\n", hydrogen)
    atoms = read_structure(path, (2, 2, 2), SiteChoice(2))
    anions = find_polyanions(atoms, "BH4")
    assert len(anions) == 8
    turned = {tuple(np.sign(anion.positions[1] - anion.positions[0])) for anion in anions}
    assert len(turned) > 1


def test_the_seed_decides(tmp_path: Path) -> None:
    path = cif(tmp_path, PS4, "Na1 Na 0.5 0.5 0 0.5\nNa2 Na 0.5 0 0.5 0.5\n")
    one, again, other = (read_structure(path, (2, 2, 2), SiteChoice(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.positions, again.positions)
    assert np.abs(one.positions - other.positions).max() > 1.0


def test_nothing_is_chosen_in_an_ordered_crystal() -> None:
    plain, chosen = read_structure(CRYSTAL, (2, 2, 2)), read_structure(CRYSTAL, (2, 2, 2), SiteChoice(7))
    np.testing.assert_array_equal(plain.positions, chosen.positions)
    assert chosen.info["notes"] == []


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("Na1 Na 0.5 0.5 0 0.7\nLi1 Li 0.5 0.5 0 0.7\n", "add up to 1.4"),
        ("Na1 Na 0.5 0.5 0.05 0.9\nNa2 Na 0.5 0.5 0.95 0.9\n", "no choice of the partly occupied sites"),
    ],
)
def test_what_cannot_be_chosen_is_refused(tmp_path: Path, lines: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_structure(cif(tmp_path, PS4, lines), (2, 2, 2), SiteChoice())


def with_structure(**keys: object) -> StudySettings:
    asked = settings()
    return asked.model_copy(update={"structure": asked.structure.model_copy(update=keys)})


def test_vacancies(tmp_path: Path) -> None:
    study = prepare_study(with_structure(vacancies=3))
    assert len(study.cations) == 45
    assert len(study.atoms) == 125
    assert len(study.anions) == 16
    assert "3 of 48 Na taken out" in study.notes[0]
    assert study.record()["notes"] == study.notes
    same, other = (prepare_study(with_structure(vacancies=3, occupancy_seed=seed)) for seed in (1, 2))
    np.testing.assert_array_equal(same.atoms.positions, study.atoms.positions)
    assert np.abs(other.atoms.positions - study.atoms.positions).max() > 1.0
    with pytest.raises(InputError, match="vacancies = 48, but there are 48 Na"):
        prepare_study(with_structure(vacancies=48))


def test_a_template_for_a_disordered_crystal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = cif(tmp_path, PS4, "Na1 Na 0.5 0.5 0 0.75\nNa2 Na 0.5 0 0.5 1\n"), tmp_path / "study.toml"
    assert main(["init", str(path), "--cation", "Na", "--anion", "PS4", "--out", str(out)]) == 0
    study = prepare_study(read_settings(out))
    assert len(study.cations) == 6 + 8
    assert f"{len(study.atoms)} atoms" in out.read_text()
