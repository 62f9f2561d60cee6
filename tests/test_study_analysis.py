from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from MDAnalysis.lib.formats.libdcd import DCDFile
from synthetic_study import (
    BOX,
    change_run,
    trajectory,
    write_dcd,
    write_study,
)

from openmm_anion.analysis.diffusion import FitWindow
from openmm_anion.comparison.results import StudyResults
from openmm_anion.comparison.study import analyze_study
from openmm_anion.comparison.table import format_table
from openmm_anion.errors import InputError
from openmm_anion.report.summary import caveats

TRUTH = {"free": 0.04, "T": 0.035, "R": 0.004, "V": 0.0}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_study(tmp_path_factory.mktemp("study") / "na3ps4", TRUTH, snapshots=3, seed=3)


@pytest.fixture
def study(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def test_the_truth_is_found(finished: Path) -> None:
    (temperature,) = analyze_study(finished).temperatures
    for name, truth in TRUTH.items():
        mode = temperature.mode(name)
        assert mode is not None
        assert mode.D_A2_per_ps is not None
        assert mode.D_A2_per_ps.low_95 <= truth < mode.D_A2_per_ps.high_95, name
    verdicts = {mode.mode: mode.verdict for mode in temperature.modes}
    assert verdicts == {"free": None, "T": "no difference can be told", "R": "slower", "V": "slower"}
    ratio = temperature.modes[2].ratio
    assert ratio is not None
    assert ratio.low_95 < 0.1 < ratio.high_95


def test_a_motionless_mode_gets_a_bound(finished: Path) -> None:
    mode = analyze_study(finished).temperatures[0].mode("V")
    assert mode is not None
    assert mode.D_A2_per_ps is not None
    assert mode.ratio is not None
    assert mode.D_A2_per_ps.value is None
    assert mode.ratio.value is None
    assert mode.ratio.low_95 == 0.0


def test_results_are_written_and_read_back(finished: Path) -> None:
    results = analyze_study(finished)
    again = StudyResults.model_validate_json((finished / "results.json").read_text())
    assert again == results
    assert again.hop_length_A == pytest.approx(3.1, abs=0.5)
    assert again.versions["openmm"] == "8.6.1"


def test_the_fit_window_can_be_given(finished: Path) -> None:
    (temperature,) = analyze_study(finished, window=FitWindow(1.0, 5.0)).temperatures
    assert (temperature.fit_begin_ps, temperature.fit_end_ps) == (1.0, 5.0)


def test_table(finished: Path) -> None:
    text = format_table(analyze_study(finished))
    lines = text.splitlines()
    assert len(lines) == 12
    assert all("resampling the snapshots gives D/D(free) of " in line for line in lines[6:9])
    assert lines[9].startswith("850 K, runs scatter ")
    assert lines[10].startswith("850 K, effect of the frozen snapshots: too few to tell")
    assert lines[-1].startswith("850 K: PS4 rotates 0 times (0 to ")
    assert lines[2].startswith("850    nothing")
    assert "no difference can be told" in lines[3]
    assert "<" in lines[5]
    assert max(map(len, lines[:6])) < 125


def test_a_broken_anion_that_the_run_reported_makes_the_mode_not_valid(study: Path) -> None:
    event = {"time_ps": 4.2, "anion": 3, "formula": "PS4", "atom": 17, "symbol": "S", "distance_nm": 0.33}
    change_run(study, "T850K/snapshot-1/R", status="broken", broken=[event])
    results = analyze_study(study)
    mode = results.temperatures[0].mode("R")
    assert mode is not None
    assert (mode.verdict, mode.valid, mode.D_A2_per_ps, mode.ratio) == ("not valid", False, None, None)
    lost = "snapshot 1: PS4 number 3 lost S (atom 17) at 4.2 ps, bond 3.30 A"
    assert mode.reasons == [lost]
    assert f"not valid, {lost}" in format_table(results)
    assert results.temperatures[0].modes[1].verdict == "no difference can be told"


def test_a_broken_anion_that_nobody_reported_is_found(study: Path) -> None:
    positions = trajectory(np.random.default_rng(8), 401, 0.004)
    positions[250:, 17] += np.linspace(0.0, 1.0, 151)[:, None] * [0.0, -2.5, 0.0]
    write_dcd(study / "runs/T850K/snapshot-2/R/trajectory.dcd", positions)
    mode = analyze_study(study).temperatures[0].mode("R")
    assert mode is not None
    assert mode.verdict == "not valid"
    assert "snapshot 2: PS4 number 3 lost S (atom 17)" in mode.reasons[0]


def test_a_broken_free_run_makes_every_mode_not_valid(study: Path) -> None:
    change_run(study, "T850K/snapshot-0/free", status="failed")
    (temperature,) = analyze_study(study).temperatures
    assert {mode.verdict for mode in temperature.modes[1:]} == {"not valid"}
    assert "free run, snapshot 0: the run failed" in temperature.modes[1].reasons
    assert temperature.dominant is None


def test_unfinished_studies_use_what_is_there(study: Path) -> None:
    runs = study / "runs" / "T850K"
    shutil.rmtree(runs / "snapshot-2")
    (runs / "snapshot-1" / "V" / "trajectory.dcd").unlink()
    change_run(study, "T850K/snapshot-1/V", status="running")
    write_dcd(runs / "snapshot-1" / "R" / "trajectory.dcd", trajectory(np.random.default_rng(1), 100, 0.004))
    change_run(study, "T850K/snapshot-1/R", status="running", frames=100)
    rows = (runs / "snapshot-1" / "R" / "thermodynamics.csv").read_text()
    (runs / "snapshot-1" / "R" / "thermodynamics.csv").write_text(rows[:-9])
    results = analyze_study(study)
    used = {mode.mode: mode.runs_used for mode in results.temperatures[0].modes}
    assert used == {"free": 2, "T": 2, "R": 1, "V": 1}
    assert results.missing == [f"850 K, snapshot 2, {mode}" for mode in TRUTH]
    notes = {(run.mode, run.snapshot): run.note for run in results.runs if run.note}
    assert notes == {
        ("R", 1): "9.9 ps of 40 ps, too short to be compared",
        ("V", 1): "no frames yet",
    }
    assert results.temperatures[0].fit_end_ps == pytest.approx(10.0)


def test_a_study_that_has_just_begun(tmp_path: Path) -> None:
    study = write_study(tmp_path / "young", {"free": 0.04, "R": 0.004}, snapshots=1, n_frames=5)
    results = analyze_study(study)
    assert [run.note for run in results.runs] == ["5 frames, too few for a diffusion coefficient"] * 2
    assert [mode.verdict for mode in results.temperatures[0].modes] == [None, None]
    assert "too few" in format_table(results)


def test_a_wrapped_trajectory_gives_the_same(study: Path) -> None:
    before = analyze_study(study).temperatures[0].mode("T")
    path = study / "runs/T850K/snapshot-0/T/trajectory.dcd"
    with DCDFile(str(path)) as file:
        positions = file.readframes().xyz
    write_dcd(path, np.mod(positions, BOX))
    after = analyze_study(study).temperatures[0].mode("T")
    assert before is not None
    assert after is not None
    assert before.D_A2_per_ps is not None
    assert after.D_A2_per_ps is not None
    assert after.D_A2_per_ps.value == pytest.approx(before.D_A2_per_ps.value, rel=1e-3)


def test_a_time_step_that_contradicts_the_header_is_refused(study: Path) -> None:
    change_run(study, "T850K/snapshot-0/T", frame_interval_ps=0.2)
    with pytest.raises(InputError, match=r"says 0\.1 ps between frames, its run\.json 0\.2"):
        analyze_study(study)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: shutil.rmtree(d), "no directory"),
        (lambda d: (d / "structure.json").unlink(), "not a study directory: it has no structure.json"),
        (lambda d: (d / "topology.pdb").unlink(), "not a study directory: it has no topology.pdb"),
        (lambda d: shutil.rmtree(d / "runs"), "has no runs yet"),
        (lambda d: (d / "structure.json").write_text("{"), "structure.json is damaged"),
        (lambda d: (d / "structure.json").write_text("{}"), "structure.json: symbols: Field required"),
        (lambda d: (d / "runs/T850K/snapshot-0/T/trajectory.dcd").write_bytes(b"x" * 99), "cannot be read"),
        (
            lambda d: (d / "runs/T850K/snapshot-0/T/thermodynamics.csv").write_text("time_ps\n0\n"),
            "has no column potential_kj_mol",
        ),
        (lambda d: change_run(d, "T850K/snapshot-0/T", status="odd"), "run.json: status"),
        (lambda d: change_run(d, "T850K/snapshot-0/T", frame_interval_ps=0), "run.json: frame_interval_ps"),
    ],
)
def test_directories_that_cannot_be_used_are_refused_in_one_line(study: Path, spoil, message: str) -> None:  # type: ignore[no-untyped-def]
    spoil(study)
    with pytest.raises(InputError, match=message) as caught:
        analyze_study(study)
    assert "\n" not in str(caught.value)


