"""Damaged results of studies, and bad words of the commands that read them: one clear line."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest
from bad_input import (
    FREE,
    RUN,
    Case,
    change,
    complaint,
    cut,
    directory,
    nothing,
    one_line_test,
    text,
)

from openmm_anion.comparison.study import analyze_study
from openmm_anion.processes import exclusive
from openmm_anion.study.recorder import frame_bytes

CASES: list[Case] = [
    ("plan study.toml --measure nan", nothing, ["--measure nan"]),
    ("plan study.toml --measure inf", nothing, ["--measure inf"]),
    ("plan study.toml --measure -1", nothing, ["--measure -1"]),
    ("plan study.toml --measure soon", nothing, ["invalid float value: 'soon'"]),
    (RUN.replace("--out out", "--out /proc/out"), nothing, ["/proc/out cannot be made"]),
    (RUN.replace("--out out", "--out crystal.cif/out"), nothing, ["cannot be made: Not a directory"]),
    (RUN, text("out/study.json", '{"a'), ["out/study.json is damaged", "choose another --out"]),
    (RUN, text("out/study.json", "[]"), ["out/study.json is damaged (it holds no table)"]),
    (RUN, text("out/study.json", '{"structure": [1]}'), ["out holds a study with structure.file = None"]),
    (RUN.replace("--out out", "--out results"), nothing, ["results holds a study with structure.file"]),
    ("status none", nothing, ["there is no directory none"]),
    ("status results", cut("results/structure.json", 300), ["structure.json is damaged"]),
    (
        "status results",
        text("results/structure.json", "[]"),
        ["structure.json is damaged (it holds no table)"],
    ),
    ("status results", cut(f"{FREE}/run.json", 50), ["run.json is damaged"]),
    (
        "status results",
        change(f"{FREE}/run.json", '"finished"', '"done"'),
        ["status", "'finished', 'waiting'"],
    ),
    ("status results", change(f"{FREE}/run.json", "850.0", "NaN"), ["temperature_K", "finite number"]),
    (
        "status results",
        change(f"{FREE}/run.json", "0.1,", "Infinity,"),
        ["frame_interval_ps", "finite number"],
    ),
    ("status results", text(f"{FREE}/thermodynamics.csv", b"\xff\xfe\x00"), ["has no column time_ps"]),
    ("status results --watch nan", nothing, ["--watch nan"]),
    ("report study.toml", nothing, ["there is no directory study.toml"]),
    ("report out", directory("out"), ["out is not a study directory"]),
    ("report results", cut("results/topology.pdb", 400), ["topology.pdb cannot be read", "writes it anew"]),
    ("report results", text("results/topology.pdb", os.urandom(99)), ["topology.pdb cannot be read"]),
    (
        "report results",
        cut(f"{FREE}/trajectory.dcd", 100),
        ["trajectory.dcd cannot be read", "repeat the run"],
    ),
    ("report results", text(f"{FREE}/trajectory.dcd", os.urandom(9999)), ["trajectory.dcd cannot be read"]),
    ("report results --figure a.docx", nothing, ["cannot be written as 'a.docx'", ".svg"]),
    ("report results --figure no/a.png", nothing, ["folder no of figure a.png does not exist"]),
    (f"reproduce {FREE}", text(f"{FREE}/run.json", "{"), ["run.json is damaged", "cannot be made again"]),
    (f"reproduce {FREE}", text(f"{FREE}/run.json", "[]"), ["run.json is damaged (it holds no table)"]),
    (f"reproduce {FREE}", text("results/study.json", "{"), ["study.json is damaged"]),
    (f"reproduce {FREE}", text("results/study.json", '{"structure": [], "potential": 3}'), ["is damaged"]),
    ("reproduce results", nothing, ["results is no run of a study"]),
]

test_one_line = one_line_test(CASES)


def test_two_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "out").mkdir()
    with exclusive(folder / "out" / "study.lock"):
        assert "out is in use by another process" in complaint(capsys, *shlex.split(RUN))


def test_no_part_of_a_trajectory_is_lost_unseen(folder: Path) -> None:
    """Two frames and a half of a finished run are gone: the report says so."""
    file = folder / FREE / "trajectory.dcd"
    os.truncate(file, file.stat().st_size - 2 * frame_bytes(128) - 700)
    note = next(run for run in analyze_study("results").runs if run.mode == "free").warning
    assert "of the 50 frames that it wrote, 3 are gone" in note
    file.unlink()
    note = next(run for run in analyze_study("results").runs if run.mode == "free").note
    assert note == "its trajectory is gone"
