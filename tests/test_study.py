"""Studies end to end on the shipped potential: files, physics of the start, resuming, refusing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import MDAnalysis
import numpy as np
import openmm
import pytest
import torch
from openmm import unit
from torch import Tensor

from openmm_anion.cli import main
from openmm_anion.comparison.study_directory import SpreadRecord
from openmm_anion.comparison.trouble import Trouble
from openmm_anion.errors import InputError
from openmm_anion.models.committee import Committee
from openmm_anion.models.force import Bound
from openmm_anion.models.potential import Potential
from openmm_anion.periodic import minimum_image
from openmm_anion.processes import exclusive
from openmm_anion.study.equilibration import Snapshot
from openmm_anion.study.layout import RunKey
from openmm_anion.study.prepared import PreparedStudy, prepare_study
from openmm_anion.study.production import produce
from openmm_anion.study.schedule import run_study
from openmm_anion.study.settings import StudySettings, parse_settings
from openmm_anion.study.spread_watch import FILE
from openmm_anion.study.watchdog import LAST_GOOD_STATE
from openmm_anion.units import ANGSTROM, EV

CRYSTAL = Path(__file__).parents[1] / "examples" / "na3ps4" / "na3ps4.cif"


def settings(**dynamics: object) -> StudySettings:
    """A study of a fraction of a picosecond."""
    content = {
        "structure": {"file": str(CRYSTAL), "supercell": [2, 2, 2], "cation": "Na", "anion": "PS4"},
        "potential": {"name": "na3ps4"},
        "dynamics": {
            "temperatures": 850,
            "modes": ["R"],
            "snapshots": 1,
            "equilibration": 0.1,
            "production": 0.12,
            **dynamics,
        },
        "output": {"frame_interval": 0.02, "checkpoint_interval": 0.04},
        "computer": {"platform": "CPU", "workers": 1},
    }
    return parse_settings(content, "the test")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("study")
    outcome = run_study(settings(), directory, quiet=True)
    assert {str(key): status for key, status in outcome.statuses.items()} == {
        "850 K, snapshot 0, free": "finished",
        "850 K, snapshot 0, R": "finished",
    }
    return directory


@pytest.fixture(scope="module")
def study() -> PreparedStudy:
    return prepare_study(settings())


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


class KilledError(Exception):
    """Stands for the end of the process."""


def test_interrupted_run_goes_on_bit_for_bit(finished: Path, study: PreparedStudy, tmp_path: Path) -> None:
    """The resumed trajectory is the uninterrupted one: same bytes, no gap, no doubled frame."""
    whole = finished / "runs" / "T850K" / "snapshot-0" / "R"
    snapshot = Snapshot.read(whole.parent / "snapshot.npz")
    seed = json.loads((whole / "run.json").read_text())["seed"]
    key = RunKey(850.0, 0, "R")
    steps = 0

    def stop_in_the_middle(done: int) -> None:
        nonlocal steps
        steps += done
        if steps >= 50:  # one frame after the checkpoint at 0.08 ps
            raise KilledError

    with pytest.raises(KilledError):
        produce(study, key, snapshot, tmp_path, seed, "CPU", stop_in_the_middle)
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


def test_broken_anion_ends_the_run_and_says_when(
    finished: Path, study: PreparedStudy, tmp_path: Path
) -> None:
    snapshot = Snapshot.read(finished / "runs" / "T850K" / "snapshot-0" / "snapshot.npz")
    torn = snapshot.velocities.copy()
    bond = study.anions[3].bonds[0]
    ligand = next(int(i) for i in bond if study.atoms.symbols[int(i)] == "S")
    center = next(int(i) for i in bond if study.atoms.symbols[int(i)] == "P")
    direction = snapshot.positions[ligand] - snapshot.positions[center]
    torn[ligand] = 20 * direction / np.linalg.norm(direction)  # nm/ps: far above thermal
    status = produce(
        study,
        RunKey(850.0, 0, "free"),
        Snapshot(snapshot.positions, torn),
        tmp_path,
        1,
        "CPU",
        lambda _: None,
    )
    assert status == "broken"
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["status"] == "broken"
    first = record["broken"][0]
    assert (first["anion"], first["atom"], first["symbol"]) == (3, ligand, "S")
    assert 0 < first["time_ps"] <= 0.06


def test_blow_up_is_a_failed_run_not_a_traceback(
    finished: Path, study: PreparedStudy, tmp_path: Path
) -> None:
    snapshot = Snapshot.read(finished / "runs" / "T850K" / "snapshot-0" / "snapshot.npz")
    velocities = np.full_like(snapshot.velocities, np.nan)
    velocities[:] = 1e200  # finite, but its square is not
    status = produce(
        study,
        RunKey(850.0, 0, "free"),
        Snapshot(snapshot.positions, velocities),
        tmp_path,
        1,
        "CPU",
        lambda _: None,
    )
    assert status == "failed"
    assert json.loads((tmp_path / "run.json").read_text())["frames"] == 0


class Treacherous(Potential):
    """Fails when an atom is farther from its start than it should be."""

    kinds = ("python",)

    def __init__(self, sound: Potential, atom: int, deed: Callable[[Tensor], Tensor]) -> None:
        super().__init__({"name": "treacherous", "elements": sound.elements})
        self.sound, self.atom, self.deed = sound, atom, deed

    def bind(self, symbols: Sequence[str]) -> Bound:
        sound, start = self.sound.bind(symbols), None

        def evaluate(positions: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
            nonlocal start
            if start is None:
                start = positions[self.atom].clone()
            energy, forces = sound(positions, box)
            if torch.linalg.norm(positions[self.atom] - start) > 0.005:
                forces[self.atom] = self.deed(forces[self.atom])
            return energy, forces

        return evaluate


def test_a_committee_tells_where_a_run_left_its_potential(
    finished: Path, study: PreparedStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two potentials that disagree about one atom once it has moved: looked at, at each checkpoint."""
    monkeypatch.setattr("openmm_anion.study.spread_watch.STEPS_PER_MEMBER", 1)
    atom = 40
    doubtful = Treacherous(study.potential, atom, lambda force: force + 200.0)
    strict = study.settings.potential.model_copy(update={"largest_spread": 0.05})
    watched = replace(
        study,
        committee=Committee([study.potential, doubtful]),
        settings=study.settings.model_copy(update={"potential": strict}),
    )
    snapshot = Snapshot.read(finished / "runs" / "T850K" / "snapshot-0" / "snapshot.npz")
    key, seed = RunKey(850.0, 0, "free"), 1
    steps = 0

    def stop_in_the_middle(done: int) -> None:
        nonlocal steps
        steps += done
        if steps >= 50:
            raise KilledError

    with pytest.raises(KilledError):
        produce(watched, key, snapshot, tmp_path, seed, "CPU", stop_in_the_middle)
    late = "0.12,9.9,7\n0.14,9"  # later than the checkpoint, and half a row
    (tmp_path / FILE).write_text((tmp_path / FILE).read_text() + late)
    assert produce(watched, key, snapshot, tmp_path, seed, "CPU", lambda _: None) == "finished"
    spread = SpreadRecord.model_validate(json.loads((tmp_path / "run.json").read_text())["spread"])
    assert spread.frames == 4  # 0, 0.04, 0.08 and 0.12 ps
    assert 1 <= spread.outside <= 3
    assert spread.first is not None
    assert spread.first["atom"] == atom
    # The same deviation of 100 kJ/(mol nm) from the mean in each component.
    assert spread.largest_ev_per_angstrom == pytest.approx(100.0 * ANGSTROM / EV, rel=1e-3)
    assert "outside of what the potential was trained on" in str(spread)


