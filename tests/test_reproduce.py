"""Any run of a study can be made again from its directory alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from crystals import CRYSTAL
from study_files import write_study

from openmm_anion import models
from openmm_anion.cli import main
from openmm_anion.study.reproduce import compare


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with a potential that is a file, of which nothing is left but the results."""
    folder = tmp_path_factory.mktemp("reproduce")
    shipped = Path(models.__file__).parent / "shipped" / "na3ps4.pt"
    shutil.copy(shipped, folder / "mine.pt")
    study = write_study(
        folder,
        ('name = "na3ps4"', 'name = "mine.pt"'),
        ("production = 0.1", "production = 0.06\n[output]\nframe_interval = 0.01\n[computer]\nworkers = 2"),
    )
    assert main(["run", str(study), "--out", str(folder / "results"), "--quiet"]) == 0
    moved = folder / "elsewhere"
    (folder / "results").rename(moved)
    for file in (study, folder / "mine.pt", folder / "crystal.cif"):
        file.unlink()
    return moved


def test_the_same_bit_for_bit(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = results / "runs/T850K/snapshot-0/T"
    assert main(["reproduce", str(run), "--out", str(tmp_path / "again"), "--quiet"]) == 0
    assert "all 7 frames are the same, bit for bit" in capsys.readouterr().out


def test_differences_are_found(results: Path, tmp_path: Path) -> None:
    run = results / "runs/T850K/snapshot-0/T/trajectory.dcd"
    content = bytearray(run.read_bytes())
    content[-4 - 4 * 128] ^= 1  # a bit of z of the first atom in the last frame
    other = tmp_path / "other.dcd"
    other.write_bytes(content)
    found = compare(run, other, {"numpy": ("1", "2")})
    assert found.first == 6
    assert 0.0 < found.largest < np.inf
    assert "the same until frame 6 of 7" in str(found)
    assert "other versions: numpy 1 then, 2 now" in str(found)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda d: (d / "inputs/crystal.cif").unlink(), "crystal.cif is gone"),
        (lambda d: (d / "inputs/crystal.cif").write_text(CRYSTAL.read_text() + "#"), "is not the structure"),
        (lambda d: (d / "runs/T850K/snapshot-0/T/run.json").unlink(), "is no run of a study"),
        (lambda d: (d / "runs/T850K/snapshot-0/snapshot.npz").unlink(), "snapshot.npz is gone"),
        (lambda d: (d / "study.json").unlink(), "is not a study directory"),
        (lambda d: (d / "again").mkdir(), "is already there"),
        (lambda d: _without_computer(d / "runs/T850K/snapshot-0/T/run.json"), "run.json lacks 'computer'"),
        (
            lambda d: (d / "study.json").write_text(
                json.dumps(_other_potential(json.loads((d / "study.json").read_text())))
            ),
            "is not the one that the study was made with",
        ),
    ],
)
def test_what_is_not_as_it_was(results, tmp_path, capsys, spoil, says: str) -> None:  # type: ignore[no-untyped-def]
    copy = Path(shutil.copytree(results, tmp_path / "copy"))
    spoil(copy)
    run = copy / "runs/T850K/snapshot-0/T"
    assert main(["reproduce", str(run), "--out", str(copy / "again"), "--quiet"]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def _without_computer(file: Path) -> None:
    content = json.loads(file.read_text())
    del content["computer"]
    file.write_text(json.dumps(content))


def _other_potential(content: dict) -> dict:  # type: ignore[type-arg]
    content["potential"]["sha256"] = "0" * 64
    return content
