"""`openmm-anion distill`: from a crystal and a teacher to a model with its card, and on after a kill."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from crystals import CRYSTAL
from study_files import DISTILLATION

from openmm_anion import InputError, models
from openmm_anion.cli import main
from openmm_anion.distillation import distill, read_distill_settings
from openmm_anion.distillation.explore import conditions, teacher_frames, test_conditions
from openmm_anion.distillation.frames import read_frames, write_frames
from openmm_anion.distillation.labelling import label, whole_frames
from openmm_anion.distillation.picking import pick
from openmm_anion.models.accuracy import accuracy
from openmm_anion.models.committee import Committee
from openmm_anion.occupancy import SiteChoice
from openmm_anion.processes import exclusive
from openmm_anion.structure import read_structure
from openmm_anion.units import ANGSTROM

test_conditions.__test__ = False  # type: ignore[attr-defined]  # the function is no test

pytestmark = pytest.mark.timeout(900)  # six trainings, each in a process that imports torch first


def settings_file(folder: Path, old: str = "", new: str = "") -> Path:
    assert old in DISTILLATION
    path = folder / "distill.toml"
    path.write_text(DISTILLATION.replace(old, new) if old else DISTILLATION)
    return path


@pytest.fixture(scope="module")
def distilled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("distillation")
    assert main(["distill", str(settings_file(folder)), "--out", str(folder / "out"), "--quiet"]) == 0
    return folder / "out"


def test_model_with_its_card(distilled: Path) -> None:
    potential = models.load(distilled / "pupil.pt")
    assert potential.elements == ["Na", "P", "S"]
    assert potential.card["labels"] == "na3ps4"
    held_out = potential.card["errors"]["held-out"]
    tests = read_frames(distilled / "final" / "held-out.extxyz")
    found = accuracy(potential, tests)
    assert held_out["frames"] == len(tests) == 8
    assert held_out["force_rmse_percent"] == pytest.approx(found.force_rmse_percent, rel=1e-4)
    assert 5 < held_out["force_rmse_percent"] < 95  # learned something, in three passes
    assert set(held_out["elements"]) == {"Na", "P", "S"}
    assert [outcome["number"] for outcome in potential.card["rounds"]] == [1, 2]
    assert potential.card["rounds"][1]["trained_on"] > potential.card["rounds"][0]["trained_on"]
    page = (distilled / "pupil.md").read_text()
    assert f"{held_out['force_rmse_percent']:.1f} % of the RMS force" in page
    assert (distilled / "pupil.png").stat().st_size > 10_000


def test_labels_are_the_teacher_s(distilled: Path) -> None:
    teacher = models.load("na3ps4")
    for name in ("round-0/start.extxyz", "round-1/picked.extxyz", "final/held-out.extxyz"):
        assert accuracy(teacher, read_frames(distilled / name)).force_rmse_percent < 0.01


def test_frames_come_from_every_condition(distilled: Path) -> None:
    runs = {atoms.info["run"] for atoms in read_frames(distilled / "round-2" / "picked.extxyz")}
    assert len(runs) > 1
    tested = {atoms.info["run"] for atoms in read_frames(distilled / "round-2" / "held-out.extxyz")}
    assert tested == {"700K+0free", "700K+0V"}


def test_frozen_shapes_are_frozen_while_exploring(distilled: Path) -> None:
    frames = read_frames(distilled / "round-2" / "exploring-700K+0V.extxyz")
    assert len(frames) == 10
    lengths = np.array([atoms.get_distances(0, [1, 2, 3, 4], mic=True) for atoms in frames])
    assert np.ptp(lengths[:5], axis=0).max() > 1e-2
    assert np.ptp(lengths[5:], axis=0).max() < 1e-6


def test_goes_on_where_it_was_interrupted(
    distilled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last stages lost, labels cut within a frame, then a full disk: the same model in the end."""
    shutil.copytree(distilled, tmp_path / "out")
    again = tmp_path / "out"
    tests = (again / "final" / "held-out.extxyz").read_text()
    final = again / "final"
    for path in [*again.glob("pupil.*"), final / "member-1.pt", final / "held-out.extxyz"]:
        path.unlink()
    (again / "final" / "held-out.extxyz.unfinished").write_text(tests[: len(tests) // 2])
    file = settings_file(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as faults:
        faults.setattr("openmm_anion.distillation.labelling.ase.io.write", full)
        assert main(["distill", str(file), "--out", str(again), "--quiet"]) == 2
        faults.setattr("openmm_anion.atomic_file.os.fsync", full)
        assert main(["distill", str(file), "--out", str(again), "--quiet"]) == 2
    assert capsys.readouterr().err.splitlines() == 2 * ["openmm-anion: No space left on device"]
    assert len(whole_frames(again / "final" / "held-out.extxyz.unfinished")) == 3  # of four, one is a part
    card = distill(read_distill_settings(file), again, quiet=True)
    expected = models.load(distilled / "pupil.pt").card
    assert card["errors"] == expected["errors"]
    assert (again / "final" / "held-out.extxyz").read_text() == tests


def test_another_distillation_is_not_mixed_in(
    distilled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = settings_file(tmp_path, "seed = 3", "seed = 4")
    assert main(["distill", str(other), "--out", str(distilled), "--quiet"]) == 2
    error = capsys.readouterr().err
    assert "holds a distillation with another seed" in error
    assert error.count("\n") == 1


def test_a_directory_in_use_is_refused(distilled: Path, tmp_path: Path) -> None:
    settings = read_distill_settings(settings_file(tmp_path))
    with exclusive(distilled / "distillation.lock"), pytest.raises(InputError, match="in use by another"):
        distill(settings, distilled, quiet=True)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[teacher]", "[teecher]", "unknown key 'teecher'"),
        ('modes = ["free", "V"]', 'modes = ["Q"]', "'Q'"),
        ("strains = [0.0, 0.01]", "strains = [2.0]", "relative changes"),
        ("hidden = [16]", "hiden = [16]", "unknown key 'hiden'"),
        ('anion = "PS4"', 'anion = "BH4"', "anion element B is not"),
        ('name = "na3ps4"', 'name = "na3ps5"', "did you mean 'na3ps4'"),
        ("committee = 2", "committee = 1", "rounds.committee = 1"),
        ("supercell = [2, 2, 2]", "supercell = [1, 1, 1]", "use a larger supercell"),
        ("supercell = [2, 2, 2]", "supercell = 2", "give three whole numbers"),
        ("hidden = [16]", "hidden = [16]\nradial_cutoff = 7.5", "the cell is 13.98 A wide at a strain of 0"),
        ('name = "pupil"', 'name = "my/pupil"', "name = 'my/pupil'"),
    ],
)
def test_bad_input_is_one_line(
    tmp_path: Path, old: str, new: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = settings_file(tmp_path, old, new)
    assert main(["distill", str(file), "--out", str(tmp_path / "out"), "--quiet"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_file_in_the_place_of_the_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = settings_file(tmp_path)
    assert main(["distill", str(file), "--out", str(file), "--quiet"]) == 2
    error = capsys.readouterr().err
    assert "cannot be made: File exists" in error
    assert error.count("\n") == 1


def test_no_seed_of_a_test_run_is_trained_on(tmp_path: Path) -> None:
    settings = read_distill_settings(settings_file(tmp_path))
    seeds = [c.seed for number in range(1, 5) for c in conditions(settings, number)]
    tests = [c.seed for number in range(1, 5) for c in test_conditions(settings, number)]
    assert len(set(seeds + tests)) == len(seeds) + len(tests)


@pytest.mark.parametrize("strains", ["[0.0]", "[0.0, 0.01]"])
def test_no_first_frame_stands_twice(tmp_path: Path, strains: str) -> None:
    """Without a strain there is no strained copy, which would be the frame itself."""
    settings = read_distill_settings(settings_file(tmp_path, "[0.0, 0.01]", strains))
    frames = teacher_frames(models.load("na3ps4"), read_structure(CRYSTAL, (2, 2, 2)), settings)
    assert len(frames) == settings.rounds.start
    assert len({(atoms.positions.tobytes(), atoms.cell.array.tobytes()) for atoms in frames}) == len(frames)


def test_no_run_takes_all_picks() -> None:
    frames = [
        Atoms("H", info={"run": run, "time_ps": 0.1 * k, "spread": weight + k})
        for run, weight in (("a", 100.0), ("b", 0.0))
        for k in range(20)
    ]
    picked = [atoms.info["run"] for atoms in pick(frames, 8)]
    assert picked.count("a") == 8  # twice its share of four
    assert [atoms.info["run"] for atoms in pick(frames, 12)].count("a") == 12
    assert len(pick(frames, 100)) == 40


def test_unlabelled_frames_survive_files(tmp_path: Path) -> None:
    atoms = read_structure(CRYSTAL, (2, 2, 2))
    write_frames(tmp_path / "empty.extxyz", [])
    assert read_frames(tmp_path / "empty.extxyz") == []
    labelled = label([atoms], models.load("na3ps4"), tmp_path / "one.extxyz", quiet=True)
    again = read_frames(tmp_path / "one.extxyz")
    assert np.abs(again[0].get_forces() - labelled[0].get_forces()).max() < 1e-6
    assert label([], models.load("na3ps4"), tmp_path / "none.extxyz", quiet=True) == []


def test_only_whole_frames_are_kept(tmp_path: Path) -> None:
    """Cut within a number, within a frame, between two."""
    atoms = read_structure(CRYSTAL, (1, 1, 1))
    file, cut = tmp_path / "frames.extxyz", tmp_path / "cut.extxyz"
    write_frames(file, [atoms] * 4)
    text = file.read_text()
    frame = len(text) // 4
    for length, kept in ((0, 0), (2, 0), (frame - 1, 0), (frame, 1), (3 * frame - 4, 2), (4 * frame, 4)):
        cut.write_text(text[:length])
        assert len(whole_frames(cut)) == kept


def test_spread_of_a_committee(distilled: Path) -> None:
    files = [distilled / "final" / f"member-{k}.pt" for k in range(2)]
    committee = Committee.load(files)
    atoms = read_frames(distilled / "final" / "held-out.extxyz")[0]
    positions, box = atoms.positions * ANGSTROM, atoms.cell.array * ANGSTROM
    spread = committee.bind(list(atoms.symbols))(positions, box)
    first, second = (models.load(file) for file in files)
    forces = [accuracy(one, [atoms]).predicted_forces for one in (first, second)]
    expected = np.sqrt((((forces[0] - forces[1]) / 2) ** 2).mean(axis=1))
    assert np.allclose(spread, expected, rtol=1e-4)
    with pytest.raises(InputError, match="cannot disagree"):
        Committee([first])


def test_settings_are_kept_with_the_result(distilled: Path) -> None:
    card = models.load(distilled / "pupil.pt").card
    assert card["distillation"] == json.loads((distilled / "distillation.json").read_text())
    assert card["distillation"]["structure"]["file"] == CRYSTAL.name


def test_a_disordered_crystal_is_ordered_as_in_a_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The crystal that a study with the same seed has; stopped before the first frame."""
    lattice = read_structure(CRYSTAL)
    path = tmp_path / "half.cif"
    sites = "\n".join(
        f"{atom.symbol} {' '.join(f'{x:.6f}' for x in atom.scaled_position)} {0.5 if atom.index == 0 else 1}"
        for atom in lattice
    )
    edge = lattice.cell.lengths()[0]
    path.write_text(
        f"data_half\n_cell_length_a {edge}\n_cell_length_b {edge}\n_cell_length_c {edge}\n"
        "_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\n"
        "_symmetry_space_group_name_H-M 'P 1'\nloop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n"
        "loop_\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
        f"_atom_site_occupancy\n{sites}\n"
    )
    seen: list[Atoms] = []

    class EnoughError(Exception):
        pass

    def stop(teacher: object, symbols: list[str], positions: object, box: object) -> None:
        seen.append(Atoms(symbols, positions=np.asarray(positions) / ANGSTROM))
        raise EnoughError

    monkeypatch.setattr("openmm_anion.distillation.rounds.probe_crystal", stop)
    changed = settings_file(tmp_path, f'file = "{CRYSTAL}"', f'file = "{path}"\noccupancy_seed = 4')
    with pytest.raises(EnoughError):
        distill(read_distill_settings(changed), tmp_path / "out", quiet=True)
    expected = read_structure(path, (2, 2, 2), SiteChoice(4))
    assert len(expected) == len(lattice) * 8 - 4
    seen[0].set_cell(expected.cell)
    found, there = (
        sorted((atom.symbol, *np.round(atom.scaled_position, 4) % 1) for atom in atoms)
        for atoms in (seen[0], expected)
    )
    assert found == there
