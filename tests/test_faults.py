"""Files that cannot be written, and study files that nobody would write: one line each, and nothing lost."""

from __future__ import annotations

import errno
import os
import string
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import ase.io
import numpy as np
import pytest
import synthetic_study
from crystals import labelled
from hypothesis import given
from hypothesis import strategies as st
from openmm import app
from study_files import STUDY, write_study

from openmm_anion import models
from openmm_anion.atomic_file import write_bytes
from openmm_anion.cli import main
from openmm_anion.configuration import read_toml
from openmm_anion.errors import InputError
from openmm_anion.models.committee import Committee
from openmm_anion.study.equilibration import Snapshot
from openmm_anion.study.layout import RunKey
from openmm_anion.study.prepared import prepare_study
from openmm_anion.study.production import produce
from openmm_anion.study.recorder import DCD_HEADER, TRAJECTORY, Recorder, frame_bytes
from openmm_anion.study.settings import StudySettings, parse_settings, read_settings
from openmm_anion.study.spread_watch import SpreadWatch

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ANALYZE = (
    "analyze STUDY/topology.pdb STUDY/runs/T850K/snapshot-0/free/trajectory.dcd --cation Na --anion PS4 "
    "--only msd --quiet"
)

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["free", "R", "Na", "PS4", "CPU", "mean", [2, 2, 2], [850.0], ["T", "V"]]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def keys() -> list[tuple[str, str]]:
    """Every key of a study file, and some that it does not have."""
    known = [
        (section, key)
        for section, field in StudySettings.model_fields.items()
        for key in field.annotation.model_fields  # type: ignore[union-attr]
    ]
    return [*known, ("dynamics", "mode"), ("structure", ""), ("nothing", "x"), ("potential", "näme")]


def complaint_of(call: Callable[[], object]) -> str | None:
    """What is said about input that cannot be used; any other exception is a failure."""
    try:
        call()
    except InputError as error:
        return str(error)
    return None


@given(st.lists(st.tuples(st.sampled_from(keys()), VALUES), min_size=1, max_size=4))
def test_any_value_of_a_key_is_taken_or_refused(changes: list[tuple[tuple[str, str], object]]) -> None:
    content = tomllib.loads(STUDY)
    for (section, key), value in changes:
        content.setdefault(section, {})[key] = value
    complaint = complaint_of(lambda: parse_settings(content, "study.toml"))
    assert complaint is None or ("study.toml" in complaint and "\n" not in complaint)


@given(st.text(alphabet=string.printable + "äé\x00\u2028", max_size=60), st.integers(0, len(STUDY)))
def test_any_text_is_a_study_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str, at: int) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed study.toml"
    path.write_text(STUDY[:at] + text + STUDY[at:], encoding="utf-8", newline="")
    complaint = complaint_of(lambda: parse_settings(read_toml(path, "study file"), str(path)))
    assert complaint is None or ("fuzzed study.toml" in complaint and "\n" not in complaint)


@given(st.binary(max_size=200))
def test_any_bytes_are_toml_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed bytes.toml"
    path.write_bytes(content)
    complaint = complaint_of(lambda: read_toml(path, "study file"))
    assert complaint is None or ("fuzzed bytes.toml" in complaint and "\n" not in complaint)


