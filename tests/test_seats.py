"""Workers sit on cores and GPUs of their own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from openmm_anion.study import seats as module
from openmm_anion.study.platform import worker_count
from openmm_anion.study.seats import Seat, seats, usable_cores
from openmm_anion.study.settings import ComputerSettings, StudySettings, parse_settings
from openmm_anion.study.workers import local_workers


@dataclass(frozen=True)
class Where:
    """A task that waits for as many workers as there are seats, and says where it runs."""

    folder: Path
    workers: int

    def run(self, study: StudySettings, report: Callable[[int], None]) -> str:
        (self.folder / str(os.getpid())).touch()
        until = time.monotonic() + 400
        while len(list(self.folder.iterdir())) < self.workers and time.monotonic() < until:
            time.sleep(0.05)
        cores = ",".join(map(str, sorted(os.sched_getaffinity(0))))
        return f"{cores} {study.computer.devices}"


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or len(usable_cores()) < 2, reason="needs Linux and two cores"
)
def test_workers_stay_where_they_are_put(tmp_path: Path) -> None:
    cores = usable_cores()
    places = [*seats(ComputerSettings(), "CPU", 2)[:1], Seat(cores=(cores[1],), device=3)]
    crystal = {"file": "a.cif", "cation": "Na", "anion": "PS4"}
    content = {"structure": crystal, "potential": {"name": "p"}, "dynamics": {"temperatures": 300}}
    with local_workers(parse_settings(content, "the test"), places) as workers:
        found = [workers.submit(Where(tmp_path, 2)) for _ in places]  # type: ignore[arg-type]
        assert {future.result() for future in found} == {f"{cores[0]} ()", f"{cores[1]} (3,)"}
    assert usable_cores() == cores


def test_cores_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "usable_cores", lambda: [2, 3, 5, 7, 8])
    assert [seat.cores for seat in seats(ComputerSettings(threads=2), "CPU", 2)] == [(2, 3), (5, 7)]
    assert [seat.cores for seat in seats(ComputerSettings(), "Reference", 5)] == [
        (2,),
        (3,),
        (5,),
        (7,),
        (8,),
    ]
    for computer, count in (
        (ComputerSettings(pin=False), 2),
        (ComputerSettings(threads=3), 2),  # more threads than cores
        (ComputerSettings(), 1),  # nobody to keep away from
    ):
        assert seats(computer, "CPU", count) == [Seat()] * count


def test_devices_go_round() -> None:
    computer = ComputerSettings(devices=(1, 3))
    assert worker_count(computer, "CUDA") == 2
    assert [seat.device for seat in seats(computer, "OpenCL", 4)] == [1, 3, 1, 3]
    assert worker_count(ComputerSettings(), "CUDA") == 1
    assert seats(ComputerSettings(), "CUDA", 2) == [Seat(), Seat()]
