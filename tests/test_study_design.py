"""What a study is made of: definitions of rotation, repeats with other seeds."""

from __future__ import annotations

import json
from pathlib import Path

import MDAnalysis
import numpy as np
import pytest
from short_study import settings
from synthetic_study import write_study

from openmm_anion.cli import main
from openmm_anion.comparison.functions import StudyFunctions
from openmm_anion.comparison.posterior import combine_runs
from openmm_anion.comparison.progress import study_progress
from openmm_anion.comparison.study import analyze_study
from openmm_anion.comparison.study_directory import StudyDirectory
from openmm_anion.comparison.table import format_table
from openmm_anion.report.page import render
from openmm_anion.study.layout import RunKey, StudyLayout
from openmm_anion.study.schedule import run_seed, run_study

BOTH = ["eckart", "angular-momentum"]


def test_modes_are_doubled_where_the_definition_of_rotation_matters() -> None:
    asked = settings(rotation=BOTH, modes=["T", "R", "V", "RV", "TR"], seeds=2).dynamics
    names = ("free", "T", "R", "R-angular-momentum", "V", "RV", "TR", "TR-angular-momentum")
    assert asked.mode_names == names
    assert asked.runs_per_snapshot == 16
    assert asked.frozen_motions("TR-angular-momentum") == ("TR", "angular-momentum")
    assert asked.frozen_motions("TR") == ("TR", "eckart")


def test_a_lone_definition_is_what_it_was() -> None:
    """As a list of one, too; names and record stay those of older studies."""
    for given in ("angular-momentum", ["angular-momentum"]):
        alone = settings(rotation=given).dynamics
        assert alone.rotation == "angular-momentum"
        assert alone.mode_names == ("free", "R")
        assert alone.frozen_motions("R") == ("R", "angular-momentum")


def test_every_run_has_a_seed_of_its_own() -> None:
    keys = [
        RunKey(850.0, 0, name, repeat)
        for name in settings(rotation=BOTH).dynamics.mode_names
        for repeat in (0, 1)
    ]
    seeds = {run_seed(1, key) for key in keys}
    assert len(seeds) == len(keys)
    assert run_seed(1, keys[0], equilibrate=True) not in seeds


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("both")
    asked = settings(rotation=BOTH, seeds=2, equilibration=0.04, production=0.04)
    assert set(run_study(asked, directory, quiet=True).statuses.values()) == {"finished"}
    return directory


def test_definitions_and_repeats_side_by_side(both: Path) -> None:
    folder = both / "runs/T850K/snapshot-0"
    names = {path.parent.name for path in folder.glob("*/run.json")}
    modes = ("free", "R", "R-angular-momentum")
    assert names == {*modes, *(f"{mode}-repeat-1" for mode in modes)}
    record = json.loads((folder / "R-angular-momentum-repeat-1/run.json").read_text())
    assert (record["mode"], record["rotation"], record["repeat"]) == (
        "R-angular-momentum",
        "angular-momentum",
        1,
    )
    frames = {
        name: MDAnalysis.Universe(both / "topology.pdb", folder / name / "trajectory.dcd").trajectory
        for name in names
    }
    start = frames["free"][0].positions.copy()
    ends = [frames[name][-1].positions.copy() for name in sorted(names)]
    for name in names:
        np.testing.assert_array_equal(frames[name][0].positions, start)
    for i, end in enumerate(ends):
        for other in ends[i + 1 :]:
            assert np.abs(end - other).max() > 1e-3
    kelvin = np.loadtxt(folder / "free-repeat-1/thermodynamics.csv", delimiter=",", skiprows=1)[0, 3]
    assert kelvin == pytest.approx(850, rel=0.25)
    rows = study_progress(StudyDirectory.read(both))
    assert [row.state for row in rows] == ["finished"] * 6
    assert rows[1].name == "850 K, snapshot 0, free, repeat 1"


def test_a_repeat_is_reproduced(both: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = both / "runs/T850K/snapshot-0/R-angular-momentum-repeat-1"
    assert main(["reproduce", str(run), "--out", str(tmp_path / "again"), "--quiet"]) == 0
    assert "all 3 frames are the same, bit for bit" in capsys.readouterr().out


def test_repeats_are_analysed_together(tmp_path: Path) -> None:
    truth = {"free": 0.04, "R": 0.004, "R-angular-momentum": 0.004}
    directory = write_study(tmp_path / "repeats", truth, snapshots=1, seeds=2, n_frames=201)
    results = analyze_study(directory)
    (temperature,) = results.temperatures
    assert [mode.mode for mode in temperature.modes] == list(truth)
    assert [(mode.runs_used, mode.snapshots_used) for mode in temperature.modes] == [(2, 1)] * 3
    table = format_table(results)
    assert "R-angular-momentum" in table
    assert "2/2" in table
    page = render(results, StudyFunctions(modes=[], left_out=[]))
    assert "rotation (by angular momentum)" in page
    assert "2 runs of each mode from each" in page
    (StudyLayout(directory).run(RunKey(850.0, 0, "R", 1)) / "run.json").unlink()
    assert analyze_study(directory).missing == ["850 K, snapshot 0, R, repeat 1"]


def test_repeats_say_nothing_of_the_scatter_between_snapshots(tmp_path: Path) -> None:
    """Four runs of one snapshot tell its D well, and D of the mode no better than that snapshot does."""
    from openmm_anion.analysis.diffusion import FitWindow, RunDiffusion

    runs = [RunDiffusion(0.04, 0.001, 1e-5, 0.5, 48, FitWindow(2.0, 10.0))] * 4

    def width(snapshots: list[int] | None) -> float:
        low, high = combine_runs(runs, snapshots=snapshots).interval(0.68)
        return float(np.log(high / low))

    assert width([0, 0, 0, 0]) > 1.5 * width([0, 1, 2, 3])
    assert width([0, 1, 2, 3]) == pytest.approx(width(None))
    lone = combine_runs(runs[:1]).interval(0.68)
    assert width([0, 0, 0, 0]) == pytest.approx(np.log(lone[1] / lone[0]), rel=0.05)