@pytest.mark.parametrize("what", ["a frame", "a checkpoint"])
def test_a_disk_that_is_full_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The write fails; the same run goes on later, to the bit as if nothing had been."""
    output = "[output]\nframe_interval = 0.01\ncheckpoint_interval = 0.02"
    change = ("production = 0.1", f"production = 0.1\n{output}")
    study = prepare_study(read_settings(write_study(tmp_path, change)))
    start = Snapshot(study.anions.positions, np.zeros((128, 3)))

    def run(folder: str) -> str:
        return produce(study, RunKey(850.0, 0, "T"), start, tmp_path / folder, 3, "CPU", lambda _: None)

    assert run("whole") == "finished"
    with monkeypatch.context() as patch:
        if what == "a frame":
            patch.setattr(app.DCDFile, "writeModel", full_after(5, app.DCDFile.writeModel))
        else:
            patch.setattr("openmm_anion.study.recorder.write_bytes", full_after(2, write_bytes))
        with pytest.raises(OSError, match="No space left on device"):
            run("stopped")
    assert run("stopped") == "finished"
    ours, right = (tmp_path / folder / "trajectory.dcd" for folder in ("stopped", "whole"))
    assert ours.read_bytes()[DCD_HEADER:] == right.read_bytes()[DCD_HEADER:]
    rows = np.loadtxt(tmp_path / "stopped" / "thermodynamics.csv", delimiter=",", skiprows=1)
    np.testing.assert_allclose(rows[:, 0], 0.01 * np.arange(11), atol=1e-9)


def full_after(calls: int, write: Callable[..., object]) -> Callable[..., object]:
    """A function that writes so many times, then finds the disk full."""
    left = [calls]

    def try_to_write(*arguments: object, **options: object) -> object:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(*arguments, **options)

    return try_to_write


@pytest.mark.parametrize(
    ("command", "written", "kept"),
    [
        ("report STUDY --figure new.svg", ["STUDY/results.json"], ["STUDY/report.html", "new.svg"]),
        (f"{ANALYZE} -o out", ["out/msd.json"], ["out/msd.png", "out/summary.json"]),
        ("train data.extxyz --epochs 1 --out new.pt --quiet", ["new.png"], ["new.md", "new.pt"]),
    ],
)
def test_a_file_is_the_old_or_the_new_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    written: list[str],
    kept: list[str],
) -> None:
    """The disk is full in the second file: the first is whole, the others are as they were."""
    monkeypatch.chdir(tmp_path)
    synthetic_study.write_study(tmp_path / "STUDY", {"free": 0.04}, snapshots=1, n_frames=50)
    ase.io.write("data.extxyz", labelled(12))
    for name in (*written, *kept):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("old")
    monkeypatch.setattr("openmm_anion.atomic_file.os.fsync", full_after(1, os.fsync))
    assert main(command.split()) == 2
    assert capsys.readouterr().err.endswith("openmm-anion: No space left on device\n")
    for name in written:
        assert Path(name).stat().st_size > 1000
    for name in kept:
        assert Path(name).read_text() == "old"
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("spoil", [b"", b"{", b"[1, 2]", b"\xff\xfe", b'{"frames": "many"}\n', b"PK\x03\x04"])
@pytest.mark.parametrize("name", ["checkpoint.bin", "snapshot.npz", "thermodynamics.csv", "spread.csv"])
def test_what_a_run_goes_on_from_is_damaged(tmp_path: Path, name: str, spoil: bytes) -> None:
    """One line that says which file it is, whatever is in it."""
    path = tmp_path / name
    path.write_bytes(spoil)
    topology = app.Topology()
    if name == "snapshot.npz":
        complaint = complaint_of(lambda: Snapshot.read(path))
    elif name == "spread.csv":
        path.write_bytes(b"head\n" + spoil + b"\n")
        committee = Silent([models.load("na3ps4")] * 2)
        complaint = complaint_of(lambda: SpreadWatch(committee, ["Na"], 1.0, tmp_path, 1.0))
    else:
        if name == "thermodynamics.csv":
            (tmp_path / "checkpoint.bin").write_bytes(b'{"frames": 3, "fingerprint": "x"}\n')
            (tmp_path / TRAJECTORY).write_bytes(bytes(DCD_HEADER + 3 * frame_bytes(0)))
        complaint = complaint_of(lambda: Recorder(tmp_path, topology, 0.002, 5, "x"))
    assert complaint is not None
    assert str(path) in complaint
    assert "\n" not in complaint
    assert "delete" in complaint


class Silent(Committee):
    """Is never asked."""

    def bind(self, symbols: Sequence[str]) -> Callable[..., np.ndarray]:
        return lambda *_: np.zeros(len(symbols))


def test_the_command_says_it_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "trajectory.dcd")

    monkeypatch.setattr("openmm_anion.study.command.run_study", full)
    assert main(["run", str(write_study(tmp_path))]) == 2
    assert capsys.readouterr().err == "openmm-anion: trajectory.dcd: No space left on device\n"
