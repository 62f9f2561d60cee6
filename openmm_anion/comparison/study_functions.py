"""Average the functions of the runs of a study over snapshots; compute again only what changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from tqdm import tqdm

from openmm_anion.comparison.functions import (
    AnionDensity,
    Curves,
    ModeFunctions,
    StudyFunctions,
    Surface,
)
from openmm_anion.comparison.results import RunResult, StudyResults
from openmm_anion.comparison.run_analysis import Reference
from openmm_anion.comparison.run_functions import SHOWN_PARTS, RunFunctions, run_functions, study_anions
from openmm_anion.comparison.study_directory import RunFolder, StudyDirectory
from openmm_anion.errors import InputError
from openmm_anion.study.layout import RunKey

_PATIENCE = 3.0
"""Seconds after which a progress bar is shown."""
_DIGITS = 4


def study_functions(directory: Path | str, results: StudyResults) -> StudyFunctions:
    """Compute what the report draws beside the results, and write ``functions.json``.

    All runs that diffusion coefficients come from are averaged, mode by mode at each temperature. Broken,
    failed and short runs are left out, and named. A mode whose files have not changed since the last time
    is not computed again.

    Parameters
    ----------
    directory : path
        What ``openmm-anion run`` wrote.
    results : StudyResults
        From `openmm_anion.comparison.study.analyze_study`: which runs are used.

    Returns
    -------
    StudyFunctions

    Raises
    ------
    InputError
        If the directory is not that of a study.
    """
    study = StudyDirectory.read(directory)
    known = {(old.temperature_K, old.mode): old for old in StudyFunctions.read(study.path).modes}
    groups = list(_groups(study, results))
    stale = [group for group in groups if group.sources != _sources_of(known.get(group.key))]
    modes, left_out = [], _unused(results)
    if stale:
        reference = Reference.read(study)
        anions = study_anions(study, reference)
    n_runs = sum(len(group.folders) for group in stale)
    with tqdm(total=n_runs, desc="functions", unit="run", delay=_PATIENCE, leave=False) as bar:
        cutoffs: dict[float, float] = {}  # of the first mode, which is the free one: the same for all
        for group in groups:
            kelvin = group.key[0]
            if group not in stale:
                mode = known[group.key]
            else:
                runs: dict[RunKey, RunFunctions] = {}
                for folder in group.folders:
                    try:
                        run = run_functions(study, folder, anions, group.frames, cutoffs.get(kelvin))
                    except InputError as error:
                        left_out.append(f"{folder.key}: {error}")
                    else:
                        runs[folder.key] = run
                        if run.cutoff is not None:
                            cutoffs.setdefault(kelvin, run.cutoff)
                    bar.update()
                mode = _mean(group, runs)
            if mode.cutoff_A is not None:
                cutoffs.setdefault(kelvin, mode.cutoff_A)
            modes.append(mode)
    functions = StudyFunctions(modes=modes, left_out=left_out)
    functions.write(study.path)
    return functions


@dataclass(frozen=True)
class _Group:
    """The runs of a mode at a temperature, the number of frames of each, and their files."""

    key: tuple[float, str]
    folders: list[RunFolder]
    frames: int
    interval_ps: float
    sources: list[str]


def _groups(study: StudyDirectory, results: StudyResults) -> Iterator[_Group]:
    used = {_key(run): run.frames for run in results.runs if run.used}
    for temperature in results.temperatures:
        kelvin = temperature.temperature_K
        frames = min((n for key, n in used.items() if key.temperature == kelvin), default=0)
        for mode in temperature.modes:
            folders = [
                folder
                for folder in study.runs
                if folder.key in used and (folder.key.temperature, folder.key.mode) == (kelvin, mode.mode)
            ]
            if folders:
                sources = [_stamp(study.path, path) for folder in folders for path in _files(folder)]
                interval = folders[0].record.frame_interval_ps
                yield _Group((kelvin, mode.mode), folders, frames, interval, [f"{frames} frames", *sources])


def _files(folder: RunFolder) -> list[Path]:
    return [path for path in (folder.trajectory, folder.velocities) if path.is_file()]


def _stamp(root: Path, path: Path) -> str:
    status = path.stat()
    return f"{path.relative_to(root)} {status.st_size} {status.st_mtime_ns}"


def _sources_of(mode: ModeFunctions | None) -> list[str] | None:
    return None if mode is None else mode.sources


def _unused(results: StudyResults) -> list[str]:
    found = []
    for run in results.runs:
        if not run.used:
            why = "; ".join(map(str, run.broken)) or run.note or f"the run {run.status}"
            found.append(f"{_key(run)}: {why}")
    return found


def _key(run: RunResult) -> RunKey:
    return RunKey(run.temperature_K, run.snapshot, run.mode, run.repeat)


def _mean(group: _Group, runs: dict[RunKey, RunFunctions]) -> ModeFunctions:
    notes: dict[str, str] = {}
    for key, run in runs.items():
        for name, reason in run.notes.items():
            everywhere = all(other.notes.get(name) == reason for other in runs.values())
            notes.setdefault(name, reason if everywhere else f"{key}: {reason}")
    mean = {
        name: _mean_of([run.found[name] for run in runs.values() if name in run.found])
        for name in dict.fromkeys(name for run in runs.values() for name in run.found)
    }
    result = ModeFunctions(
        temperature_K=group.key[0],
        mode=group.key[1],
        snapshots=sorted({key.snapshot for key in runs}),
        frames=group.frames,
        interval_ps=group.interval_ps,
        sources=group.sources,
        cutoff_A=next((run.cutoff for run in runs.values() if run.cutoff is not None), None),
        notes=notes,
    )
    if "van Hove, self" in mean:
        result.van_hove_self = _surface(mean["van Hove, self"].radial)
    if "van Hove, cation-anion" in mean:
        result.van_hove_distinct = _surface(mean["van Hove, cation-anion"].g)
    if "orientation" in mean:
        result.orientation = _by_kind(mean["orientation"])
    if "coupling" in mean:
        result.coupling = _by_kind(mean["coupling"])
    if "spectrum" in mean:
        spectrum = mean["spectrum"].spectrum
        result.spectrum = Curves(
            x=rounded(spectrum.frequency),
            values={part: rounded(spectrum.sel(part=part)) for part in SHOWN_PARTS},
        )
    for name, data in mean.items():
        if name.startswith("density "):
            result.density[name.removeprefix("density ")] = _density(data)
    return result


def _mean_of(members: Sequence[xr.Dataset]) -> xr.Dataset:
    r"""Mean over runs; errors are the larger of :math:`\sqrt{\sum_i e_i^2} / n` and that of their scatter."""
    together = xr.concat(
        [data.drop_vars("note", errors="ignore") for data in members], dim="run", join="override"
    )
    mean = together.mean("run", keep_attrs=True)
    n = len(members)
    for name in map(str, together.data_vars):
        if name.endswith("_error"):
            within = np.sqrt((together[name] ** 2).sum("run")) / n
            between = (
                together[name.removesuffix("_error")].std("run", ddof=1) / np.sqrt(n) if n > 1 else within
            )
            mean[name] = np.maximum(within, between)
    return mean


def _surface(values: xr.DataArray) -> Surface:
    return Surface(
        lag_ps=rounded(values.lag_times),
        distance_A=rounded(values.distance),
        values=[rounded(row) for row in values],
    )


def _by_kind(data: xr.Dataset) -> dict[str, Curves]:
    return {
        str(kind): Curves(
            x=rounded(data.lag_times),
            values={
                str(name): rounded(values)
                for name, values in data.sel(kind=kind).data_vars.items()
                if np.isfinite(values).any()
            },
        )
        for kind in data.kind.values
    }


def _density(data: xr.Dataset) -> AnionDensity:
    return AnionDensity(
        spacing_A=float(data.x[1] - data.x[0]),
        points=data.sizes["x"],
        relative=rounded(data.density / data.mean_density, 3),
        symbols=[str(symbol) for symbol in data.symbol.values],
        positions_A=[rounded(atom) for atom in data["shape"]],
    )


def rounded(values: ArrayLike, digits: int = _DIGITS) -> list[float]:
    """Return numbers with so many digits as a flat list; None where there is none.

    Parameters
    ----------
    values : array_like
        Of any shape.
    digits : int
        Significant digits that are kept.

    Returns
    -------
    list of float or None
        As many as there are values; None for one that is not finite.

    Examples
    --------
    >>> rounded([1.23456, np.nan, 0.0])
    [1.235, None, 0.0]
    """
    flat = np.asarray(values, dtype=np.float64).ravel()
    return [float(f"{value:.{digits}g}") if np.isfinite(value) else None for value in flat]  # type: ignore[misc]
