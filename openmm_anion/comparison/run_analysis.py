"""Analyse one run of a study: its displacement curves, and whether its anions held."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import MDAnalysis as mda
import numpy as np
from MDAnalysis.lib.distances import distance_array
from MDAnalysis.lib.formats.libdcd import DCDFile
from MDAnalysis.lib.mdamath import triclinic_vectors
from numpy.typing import NDArray

from openmm_anion.analysis.damage import Damage
from openmm_anion.analysis.integrity import AnionWatch
from openmm_anion.analysis.msd import MeanSquaredDisplacement
from openmm_anion.comparison.frequencies import EventCounts, count_events
from openmm_anion.comparison.results import FREE
from openmm_anion.comparison.study_directory import RunFolder, StructureRecord, StudyDirectory
from openmm_anion.errors import InputError, reason
from openmm_anion.units import ANGSTROM

_HEADER_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Reference:
    """The structure that a study started from.

    Attributes
    ----------
    positions : ndarray, shape (n, 3)
        Positions, A.
    dimensions : ndarray, shape (6,)
        Box lengths (A) and angles.
    hop_length : float
        Median distance of a cation to its nearest neighbour, A.
    """

    positions: NDArray[np.float64]
    dimensions: NDArray[np.float64]
    hop_length: float

    @classmethod
    def read(cls, study: StudyDirectory) -> Reference:
        """Read ``topology.pdb``.

        Parameters
        ----------
        study : StudyDirectory
            With ``topology.pdb`` and ``structure.json``.

        Returns
        -------
        Reference
            Positions (A), cell and the distance of neighbouring cations of the crystal as it was built.

        Raises
        ------
        InputError
            If it cannot be read, holds another number of atoms than ``structure.json``, or no box.
        """
        path = study.path / "topology.pdb"
        try:
            with _quiet():
                universe = mda.Universe(str(path))
        except Exception as error:  # readers raise anything
            raise InputError(
                f"{path} cannot be read ({reason(error)}); `openmm-anion run` on its study writes it anew"
            ) from None
        if len(universe.atoms) != study.structure.n_atoms:
            raise InputError(
                f"{path} holds {len(universe.atoms)} atoms and structure.json {study.structure.n_atoms}; "
                "the directory mixes two studies"
            )
        if universe.dimensions is None:
            raise InputError(f"{path} has no box (CRYST1 record); it was not written by this version's run")
        positions = universe.atoms.positions
        cations = positions[study.structure.cations]
        distances = distance_array(cations, cations, box=universe.dimensions)
        np.fill_diagonal(distances, np.inf)
        return cls(
            positions=positions.astype(np.float64),
            dimensions=np.asarray(universe.dimensions, dtype=np.float64),
            hop_length=float(np.median(distances.min(axis=1))),
        )


@dataclass(frozen=True)
class RunAnalysis:
    """What the trajectory of one run says.

    Attributes
    ----------
    folder : RunFolder
        The run.
    frames : int
        Frames in its trajectory.
    broken : list of Damage
        What happened to anions, as the run reported and as the trajectory shows.
    lag_times : ndarray
        Lag times, ps; empty if there are fewer than two frames or the run cannot be used.
    msd_by_particle : ndarray, shape (n, n_cations)
        Squared displacements, A^2.
    counts : EventCounts or None
        Hops and rotations of a free run that is long enough.
    """

    folder: RunFolder
    frames: int
    broken: list[Damage]
    lag_times: NDArray[np.float64]
    msd_by_particle: NDArray[np.float64]
    counts: EventCounts | None = None

    @property
    def duration(self) -> float:
        """Time from the first frame to the last, ps."""
        return max(self.frames - 1, 0) * self.folder.record.frame_interval_ps

    @property
    def sound(self) -> bool:
        """Whether the run neither failed nor damaged an anion."""
        return not self.broken and self.folder.record.status not in ("failed", "broken")


def analyze_run(folder: RunFolder, structure: StructureRecord, reference: Reference) -> RunAnalysis:
    """Analyse one run.

    Parameters
    ----------
    folder : RunFolder
        The run.
    structure : StructureRecord
        The atoms of the study.
    reference : Reference
        The structure that the study started from.

    Returns
    -------
    RunAnalysis

    Raises
    ------
    InputError
        If the trajectory cannot be read, belongs to another structure, is wrapped, or its time
        step is not the one in ``run.json``.
    """
    record = folder.record
    universe = _open(folder, structure)
    frames = 0 if universe is None else universe.trajectory.n_frames
    broken = list(record.broken)
    nothing = RunAnalysis(folder, frames, broken, np.empty(0), np.empty((0, len(structure.cations))))
    if universe is None or frames < 2 or not nothing.sound:
        return nothing
    written = float(universe.trajectory.dt)
    if abs(written - record.frame_interval_ps) > _HEADER_TOLERANCE * record.frame_interval_ps:
        raise InputError(
            f"{folder.trajectory} says {written:g} ps between frames, its run.json "
            f"{record.frame_interval_ps:g}; repeat the run"
        )
    known = {(event.what, event.anion, event.atom) for event in broken}
    found = _damage(universe, folder, structure, reference)
    broken += [event for event in found if (event.what, event.anion, event.atom) not in known]
    anions = [anion.indices for anion in structure.anions]
    cations = universe.atoms[structure.cations]
    try:
        msd = MeanSquaredDisplacement(cations, anions, frame_interval=record.frame_interval_ps).run()
    except InputError as error:
        raise InputError(f"{folder.trajectory}: {error}") from None
    counts = None
    if record.name == FREE and not broken:
        counts = count_events(universe, structure, reference.hop_length, record.frame_interval_ps)
    return RunAnalysis(folder, frames, broken, msd.results.lag_times, msd.results.msd_by_particle, counts)


def _open(folder: RunFolder, structure: StructureRecord) -> Any:
    """Open the trajectory; None where a run has not written a frame yet."""
    path: Path = folder.trajectory
    if not path.is_file() or path.stat().st_size == 0:
        return None
    try:
        with DCDFile(str(path)) as file:
            n_atoms = file.header["natoms"]
    except OSError as error:
        if folder.record.status == "running":
            return None
        raise InputError(f"{path} cannot be read ({reason(error)}); repeat the run") from None
    if n_atoms != structure.n_atoms:
        raise InputError(
            f"{path} holds {n_atoms} atoms and structure.json {structure.n_atoms}; "
            "the directory mixes two studies"
        )
    universe = mda.Universe.empty(structure.n_atoms, trajectory=True)
    universe.add_TopologyAttr("masses", structure.masses)
    with _quiet():
        universe.load_new(str(path))
    return universe


def _damage(
    universe: Any, folder: RunFolder, structure: StructureRecord, reference: Reference
) -> Iterator[Damage]:
    watch = AnionWatch(
        [anion.formula for anion in structure.anions],
        [anion.bonds for anion in structure.anions],
        [anion.indices for anion in structure.anions],
        structure.symbols,
        structure.masses,
        reference.positions * ANGSTROM,
        triclinic_vectors(reference.dimensions) * ANGSTROM,
    )
    for frame in universe.trajectory:
        box = triclinic_vectors(frame.dimensions if frame.dimensions is not None else reference.dimensions)
        time = frame.frame * folder.record.frame_interval_ps
        yield from watch(frame.positions * ANGSTROM, box * ANGSTROM, time)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what MDAnalysis says about optional fields that topology.pdb and DCD files lack."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
