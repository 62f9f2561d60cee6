"""The notebooks run, find what their text says, and are stored without results.

By default they run in miniature (`OPENMM_ANION_QUICK`), in full length with ``-m slow``.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "examples" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LENGTHS = pytest.mark.parametrize(
    "quick",
    [
        pytest.param(
            True, id="quick", marks=pytest.mark.timeout(900)
        ),  # kernels start slowly on a busy machine
        pytest.param(False, id="full", marks=[pytest.mark.slow, pytest.mark.timeout(3600)]),
    ],
)


def execute(name: str, wanted: str, quick: bool) -> tuple[Any, list[Any]]:
    """Run a notebook; return the values of an expression after its last cell, and all outputs."""
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(f"import json\nprint(json.dumps({wanted}))"))
    # As Jupyter starts a kernel: figures are drawn into the notebook, not by the backend of the tests.
    environment = {key: value for key, value in os.environ.items() if key != "MPLBACKEND"}
    environment.pop("OPENMM_ANION_QUICK", None)
    if quick:
        environment["OPENMM_ANION_QUICK"] = "1"
    place = {"metadata": {"path": str(FOLDER)}}
    client = NotebookClient(
        notebook, timeout=None, startup_timeout=240, kernel_name="python3", resources=place
    )
    client.execute(env=environment)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    spoken = "".join(output.text for output in outputs if output.get("name") == "stderr")
    assert "Warning" not in spoken, spoken
    return json.loads(notebook.cells[-1].outputs[0].text), outputs[:-1]


def pictures(outputs: list[Any], kind: str) -> list[str]:
    """The pictures or films among outputs."""
    return [output.data[kind] for output in outputs if kind in output.get("data", {})]


@LENGTHS
def test_modes(quick: bool) -> None:
    """What is frozen stands still and is cold; what is not moves and is warm."""
    found, outputs = execute(
        "01_modes",
        "{'violations': {mode: value for mode, (_, value, _) in violations.items()},"
        "'temperatures': temperatures,"
        "'largest': {mode: [float(np.max(seen[row])) for row in rows] for mode, seen in runs.items()}}",
        quick,
    )
    assert set(found["violations"]) == set("TRV")
    assert all(value < 1e-10 for value in found["violations"].values())
    assert set(found["temperatures"]) == set(found["largest"]) == {"free", *"TRV"}
    for mode, (sodium, *motions) in found["temperatures"].items():
        assert 300 < sodium < 900
        assert [letter for letter, kelvin in zip("TRV", motions, strict=True) if math.isnan(kelvin)] == [
            letter for letter in mode if letter in "TRV"
        ]
    for mode, largest in found["largest"].items():
        still = [letter for letter, value in zip("TRV", largest, strict=True) if value < 1e-6]
        assert still == [letter for letter in mode if letter in "TRV"]
    films = pictures(outputs, "text/html")
    assert [film.count("data:image/png;base64") for film in films] == ([8, 3] if quick else [32, 60])
    assert all(len(film) < 3e6 for film in films)
    assert len(pictures(outputs, "image/png")) == 1


@LENGTHS
def test_projector(quick: bool) -> None:
    """The projector that is built there is exact and that of the package; springs and resets are not."""
    found, outputs = execute(
        "02_build_a_projector",
        "{'exact': [float(x) for x in (violation, angle, distance_both, angle_both)],"
        "'equal': [float(difference), float(difference_both)],"
        "'moved': float(farthest), 'free': float(distance),"
        "'naive': {name: float(run[1].max()) for name, run in runs.items()},"
        "'springs': [float(x) for x in reached],"
        "'energies': {name: float(run[2][-1] - run[2][0]) for name, run in runs.items()}}",
        quick,
    )
    assert max(found["exact"]) < 1e-13
    assert max(found["equal"]) < 1e-12
    assert min(found["moved"], found["free"]) > 1e-3
    assert found["naive"].pop("projection") < 1e-13
    assert min(found["naive"].values()) > 1e-5
    assert min(found["springs"]) > 1e-6
    assert abs(found["energies"]["projection"]) < 1.0
    assert found["energies"]["velocities reset every 10 steps"] < -1.0
    assert len(pictures(outputs, "image/png")) == 3


@LENGTHS
def test_sodium(quick: bool) -> None:
    """The study has all modes and runs, and says what its intervals allow."""
    found, outputs = execute(
        "03_which_motion_carries_sodium",
        "{'modes': [[m.mode, m.verdict, m.runs_used, m.ratio and [m.ratio.low_95, m.ratio.high_95]]"
        " for m in at_900.modes],"
        "'statuses': list(outcome.statuses.values()), 'snapshots': snapshots}",
        quick,
    )
    assert set(found["statuses"]) == {"finished"}
    assert [mode for mode, *_ in found["modes"]] == ["free", "T", "R", "V"]
    for mode, verdict, runs, interval in found["modes"]:
        assert runs == found["snapshots"]
        if mode == "free":
            continue
        low, high = interval
        assert verdict == ("slower" if high < 1 else "faster" if low > 1 else "no difference can be told")
    printed = "".join(output.text for output in outputs if output.get("name") == "stdout")
    assert "D/D(free)" in printed
    assert len(pictures(outputs, "image/png")) == 2


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_without_results(path: Path) -> None:
    """As the hook before a commit leaves them, so that changes can be read; and every folded answer ends."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"kernelspec"}
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags"}
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None
        else:
            assert cell.source.count("<details>") == cell.source.count("</details>")


def test_there_are_three() -> None:
    assert [path.stem[:2] for path in NOTEBOOKS] == ["01", "02", "03"]
