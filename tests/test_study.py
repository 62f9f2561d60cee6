"""Studies end to end on the shipped potential: files, physics of the start, refusing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import MDAnalysis
import numpy as np
import pytest
from crystals import CRYSTAL
from short_study import settings

from openmm_anion.errors import InputError
from openmm_anion.periodic import minimum_image
from openmm_anion.processes import exclusive
from openmm_anion.study.equilibration import Snapshot
from openmm_anion.study.prepared import PreparedStudy, prepare_study
from openmm_anion.study.schedule import run_study


def test_anions_frozen_in_their_mean(tmp_path: Path) -> None:
    """Snapshots keep the mean, and runs hold it; a run that goes on holds the same."""
    mean = settings(reference="mean", window=0.1, modes=["TR"])
    assert set(run_study(mean, tmp_path, quiet=True).statuses.values()) == {"finished"}
    folder = tmp_path / "runs" / "T850K" / "snapshot-0"
    snapshot = Snapshot.read(next(folder.glob("*.npz")))
    assert snapshot.reference is not None
    study = prepare_study(mean)
    anions = study.anions.indices
    assert 1e-3 < np.abs(snapshot.reference - snapshot.positions)[anions].max() < 0.1
    run = folder / "TR"
    rows = np.loadtxt(run / "thermodynamics.csv", delimiter=",", skiprows=1)
    assert np.nanmax(rows[:, 4]) < 1e-10
    universe = MDAnalysis.Universe(tmp_path / "topology.pdb", run / "trajectory.dcd")
    for anion in study.anions:
        ends = [snapshot.reference[anion.indices], universe.trajectory[-1].positions[anion.indices] / 10]
        centers = [anion.masses @ end / anion.masses.sum() for end in ends]
        shift = minimum_image(centers[0] - centers[1], study.box)
        assert np.linalg.norm(shift) < 1e-5  # the file is in single precision


def test_files_of_a_study(finished: Path, study: PreparedStudy) -> None:
    structure = json.loads((finished / "structure.json").read_text())
    assert structure["n_atoms"] == 128
    assert len(structure["cations"]) == 48
    assert len(structure["anions"]) == 16
    assert structure["modes"] == ["free", "R"]
    for mode in ("free", "R"):
        folder = finished / "runs" / "T850K" / "snapshot-0" / mode
        record = json.loads((folder / "run.json").read_text())
        assert record["status"] == "finished"
        assert record["frames"] == 7
        assert record["degrees_of_freedom"] == (381 if mode == "free" else 381 - 48)
        rows = np.loadtxt(folder / "thermodynamics.csv", delimiter=",", skiprows=1)
        assert rows[:, 0] == pytest.approx(np.arange(7) * 0.02)
        assert np.nanmax(rows[:, 4]) < 1e-10
        universe = MDAnalysis.Universe(finished / "topology.pdb", folder / "trajectory.dcd")
        assert len(universe.trajectory) == 7
        assert universe.trajectory.dt == pytest.approx(0.02, rel=1e-4)
        assert universe.select_atoms("resname PS4").n_atoms == 80
        assert universe.select_atoms("element Na").n_atoms == 48
        assert universe.dimensions == pytest.approx([13.98, 13.98, 13.98, 90, 90, 90])


def test_modes_start_from_the_same_snapshot(finished: Path) -> None:
    folder = finished / "runs" / "T850K" / "snapshot-0"
    snapshot = Snapshot.read(folder / "snapshot.npz")
    first = [
        MDAnalysis.Universe(finished / "topology.pdb", folder / mode / "trajectory.dcd")
        .trajectory[0]
        .positions
        for mode in ("free", "R")
    ]
    assert first[0] == pytest.approx(first[1])
    assert first[0] == pytest.approx(10 * snapshot.positions, abs=1e-5)


def test_finished_study_is_left_alone(finished: Path) -> None:
    trajectory = finished / "runs" / "T850K" / "snapshot-0" / "R" / "trajectory.dcd"
    before = trajectory.stat().st_mtime_ns
    assert not run_study(settings(), finished, quiet=True).troubled
    assert trajectory.stat().st_mtime_ns == before


def test_changed_study_is_refused_by_name(finished: Path) -> None:
    with pytest.raises(InputError, match=r"dynamics.production = 0.12, but now it is 0.2;"):
        run_study(settings(production=0.2), finished, quiet=True)


def test_directory_in_use_is_refused(finished: Path) -> None:
    with exclusive(finished / "study.lock"), pytest.raises(InputError, match="in use by another process"):
        run_study(settings(), finished, quiet=True)


def test_study_may_move_but_not_change_its_crystal(finished: Path, tmp_path: Path) -> None:
    moved, crystal = tmp_path / "moved", tmp_path / "na3ps4.cif"
    shutil.copytree(finished, moved)
    crystal.write_text(CRYSTAL.read_text())
    elsewhere = settings().model_copy(
        update={"structure": settings().structure.model_copy(update={"file": crystal})}
    )
    assert not run_study(elsewhere, moved, quiet=True).troubled
    crystal.write_text(CRYSTAL.read_text().replace("6.99", "7.01"))
    with pytest.raises(InputError, match=r"structure\.sha256"):
        run_study(elsewhere, moved, quiet=True)


def test_a_study_of_a_version_with_fewer_keys_goes_on(finished: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(finished, tmp_path / "older"))
    content = json.loads((copy / "study.json").read_text())
    del content["output"]["velocities"]
    (copy / "study.json").write_text(json.dumps(content))
    assert not run_study(settings(), copy, quiet=True).troubled
    (copy / "study.json").write_text(json.dumps(content))
    output = settings().output.model_copy(update={"velocities": True})
    with pytest.raises(InputError, match=r"output\.velocities = False, but now it is True"):
        run_study(settings().model_copy(update={"output": output}), copy, quiet=True)
