"""Open anybody's trajectory: what MDAnalysis reads, and what ASE reads."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import MDAnalysis as mda
import numpy as np
from ase import Atoms
from ase.io import iread
from ase.units import fs
from MDAnalysis.lib.formats.libdcd import DCDFile
from MDAnalysis.transformations.base import TransformationBase

from openmm_anion.analysis.vasp_time import vasp_time_step
from openmm_anion.errors import InputError, reason

ASE_SUFFIXES = {".extxyz", ".xyz", ".traj", ".vasp", ".cif", ".db"}
ASE_NAMES = ("XDATCAR", "vasprun", "POSCAR", "CONTCAR", "OUTCAR")
"""Parts of the names of files without a suffix that tells."""
LAMMPS_DUMPS = {".dump", ".lammpsdump", ".lammpstrj"}
"""MDAnalysis wants to be told."""


def open_trajectory(
    topology: str | Path,
    trajectory: str | Path | None = None,
    *,
    frame_interval: float | None = None,
    velocities: str | Path | None = None,
) -> Any:
    """Open a trajectory as an MDAnalysis universe with elements and a cell.

    XDATCAR, vasprun.xml and extended XYZ are read with ASE and turned so that the first cell vector lies
    along x and the second in the xy plane: MDAnalysis knows only lengths and angles of a cell.

    Parameters
    ----------
    topology : str or Path
        Which atoms there are: PDB, GRO, LAMMPS data, CIF, POSCAR ...; or a trajectory that says it.
    trajectory : str or Path, optional
        Frames: DCD, XTC, TRR, H5MD, LAMMPS dump, XDATCAR, extended XYZ ...
    frame_interval : float, optional
        Time between frames, ps, for files that do not say; vasprun.xml of molecular dynamics does.
    velocities : str or Path, optional
        A trajectory that has velocities (A/ps) where others have positions, as a study writes them.

    Returns
    -------
    MDAnalysis.Universe
        With elements, a cell in each frame, and velocities if they were given.

    Raises
    ------
    InputError
        If a file is missing or cannot be read, or the two do not belong together.
    """
    universe = _open(topology, trajectory, frame_interval)
    if velocities is not None:
        _add_velocities(universe, _open(topology, velocities, frame_interval), Path(velocities))
    return universe


def _add_velocities(universe: Any, other: Any, path: Path) -> None:
    n, expected = other.trajectory.n_frames, universe.trajectory.n_frames
    if n != expected:
        raise InputError(f"{path} has {n} frames and the trajectory {expected}; they are of two runs")

    universe.trajectory.add_transformations(_Velocities(other))


class _Velocities(TransformationBase):
    """Take velocities from where another trajectory has positions."""

    def __init__(self, other: Any) -> None:
        super().__init__(parallelizable=True)
        self._other = other

    def _transform(self, frame: Any) -> Any:
        frame.velocities = self._other.trajectory[frame.frame].positions
        return frame


def _open(topology: str | Path, trajectory: str | Path | None, frame_interval: float | None) -> Any:
    paths = [Path(path) for path in (topology, trajectory) if path is not None]
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path} is a directory; give a file" if path.is_dir() else f"{path} not found")
        if not path.stat().st_size:
            raise InputError(f"{path} is empty")
    first = paths[0]
    by_ase = [_of_ase(path) for path in paths]
    atoms = _frames(first)[0] if by_ase[0] and len(paths) == 2 else None
    if by_ase[-1]:
        frames = _frames(paths[-1])
        return _in_memory(frames, frame_interval, atoms if atoms is not None else frames[0], paths)
    options: dict[str, Any] = {} if frame_interval is None else {"dt": frame_interval}
    if paths[-1].suffix.lower() in LAMMPS_DUMPS:
        options["format"] = "LAMMPSDUMP"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if paths[-1].suffix.lower() == ".dcd":
                # Its failure leaves no traceback behind, as that of the reader does.
                DCDFile(str(paths[-1])).close()
            if atoms is None:
                universe = mda.Universe(*map(str, paths), **options)
            else:
                universe = _empty(atoms)
                universe.load_new(str(paths[-1]), **options)
        except Exception as error:  # readers raise anything
            raise InputError(
                f"{' with '.join(map(str, paths))} cannot be read by MDAnalysis: {reason(error)}"
            ) from None
    if "format" in options:
        universe.trajectory.add_transformations(_TimesOfFrames(universe.trajectory, paths[-1]))
    return universe


class _TimesOfFrames(TransformationBase):
    """Let a LAMMPS dump tell times by its frames, which must be equally many steps apart.

    MDAnalysis multiplies the step of LAMMPS by the time between frames.
    """

    def __init__(self, trajectory: Any, path: Path) -> None:
        super().__init__(parallelizable=True)
        self._path = path
        self._steps = [int(frame.data["step"]) for frame in trajectory[:2]]
        trajectory.rewind()

    def _transform(self, frame: Any) -> Any:
        first, last = self._steps[0], self._steps[-1]
        expected = first + frame.frame * (last - first)
        if frame.data["step"] != expected:
            raise InputError(
                f"frame {frame.frame} of {self._path} is step {frame.data['step']}, where {expected} was "
                "expected: frames are not equally spaced; write a dump of one run with one spacing"
            )
        frame.data.pop("time", None)
        return frame


def _of_ase(path: Path) -> bool:
    return path.suffix.lower() in ASE_SUFFIXES or any(name in path.name for name in ASE_NAMES)


def _frames(path: Path) -> list[Atoms]:
    try:
        frames = list(iread(str(path), index=":", do_not_split_by_at_sign=True))
    except Exception as error:  # ASE's readers raise anything
        raise InputError(f"{path} cannot be read by ASE: {reason(error)}") from None
    if not frames:
        raise InputError(f"{path} holds no frames")
    different = [k for k, frame in enumerate(frames) if list(frame.numbers) != list(frames[0].numbers)]
    if different:
        raise InputError(f"frame {different[0]} of {path} holds other atoms than the first")
    bad = [k for k, frame in enumerate(frames) if not np.isfinite(frame.cell.array).all()]
    if bad:
        raise InputError(f"frame {bad[0]} of {path} has a cell that is not finite")
    return frames


def _empty(atoms: Atoms) -> Any:
    universe = mda.Universe.empty(len(atoms), trajectory=True)
    universe.add_TopologyAttr("elements", list(atoms.symbols))
    universe.add_TopologyAttr("names", list(atoms.symbols))
    universe.add_TopologyAttr("masses", atoms.get_masses())
    return universe


def _in_memory(frames: list[Atoms], interval: float | None, atoms: Atoms, paths: list[Path]) -> Any:
    if len(atoms) != len(frames[0]):
        raise InputError(f"{paths[0]} has {len(atoms)} atoms and {paths[-1]} {len(frames[0])}")
    if interval is None:
        interval = vasp_time_step(paths[-1])
    if interval is None and len(frames) > 1:
        raise InputError(f"{paths[-1]} does not say the time between its frames; give it in ps")
    positions = np.empty((len(frames), len(atoms), 3), dtype=np.float32)
    velocities = None if any(not frame.has("momenta") for frame in frames) else np.empty_like(positions)
    boxes = np.zeros((len(frames), 6))
    for k, frame in enumerate(frames):
        turn = np.eye(3)
        if frame.pbc.all():
            standard, turn = frame.cell.standard_form()
            turn = turn.T
            boxes[k] = standard.cellpar()
        with np.errstate(invalid="ignore"):  # the analysis says which frame is not finite, and where
            positions[k] = frame.positions @ turn
        if velocities is not None:
            velocities[k] = frame.get_velocities() @ turn * (1000.0 * fs)
    universe = _empty(atoms)
    periodic = bool(boxes.any())
    universe.load_new(
        positions,
        dimensions=boxes if periodic else None,
        velocities=velocities,
        dt=1.0 if interval is None else interval,
    )
    return universe
