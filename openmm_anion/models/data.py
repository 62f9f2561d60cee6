"""Read labelled structures: energies in eV, forces in eV/A."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import ase
import ase.io
import numpy as np

from openmm_anion.errors import InputError


def read_labelled(path: str | Path) -> list[ase.Atoms]:
    """Read periodic structures with energies and forces, as a rule from extxyz.

    Parameters
    ----------
    path : str or Path
        Any file ASE reads, compressed ones (``.extxyz.xz``) as well; energies in eV, forces in eV/A.

    Returns
    -------
    list of ase.Atoms
        With the labels in ``atoms.calc``.

    Raises
    ------
    InputError
        If the file is missing, unreadable or empty, or a frame is not periodic, has no labels, or has
        numbers that are not finite.
    """
    if not Path(path).is_file():
        raise InputError(f"training data {path} not found; give an extxyz file with energies and forces")
    try:
        frames = ase.io.read(path, index=":")
    except (
        ase.io.formats.UnknownFileTypeError,
        ValueError,
        KeyError,
        IndexError,
        OSError,
        EOFError,
    ) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0][:150]
        raise InputError(f"training data {path} cannot be read as structures: {reason}") from None
    if not frames:
        raise InputError(f"training data {path} holds no frame; label some structures first")
    for k, atoms in enumerate(frames):
        check_frame(atoms, f"frame {k} of {path}")
    return list(frames)


def refuse_doubles(files: Mapping[str, Sequence[ase.Atoms]]) -> None:
    """Refuse a structure that stands twice: a model tested on what it was trained on looks too good.

    Parameters
    ----------
    files : mapping of str to sequence of ase.Atoms
        Frames of each file, those to train on and those to test with.

    Raises
    ------
    InputError
        If two frames have the same elements, cell and positions (to 1e-5 angstrom).

    Examples
    --------
    >>> atom = ase.Atoms("Na", cell=[4, 4, 4], pbc=True)
    >>> refuse_doubles({"a.extxyz": [atom], "b.extxyz": [atom]})
    Traceback (most recent call last):
    ...
    openmm_anion.errors.InputError: frame 0 of b.extxyz is frame 0 of a.extxyz again; remove one of them
    """
    seen: dict[bytes, str] = {}
    for file, frames in files.items():
        for k, atoms in enumerate(frames):
            numbers = np.concatenate([atoms.positions.ravel(), atoms.cell.array.ravel()])
            key = atoms.numbers.tobytes() + np.round(numbers, 5).tobytes()
            here = f"frame {k} of {file}"
            if key in seen:
                raise InputError(f"{here} is {seen[key]} again; remove one of them")
            seen[key] = here


def check_frame(atoms: ase.Atoms, where: str) -> None:
    """Refuse a frame without periodic cell, without labels, or with numbers that are not finite."""
    if not np.all(atoms.pbc) or atoms.cell.rank < 3:
        raise InputError(f"{where} is not periodic in three directions; set its cell and pbc")
    labels = {} if atoms.calc is None else atoms.calc.results
    for name in ("energy", "forces"):
        if labels.get(name) is None:
            raise InputError(f"{where} has no {name}; label every frame with both energy and forces")
        if not np.all(np.isfinite(labels[name])):
            raise InputError(f"{where} has {name} that are not finite; remove or relabel it")
    if not np.all(np.isfinite(atoms.positions)):
        raise InputError(f"{where} has positions that are not finite; remove it")
