from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic_study import FRAME_INTERVAL, N_CATIONS, SPACING, change_run, write_study

from openmm_anion.comparison import study_functions as module
from openmm_anion.comparison.functions import FILE, StudyFunctions, Surface
from openmm_anion.comparison.results import StudyResults
from openmm_anion.comparison.run_functions import run_functions
from openmm_anion.comparison.study import analyze_study
from openmm_anion.comparison.study_functions import study_functions

LIBRATION, SHAPE = 0.15, 0.03
"""Amplitudes of the synthetic anions: rad about each axis, A of each atom."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_study(tmp_path_factory.mktemp("functions") / "na3ps4", {"free": 0.2, "R": 0.0}, n_frames=161)
    study_functions(path, analyze_study(path))
    return path


@pytest.fixture
def study(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "copy"))


@pytest.fixture(scope="module")
def results(finished: Path) -> StudyResults:
    return StudyResults.model_validate_json((finished / "results.json").read_text())


@pytest.fixture(scope="module")
def functions(finished: Path) -> StudyFunctions:
    return StudyFunctions.read(finished)


def as_array(surface: Surface | None) -> np.ndarray[Any, Any]:
    assert surface is not None
    values = np.array(surface.values)
    assert values.shape == (len(surface.lag_ps), len(surface.distance_A))
    return values


def test_all_snapshots_of_each_mode_are_averaged(functions: StudyFunctions) -> None:
    assert [(mode.mode, mode.snapshots, mode.frames) for mode in functions.modes] == [
        ("free", [0, 1], 161),
        ("R", [0, 1], 161),
    ]
    assert functions.left_out == []


def test_van_hove_functions_have_the_moments_of_the_displacement(
    results: StudyResults, functions: StudyFunctions
) -> None:
    free, frozen = functions.modes
    surface = free.van_hove_self
    assert surface is not None
    share, r = 0.1 * as_array(surface), np.array(surface.distance_A)
    msd = results.temperatures[0].modes[0].msd
    assert msd is not None
    for lag, row in zip(surface.lag_ps[:12], share[:12], strict=True):
        assert row.sum() == pytest.approx(1.0, abs=0.01)  # few hop further than the map reaches
        expected = np.interp(lag, msd.lag_ps, msd.msd_A2)
        assert row @ r**2 == pytest.approx(expected, rel=0.05)
    hopped = np.abs(r - SPACING) < 0.8
    assert share[-1, hopped].sum() > 0.1
    assert as_array(frozen.van_hove_self)[-1, hopped].sum() < 1e-3
    g = as_array(free.van_hove_distinct)
    assert free.van_hove_distinct is not None
    assert free.van_hove_distinct.lag_ps[0] == pytest.approx(FRAME_INTERVAL)
    # nearest sites are at half a diagonal of the cube of sites about an anion
    nearest = free.van_hove_distinct.distance_A[int(as_array(frozen.van_hove_distinct)[0].argmax())]
    assert nearest == pytest.approx(np.sqrt(0.75) * SPACING, abs=0.3)
    assert g.max() > 1.5


def test_orientations_keep_what_librations_leave(functions: StudyFunctions) -> None:
    curves = functions.modes[0].orientation["PS4"]
    c1, c2 = (np.array(curves.values[name], dtype=float) for name in ("c1", "c2"))
    assert (c1[0], c2[0]) == (1.0, 1.0)
    # mean square of the angle between two times: two axes across a bond, each twice the variance
    square = 4.0 * LIBRATION**2 + 8.0 * SHAPE**2
    late = np.array(curves.x) > 2.0
    assert c1[late].mean() == pytest.approx(1.0 - 0.5 * square, abs=0.008)
    assert c2[late].mean() == pytest.approx(1.0 - 1.5 * square + 0.5 * square**2, abs=0.02)
    assert len(curves.values["c1_error"]) == len(curves.x)
    rotor = np.array(curves.values["rotor"], dtype=float)
    assert rotor[late].mean() < 0.95


def test_cations_that_know_nothing_of_anions_are_not_coupled(functions: StudyFunctions) -> None:
    free, frozen = functions.modes
    curves = free.coupling["PS4"]
    coupling, error = (np.array(curves.values[n], dtype=float) for n in ("coupling", "coupling_error"))
    assert np.abs(coupling).max() < 0.03
    assert (np.abs(coupling[1:]) < 6.0 * error[1:]).all()
    assert curves.values["residence"][-1] < frozen.coupling["PS4"].values["residence"][-1]  # type: ignore[operator]
    assert free.cutoff_A == frozen.cutoff_A


def test_cations_stand_where_the_anion_has_its_sites(functions: StudyFunctions) -> None:
    density = functions.modes[1].density["PS4"]
    values = np.array(density.relative).reshape((density.points,) * 3)
    place = np.array(np.unravel_index(int(values.argmax()), values.shape)) - density.points // 2
    assert density.spacing_A * np.linalg.norm(place) == pytest.approx(np.sqrt(0.75) * SPACING, abs=0.6)
    assert values[(density.points // 2,) * 3] == 0.0
    cell = (4 * SPACING) ** 3
    inside = values.sum() * density.spacing_A**3 * N_CATIONS / cell
    assert 3.0 < inside < 12.0  # eight corners of the cube, three quarters of them taken, and a few beyond
    assert density.symbols == ["P", "S", "S", "S", "S"]


def test_spectra_need_velocities_and_say_so(study: Path, functions: StudyFunctions) -> None:
    assert "set velocities = true" in functions.modes[0].notes["spectrum"]
    for run in study.glob("runs/*/*/free"):
        shutil.copy(run / "trajectory.dcd", run / "velocities.dcd")
    again = study_functions(study, analyze_study(study))
    spectrum = again.modes[0].spectrum
    assert spectrum is not None
    assert set(spectrum.values) == {"cations", "translation", "rotation", "vibration"}
    assert spectrum.x[-1] == pytest.approx(0.5 / FRAME_INTERVAL, rel=0.05)
    assert "spectrum" not in again.modes[0].notes


def test_only_what_changed_is_computed_again(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    computed = []
    original = run_functions

    def counted(*args: Any) -> Any:
        computed.append(args[1].record.name)
        return original(*args)

    monkeypatch.setattr(module, "run_functions", counted)
    results = analyze_study(study)
    before = study_functions(study, results)
    assert computed == []
    os.utime(study / "runs/T850K/snapshot-1/R/trajectory.dcd")
    after = study_functions(study, results)
    assert computed == ["R", "R"]
    assert after.modes[1].van_hove_self == before.modes[1].van_hove_self
    (study / FILE).write_text('{"version": 0}')
    assert StudyFunctions.read(study).modes == []


def test_broken_and_short_runs_are_left_out_and_named(study: Path) -> None:
    event = {"time_ps": 4.2, "anion": 3, "formula": "PS4", "atom": 17, "symbol": "S", "distance_nm": 0.33}
    change_run(study, "T850K/snapshot-1/R", status="broken", broken=[event])
    functions = study_functions(study, analyze_study(study))
    assert [mode.snapshots for mode in functions.modes] == [[0, 1], [0]]
    assert functions.left_out == [
        "850 K, snapshot 1, R: PS4 number 3 lost S (atom 17) at 4.2 ps, bond 3.30 A",
    ]


def test_a_trajectory_that_is_gone_is_left_out_and_named(study: Path) -> None:
    results = analyze_study(study)
    gone = study / "runs/T850K/snapshot-0/R/trajectory.dcd"
    gone.unlink()
    functions = study_functions(study, results)
    assert [mode.snapshots for mode in functions.modes] == [[0, 1], [1]]
    assert functions.left_out == [f"850 K, snapshot 0, R: {gone} not found"]


def test_a_study_that_has_just_begun_has_no_functions(tmp_path: Path) -> None:
    young = write_study(tmp_path / "young", {"free": 0.04}, snapshots=1, n_frames=5)
    functions = study_functions(young, analyze_study(young))
    assert functions.modes == []
    assert functions.left_out == ["850 K, snapshot 0, free: 5 frames, too few for a diffusion coefficient"]
