"""What the tests of bad input share: a folder of good files, ways to spoil them, and the line that must come.

Each case is a command, what is done to the folder before it, and words that its line must hold. The folder
has a crystal, a study, a distillation, labelled data, a recipe, a trained model, the results of a small study
and a trajectory of somebody's.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import ase.io
import pytest
import torch
from crystals import CRYSTAL, labelled
from study_files import DISTILLATION, STUDY
from synthetic_study import write_study
from torch import Tensor

from openmm_anion import models
from openmm_anion.cli import main

Preparation = Callable[[Path], object]
Case = tuple[str, Preparation, list[str]]

RUN = "run study.toml --quiet --out out"
FREE = "results/runs/T850K/snapshot-0/free"
RECIPE = 'name = "toy"\n[ani]\nelements = ["Na", "P", "S"]\nhidden = [8]\n[training]\nepochs = 1\n'


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """Run the command, expect status 2 and one line, and return that line."""
    try:
        status: object = main([str(argument) for argument in arguments])
    except SystemExit as stop:
        status = stop.code
    captured = capsys.readouterr()
    assert status == 2, captured.err
    assert captured.err.startswith("openmm-anion")
    assert captured.err.count("\n") == 1, captured.err
    return captured.err.rstrip()


def write_good_files(folder: Path) -> None:
    shutil.copy(CRYSTAL, folder / "crystal.cif")
    (folder / "study.toml").write_text(STUDY)
    (folder / "distill.toml").write_text(DISTILLATION.replace(str(CRYSTAL), "crystal.cif"))
    (folder / "recipe.toml").write_text(RECIPE)
    ase.io.write(folder / "data.extxyz", labelled(12))
    frames = labelled(4)
    for atoms in frames:
        atoms.calc = None
    ase.io.write(folder / "run.extxyz", frames)
    shutil.copy(models.SHIPPED / "na3ps4.pt", folder / "mine.pt")
    write_study(folder / "results", {"free": 0.04, "T": 0.03}, snapshots=1, n_frames=50)
    shutil.copy(folder / FREE / "trajectory.dcd", folder / "run.dcd")


def nothing(folder: Path) -> None:
    """The command itself is bad."""


def text(name: str, content: str | bytes) -> Preparation:
    def write(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return write


def change(name: str, old: str, new: str) -> Preparation:
    def edit(folder: Path) -> None:
        content = (folder / name).read_text()
        assert old in content
        (folder / name).write_text(content.replace(old, new))

    return edit


def study(old: str, new: str) -> Preparation:
    return change("study.toml", old, new)


def cut(name: str, size: int) -> Preparation:
    """Keep the first bytes of a file; beyond its end are zeros, which take no room on the disk."""

    def truncate(folder: Path) -> None:
        (folder / name).touch()
        os.truncate(folder / name, size)

    return truncate


def directory(name: str) -> Preparation:
    """A directory where a file is expected."""

    def make(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).mkdir(parents=True)

    return make


class Short(torch.nn.Module):
    """One force for all atoms."""

    def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        return positions.sum(), positions[:1]


def module(kind: type[torch.nn.Module]) -> Preparation:
    def write(folder: Path) -> None:
        card = {"name": "mine", "elements": ["Na", "P", "S"], "cutoff_nm": 0.5}
        file = str(folder / "mine.pt")
        torch.jit.save(torch.jit.script(kind()), file, _extra_files={"card.json": json.dumps(card)})
        study('name = "na3ps4"', 'name = "mine.pt"')(folder)

    return write


def one_line_test(cases: list[Case]) -> Callable[..., None]:
    """A test of every case: it ends in one line that holds its words, and leaves nothing behind."""

    @pytest.mark.parametrize(("command", "prepare", "words"), cases)
    def test_one_line(
        command: str,
        prepare: Preparation,
        words: list[str],
        folder: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        prepare(folder)
        line = complaint(capsys, *shlex.split(command))
        for word in words:
            assert word in line
        assert len(line) < 500
        assert not (folder / "executed").exists()
        assert not list(folder.rglob("*.part"))

    return test_one_line
