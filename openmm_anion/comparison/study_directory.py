"""Read a study directory: what was simulated, what is there, what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from openmm_anion.analysis.damage import Damage
from openmm_anion.atomic_file import read_json
from openmm_anion.comparison.trouble import Trouble
from openmm_anion.errors import InputError
from openmm_anion.study.layout import RunKey

THERMODYNAMICS_COLUMNS = (
    "time_ps",
    "potential_kj_mol",
    "kinetic_kj_mol",
    "temperature_K",
    "constraint_violation_nm",
)


class AnionRecord(BaseModel):
    """One anion in ``structure.json``: formula, atom indices, bonds as pairs of atom indices."""

    formula: str
    indices: list[int] = Field(min_length=1)
    bonds: list[tuple[int, int]]


class StructureRecord(BaseModel):
    """``structure.json``: the atoms, which of them are anions and cations, and the plan of the study."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    symbols: list[str]
    masses: list[float]
    anions: list[AnionRecord] = Field(min_length=1)
    cations: list[int] = Field(min_length=1)
    cation: str
    anion: list[str]
    n_atoms: int
    notes: list[str] = []
    potential: dict[str, Any] = {}
    temperatures: list[float]
    modes: list[str]
    snapshots: int
    seeds: int = 1


class SpreadRecord(BaseModel):
    """How often a committee disagreed more than it should."""

    frames: int
    outside: int
    largest_ev_per_angstrom: float
    limit_ev_per_angstrom: float
    first: dict[str, Any] | None = None

    def __str__(self) -> str:
        first = ""
        if self.first:
            atom = f"{self.first['symbol']}, atom {self.first['atom']}"
            first = f" (first {atom}, at {self.first['time_ps']:g} ps)"
        return (
            f"{self.outside} of {self.frames} frames are outside of what the potential was trained on{first}"
            f"; its committee disagrees by up to {self.largest_ev_per_angstrom:.2g} eV/A"
        )


