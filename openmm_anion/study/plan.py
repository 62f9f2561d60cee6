"""What a study will cost: runs, steps, hours and disk, from a short measurement on this machine."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tqdm import tqdm

from openmm_anion.freezing import freeze
from openmm_anion.study.platform import choose_platform, make_context, worker_count
from openmm_anion.study.prepared import PreparedStudy, prepare_study
from openmm_anion.study.recorder import DCD_HEADER, frame_bytes
from openmm_anion.study.schedule import check_intervals
from openmm_anion.study.settings import StudySettings
from openmm_anion.study.thermostat import production_integrator

WARM_UP_STEPS = 20
RECORD_BYTES = 70
"""One line of ``thermodynamics.csv``."""


@dataclass(frozen=True)
class Plan:
    """What a study will cost.

    Attributes
    ----------
    n_atoms, n_anions, n_cations : int
        The crystal.
    platform : str
        OpenMM platform.
    workers : int
        Runs at the same time.
    equilibrations, runs : int
        How many there are.
    steps : int
        All of them together.
    milliseconds : dict of str to float
        Time of a step of each mode, one run alone on the machine.
    seconds : float
        Time of the whole study, as if workers did not slow each other down.
    bytes : int
        Disk space of trajectories and records.
    notes : tuple of str
        How a disordered crystal was ordered.
    may_end_early : bool
        Whether the study has a target uncertainty; times are for the whole length.
    """

    n_atoms: int
    n_anions: int
    n_cations: int
    platform: str
    workers: int
    equilibrations: int
    runs: int
    steps: int
    milliseconds: dict[str, float]
    seconds: float
    bytes: int
    notes: tuple[str, ...] = ()
    may_end_early: bool = False

    def __str__(self) -> str:
        steps = "  ".join(f"{mode} {ms:.3g}" for mode, ms in self.milliseconds.items())
        return "\n".join(
            [
                f"crystal         {self.n_atoms} atoms, {self.n_anions} anions, {self.n_cations} cations",
                f"platform        {self.platform}, {self.workers} at a time",
                f"equilibrations  {self.equilibrations}",
                f"runs            {self.runs}",
                f"steps           {self.steps:,}",
                f"step (ms)       {steps}",
                f"time            {'at most ' if self.may_end_early else ''}{duration_text(self.seconds)}",
                f"disk            {self.bytes / 1e6:,.3g} MB",
                *(f"structure       {note}" for note in self.notes),
            ]
        )


def plan_study(settings: StudySettings, measure: float = 2.0) -> Plan:
    """Measure each mode for a moment, and add up.

    Parameters
    ----------
    settings : StudySettings
        The study file.
    measure : float, optional
        Time for each mode, s.

    Returns
    -------
    Plan
        Its text is what ``openmm-anion plan`` prints.

    Raises
    ------
    InputError
        If the study cannot be prepared; nothing has been run then, and nothing is written in any case.
    """
    check_intervals(settings)
    study = prepare_study(settings)
    platform = choose_platform(settings.computer)
    study.try_potential()
    dynamics, output = settings.dynamics, settings.output
    modes = tqdm(dynamics.mode_names, desc="timing a step", unit="mode", leave=False)
    milliseconds = {mode: _milliseconds(study, mode, platform, measure) for mode in modes}
    starts = len(dynamics.temperatures) * dynamics.snapshots
    before = round(dynamics.before_production / dynamics.timestep)
    production = round(dynamics.production / dynamics.timestep)
    runs = starts * dynamics.runs_per_snapshot
    workers = worker_count(settings.computer, platform)
    each = dynamics.seeds * production
    work = starts * (before * milliseconds["free"] + each * sum(milliseconds.values()))
    frames = round(dynamics.production / output.frame_interval) + 1
    files = 2 if output.velocities else 1
    return Plan(
        n_atoms=len(study.atoms),
        n_anions=len(study.anions),
        n_cations=len(study.cations),
        platform=platform,
        workers=min(workers, runs),
        equilibrations=starts,
        runs=runs,
        steps=starts * before + runs * production,
        milliseconds=milliseconds,
        seconds=1e-3 * work / min(workers, runs),
        bytes=runs * (files * (DCD_HEADER + frames * frame_bytes(len(study.atoms))) + frames * RECORD_BYTES),
        notes=tuple(study.notes),
        may_end_early=bool(dynamics.target_uncertainty),
    )


def _milliseconds(study: PreparedStudy, mode: str, platform: str, measure: float) -> float:
    dynamics = study.settings.dynamics
    kelvin = max(dynamics.temperatures)
    letters, rotation = dynamics.frozen_motions(mode)
    frozen = freeze(study.system, study.anions, letters, positions=study.anions.positions, rotation=rotation)
    integrator = production_integrator(dynamics, frozen, kelvin, 1)
    context = make_context(frozen.system, integrator, platform, study.settings.computer)
    frozen.initialize(context, kelvin, seed=1)
    integrator.step(WARM_UP_STEPS)
    context.getState(positions=True)  # waits for a device
    steps, begin, now = 0, time.perf_counter(), 0.0
    while now < measure:
        integrator.step(10)
        context.getState(positions=True)
        steps, now = steps + 10, time.perf_counter() - begin
    return 1e3 * now / steps


def duration_text(seconds: float) -> str:
    """A duration in words.

    Parameters
    ----------
    seconds : float
        Zero or more.

    Returns
    -------
    str
        Two digits and a unit.

    Examples
    --------
    >>> duration_text(90), duration_text(3 * 3600), duration_text(5 * 86400)
    ('1.5 minutes', '3 hours', '5 days')
    """
    for name, size in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 1.5 * size or (name == "minutes" and seconds >= size):
            return f"{seconds / size:.2g} {name}"
    return f"{seconds:.0f} seconds"
