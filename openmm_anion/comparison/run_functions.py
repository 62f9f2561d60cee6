"""The functions of one run: van Hove, orientation, coupling, spectrum, cations around an anion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from MDAnalysis.lib.mdamath import triclinic_vectors
from numpy.typing import NDArray

from openmm_anion.analysis.ions import Anion, Ions, anion_of, tell_apart
from openmm_anion.analysis.spectrum import PARTS
from openmm_anion.analysis.suite import QUANTITIES, Choices, Suite
from openmm_anion.analysis.surroundings import CationsAroundAnion
from openmm_anion.analysis.trajectory import open_trajectory
from openmm_anion.anions import Polyanion
from openmm_anion.comparison.run_analysis import Reference
from openmm_anion.comparison.study_directory import RunFolder, StudyDirectory
from openmm_anion.errors import InputError
from openmm_anion.periodic import make_whole
from openmm_anion.units import ANGSTROM

LAG_TIMES = 28
"""Of van Hove functions, evenly spaced in the logarithm from a frame to half of the run."""
FARTHEST = 8.0
"""Displacement up to which the self part is kept, A."""
CURVE_POINTS = 160
"""Lag times of a correlation that are kept, up to a quarter of the run: later ones are mostly noise."""
SPECTRUM_POINTS = 400
GRID = 12
"""Points from the centre of an anion to the edge of the grid."""
BEYOND_SHELL = 1.25
"""Radius of that grid, of the radius of the first shell."""
NO_VELOCITIES = (
    "the runs wrote no velocities; set velocities = true and a frame_interval of a few femtoseconds "
    "under [output]"
)


@dataclass(frozen=True)
class RunFunctions:
    """Functions of one run; what could not be computed is in `notes` instead, with the reason."""

    found: dict[str, xr.Dataset]
    notes: dict[str, str]
    cutoff: float | None


def study_anions(study: StudyDirectory, reference: Reference) -> tuple[Anion, ...]:
    """Return the anions of a study with centres and ligands, from its records and not from distances.

    Parameters
    ----------
    study : StudyDirectory
        The study.
    reference : Reference
        The structure that it started from.

    Returns
    -------
    tuple of Anion
        In the order of ``structure.json``.
    """
    symbols, masses = study.structure.symbols, np.array(study.structure.masses)
    box = triclinic_vectors(reference.dimensions)
    anions = []
    for record in study.structure.anions:
        indices = np.array(record.indices)
        found = Polyanion(
            formula=record.formula,
            indices=indices,
            symbols=tuple(symbols[i] for i in record.indices),
            masses=masses[indices],
            positions=make_whole(reference.positions[indices], box) * ANGSTROM,
            bonds=np.array(record.bonds, dtype=np.int64).reshape(-1, 2),
        )
        anions.append(anion_of(found, masses[indices]))
    return tuple(anions)


def run_functions(
    study: StudyDirectory, folder: RunFolder, anions: tuple[Anion, ...], frames: int, cutoff: float | None
) -> RunFunctions:
    """Compute the functions of one run, thinned.

    Parameters
    ----------
    study : StudyDirectory
        Whose run it is.
    folder : RunFolder
        The run.
    anions : tuple of Anion
        From `study_anions`.
    frames : int
        Use so many frames, from the first.
    cutoff : float or None
        Radius of the shell of an anion, A; by default the first minimum of its radial distribution function.

    Returns
    -------
    RunFunctions
        Each of the functions, or why it could not be computed.

    Raises
    ------
    InputError
        If the trajectory cannot be read.
    """
    lags = [folder.record.frame_interval_ps * int(frame) for frame in lag_frames(frames)]
    suite = _suite(study, folder, anions, frames, lags, cutoff)
    found: dict[str, xr.Dataset] = {}
    notes: dict[str, str] = {}
    for name, make in _computations(study, folder, suite):
        try:
            found[name] = make()
        except InputError as error:
            notes[name] = str(error)
    try:
        cutoff = suite.cutoff
    except InputError:
        cutoff = None
    return RunFunctions(found, notes, cutoff)


def lag_frames(frames: int) -> NDArray[np.int64]:
    """Return lag times in frames: evenly spaced in the logarithm, up to half of the run.

    Parameters
    ----------
    frames : int
        Frames of the run.

    Returns
    -------
    array of int
        Ascending, each once.

    Examples
    --------
    >>> lag_frames(41)[:4], int(lag_frames(41)[-1])
    (array([1, 2, 3, 4]), 20)
    """
    return np.unique(np.geomspace(1.0, max(frames // 2, 1), LAG_TIMES).round().astype(np.int64))


def _suite(
    study: StudyDirectory,
    folder: RunFolder,
    anions: tuple[Anion, ...],
    frames: int,
    lags: Sequence[float],
    cutoff: float | None,
    velocities: bool = False,
) -> Suite:
    interval = folder.record.frame_interval_ps
    universe = open_trajectory(
        study.path / "topology.pdb",
        folder.trajectory,
        frame_interval=interval,
        velocities=folder.velocities if velocities else None,
    )
    universe.add_TopologyAttr("masses", study.structure.masses)
    ions = Ions(universe, np.array(study.structure.cations), anions)
    choices = Choices(frames=slice(0, frames), frame_interval=interval, lags=tuple(lags), cutoff=cutoff)
    return Suite(ions, choices)


def _computations(study: StudyDirectory, folder: RunFolder, suite: Suite) -> Iterator[tuple[str, Any]]:
    yield "van Hove, self", lambda: _self(_computed(suite, "van-hove-self"))
    yield "van Hove, cation-anion", lambda: _distinct(_computed(suite, "van-hove-cation-anion"))
    yield "orientation", lambda: _early(_computed(suite, "orientation"), ("c1", "c2", "rotor"))
    yield "coupling", lambda: _early(_computed(suite, "coupling"), ("residence", "coupling"))
    for kind, anions in tell_apart(suite.anions).items():
        yield f"density {kind}", lambda anions=anions: _density(suite, anions)
    yield "spectrum", lambda: _spectrum(study, folder, suite)


def _computed(suite: Suite, name: str) -> xr.Dataset:
    return suite.computed(name, QUANTITIES[name][0]).data


def _self(data: xr.Dataset) -> xr.Dataset:
    return data[["radial"]].sel(distance=slice(0.0, FARTHEST))


def _distinct(data: xr.Dataset) -> xr.Dataset:
    return data[["g"]].isel(lag_times=slice(1, None))  # the first is 0, which has no logarithm


def _early(data: xr.Dataset, names: tuple[str, ...]) -> xr.Dataset:
    """Correlations up to a quarter of the run, thinned, with their errors."""
    n = data.sizes["lag_times"]
    last = max(n // 4, min(n, 2))
    kept = [name for base in names for name in (base, f"{base}_error") if name in data]
    return data[kept].isel(lag_times=slice(0, last, max(1, last // CURVE_POINTS)))


def _density(suite: Suite, anions: list[Anion]) -> xr.Dataset:
    radius = BEYOND_SHELL * suite.cutoff
    quantity = CationsAroundAnion(
        suite.cations, anions, radius=radius, spacing=radius / GRID, **suite.options()
    )
    return quantity.run(stop=suite.choices.frames.stop).data


def _spectrum(study: StudyDirectory, folder: RunFolder, suite: Suite) -> xr.Dataset:
    if not folder.velocities.is_file():
        raise InputError(NO_VELOCITIES)
    with_velocities = _suite(study, folder, suite.anions, suite.n_frames, [], None, velocities=True)
    data = _computed(with_velocities, "spectrum")
    every = -(-data.sizes["frequency"] // SPECTRUM_POINTS)
    thinned = data[["spectrum", "degrees_of_freedom"]].coarsen(frequency=every, boundary="trim")
    mean: xr.Dataset = thinned.mean()
    return mean.assign(note=data.note)


SHOWN_PARTS = tuple(part for part in PARTS if part not in ("cross", "others"))
"""Of the spectrum; the others have no meaning of their own."""
