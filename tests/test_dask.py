"""A study on the workers of a Dask cluster: real processes on this machine."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import short_study
from crystals import CRYSTAL
from distributed import LocalCluster

from openmm_anion.cli import main
from openmm_anion.errors import InputError
from openmm_anion.processes import exclusive
from openmm_anion.study.recorder import DCD_HEADER
from openmm_anion.study.schedule import run_study
from openmm_anion.study.settings import StudySettings, parse_settings


def settings(production: float = 0.2) -> StudySettings:
    content = short_study.settings(equilibration=0.06, production=production).model_dump()
    content["output"]["checkpoint_interval"] = 0.02
    content["computer"]["workers"] = 2
    return parse_settings(content, "the test")


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster:
        yield cluster


def trajectories(directory: Path) -> dict[str, bytes]:
    """The frames of every run; the header holds the date."""
    files = directory.glob("runs/*/*/*/trajectory.dcd")
    return {path.parent.name: path.read_bytes()[DCD_HEADER:] for path in files}


def test_workers_that_die_are_replaced(cluster: LocalCluster, tmp_path: Path) -> None:
    """Killed in the middle; new ones go on from the last checkpoint, to the bit as if nothing had been."""
    here, there = tmp_path / "here", tmp_path / "there"
    pids = [worker.process.pid for worker in cluster.workers.values()]
    killed: list[int] = []

    def kill() -> None:
        table = there / "runs/T850K/snapshot-0/R/thermodynamics.csv"
        for _ in range(3000):
            if table.is_file() and table.read_text().count("\n") > 3:
                for pid in pids:
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
                return
            time.sleep(0.02)

    assassin = threading.Thread(target=kill)
    assassin.start()
    outcome = run_study(settings(), there, dask=cluster.scheduler_address, quiet=True)
    assassin.join()
    assert killed == pids
    assert outcome.statuses == run_study(settings(), here, quiet=True).statuses
    assert set(outcome.statuses.values()) == {"finished"}
    assert trajectories(there) == trajectories(here)
    for table in there.glob("runs/*/*/*/thermodynamics.csv"):
        rows = np.loadtxt(table, delimiter=",", skiprows=1)
        np.testing.assert_allclose(rows[:, 0], 0.02 * np.arange(11), atol=1e-9)


def test_two_workers_never_write_to_one_run(cluster: LocalCluster, tmp_path: Path) -> None:
    folder = tmp_path / "runs/T850K/snapshot-0"
    folder.mkdir(parents=True)
    with exclusive(folder / "worker.lock"), pytest.raises(InputError, match="snapshot-0 is in use"):
        run_study(settings(), tmp_path, dask=cluster.scheduler_address, quiet=True)


def test_a_cluster_that_cannot_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = CRYSTAL.parent / "study.toml"
    assert main(["run", str(study), "--out", str(tmp_path / "a"), "--dask", "nonsense://1"]) == 2
    assert "no Dask scheduler answers at nonsense://1" in capsys.readouterr().err
    with (
        LocalCluster(n_workers=1, threads_per_worker=2, processes=True, dashboard_address=":0") as two,
        pytest.raises(InputError, match="a Dask worker has 2 threads"),
    ):
        run_study(settings(), tmp_path / "b", dask=two.scheduler_address, quiet=True)
