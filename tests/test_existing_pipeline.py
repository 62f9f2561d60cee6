"""The example that adds freezing to somebody's OpenMM script: it runs, and five lines are all it takes."""

from __future__ import annotations

import difflib
import inspect
import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import mdtraj
import numpy as np
import pytest
from openmm import unit

SCRIPT = Path(__file__).parents[1] / "examples" / "existing_pipeline.py"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    specification = spec_from_file_location("existing_pipeline", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_five_lines_differ(example: ModuleType) -> None:
    """And no other line of the two scripts, below their names and docstrings."""
    before, after = (
        inspect.getsource(script).split('"""', 2)[2].splitlines()
        for script in (example.as_it_was, example.with_freezing)
    )
    added = [line[2:] for line in difflib.ndiff(before, after) if line.startswith("+ ")]
    assert [line[-3:] for line in added] == [f"# {n}" for n in range(1, 6)]


def test_it_runs(
    example: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both scripts write the same files; anions turn in the one and do not in the other."""
    monkeypatch.setenv("OPENMM_DEFAULT_PLATFORM", "CPU")
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "--steps", "40", "--out", str(tmp_path)])
    example.main()
    free, frozen = (float(turn) for turn in re.findall(r"turned by (\S+) degrees", capsys.readouterr().out))
    assert free > 5.0
    assert frozen < 1e-6
    topology, start = example.crystal()
    for name in ("as-it-was", "with-freezing"):
        folder = tmp_path / name
        assert len((folder / "run.csv").read_text().splitlines()) == 21
        trajectory = mdtraj.load_dcd(str(folder / "run.dcd"), mdtraj.Topology.from_openmm(topology))
        moved = np.abs(trajectory.xyz[-1] - start.value_in_unit(unit.nanometer)).max()
        assert len(trajectory) == 20
        assert 0.001 < moved < 0.2
