"""How well D of each mode is known while a study runs, which decides whether it goes on."""

from __future__ import annotations

from pathlib import Path

from openmm_anion.analysis.diffusion import FitWindow, RunDiffusion, run_diffusion
from openmm_anion.comparison.diffusivity import Diffusivity
from openmm_anion.comparison.posterior import combine_modes
from openmm_anion.comparison.run_analysis import Reference, RunAnalysis, analyze_run
from openmm_anion.comparison.run_result import FEWEST_FRAMES
from openmm_anion.comparison.study_directory import StudyDirectory


def half_width(d: Diffusivity) -> float:
    r"""Return half of the 68 percent interval of D over its mean; infinite where D is within its noise.

    Parameters
    ----------
    d : Diffusivity
        From `combine_modes`.

    Returns
    -------
    float
        A share of D.

    Examples
    --------
    >>> from openmm_anion.comparison.posterior import combine_runs
    >>> from openmm_anion.analysis.diffusion import RunDiffusion
    >>> run = RunDiffusion(0.04, 0.004, 1e-3, 0.5, 48, FitWindow(2.0, 10.0))
    >>> round(half_width(combine_runs([run] * 4)), 2)
    0.1
    """
    low, high = d.interval(0.68)
    return 0.5 * (high - low) / d.d if d.resolved else float("inf")


def relative_uncertainties(directory: Path, temperature: float) -> dict[str, float]:
    """Return how well D of each mode is known at one temperature, from what the runs have written.

    A mode of which a run broke or failed gets no verdict however long the others are, and is left out.

    Parameters
    ----------
    directory : Path
        The study.
    temperature : float
        Temperature, K.

    Returns
    -------
    dict of str to float
        `half_width` by mode; infinite where runs are too short to tell.
    """
    study = StudyDirectory.read(directory)
    reference = Reference.read(study)
    runs = [
        analyze_run(folder, study.structure, reference)
        for folder in study.runs
        if folder.key.temperature == temperature
    ]
    members: dict[str, list[RunAnalysis]] = {}
    for run in runs:
        members.setdefault(run.folder.key.mode, []).append(run)
    sound = {mode: own for mode, own in members.items() if all(run.sound for run in own)}
    ready = {mode: own for mode, own in sound.items() if min(run.frames for run in own) >= FEWEST_FRAMES}
    combined = combine_modes(
        {mode: _diffusions(own, reference.hop_length) for mode, own in ready.items()},
        snapshots={mode: [run.folder.key.snapshot for run in own] for mode, own in ready.items()},
    )
    return {mode: half_width(combined[mode]) if mode in combined else float("inf") for mode in sound}


def _diffusions(runs: list[RunAnalysis], hop_length: float) -> list[RunDiffusion]:
    window = FitWindow.default(min(run.duration for run in runs))
    return [
        run_diffusion(run.lag_times, run.msd_by_particle, hop_length=hop_length, window=window)
        for run in runs
    ]