def test_indices_outside_the_structure_are_refused(study: Path) -> None:
    path = study / "structure.json"
    contents = json.loads(path.read_text())
    contents["cations"][0] = 500
    path.write_text(json.dumps(contents))
    with pytest.raises(InputError, match="outside 0 to 127"):
        analyze_study(study)


def test_runs_too_short_for_diffusion_say_so(tmp_path: Path) -> None:
    directory = write_study(tmp_path / "short", TRUTH, n_frames=61)
    results = analyze_study(directory)
    assert "the runs are too short: the slope is read from 0.6 ps on" in format_table(results)
    assert any("still rattle in their cages" in caveat for caveat in caveats(results))


def test_runs_that_are_off_course_are_warned_of(study: Path) -> None:
    run = study / "runs/T850K/snapshot-0/T/thermodynamics.csv"
    header, *rows = run.read_text().splitlines()
    names = header.split(",")
    table = np.array([[float(x) for x in row.split(",")] for row in rows])
    table[:, names.index("temperature_K")] *= 1.08
    table[300:, names.index("constraint_violation_nm")] = 3e-5
    run.write_text("\n".join([header, *(",".join(f"{x:.10g}" for x in row) for row in table)]) + "\n")
    results = analyze_study(study)
    warned = {(r.mode, r.snapshot): r.warning for r in results.runs if r.warning}
    assert list(warned) == [("T", 0)]
    assert "frozen motions slip from 30 ps on, by up to 3e-05 nm" in warned["T", 0]
    assert "K on average instead of 850 K" in warned["T", 0]
    assert "850 K, T, snapshot 0: frozen motions slip" in format_table(results)
