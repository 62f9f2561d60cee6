"""Analyse a whole study: every run, every mode, and what may be said about the modes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from tqdm import tqdm

from openmm_anion.analysis.diffusion import FitWindow, run_diffusion
from openmm_anion.analysis.verdict import rule_sentence
from openmm_anion.comparison.cross_check import add_cross_check
from openmm_anion.comparison.diffusivity import Diffusivity
from openmm_anion.comparison.frequencies import frequencies
from openmm_anion.comparison.posterior import combine_modes
from openmm_anion.comparison.ratio import diffusivity_ratio, dominant_motion, ratio_interval
from openmm_anion.comparison.results import (
    FREE,
    Curve,
    Estimate,
    ModeResult,
    RunResult,
    StudyResults,
    TemperatureResult,
)
from openmm_anion.comparison.run_analysis import Reference, RunAnalysis, analyze_run
from openmm_anion.comparison.run_result import FEWEST_FRAMES, displacement_curve, run_result
from openmm_anion.comparison.study_directory import StudyDirectory

_PATIENCE = 3.0
"""Seconds after which a progress bar is shown."""
_SHORTEST_SHARE = 0.5
"""A run shorter than this share of the longest one at its temperature waits until it has caught up."""


def analyze_study(directory: Path | str, *, window: FitWindow | None = None) -> StudyResults:
    """Analyse a study directory, finished or not, and write ``results.json`` into it.

    Parameters
    ----------
    directory : path
        What ``openmm-anion run`` wrote.
    window : FitWindow, optional
        Lag times for the slope of the displacement, the same for all runs. By default
        `FitWindow.default` of the shortest run that is used at each temperature.

    Returns
    -------
    StudyResults
        All numbers that the table, the figures and the report show.

    Raises
    ------
    InputError
        If the directory is not that of a study, has no run with frames, or a trajectory cannot
        be trusted.
    """
    study = StudyDirectory.read(directory)
    reference = Reference.read(study)
    runs_there = tqdm(study.runs, desc="reading", unit="run", delay=_PATIENCE, leave=False)
    analyses = [analyze_run(folder, study.structure, reference) for folder in runs_there]
    temperatures, runs = [], []
    for _, group in groupby(analyses, key=lambda run: run.folder.record.temperature_K):
        temperature, its_runs = _analyze_temperature(list(group), window, reference.hop_length)
        temperatures.append(temperature)
        runs += its_runs
    results = _with_provenance(study, reference, temperatures, runs)
    results.write(study.path / "results.json")
    return results


def _analyze_temperature(
    analyses: Sequence[RunAnalysis], window: FitWindow | None, hop_length: float
) -> tuple[TemperatureResult, list[RunResult]]:
    longest = max(run.duration for run in analyses)
    enough = _SHORTEST_SHARE * longest
    used = [run for run in analyses if run.sound and run.frames >= FEWEST_FRAMES and run.duration >= enough]
    if window is None and used:
        window = FitWindow.default(min(run.duration for run in used))
    diffusions = {
        run.folder.key: run_diffusion(
            run.lag_times, run.msd_by_particle, hop_length=hop_length, window=window
        )
        for run in used
    }
    members = {
        name: [run for run in analyses if run.folder.record.name == name]
        for name in dict.fromkeys(run.folder.record.name for run in analyses)
    }
    own = {name: [run for run in runs if run.folder.key in diffusions] for name, runs in members.items()}
    reasons = {name: _reasons_not_valid(runs) for name, runs in members.items()}
    valid = {name: runs for name, runs in own.items() if runs and not reasons[name]}
    combined = combine_modes(
        {name: [diffusions[run.folder.key] for run in runs] for name, runs in valid.items()},
        snapshots={name: [run.folder.record.snapshot for run in runs] for name, runs in valid.items()},
    )
    modes = [
        ModeResult(
            mode=name,
            valid=not reasons[name],
            reasons=reasons[name],
            runs_used=len(runs),
            snapshots_used=len({run.folder.record.snapshot for run in runs}),
            simulated_ps=sum(run.duration for run in runs),
            D_A2_per_ps=_diffusivity_estimate(combined[name]) if name in combined else None,
            snapshot_scatter=combined[name].scatter if name in combined else None,
            msd=_mean_curve(runs) if not reasons[name] else None,
        )
        for name, runs in own.items()
    ]
    _compare(modes, combined)
    add_cross_check(modes, diffusions)
    rates = frequencies([run.counts for run in used if run.counts])
    result = TemperatureResult(
        temperature_K=analyses[0].folder.record.temperature_K,
        fit_begin_ps=window.begin_ps if window and used else None,
        fit_end_ps=window.end_ps if window and used else None,
        modes=modes,
        dominant=_dominant(modes, combined),
        burst=next((found.burst for found in combined.values()), None),
        frequencies=rates,
        rule=rule_sentence(rates),
        stopped=next((run.folder.record.stopped for run in analyses if run.folder.record.stopped), ""),
    )
    return result, [run_result(run, diffusions.get(run.folder.key), longest) for run in analyses]


def _reasons_not_valid(members: Sequence[RunAnalysis]) -> list[str]:
    reasons = []
    for run in members:
        record = run.folder.record
        where = f"snapshot {record.snapshot}" + (f", repeat {record.repeat}" if record.repeat else "")
        if run.broken:
            first = min(run.broken, key=lambda event: event.time_ps)
            reasons.append(f"{where}: {first}")
        elif not run.sound:
            trouble = record.trouble
            because = f", {trouble}" if trouble else ""
            reasons.append(f"{where}: the run {record.status}{because}")
    return reasons


def _compare(modes: Sequence[ModeResult], combined: dict[str, Diffusivity]) -> None:
    """Fill in ratio and verdict of each frozen mode."""
    free = next((mode for mode in modes if mode.mode == FREE), None)
    if free is None:
        return
    for mode in modes:
        if mode is free:
            continue
        if not mode.valid or not free.valid:
            mode.verdict = "not valid"
            mode.reasons += [f"free run, {reason}" for reason in free.reasons]
        elif mode.mode in combined and FREE in combined:
            found = diffusivity_ratio(combined[mode.mode], combined[FREE])
            low, high = ratio_interval(combined[mode.mode], combined[FREE], 0.68)
            mode.verdict = found.verdict
            mode.ratio = Estimate(
                value=found.ratio, low_68=low, high_68=high, low_95=found.low, high_95=found.high
            )


def _dominant(modes: Sequence[ModeResult], combined: dict[str, Diffusivity]) -> str | None:
    single = [mode for mode in modes if len(mode.mode) == 1 and mode.mode in combined]
    slower = {mode.mode: combined[mode.mode] for mode in single if mode.verdict == "slower"}
    others = {mode.mode: combined[mode.mode] for mode in single if mode.mode not in slower}
    return dominant_motion(slower, others)


def _diffusivity_estimate(d: Diffusivity) -> Estimate:
    (low_68, high_68), (low_95, high_95) = d.interval(0.68), d.interval(0.95)
    return Estimate(
        value=d.d if d.resolved else None, low_68=low_68, high_68=high_68, low_95=low_95, high_95=high_95
    )


def _mean_curve(members: Sequence[RunAnalysis]) -> Curve | None:
    if not members:
        return None
    shortest = min(members, key=lambda run: len(run.lag_times))
    n = len(shortest.lag_times)
    curves = [run.msd_by_particle[:n].mean(axis=1) for run in members]
    return displacement_curve(shortest.lag_times, np.mean(curves, axis=0))


def _with_provenance(
    study: StudyDirectory, reference: Reference, temperatures: list[TemperatureResult], runs: list[RunResult]
) -> StudyResults:
    records = [folder.record for folder in study.runs]
    missing = [str(key) for key in study.missing()]
    platforms = {
        f"{r.platform} ({r.precision})" if r.precision else r.platform for r in records if r.platform
    }
    return StudyResults(
        name=study.path.resolve().name,
        cation=study.structure.cation,
        anion=study.structure.anion,
        n_atoms=study.structure.n_atoms,
        n_cations=len(study.structure.cations),
        n_anions=len(study.structure.anions),
        hop_length_A=reference.hop_length,
        planned_snapshots=study.structure.snapshots,
        planned_seeds=study.structure.seeds,
        temperatures=temperatures,
        runs=runs,
        missing=missing,
        notes=study.structure.notes,
        potential=study.structure.potential,
        versions={name: text for record in records for name, text in record.versions.items()},
        platforms=sorted(platforms),
        timestep_ps=records[0].timestep_ps,
        seeds=sorted({record.seed for record in records if record.seed is not None}),
        study_file=study.study_text,
    )
