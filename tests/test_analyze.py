"""All quantities of somebody's trajectory from the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from ase.units import fs
from synthetic_study import write_study

from openmm_anion.analysis.quantity import from_json
from openmm_anion.analysis.suite import QUANTITIES
from openmm_anion.analysis.verdict import rule_sentence
from openmm_anion.cli import main

D = 0.04
"""A^2/ps."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    study = write_study(
        tmp_path_factory.mktemp("somebody") / "a study", {"free": D}, snapshots=1, n_frames=401
    )
    return study / "topology.pdb", study / "runs/T850K/snapshot-0/free/trajectory.dcd"


@pytest.fixture(scope="module")
def analyzed(files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("analysis") / "out"
    ions = ["--cation", "Na", "--anion", "PS4"]
    options = ["--temperature", "850", "--settle", "1", "--quiet"]
    # two cannot be computed: there are no velocities in a DCD file, and no anion turns
    assert main(["analyze", *map(str, files), *ions, "-o", str(out), *options]) == 1
    return out


def test_every_quantity_is_written_and_drawn(analyzed: Path) -> None:
    missing = {"spectrum": "no velocities", "cations-at-rotations": "0 rotations of anions are no average"}
    for name in QUANTITIES:
        if name not in missing:
            data = from_json(analyzed / f"{name}.json")
            assert data.sizes
            assert (analyzed / f"{name}.png").stat().st_size > 5000
    summary = json.loads((analyzed / "summary.json").read_text())
    assert summary["frames"] == 401
    assert summary["interval_ps"] == pytest.approx(0.1)
    left_out = {name: text for name, text in summary["told"].items() if text.startswith("not computed")}
    assert left_out.keys() == missing.keys()
    assert all(reason in left_out[name] for name, reason in missing.items())


def test_the_truth_is_found(analyzed: Path) -> None:
    numbers = json.loads((analyzed / "summary.json").read_text())["numbers"]
    assert numbers["D_cm2_per_s"] == pytest.approx(D * 1e-4, rel=0.4)
    # sites 3.5 A apart: 6 D = rate * 3.5^2
    rate = 6.0 * D / 3.5**2
    assert numbers["hop_rate_low_per_ps"] < 1.2 * rate
    assert numbers["hop_rate_high_per_ps"] > 0.8 * rate
    assert numbers["libration_degrees"] == pytest.approx(np.degrees(0.15 * np.sqrt(3)), rel=0.25)
    assert numbers["rotation_rate_PS4_per_ps"] == 0.0


def test_only_some(files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ions = ["--cation", "Na", "--anion", "PS4"]
    part = ["--only", "msd, hops", "--begin", "100", "--every", "2", "--quiet"]
    assert main(["analyze", *map(str, files), *ions, "-o", str(tmp_path), *part]) == 0
    assert sorted(path.name for path in tmp_path.glob("*.json")) == ["hops.json", "msd.json", "summary.json"]
    assert "151 frames, 0.2 ps apart; 48 Na, 16 anions (PS4)" in capsys.readouterr().out


def test_several_processes_read_the_same(
    files: tuple[Path, Path], analyzed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rest = [*map(str, files), "--cation", "Na", "--anion", "PS4", "-o", str(tmp_path), "--quiet"]
    assert main(["analyze", *rest, "--only", "msd", "--workers", "2"]) == 0
    assert (tmp_path / "msd.json").read_bytes() == (analyzed / "msd.json").read_bytes()
    assert main(["analyze", *rest, "--workers", "0"]) == 2
    assert "--workers 0 is no number of processes from 1" in capsys.readouterr().err


def test_a_trajectory_with_velocities_has_a_spectrum(tmp_path: Path) -> None:
    """One PS4 that breathes at 10 THz and a Na that swings at 4 THz."""
    t = 0.01 * np.arange(2000)
    unit = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3.0)
    frames = []
    for time in t:
        ring, swing = 2 * np.pi * 10.0 * time, 2 * np.pi * 4.0 * time
        positions = [[5.0, 5.0, 5.0], *(5.0 + (2.05 + 0.05 * np.sin(ring)) * unit)]
        velocities = [[0.0, 0.0, 0.0], *(0.05 * 2 * np.pi * 10.0 * np.cos(ring) * unit)]
        positions.append([1.0 + 0.1 * np.sin(swing), 1.0, 1.0])
        velocities.append([0.1 * 2 * np.pi * 4.0 * np.cos(swing), 0.0, 0.0])
        atoms = Atoms("PS4Na", positions, cell=[10.0] * 3, pbc=True)
        atoms.set_velocities(np.array(velocities) / (1000.0 * fs))
        frames.append(atoms)
    file, out = tmp_path / "run.extxyz", tmp_path / "out"
    write(file, frames)
    ions = ["--cation", "Na", "--anion", "PS4", "--dt", "0.01"]
    assert main(["analyze", str(file), *ions, "-o", str(out), "--only", "spectrum", "--quiet"]) == 0
    data = from_json(out / "spectrum.json")
    peaks = {
        part: float(data.frequency[int(np.argmax(data.spectrum.sel(part=part).values))])
        for part in ("cations", "vibration")
    }
    assert peaks == {"cations": pytest.approx(4.0, abs=0.2), "vibration": pytest.approx(10.0, abs=0.2)}
    assert float(data.spectrum.sel(part="rotation").max()) < 1e-6 * float(data.spectrum.max())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda a: a.__setitem__(0, "nowhere.pdb"), "nowhere.pdb not found"),
        (lambda a: a.__setitem__(3, "Li"), "no atom is a 'Li'"),
        (lambda a: a.__setitem__(3, "NA"), "no atom is a 'NA'"),
        (lambda a: a.__setitem__(5, "BH4"), "anion element B is not in the structure"),
        (lambda a: a.extend(["--only", "msdd"]), "quantity 'msdd' is unknown; there are msd"),
        (lambda a: a.extend(["--every", "0"]), "--every 0 is no number of frames"),
        (lambda a: a.extend(["--lags", "1;2"]), "give times in ps, separated by commas"),
        (lambda a: a.extend(["--settle", "-1"]), "--settle -1 is no number above zero"),
        (lambda a: a.extend(["--temperature", "nan"]), "--temperature nan is no number above zero"),
    ],
)
def test_what_cannot_be_used(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Any, says: str
) -> None:
    arguments = [*map(str, files), "--cation", "Na", "--anion", "PS4", "-o", str(tmp_path / "out")]
    change(arguments)
    assert main(["analyze", *arguments, "--quiet"]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_other_atoms_and_short_runs(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    topology = tmp_path / "fewer.pdb"
    lines = [line for line in files[0].read_text().splitlines() if " NA " not in line or "A 20 " in line]
    topology.write_text("\n".join(lines[:-20]) + "\nEND\n")
    shutil.copy(files[1], tmp_path / "run.dcd")
    ions = ["--cation", "P", "--anion", "PS4", "-o", str(tmp_path / "out"), "--quiet"]
    assert main(["analyze", str(topology), str(tmp_path / "run.dcd"), *ions]) == 2
    assert "cannot be read by MDAnalysis" in capsys.readouterr().err
    ions = ["--cation", "Na", "--anion", "PS4", "-o", str(tmp_path / "few"), "--quiet"]
    assert main(["analyze", *map(str, files), *ions, "--end", "1"]) == 2
    assert "1 of the 401 frames are chosen; at least 2 are needed" in capsys.readouterr().err
    assert main(["analyze", str(files[1]), *ions]) == 2
    assert "nothing tells the elements of the atoms; give a topology" in capsys.readouterr().err
    assert not (tmp_path / "few").exists()


def test_the_rule_speaks_only_where_the_interval_allows() -> None:
    def numbers(rate: float, low: float, high: float) -> dict[str, float]:
        hop = {"hop_rate_per_ps": 1.0, "hop_rate_low_per_ps": 0.9, "hop_rate_high_per_ps": 1.1}
        ends = {"": rate, "_low": low, "_high": high}
        return hop | {f"rotation_rate{end}_BH4_per_ps": value for end, value in ends.items()}

    assert "expects its rotation" in rule_sentence(numbers(1.0, 0.8, 1.2))
    assert "expects its translation" in rule_sentence(numbers(30.0, 20.0, 40.0))
    assert "expects its vibration" in rule_sentence(numbers(0.1, 0.05, 0.2))
    assert "too uncertain" in rule_sentence(numbers(1.0, 0.1, 2.0))
    assert rule_sentence({}) == ""