class RunRecord(BaseModel):
    """``run.json``: one run and how it went."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    mode: str
    temperature_K: float
    snapshot: int
    repeat: int = 0
    status: Literal["finished", "waiting", "running", "failed", "broken"]
    frame_interval_ps: float = Field(gt=0.0)
    timestep_ps: float | None = None
    steps: int | None = None
    frames: int | None = None
    stopped: str = ""
    degrees_of_freedom: int | None = None
    seed: int | None = None
    platform: str | None = None
    precision: str | None = None
    steps_per_s: float | None = None
    versions: dict[str, str] = {}
    broken: list[Damage] = []
    trouble: Trouble | None = None
    spread: SpreadRecord | None = None

    @property
    def name(self) -> str:
        """Mode as people read it: ``"free"``, or what is frozen."""
        return self.mode or "free"


@dataclass(frozen=True)
class RunFolder:
    """One run on disk.

    Attributes
    ----------
    path : Path
        Its folder.
    record : RunRecord
        Contents of ``run.json``.
    """

    path: Path
    record: RunRecord

    @property
    def trajectory(self) -> Path:
        """Its trajectory file, which may not exist yet."""
        return self.path / "trajectory.dcd"

    @property
    def velocities(self) -> Path:
        """Its file of velocities, which is there where the study writes them."""
        return self.path / "velocities.dcd"

    @property
    def key(self) -> RunKey:
        """Temperature, snapshot, mode, and which repeat of it."""
        record = self.record
        return RunKey(record.temperature_K, record.snapshot, record.name, record.repeat)

    def thermodynamics(self) -> dict[str, NDArray[np.float64]]:
        """Return the columns of ``thermodynamics.csv`` by name; empty if there is no row yet.

        A last line that a running simulation has not finished is left out.

        Returns
        -------
        dict of str to array
            A number for each frame that was written.

        Raises
        ------
        InputError
            If a column is missing or a row cannot be read.
        """
        path = self.path / "thermodynamics.csv"
        if not path.is_file():
            return {}
        header, _, body = path.read_text(encoding="utf-8", errors="replace").partition("\n")
        names = [name.strip().lstrip("#").strip('" ') for name in header.split(",")]
        for name in THERMODYNAMICS_COLUMNS:
            if name not in names:
                raise InputError(f"{path} has no column {name}; it was not written by this version's run")
        lines = body[: body.rfind("\n") + 1].splitlines()
        try:
            rows = np.array([[float(field) for field in line.split(",")] for line in lines])
        except ValueError:
            raise InputError(f"{path} has a row that is not numbers; repeat the run") from None
        if len(rows) == 0:
            return {}
        return {name: rows[:, names.index(name)] for name in THERMODYNAMICS_COLUMNS}


@dataclass(frozen=True)
class StudyDirectory:
    """A directory that ``openmm-anion run`` wrote, finished or not.

    Attributes
    ----------
    path : Path
        The directory.
    structure : StructureRecord
        Contents of ``structure.json``.
    runs : tuple of RunFolder
        Runs that were at least started, by temperature, snapshot, mode and repeat.
    """

    path: Path
    structure: StructureRecord
    runs: tuple[RunFolder, ...]

    @classmethod
    def read(cls, directory: Path | str) -> StudyDirectory:
        """Read a study directory.

        Parameters
        ----------
        directory : path
            What ``openmm-anion run`` wrote.

        Returns
        -------
        StudyDirectory

        Raises
        ------
        InputError
            If it does not exist, is something else, or has no run yet.
        """
        path = Path(directory)
        if not path.is_dir():
            raise InputError(f"there is no directory {path}; give the results directory of a study")
        for name in ("structure.json", "topology.pdb"):
            if not (path / name).is_file():
                raise InputError(f"{path} is not a study directory: it has no {name}; give what `run` wrote")
        structure = _validated(path / "structure.json", StructureRecord)
        _check_indices(structure, path / "structure.json")
        runs = [
            RunFolder(file.parent, _validated(file, RunRecord))
            for file in (path / "runs").glob("*/*/*/run.json")
        ]
        if not runs:
            raise InputError(f"{path} has no runs yet; start them with `openmm-anion run`")
        order = {name: i for i, name in enumerate(structure.modes)}
        runs.sort(key=lambda run: (*run.key[:2], order.get(run.key.mode, len(order)), *run.key[2:]))
        return cls(path, structure, tuple(runs))

    def missing(self) -> list[RunKey]:
        """Return the planned runs that have not been started.

        Returns
        -------
        list of RunKey
            In the order of the study.
        """
        started = {run.key for run in self.runs}
        return [key for key in self._planned() if key not in started]

    def _planned(self) -> Iterator[RunKey]:
        for temperature in self.structure.temperatures:
            for snapshot in range(self.structure.snapshots):
                for mode in self.structure.modes:
                    for repeat in range(self.structure.seeds):
                        yield RunKey(temperature, snapshot, mode or "free", repeat)

    @cached_property
    def study_text(self) -> str:
        """The settings as they were run, with all defaults, as JSON; empty if there is no copy."""
        path = self.path / "study.json"
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


Record = TypeVar("Record", bound=BaseModel)


def _validated(path: Path, model: type[Record]) -> Record:
    content = read_json(path, "delete its run or start the study again")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: {where}: {first['msg']}; not written by this version's run") from None


def _check_indices(structure: StructureRecord, path: Path) -> None:
    n = structure.n_atoms
    if len(structure.symbols) != n or len(structure.masses) != n:
        raise InputError(
            f"{path}: {n} atoms, but {len(structure.symbols)} symbols and {len(structure.masses)} masses"
        )
    named = [*structure.cations]
    for anion in structure.anions:
        named += anion.indices
        named += [atom for bond in anion.bonds for atom in bond]
    if min(named) < 0 or max(named) >= n:
        raise InputError(f"{path}: an ion names an atom outside 0 to {n - 1}")
