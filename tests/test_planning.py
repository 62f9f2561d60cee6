"""Before and during a study: init, plan, status."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path

import pytest
from synthetic_study import change_run, write_study

from openmm_anion.cli import main
from openmm_anion.comparison.progress import study_progress
from openmm_anion.comparison.study_directory import StudyDirectory
from openmm_anion.study.plan import plan_study
from openmm_anion.study.prepared import prepare_study
from openmm_anion.study.recorder import DCD_HEADER, frame_bytes
from openmm_anion.study.settings import read_settings

ROOT = Path(__file__).parents[1]
CRYSTAL = ROOT / "examples/na3ps4/na3ps4.cif"


@pytest.fixture
def template(tmp_path: Path) -> Path:
    file = tmp_path / "a study.toml"
    arguments = ["init", str(CRYSTAL), "--cation", "Na", "--anion", "PS4", "--out", str(file)]
    assert main(arguments) == 0
    return file


def test_the_template_is_a_study(template: Path) -> None:
    settings = read_settings(template)
    assert settings.structure.file == CRYSTAL.resolve()
    assert settings.potential.name == "na3ps4"
    # 6.99 A wide, and twice the 5 A or more of the potential's cutoff are needed
    assert settings.structure.supercell == (2, 2, 2)
    text = template.read_text()
    for section in ("structure", "potential", "dynamics", "output", "computer"):
        for key in type(getattr(settings, section)).model_fields:
            line = next(k for k, row in enumerate(text.splitlines()) if row.startswith(f"{key} = "))
            assert len(text.splitlines()[line - 1]) > len("# ") + 3, key


def test_the_template_replaces_nothing(template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = template.read_text()
    assert main(["init", str(CRYSTAL), "--cation", "Na", "--anion", "PS4", "--out", str(template)]) == 2
    assert "is already there" in capsys.readouterr().err
    assert template.read_text() == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--cation", "Na", "--anion", "PS4"], "STRUCTURE is missing"),
        ([str(CRYSTAL), "--anion", "PS4"], "--cation is missing"),
        ([str(CRYSTAL), "--cation", "Li", "--anion", "PS4"], "cation 'Li' is not among the elements"),
        ([str(CRYSTAL), "--cation", "Na", "--anion", "BH4"], "anion element B is not in the structure"),
        (["nowhere.cif", "--cation", "Na", "--anion", "PS4"], "nowhere.cif not found"),
    ],
)
def test_init_says_what_is_wrong(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "study.toml"
    assert main(["init", *arguments, "--out", str(out)]) == 2
    assert says in capsys.readouterr().err
    assert not out.exists()


def test_the_schema_names_every_key_with_its_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    timestep = schema["$defs"]["DynamicsSettings"]["properties"]["timestep"]
    assert timestep["description"] == "Time step, ps."
    assert timestep["exclusiveMinimum"] == 0


def test_the_plan_adds_up(template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = template.read_text().replace('["free", "T", "R", "V"]', '["free", "T"]')
    template.write_text(
        text.replace("production = 20.0", "production = 2.0").replace("[2, 2, 2]", "[2, 2, 3]")
    )
    plan = plan_study(read_settings(template), measure=0.2)
    assert (plan.n_atoms, plan.n_anions, plan.n_cations) == (192, 24, 72)
    assert (plan.equilibrations, plan.runs) == (2, 4)
    assert plan.steps == 2 * 2500 + 4 * 1000
    assert set(plan.milliseconds) == {"free", "T"}
    work = 2 * (2500 * plan.milliseconds["free"] + 1000 * sum(plan.milliseconds.values()))
    assert plan.seconds == pytest.approx(1e-3 * work / plan.workers)
    assert plan.bytes > 4 * (DCD_HEADER + 41 * frame_bytes(192))
    assert not (template.parent / "a study").exists()
    assert "steps           9,000" in str(plan)


def test_status_tells_every_run_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = write_study(tmp_path / "study", {"free": 0.04, "R": 0.004, "V": 0.0}, snapshots=2, n_frames=50)
    change_run(study, "T850K/snapshot-0/R", status="running", steps=4000, timestep_ps=0.002)
    change_run(study, "T850K/snapshot-1/R", status="running", steps=4000, timestep_ps=0.002)
    change_run(
        study,
        "T850K/snapshot-0/V",
        status="broken",
        broken=[{"time_ps": 3.2, "anion": 1, "formula": "PS4", "atom": 7, "symbol": "S", "distance_nm": 0.4}],
    )
    old = time.time() - 1e4
    for file in (study / "runs/T850K/snapshot-1/R").iterdir():
        os.utime(file, (old, old))
    for file in (study / "runs/T850K/snapshot-1/V").iterdir():
        file.unlink()
    rows = {row.name: row for row in study_progress(StudyDirectory.read(study))}
    states = {name: row.state for name, row in rows.items()}
    assert states == {
        "850 K, snapshot 0, free": "finished",
        "850 K, snapshot 0, R": "running",
        "850 K, snapshot 0, V": "broken",
        "850 K, snapshot 1, free": "finished",
        "850 K, snapshot 1, R": "interrupted",
        "850 K, snapshot 1, V": "not started",
    }
    running = rows["850 K, snapshot 0, R"]
    assert running.done_ps == pytest.approx(4.9)
    assert running.planned_ps == pytest.approx(8.0)
    assert running.kelvin == pytest.approx(850, rel=0.05)
    assert main(["status", str(study)]) == 1
    out = capsys.readouterr().out
    assert "850 K, snapshot 0, V: PS4 number 1 lost S (atom 7) at 3.2 ps" in out
    assert "2 of 6 finished" in out
    assert main(["status", str(study), "--watch", "0"]) == 2


def test_status_watches_until_all_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = write_study(tmp_path / "study", {"free": 0.04, "R": 0.004}, snapshots=1, n_frames=50)
    change_run(study, "T850K/snapshot-0/R", status="running", steps=4000, timestep_ps=0.002)
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 2:
            change_run(study, "T850K/snapshot-0/R", status="finished")

    monkeypatch.setattr(sys.modules["openmm_anion.comparison.status_command"].time, "sleep", nap)
    assert main(["status", str(study), "--watch", "7"]) == 0
    assert naps == [7.0, 7.0]


EXAMPLES = sorted((ROOT / "examples").glob("*/study.toml"))


@pytest.mark.parametrize("study", EXAMPLES, ids=[path.parent.name for path in EXAMPLES])
def test_example_studies_can_be_run(study: Path) -> None:
    """All that comes before the first step: structure, anions, potential, snapshots and modes."""
    settings = read_settings(study)
    prepared = prepare_study(settings)
    assert settings.dynamics.snapshots >= 4
    assert len(prepared.anions) == sum(prepared.atoms.symbols == "P")
    assert set(prepared.atoms.symbols) == set(prepared.potential.elements)


RECIPES = sorted((ROOT / "recipes").glob("*/*.toml"))


@pytest.mark.parametrize("file", RECIPES, ids=[f"{path.parent.name}-{path.stem}" for path in RECIPES])
def test_recipes_find_their_structures(file: Path) -> None:
    named = re.search(r'^file = "(.+)"', file.read_text(), re.MULTILINE)
    assert named is None or (file.parent / named[1]).is_file()
