"""A study that ends when D is known well enough: together, at a checkpoint, and as well after a kill."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from short_study import settings
from synthetic_study import write_study

from openmm_anion.comparison.progress import study_progress
from openmm_anion.comparison.stopping import relative_uncertainties
from openmm_anion.comparison.study import analyze_study
from openmm_anion.comparison.study_directory import StudyDirectory
from openmm_anion.comparison.table import format_table
from openmm_anion.errors import InputError
from openmm_anion.study.layout import RunKey, StudyLayout
from openmm_anion.study.schedule import run_study
from openmm_anion.study.settings import StudySettings

INFINITE = float("inf")


def test_uncertainties_are_those_of_the_table(tmp_path: Path) -> None:
    directory = write_study(tmp_path / "study", {"free": 0.08, "R": 0.05, "V": 0.0}, n_frames=161)
    found = relative_uncertainties(directory, 850.0)
    (temperature,) = analyze_study(directory).temperatures
    for mode in temperature.modes[:2]:
        d = mode.D_A2_per_ps
        assert d is not None
        assert d.value is not None
        assert found[mode.mode] == pytest.approx(0.5 * (d.high_68 - d.low_68) / d.value)
    assert found["V"] == INFINITE
    record = StudyLayout(directory).run(RunKey(850.0, 1, "V")) / "run.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"status": "failed"}))
    assert set(relative_uncertainties(directory, 850.0)) == {"free", "R"}


def test_runs_too_short_to_tell(tmp_path: Path) -> None:
    directory = write_study(tmp_path / "study", {"free": 0.04}, n_frames=30)
    assert relative_uncertainties(directory, 850.0) == {"free": INFINITE}


def test_one_snapshot_has_no_target() -> None:
    with pytest.raises(InputError, match="needs two snapshots or more"):
        settings(target_uncertainty=0.2)


def asked() -> StudySettings:
    """Two free runs; looks at 0.04, 0.08 and 0.12 ps."""
    return settings(
        modes=["free"], snapshots=2, target_uncertainty=0.2, least_production=0.04, equilibration=0.02
    )


class LooksError(Exception):
    """Stands for the end of the process."""


def script(monkeypatch: pytest.MonkeyPatch, *answers: float) -> list[int]:
    """Let the looks at a study answer so, and return what they saw: frames of the shortest run."""
    seen: list[int] = []
    left = list(answers)

    def answer(root: Path, temperature: float) -> dict[str, float]:
        runs = StudyDirectory.read(root).runs
        seen.append(min(len(run.thermodynamics()["time_ps"]) for run in runs))
        assert {run.record.status for run in runs} == {"waiting"}
        if not left:
            raise LooksError
        return {"free": left.pop(0)}

    monkeypatch.setattr(sys.modules["openmm_anion.study.schedule"], "relative_uncertainties", answer)
    return seen


def lengths(root: Path) -> list[Any]:
    return [
        (run.record.status, len(run.thermodynamics()["time_ps"])) for run in StudyDirectory.read(root).runs
    ]


def test_all_runs_end_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed at the second look, and then on: the same as if nothing had been."""
    seen = script(monkeypatch, 0.9)
    with pytest.raises(LooksError):
        run_study(asked(), tmp_path, quiet=True)
    assert seen == [3, 5]
    assert lengths(tmp_path) == [("waiting", 5)] * 2
    assert [row.state for row in study_progress(StudyDirectory.read(tmp_path))] == ["waiting"] * 2
    # One run had not come so far yet.
    record = StudyLayout(tmp_path).run(RunKey(850.0, 1, "free")) / "run.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"status": "running"}))
    seen = script(monkeypatch, 0.1)
    assert set(run_study(asked(), tmp_path, quiet=True).statuses.values()) == {"finished"}
    assert seen == [5]
    assert lengths(tmp_path) == [("finished", 5)] * 2
    rows = np.loadtxt(record.with_name("thermodynamics.csv"), delimiter=",", skiprows=1)
    np.testing.assert_allclose(rows[:, 0], 0.02 * np.arange(5))
    table = format_table(analyze_study(tmp_path))
    assert "all runs ended at 0.08 ps of 0.12 ps, where D of every mode was known to 20 %" in table
    seen = script(monkeypatch)
    assert not run_study(asked(), tmp_path, quiet=True).troubled
    assert seen == []


@pytest.mark.slow
def test_without_enough_all_of_it_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = script(monkeypatch, INFINITE, INFINITE)
    outcome = run_study(asked(), tmp_path, quiet=True)
    assert set(outcome.statuses.values()) == {"finished"}
    assert seen == [3, 5]
    assert lengths(tmp_path) == [("finished", 7)] * 2
