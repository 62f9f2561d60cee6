"""Frames in extxyz files, written whole, with what they come from in ``info``."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from openmm_anion.atomic_file import write_bytes


def write_frames(path: Path, frames: Sequence[Atoms]) -> None:
    """Write frames, with their labels if they have any.

    Parameters
    ----------
    path : Path
        Where to.
    frames : sequence of ase.Atoms
        The frames; none makes an empty file.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "frames.extxyz"
    >>> write_frames(path, [Atoms("Na", cell=[4.0] * 3, pbc=True)])
    >>> len(read_frames(path))
    1
    """
    buffer = io.StringIO()
    if frames:
        ase.io.write(buffer, list(frames), format="extxyz")
    write_bytes(path, buffer.getvalue().encode())


def read_frames(path: Path) -> list[Atoms]:
    """Read frames.

    Parameters
    ----------
    path : Path
        A file of `write_frames`.

    Returns
    -------
    list of ase.Atoms
        With their notes, and labels where there are any.
    """
    if not path.stat().st_size:
        return []
    return list(ase.io.read(path, index=":", format="extxyz"))


def frame(crystal: Atoms, positions: NDArray[np.float64], **info: float | str) -> Atoms:
    """Return a structure at other positions, with a note of where it comes from.

    Parameters
    ----------
    crystal : ase.Atoms
        Elements and cell.
    positions : (N, 3) array
        Positions, angstrom.
    **info
        The note.

    Returns
    -------
    ase.Atoms
        A copy without calculator.

    Examples
    --------
    >>> atoms = Atoms("Na", positions=np.zeros((1, 3)), cell=[3.0] * 3, pbc=True)
    >>> frame(atoms, np.ones((1, 3)), run="850K").info["run"]
    '850K'
    """
    atoms = Atoms(crystal.numbers, positions=positions, cell=crystal.cell, pbc=True)
    atoms.info.update(info)
    return atoms


def strained(crystal: Atoms, strain: float) -> Atoms:
    """Return the crystal with all lengths changed by a share.

    Parameters
    ----------
    crystal : ase.Atoms
        The crystal.
    strain : float
        Relative change.

    Returns
    -------
    ase.Atoms
        A copy; fractional coordinates stay.

    Examples
    --------
    >>> strained(Atoms("Na", cell=[4, 4, 4], pbc=True), 0.5).cell.lengths()
    array([6., 6., 6.])
    """
    atoms = crystal.copy()
    atoms.set_cell(crystal.cell.array * (1.0 + strain), scale_atoms=True)
    return atoms
