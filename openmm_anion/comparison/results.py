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
    """A number with its intervals; `value` is None where it does not stand above its noise.

    Examples
    --------
    >>> Estimate(value=0.5, low_68=0.4, high_68=0.6, low_95=0.31, high_95=0.72).interval
    '0.31 to 0.72'
    """

    value: float | None
    low_68: float
    high_68: float
    low_95: float
    high_95: float

    @property
    def interval(self) -> str:
        """The 95 percent interval in two digits each."""
        return " to ".join(f"{float(f'{end:.2g}'):.6g}" for end in (max(self.low_95, 0.0), self.high_95))


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
    def doubtful(self) -> bool:
        """Whether the mode has a verdict that resampling the snapshots does not confirm."""
        other = self.bootstrap_ratio
        return (
            self.verdict in ("slower", "faster")
            and other is not None
            and other.low_95 <= 1.0 <= other.high_95
        )

    @property
    def verdict_shown(self) -> str:
        """The verdict as tables and figures have it: with a question mark if it is doubtful."""
        return (self.verdict or "") + ("?" if self.doubtful else "")

    @property
    def second_look(self) -> str:
        """What resampling the snapshots says of a frozen mode; empty without a ratio."""
        if self.ratio is None:
            return ""
        if self.bootstrap_ratio is None:
            return "too few snapshots to resample"
        found = f"resampling the snapshots gives D/D(free) of {self.bootstrap_ratio.interval} (95 %)"
        if self.doubtful:
            return f'{found}, which holds 1, so that "{self.verdict}" is doubtful'
        return f"{found}; {self.disagreement}" if self.disagreement else found


class TemperatureResult(BaseModel):
    """All modes at one temperature."""

    temperature_K: float
    fit_begin_ps: float | None
    fit_end_ps: float | None
    modes: list[ModeResult]
    dominant: str | None = None
    burst: float | None = None
    """Factor by which runs scatter more than their cations do (variance), from all modes."""
    frequencies: dict[str, float] = {}
    rule: str = ""
    stopped: str = ""

    @property
    def undoubted(self) -> str | None:
        """Mode that matters most, unless its verdict is doubtful."""
        mode = self.mode(self.dominant) if self.dominant else None
        return None if mode is None or mode.doubtful else self.dominant

    @property
    def second_looks(self) -> list[str]:
        """What resampling says of each mode, and how much D differs between snapshots, line by line."""
        found = [f"{mode.mode}: {mode.second_look}" for mode in self.modes if mode.second_look]
        scatters = {mode.mode: mode.scatter for mode in self.modes if mode.second_look and mode.scatter}
        found += [f"{mode}: effect of the frozen snapshot: {s}" for mode, s in scatters.items() if s.told]
        if self.burst is not None:
            found.append(
                f"runs scatter {self.burst:.1f} times as much (variance) as if cations hopped alone, as far "
                "as all modes together tell; the intervals allow for it"
            )
        few = (f"effect of the frozen snapshots: {s}" for s in scatters.values() if not s.told)
        return [f"{self.temperature_K:g} K, {line}" for line in dict.fromkeys([*found, *few])]

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
        """Return a mode by name, or None if it was not run.

        Parameters
        ----------
        name : str
            Such as ``"free"`` or ``"TR"``.

        Returns
        -------
        ModeResult or None
            What was found of it.
        """
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
        """Write as JSON, all at once or not at all.

        Parameters
        ----------
        path : Path
            Usually ``results.json`` in the directory of the study.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        write_bytes(path, (self.model_dump_json(indent=1) + "\n").encode())
