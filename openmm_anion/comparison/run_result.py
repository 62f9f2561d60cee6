"""One run as it stands in ``results.json``: curves and time series thinned for plotting."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from openmm_anion.analysis.diffusion import RunDiffusion
from openmm_anion.comparison.results import Curve, RunResult, Thermodynamics
from openmm_anion.comparison.run_analysis import RunAnalysis
from openmm_anion.comparison.study_directory import RunFolder

FEWEST_FRAMES = 40
"""With fewer, the default fit window holds too few lag times for a slope."""

_CURVE_POINTS = 250
_SERIES_POINTS = 400
_BLOCKS = 8
LARGEST_VIOLATION = 1e-5
"""nm; ten times what single precision on a GPU leaves of a frozen motion."""
TEMPERATURE_TOLERANCE = 0.05
"""Relative; the mean of a run further from its target is no run at that temperature."""


def displacement_curve(lag_times: NDArray[np.float64], msd: NDArray[np.float64]) -> Curve:
    """Return the first half of the lags, thinned: the second half is all noise.

    Parameters
    ----------
    lag_times : array, shape (n,)
        ps, ascending.
    msd : array, shape (n,)
        Mean squared displacement at each, A^2.

    Returns
    -------
    Curve
        At most some 200 points.

    Examples
    --------
    >>> displacement_curve(np.arange(4.0), np.arange(4.0)).lag_ps
    [0.0, 1.0]
    """
    half = max(len(lag_times) // 2, 2)
    step = max(1, half // _CURVE_POINTS)
    return Curve(lag_ps=lag_times[:half:step].tolist(), msd_A2=msd[:half:step].tolist())


def run_result(run: RunAnalysis, diffusion: RunDiffusion | None, longest: float) -> RunResult:
    """Return what is written about one run.

    Parameters
    ----------
    run : RunAnalysis
        The run.
    diffusion : RunDiffusion or None
        Its diffusion coefficient, None where the run is not used.
    longest : float
        Duration of the longest run it is compared with, ps.

    Returns
    -------
    RunResult
    """
    record = run.folder.record
    note = ""
    if record.trouble:
        note = f"stopped by {record.trouble}"
    elif not run.frames:
        note = "no frames yet" if record.status == "running" else "its trajectory is gone"
    elif run.sound and run.frames < FEWEST_FRAMES:
        note = f"{run.frames} frames, too few for a diffusion coefficient"
    elif diffusion is None and run.sound:
        note = f"{run.duration:g} ps of {longest:g} ps, too short to be compared"
    warnings = [str(record.spread)] if record.spread and record.spread.outside else []
    if record.frames and 0 < run.frames < record.frames:
        warnings.append(f"of the {record.frames} frames that it wrote, {record.frames - run.frames} are gone")
    warnings += _off_course(run.folder)
    return RunResult(
        temperature_K=record.temperature_K,
        snapshot=record.snapshot,
        repeat=record.repeat,
        mode=record.name,
        status=record.status,
        frames=run.frames,
        duration_ps=run.duration,
        used=diffusion is not None,
        note=note,
        warning="; ".join(warnings),
        broken=run.broken,
        D_A2_per_ps=diffusion.d if diffusion else None,
        D_standard_error_A2_per_ps=diffusion.standard_error if diffusion else None,
        offset_A2=diffusion.offset if diffusion else None,
        effective_events=diffusion.events if diffusion else None,
        msd=displacement_curve(run.lag_times, run.msd_by_particle.mean(axis=1))
        if len(run.lag_times)
        else None,
        thermodynamics=_thermodynamics(run.folder),
    )


def _off_course(folder: RunFolder) -> list[str]:
    """What the record of a run says against it: a constraint that slips, a temperature off its target."""
    columns = folder.thermodynamics()
    if not columns:
        return []
    found = []
    violation, times = columns["constraint_violation_nm"], columns["time_ps"]
    bad = np.flatnonzero(violation > LARGEST_VIOLATION)
    if len(bad):
        found.append(
            f"frozen motions slip from {times[bad[0]]:g} ps on, by up to {np.nanmax(violation):.2g} nm: "
            "the time step is too long, or the precision too low"
        )
    target, kelvin = folder.record.temperature_K, columns["temperature_K"]
    blocks = np.array_split(kelvin, min(_BLOCKS, len(kelvin)))
    error = np.std([block.mean() for block in blocks]) / np.sqrt(len(blocks))
    off = abs(kelvin.mean() - target)
    if off > TEMPERATURE_TOLERANCE * target and off > 3.0 * error:
        found.append(f"it was at {kelvin.mean():.0f} K on average instead of {target:g} K")
    return found


def _thermodynamics(folder: RunFolder) -> Thermodynamics | None:
    columns = folder.thermodynamics()
    if not columns:
        return None
    # Potential energies are known in some frames only; these are enough for a plot.
    finite = np.all([np.isfinite(column) for column in columns.values()], axis=0)
    if not finite.any():
        return None
    kept = {name: column[finite] for name, column in columns.items()}
    step = max(1, int(finite.sum()) // _SERIES_POINTS)
    return Thermodynamics(
        time_ps=kept["time_ps"][::step].tolist(),
        potential_kj_mol=kept["potential_kj_mol"][::step].tolist(),
        temperature_K=kept["temperature_K"][::step].tolist(),
        constraint_violation_nm=kept["constraint_violation_nm"][::step].tolist(),
        mean_temperature_K=float(np.nanmean(columns["temperature_K"])),
        largest_constraint_violation_nm=float(np.nanmax(columns["constraint_violation_nm"])),
    )
