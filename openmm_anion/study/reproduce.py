"""Run one run of a study again, from what its directory holds, and compare the two trajectories."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from MDAnalysis.lib.formats.libdcd import DCDFile

from openmm_anion.atomic_file import read_json
from openmm_anion.configuration import parse
from openmm_anion.errors import InputError, reason
from openmm_anion.study.equilibration import Snapshot
from openmm_anion.study.layout import RunKey, StudyLayout
from openmm_anion.study.platform import choose_platform
from openmm_anion.study.prepared import PreparedStudy, prepare_study
from openmm_anion.study.production import produce, versions
from openmm_anion.study.settings import StudySettings

REMEDY = "the run cannot be made again without it"


@dataclass(frozen=True)
class Reproduction:
    """How alike two trajectories are.

    Attributes
    ----------
    frames : int
        Frames that were compared.
    first : int or None
        First frame that differs at all, None if none does.
    largest : float
        Largest difference of a coordinate, nm.
    versions : dict
        Package: version then, and now, where they are not the same.
    """

    frames: int
    first: int | None
    largest: float
    versions: dict[str, tuple[str, str]]

    def __str__(self) -> str:
        if self.first is None:
            found = f"all {self.frames} frames are the same, bit for bit"
        else:
            found = (
                f"the same until frame {self.first} of {self.frames}, then different by up to "
                f"{self.largest:.2g} nm: rounding that grows, as in any chaotic motion"
            )
        changed = ", ".join(f"{name} {then} then, {now} now" for name, (then, now) in self.versions.items())
        return found + (f"\nother versions: {changed}" if changed else "")


def reproduce(run: Path, out: Path, on_steps: Callable[[int], None]) -> Reproduction:
    """Run a run again.

    Crystal, potential, starting snapshot, seed, platform and precision are those that the study kept.

    Parameters
    ----------
    run : Path
        Folder of the run in a study directory, e.g. ``results/runs/T900K/snapshot-0/R``.
    out : Path
        Folder for the new one; must not exist.
    on_steps : callable
        Told the number of steps done since the last call.

    Returns
    -------
    Reproduction
        How alike the two runs are.

    Raises
    ------
    InputError
        If `run` is no run of a study, its inputs are gone or changed, or `out` is there.
    """
    record = _json(run / "run.json", "is no run of a study")
    root = run.resolve().parents[3] if len(run.resolve().parents) > 3 else run
    layout = StudyLayout(root)
    study = kept_study(layout, record)
    if out.exists():
        raise InputError(f"{out} is already there; choose another --out")
    try:
        key = RunKey(
            float(record["temperature_K"]),
            int(record["snapshot"]),
            str(record["mode"]) or "free",
            int(record.get("repeat", 0)),
        )
        seed = int(record["seed"])
    except KeyError as missing:
        raise _lacks(layout, missing) from None
    except (TypeError, ValueError):
        raise InputError(f"{run / 'run.json'} is damaged; {REMEDY}") from None
    before = run / "trajectory.dcd"
    if not before.is_file():
        raise InputError(f"{before} is gone; there is nothing to compare with")
    snapshot = layout.snapshot_file(key.temperature, key.snapshot)
    if not snapshot.is_file():
        raise InputError(f"{snapshot} is gone; the run cannot be started from the same place")
    platform = choose_platform(study.settings.computer)
    until = record.get("until_frame")
    produce(study, key, Snapshot.read(snapshot), out, seed, platform, on_steps, until=until)
    now = versions()
    then: dict[str, str] = record.get("versions", {})
    return compare(
        before,
        out / "trajectory.dcd",
        {name: (old, now[name]) for name, old in then.items() if now.get(name) != old},
    )


def kept_study(layout: StudyLayout, record: dict[str, Any]) -> PreparedStudy:
    """Prepare a study from what its directory keeps, for the platform of one run.

    A committee is left out: it looks at frames, and changes nothing.

    Parameters
    ----------
    layout : StudyLayout
        The directory.
    record : dict
        Contents of ``run.json``.

    Returns
    -------
    PreparedStudy
        As the run had it.

    Raises
    ------
    InputError
        If an input file is missing or not the one that the study was made with.
    """
    content = _json(layout.study_file, "is not a study directory")
    try:
        structure, potential = content["structure"], content["potential"]
        file, sha256 = layout.inputs / structure["file"], structure.pop("sha256")
        name, model_sha256 = potential["name"], potential["sha256"]
        content["computer"] = record["computer"] | {"platform": record["platform"], "devices": ()}
    except KeyError as missing:
        raise _lacks(layout, missing) from None
    except (TypeError, AttributeError):  # a list, or a number, where a table should be
        raise InputError(f"{layout.study_file} or the run's run.json is damaged; {REMEDY}") from None
    _check(file, sha256)
    model = layout.inputs / Path(name).name
    structure["file"] = str(file)
    content["potential"] = {"name": str(model) if model.is_file() else name}
    study = prepare_study(parse(StudySettings, content, str(layout.study_file)))
    found = study.potential.sha256
    if found != model_sha256:
        raise InputError(
            f"potential {name!r} is not the one that the study was made with (sha256 {found[:12]}, then "
            f"{model_sha256[:12]})"
        )
    return study


def compare(before: Path, after: Path, changed: dict[str, tuple[str, str]]) -> Reproduction:
    """Compare two trajectories frame by frame.

    Parameters
    ----------
    before, after : Path
        DCD files.
    changed : dict
        Versions that are not the same.

    Returns
    -------
    Reproduction
        With the first frame that differs, if one does.

    Raises
    ------
    InputError
        If one cannot be read.
    """
    try:
        with DCDFile(str(before)) as one, DCDFile(str(after)) as other:
            frames = min(len(one), len(other))
            ours, right = (np.array([file.read().xyz.copy() for _ in range(frames)]) for file in (other, one))
    except OSError as error:
        raise InputError(f"{before} cannot be compared with {after}: {reason(error)}") from None
    if ours.shape != right.shape:
        raise InputError(f"{before} holds other atoms than {after}")
    largest = np.abs(ours - right).reshape(frames, -1).max(axis=1)
    different = np.flatnonzero(largest > 0.0)
    first = int(different[0]) if len(different) else None
    return Reproduction(frames, first, 0.1 * float(largest.max(initial=0.0)), changed)


def _json(path: Path, what: str) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"{path.parent} {what}: it has no {path.name}")
    return read_json(path, REMEDY)


def _lacks(layout: StudyLayout, missing: KeyError) -> InputError:
    return InputError(
        f"{layout.study_file} or the run's run.json lacks {missing}; a version of openmm-anion wrote "
        "them that did not keep all it takes to run again"
    )


def _check(file: Path, sha256: str) -> None:
    if not file.is_file():
        raise InputError(f"{file} is gone; it was written when the study began")
    if hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
        raise InputError(f"{file} is not the structure that the study was made with")