def _raise(force: Tensor) -> Tensor:
    raise RuntimeError("the model has no answer")


@pytest.mark.parametrize(
    ("deed", "what"),
    [
        (lambda force: force * torch.nan, "a force that is not finite"),
        (lambda force: force + 1e6, "a force of 1.73e+06 kJ/mol/nm"),
        (_raise, "the model has no answer"),
    ],
    ids=["nan", "absurd", "raises"],
)
def test_a_potential_that_fails_stops_the_run(
    finished: Path, study: PreparedStudy, tmp_path: Path, deed: Callable[[Tensor], Tensor], what: str
) -> None:
    """With the step, the atom, and the last good state."""
    atom = 40
    snapshot = Snapshot.read(finished / "runs" / "T850K" / "snapshot-0" / "snapshot.npz")
    bad = replace(study, potential=Treacherous(study.potential, atom, deed))
    assert produce(bad, RunKey(850.0, 0, "R"), snapshot, tmp_path, 1, "CPU", lambda _: None) == "failed"
    record = json.loads((tmp_path / "run.json").read_text())
    trouble = Trouble.model_validate(record["trouble"])
    assert what in str(trouble)
    if deed is not _raise:
        assert (trouble.atom, trouble.symbol) == (atom, study.atoms.symbols[atom])
    interval = round(record["frame_interval_ps"] / record["timestep_ps"])
    last = (record["frames"] - 1) * interval
    assert last < trouble.step <= last + interval
    state = openmm.XmlSerializer.deserialize((tmp_path / LAST_GOOD_STATE).read_text())
    assert state.getTime().value_in_unit(unit.picosecond) == pytest.approx(last * record["timestep_ps"])
    there = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
    assert np.linalg.norm(there[atom] - snapshot.positions[atom]) <= 0.005


def test_kill_and_run_again(tmp_path: Path) -> None:
    """A real kill -9 of the whole command; the same command then completes the study."""
    study_file = tmp_path / "study.toml"
    study_file.write_text(
        f"""
[structure]
file = "{CRYSTAL}"
supercell = [2, 2, 2]
cation = "Na"
anion = "PS4"
[potential]
name = "na3ps4"
[dynamics]
temperatures = 850
modes = ["free"]
snapshots = 1
equilibration = 0.04
production = 1.0
[output]
frame_interval = 0.02
checkpoint_interval = 0.02
[computer]
platform = "CPU"
workers = 1
"""
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

    def stop_in_the_middle(steps: int) -> None:
        stop_in_the_middle.done += steps  # type: ignore[attr-defined]
        if stop_in_the_middle.done > 30:  # type: ignore[attr-defined]
            raise KeyboardInterrupt

    stop_in_the_middle.done = 0  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        produce(study, key, snapshot, tmp_path, 5, "CPU", stop_in_the_middle)
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
