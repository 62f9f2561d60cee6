"""Bad input to the command line: one clear line on the error stream, exit status 2, no traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import read, write
from bad_input import complaint
from crystals import CRYSTAL
from study_files import write_study


def crystal_atoms() -> Atoms:
    atoms = read(CRYSTAL)
    assert isinstance(atoms, Atoms)
    return atoms


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('file = "crystal.cif"', 'file = "nowhere.cif"'), ["nowhere.cif", "not found"]),
        (
            ('modes = ["free", "T"]', 'modes = ["X"]'),
            ["unknown mode letter 'X'", "dynamics.modes", "T (translation)"],
        ),
        (('modes = ["free", "T"]', 'modes = ["TT"]'), ["'T' stands twice"]),
        (('anion = "PS4"', 'anion = "PS3"'), ["no isolated PS3", "16 x PS4"]),
        (('anion = "PS4"', 'anion = "BH4"'), ["anion element B is not in the structure", "Na, P, S"]),
        (('anion = "PS4"', 'anion = ["PS4", "S4P"]'), ["claim the same atoms"]),
        (('cation = "Na"', 'cation = "na"'), ["cation 'na'", "did you mean 'Na'?"]),
        (('cation = "Na"', 'cation = "P"'), ["cation 'P'", "outside of the anions"]),
        (("temperatures = 850", "temperatures = -5"), ["dynamics.temperatures", "-5", "greater than 0"]),
        (("temperatures = 850", "temperatures = nan"), ["dynamics.temperatures", "nan"]),
        (("temperatures = 850", "temperatures = []"), ["dynamics.temperatures", "at least 1"]),
        (("temperatures = 850", 'temperatures = "hot"'), ["dynamics.temperatures", "'hot'", "number"]),
        (
            ("temperatures = 850", "temperature = 850"),
            ["unknown key 'dynamics.temperature'", "'temperatures'"],
        ),
        (("[potential]", "[potentail]"), ["unknown key 'potentail'", "did you mean 'potential'?"]),
        (('cation = "Na"\n', ""), ["'structure.cation' is missing"]),
        (("supercell = [2, 2, 2]", "supercell = [1, 1, 1]"), ["cell is 0.699 nm wide", "larger supercell"]),
        (("supercell = [2, 2, 2]", "supercell = [2, 2, 0]"), ["supercell [2, 2, 0]", "positive"]),
        (("supercell = [2, 2, 2]", "supercell = [2, 2]"), ["structure.supercell", "three whole numbers"]),
        (("temperatures = 850", "temperatures = [850, 850.0]"), ["850 K stands twice"]),
        (("equilibration = 0.01", "equilibration = 0.0001"), ["dynamics.equilibration", "whole multiple"]),
        (('name = "na3ps4"', 'name = "na3ps5"'), ["potential 'na3ps5' is unknown", "did you mean 'na3ps4'?"]),
        (('name = "na3ps4"', 'name = "other.pt"'), ["other.pt", "not found"]),
        (("timestep = 0.002", "timestep = 0"), ["dynamics.timestep", "greater than 0"]),
        (
            ("production = 0.1", "production = 0.1\n[output]\nframe_interval = 0.011"),
            ["output.frame_interval = 0.011", "whole multiple", "0.002"],
        ),
        (("production = 0.1", "production = 0.12"), ["dynamics.production = 0.12", "whole multiple"]),
        (("snapshots = 1", "snapshots = 0"), ["dynamics.snapshots", "greater than or equal to 1"]),
        (("snapshots = 1", "snapshots = "), ["no valid TOML", "line"]),
        (
            ("[dynamics]", '[computer]\nplatform = "cuda"\n[dynamics]'),
            ["computer.platform", "'cuda'", "'CUDA'"],
        ),
        (
            ("snapshots = 1", 'rotation = "swirl"'),
            ["dynamics.rotation", "'swirl'", "known: eckart, angular-momentum"],
        ),
        (("snapshots = 1", "seed = -1"), ["dynamics.seed"]),
    ],
)
def test_study_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], words: list[str]
) -> None:
    line = complaint(capsys, "run", write_study(tmp_path, change), "--out", tmp_path / "out")
    for word in words:
        assert word in line
    assert not (tmp_path / "out").exists()


def test_missing_and_unreadable_study_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "not found" in complaint(capsys, "run", tmp_path / "none.toml")
    assert "cannot be read" in complaint(capsys, "run", tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8" in complaint(capsys, "run", tmp_path / "binary.toml")


def test_structure_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crystal = tmp_path / "crystal.cif"
    crystal.write_text("this is no crystal")
    assert "cannot be read by ASE" in complaint(capsys, "run", write_study(tmp_path))

    atoms = crystal_atoms()
    atoms.positions[3, 1] = np.nan
    write(tmp_path / "nan.extxyz", atoms)
    change = ('file = "crystal.cif"', 'file = "nan.extxyz"')
    assert "atom 3 in" in complaint(capsys, "run", write_study(tmp_path, change))

    atoms = crystal_atoms()
    atoms.symbols[0] = "K"
    write(tmp_path / "foreign.extxyz", atoms)
    change = ('file = "crystal.cif"', 'file = "foreign.extxyz"')
    line = complaint(capsys, "run", write_study(tmp_path, change))
    assert "potential 'na3ps4' does not know element K" in line

    atoms = crystal_atoms()
    atoms.pbc = False
    atoms.cell = None
    write(tmp_path / "molecule.extxyz", atoms)
    change = ('file = "crystal.cif"', 'file = "molecule.extxyz"')
    assert "no periodic cell" in complaint(capsys, "run", write_study(tmp_path, change))


def test_results_directory_that_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").write_text("")
    assert "cannot be made" in complaint(capsys, "run", write_study(tmp_path), "--out", tmp_path / "out")


def test_platform_that_does_not_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openmm_anion.study.platform.problem_with", lambda platform: f"no {platform} device")
    change = ("[dynamics]", '[computer]\nplatform = "CUDA"\n[dynamics]')
    line = complaint(capsys, "run", write_study(tmp_path, change))
    assert "platform CUDA does not work here: no CUDA device" in line


def test_report_of_what_is_no_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no directory" in complaint(capsys, "report", tmp_path / "none")
    assert "not a study directory" in complaint(capsys, "report", tmp_path)


def test_words_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert "COMMAND" in complaint(capsys)
    assert "invalid choice: 'rum'" in complaint(capsys, "rum")
    assert "STUDY.toml" in complaint(capsys, "run")
    assert "--quit" in complaint(capsys, "run", "study.toml", "--quit")


def test_installed_command_prints_one_line() -> None:
    """The same through a real process, so that no warning of a library slips in."""
    command = [sys.executable, "-m", "openmm_anion.cli", "run", "nowhere.toml"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "openmm-anion: study file nowhere.toml not found\n"
