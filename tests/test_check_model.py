"""`openmm-anion check-model` and `models`: good potentials pass, and each kind of mistake is found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from ase import Atoms
from ase.build import bulk
from ase.calculators.lj import LennardJones
from crystals import CRYSTAL
from torch import Tensor

from openmm_anion import InputError, models
from openmm_anion.cli import main
from openmm_anion.models.checking import CheckResult, check_model, smoothness
from openmm_anion.models.checking.dynamics import Run
from openmm_anion.models.force import Bound
from openmm_anion.models.potential import Potential

SHORT = Run(temperature=60.0, timestep=0.002, heating=100, length=100, platform="Reference")


def argon() -> Atoms:
    return bulk("Ar", "fcc", a=5.3, cubic=True).repeat(2)


def lennard_jones(*, smooth: bool) -> Potential:
    return models.from_ase(LennardJones(sigma=3.4, epsilon=0.0104, rc=6.5, ro=5.5, smooth=smooth), ["Ar"])


class Altered(Potential):
    """A potential of which something is wrong."""

    kinds = ("python",)

    def __init__(self, mistake: str) -> None:
        super().__init__({"name": mistake, "elements": ["Ar"]})
        self.mistake = mistake
        self.sound = lennard_jones(smooth=True)

    def bind(self, symbols: Sequence[str]) -> Bound:
        sound = self.sound.bind(symbols)

        def evaluate(positions: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
            energy, forces = sound(positions, box)
            if self.mistake == "scaled forces":
                forces = 1.05 * forces
            if self.mistake == "order":
                forces = forces + 5.0 * torch.linspace(0, 1, len(forces))[:, None]
            if self.mistake == "unwrapped":
                forces = forces + 5.0 * torch.sign(positions)
            if self.mistake == "direction":
                forces = forces * torch.tensor([1.0, 1.0, 1.5])
            return energy, forces

        return evaluate


def failed(results: list[CheckResult]) -> set[str]:
    return {result.name for result in results if not result.passed}


def test_a_smooth_pair_potential_passes() -> None:
    results = check_model(lennard_jones(smooth=True), argon(), run=SHORT)
    assert not failed(results), results
    found = {result.name: result.value for result in results}
    assert found["forces against energy differences"] < 1e-4
    assert found["time per step"] > 0


def test_a_pair_potential_that_is_cut_has_jumps() -> None:
    """Energies are shifted to zero at the cutoff, forces are not."""
    assert "jump of a force" in failed(check_model(lennard_jones(smooth=False), argon(), run=SHORT))


@pytest.mark.parametrize(
    ("mistake", "check"),
    [
        ("scaled forces", "forces against energy differences"),
        ("order", "other order of the atoms"),
        ("unwrapped", "other periodic images"),
        ("direction", "rotation of the whole"),
    ],
)
def test_mistakes_are_found(mistake: str, check: str) -> None:
    assert check in failed(check_model(Altered(mistake), argon(), run=SHORT))


def test_a_teacher_shows_what_the_student_gets_wrong() -> None:
    student = models.from_ase(LennardJones(sigma=3.5, epsilon=0.0104, rc=6.5, ro=5.5, smooth=True), ["Ar"])
    same = check_model(student, argon(), run=SHORT, teacher=student)
    other = check_model(student, argon(), run=SHORT, teacher=lennard_jones(smooth=True))
    assert not failed(same)
    assert "forces against the teacher" in failed(other)


def test_a_crystal_that_explodes_is_said_so() -> None:
    with pytest.raises(InputError, match=r"the crystal blows up after .* ps at 300 K with steps of 5000 fs"):
        check_model(lennard_jones(smooth=True), argon(), run=Run(timestep=5.0, platform="Reference"))


def test_the_shipped_potential_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "checks.json"
    arguments = ["check-model", "na3ps4", str(CRYSTAL), "--supercell", "2", "2", "2", "--quiet"]
    assert main([*arguments, "--temperature", "700", "--steps", "100", "--json", str(file)]) == 0
    printed = capsys.readouterr().out
    assert printed.endswith("all passed\n")
    assert all(check["passed"] for check in json.loads(file.read_text()))


def test_a_failure_is_the_exit_status(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smoothness, "ENERGY_LIMIT", 0.0)
    arguments = ["check-model", "na3ps4", str(CRYSTAL), "--supercell", "2", "2", "2", "--quiet"]
    assert main([*arguments, "--steps", "50"]) == 1
    assert "FAILED" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing", str(CRYSTAL)], "potential 'nothing' is unknown"),
        (["na3ps4", "nowhere.cif"], "structure file nowhere.cif not found"),
        (["na3ps4", str(CRYSTAL)], "use a larger supercell"),
        (["na3ps4", str(CRYSTAL), "--steps", "5"], "too few to see a drift"),
        (["na3ps4", str(CRYSTAL), "--temperature", "-5"], "must be positive"),
        (["na3ps4", str(CRYSTAL), "--json", "nowhere/checks.json"], "folder nowhere of file checks.json"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check-model", *arguments, "--quiet"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_list_of_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    printed = capsys.readouterr().out
    assert "na3ps4" in printed
    assert "meV/A" in printed
    assert "7net-0" in printed
    assert main(["models", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert {"name", "elements", "cutoff", "size", "conditions", "accuracy"} == set(entries[0])
    assert [entry["name"] for entry in entries] == [about.name for about in models.describe()]
    assert main(["models", "na3ps4"]) == 0
    assert json.loads(capsys.readouterr().out)["cutoff_nm"] == 0.52
