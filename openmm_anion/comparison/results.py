"""What the analysis of a study finds, as it is written to ``results.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from openmm_anion.analysis.damage import Damage
from openmm_anion.atomic_file import write_bytes
from openmm_anion.comparison.ratio import Verdict
from openmm_anion.comparison.scatter import SnapshotScatter

FREE = "free"
"""Name of the mode in which nothing is frozen."""


RATTLING_PS = 1.0
"""Lag time up to which vibrations in the cages dominate the displacement, ps."""


class Estimate(BaseModel):
    """A number with its intervals; `value` is None where it does not stand above its noise."""

    value: float | None
    low_68: float
    high_68: float
    low_95: float
    high_95: float


class Curve(BaseModel):
    """Mean squared displacement against lag time."""

    lag_ps: list[float]
    msd_A2: list[float]


class Thermodynamics(BaseModel):
    """Time series of a run, thinned for plotting, and what they amount to over all rows."""

    time_ps: list[float]
    potential_kj_mol: list[float]
    temperature_K: list[float]
    constraint_violation_nm: list[float]
    mean_temperature_K: float
    largest_constraint_violation_nm: float


class RunResult(BaseModel):
    """One run: how it went, its displacement and its own diffusion coefficient."""

    temperature_K: float
    snapshot: int
    repeat: int = 0
    mode: str
    status: str
    frames: int
    duration_ps: float
    used: bool
    note: str = ""
    warning: str = ""
    broken: list[Damage] = []
    D_A2_per_ps: float | None = None
    D_standard_error_A2_per_ps: float | None = None
    offset_A2: float | None = None
    effective_events: float | None = None
    msd: Curve | None = None
    thermodynamics: Thermodynamics | None = None

    @property
    def name(self) -> str:
        """Temperature, mode, snapshot and repeat in words."""
        repeat = f", repeat {self.repeat}" if self.repeat else ""
        return f"{self.temperature_K:g} K, {self.mode}, snapshot {self.snapshot}{repeat}"


class ModeResult(BaseModel):
    """One mode at one temperature: all its snapshots and repeats together."""

    mode: str
    valid: bool
    reasons: list[str] = []
    runs_used: int
    snapshots_used: int = 0
    simulated_ps: float
    D_A2_per_ps: Estimate | None = None
    snapshot_scatter: float | None = None
    ratio: Estimate | None = None
    verdict: Verdict | None = None
    msd: Curve | None = None
    bootstrap_D_A2_per_ps: Estimate | None = None
    bootstrap_ratio: Estimate | None = None
    disagreement: str = ""
    scatter: SnapshotScatter | None = None

    @property
    def second_look(self) -> str:
        """What resampling says of a frozen mode, and how much its snapshots differ; empty without a ratio."""
        if self.ratio is None or self.scatter is None:
            return ""
        found = "too few snapshots for a bootstrap"
        if self.bootstrap_ratio is not None:
            low, high = self.bootstrap_ratio.low_95, self.bootstrap_ratio.high_95
            found = f"{low:.2g} to {high:.2g} by paired bootstrap (95 %)"
        but = f", but {self.disagreement}" if self.disagreement else ""
        return (
            f"effect of the missing motion, D/D(free): {found}{but}; "
            f"effect of the frozen snapshot: {self.scatter}"
        )


class TemperatureResult(BaseModel):
    """All modes at one temperature."""

    temperature_K: float
    fit_begin_ps: float | None
    fit_end_ps: float | None
    modes: list[ModeResult]
    dominant: str | None = None
    frequencies: dict[str, float] = {}
    rule: str = ""
    stopped: str = ""

    @property
    def rattling(self) -> str:
        """A warning if the slope is read where the cations still rattle in their cages; else empty."""
        if self.fit_begin_ps is None or self.fit_begin_ps >= RATTLING_PS:
            return ""
        return (
            f"the runs are too short: the slope is read from {self.fit_begin_ps:g} ps on, where the cations "
            "still rattle in their cages, so that D is not diffusion yet; "
            f"run {10 * RATTLING_PS:g} ps or longer"
        )

    def mode(self, name: str) -> ModeResult | None:
        """Return a mode by name, or None if it was not run."""
        return next((mode for mode in self.modes if mode.mode == name), None)


class StudyResults(BaseModel):
    """Everything the table, the figures and the report show."""

    name: str
    cation: str
    anion: list[str]
    n_atoms: int
    n_cations: int
    n_anions: int
    hop_length_A: float
    planned_snapshots: int
    planned_seeds: int = 1
    temperatures: list[TemperatureResult]
    runs: list[RunResult]
    missing: list[str]
    notes: list[str] = []
    potential: dict[str, Any]
    versions: dict[str, str]
    platforms: list[str]
    timestep_ps: float | None
    seeds: list[int]
    study_file: str

    @property
    def planned_runs(self) -> int:
        """Runs of each mode at each temperature."""
        return self.planned_snapshots * self.planned_seeds

    def write(self, path: Path) -> None:
        """Write as JSON, all at once or not at all."""
        write_bytes(path, (self.model_dump_json(indent=1) + "\n").encode())
