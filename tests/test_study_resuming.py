"""Runs that end in the middle, by a kill or by hand, go on as if they had not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import MDAnalysis
import numpy as np
import pytest
from short_study import KilledError, killed_after, settings
from study_files import write_study

from openmm_anion.cli import main
from openmm_anion.errors import InputError
from openmm_anion.study.equilibration import Snapshot
from openmm_anion.study.layout import RunKey
from openmm_anion.study.prepared import PreparedStudy, prepare_study
from openmm_anion.study.production import produce
from openmm_anion.study.settings import parse_settings


def test_interrupted_run_goes_on_bit_for_bit(finished: Path, study: PreparedStudy, tmp_path: Path) -> None:
    """The resumed trajectory is the uninterrupted one: same bytes, no gap, no doubled frame."""
    whole = finished / "runs" / "T850K" / "snapshot-0" / "R"
    snapshot = Snapshot.read(whole.parent / "snapshot.npz")
    seed = json.loads((whole / "run.json").read_text())["seed"]
    key = RunKey(850.0, 0, "R")

    with pytest.raises(KilledError):
        produce(
            study, key, snapshot, tmp_path, seed, "CPU", killed_after(50)
        )  # one frame after the checkpoint at 0.08 ps
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "running"
    resumed: list[int] = []
    assert produce(study, key, snapshot, tmp_path, seed, "CPU", resumed.append) == "finished"
    assert resumed[0] == 40
    assert sum(resumed) == 60
    for name in ("trajectory.dcd", "thermodynamics.csv"):
        # The first 276 bytes of a DCD hold the date.
        skip = 276 if name.endswith("dcd") else 0
        assert (tmp_path / name).read_bytes()[skip:] == (whole / name).read_bytes()[skip:]
    header = (tmp_path / "trajectory.dcd").read_bytes()[:16]
    assert int.from_bytes(header[8:12], "little") == 7


def test_damaged_and_foreign_checkpoints_are_refused(
    finished: Path, study: PreparedStudy, tmp_path: Path
) -> None:
    folder = finished / "runs" / "T850K" / "snapshot-0" / "free"
    snapshot = Snapshot.read(folder.parent / "snapshot.npz")
    (tmp_path / "checkpoint.bin").write_bytes(b"half a checkpo")
    with pytest.raises(InputError, match="is damaged"):
        produce(study, RunKey(850.0, 0, "free"), snapshot, tmp_path, 1, "CPU", lambda _: None)
    (tmp_path / "checkpoint.bin").write_bytes((folder / "checkpoint.bin").read_bytes())
    with pytest.raises(InputError, match="was made with 850 K, snapshot 0, free on CPU"):
        produce(study, RunKey(850.0, 0, "R"), snapshot, tmp_path, 1, "CPU", lambda _: None)


def test_kill_and_run_again(tmp_path: Path) -> None:
    """A real kill -9 of the whole command; the same command then completes the study."""
    output = "[output]\nframe_interval = 0.02\ncheckpoint_interval = 0.02\n"
    computer = '[computer]\nplatform = "CPU"\nworkers = 1\n'
    study_file = write_study(
        tmp_path,
        ('["free", "T"]', '["free"]'),
        ("equilibration = 0.01", "equilibration = 0.04"),
        ("production = 0.1", "production = 1.0\n" + output + computer),
    )
    out = tmp_path / "results with a space"
    command = [sys.executable, "-m", "openmm_anion.cli", "run", str(study_file), "--out", str(out), "--quiet"]
    process = subprocess.Popen(command, start_new_session=True)
    checkpoint = out / "runs" / "T850K" / "snapshot-0" / "free" / "checkpoint.bin"
    until = time.monotonic() + 120
    while not checkpoint.is_file() and time.monotonic() < until:
        time.sleep(0.05)
    assert checkpoint.is_file()
    os.kill(process.pid, signal.SIGKILL)  # the parent only: its worker must notice
    process.wait()
    time.sleep(2)
    frames = json.loads(checkpoint.read_bytes().partition(b"\n")[0])["frames"]
    assert 0 < frames < 51
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    universe = MDAnalysis.Universe(out / "topology.pdb", checkpoint.with_name("trajectory.dcd"))
    assert len(universe.trajectory) == 51
    assert "1 runs in" in done.stdout


def test_velocities_are_written_and_resumed_when_asked(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are those of the run: kinetic energies equal the record; a spectrum is made of them."""
    content = settings().model_dump()
    content["output"] = {"frame_interval": 0.004, "checkpoint_interval": 0.02, "velocities": True}
    content["dynamics"]["modes"] = ["T"]
    asked = parse_settings(content, "the test")
    study = prepare_study(asked)
    snapshot = Snapshot.read(finished / "runs" / "T850K" / "snapshot-0" / "snapshot.npz")
    key = RunKey(850.0, 0, "T")

    with pytest.raises(KilledError):
        produce(study, key, snapshot, tmp_path, 5, "CPU", killed_after(31))
    assert produce(study, key, snapshot, tmp_path, 5, "CPU", lambda _: None) == "finished"
    velocities = MDAnalysis.Universe(finished / "topology.pdb", tmp_path / "velocities.dcd")
    rows = np.loadtxt(tmp_path / "thermodynamics.csv", delimiter=",", skiprows=1)
    assert len(velocities.trajectory) == len(rows) == 31
    masses = study.atoms.get_masses()
    kinetic = [
        0.5 * (masses @ (frame.positions.astype(float) ** 2).sum(axis=1)) for frame in velocities.trajectory
    ]
    np.testing.assert_allclose(0.01 * np.array(kinetic), rows[:, 2], rtol=0.02)
    ions = ["--cation", "Na", "--anion", "PS4", "--only", "spectrum", "--quiet"]
    files = [str(finished / "topology.pdb"), str(tmp_path / "trajectory.dcd")]
    options = ["--velocities", str(tmp_path / "velocities.dcd"), "-o", str(tmp_path / "analysis")]
    assert main(["analyze", *files, *ions, *options]) == 0
    assert "translation 0 K" in capsys.readouterr().out
