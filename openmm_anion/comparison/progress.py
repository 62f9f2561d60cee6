"""How far a study is: a line for each run, from what is on disk."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from openmm_anion.comparison.study_directory import RunFolder, StudyDirectory
from openmm_anion.text_table import columns

STALE = 120.0
"""A run that says it is running, and whose files have not changed for so long (s), has been interrupted."""


@dataclass(frozen=True)
class RunProgress:
    """How far a run is.

    Attributes
    ----------
    name : str
        Temperature, snapshot, mode and repeat.
    state : str
        ``"finished"``, ``"waiting"`` (for the others, to see how well D is known), ``"running"``,
        ``"interrupted"``, ``"broken"``, ``"failed"`` or ``"not started"``.
    done_ps, planned_ps : float
        Length of the trajectory so far, and what it shall be.
    kelvin : float or None
        Mean temperature so far, K.
    note : str
        What is amiss.
    """

    name: str
    state: str
    done_ps: float
    planned_ps: float
    kelvin: float | None = None
    note: str = ""


def study_progress(study: StudyDirectory, now: float | None = None) -> list[RunProgress]:
    """Look at every run of a study.

    Parameters
    ----------
    study : StudyDirectory
        The study.
    now : float, optional
        Time to compare files with, s since the epoch; by default now.

    Returns
    -------
    list of RunProgress
        Those that have begun, and then those that have not.
    """
    now = time.time() if now is None else now
    rows = [_started(folder, now) for folder in study.runs]
    return rows + [RunProgress(str(key), "not started", 0.0, 0.0) for key in study.missing()]


def _started(folder: RunFolder, now: float) -> RunProgress:
    record = folder.record
    columns = folder.thermodynamics()
    frames = len(columns["time_ps"]) if columns else 0
    state: str = record.status
    if state == "running" and now - _changed(folder.path) > STALE:
        state = "interrupted"
    note = str(record.trouble) if record.trouble else ""
    if record.broken:
        note = str(record.broken[0])
    return RunProgress(
        name=str(folder.key),
        state=state,
        done_ps=max(frames - 1, 0) * record.frame_interval_ps,
        planned_ps=(record.steps or 0) * (record.timestep_ps or 0.0),
        kelvin=float(columns["temperature_K"].mean()) if frames else None,
        note=note,
    )


def _changed(folder: Path) -> float:
    return max(path.stat().st_mtime for path in folder.iterdir())


def progress_table(rows: list[RunProgress]) -> str:
    """A table for the terminal, with a line that sums up.

    Parameters
    ----------
    rows : list of RunProgress
        From `study_progress`.

    Returns
    -------
    str
        Several lines.

    Examples
    --------
    >>> print(progress_table([RunProgress("900 K, snapshot 0, R", "running", 5.0, 20.0, 899.6)]))
    run                   state    done (ps)  of (ps)  T (K)
    900 K, snapshot 0, R  running  5          20       900    [#####---------------]
    0 of 1 finished, 25 % of the started runs simulated
    """
    lines = columns([("run", "state", "done (ps)", "of (ps)", "T (K)", ""), *map(_cells, rows)])
    done, planned = sum(row.done_ps for row in rows), sum(row.planned_ps for row in rows)
    finished = sum(row.state == "finished" for row in rows)
    share = 100.0 * done / planned if planned else 0.0
    lines.append(f"{finished} of {len(rows)} finished, {share:.0f} % of the started runs simulated")
    return "\n".join([*lines, *_notes(rows)])


def _cells(row: RunProgress) -> tuple[str, ...]:
    if row.state == "not started":
        return (row.name, row.state, "", "", "", "")
    filled = round(20 * row.done_ps / row.planned_ps) if row.planned_ps else 0
    kelvin = "" if row.kelvin is None else f"{row.kelvin:.0f}"
    bar = f"[{'#' * filled}{'-' * (20 - filled)}]"
    return (row.name, row.state, f"{row.done_ps:g}", f"{row.planned_ps:g}", kelvin, bar)


def _notes(rows: list[RunProgress]) -> Iterator[str]:
    for row in rows:
        if row.note:
            yield f"{row.name}: {row.note}"
        elif row.state == "interrupted":
            yield f"{row.name}: interrupted; `openmm-anion run` goes on from its last checkpoint"
