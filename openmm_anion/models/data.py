"""Read labelled structures: energies in eV, forces in eV/A."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import ase
import ase.io
import numpy as np

from openmm_anion.errors import InputError, reason


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
        numbers that are not finite, or all forces are zero.
    """
    if not Path(path).is_file():
        raise InputError(f"training data {path} not found; give an extxyz file with energies and forces")
    try:
        frames = ase.io.read(path, index=":", do_not_split_by_at_sign=True)
    except Exception as error:  # ASE's readers raise anything, from StopIteration to AssertionError
        raise InputError(f"training data {path} cannot be read as structures: {reason(error)}") from None
    if not frames:
        raise InputError(f"training data {path} holds no frame; label some structures first")
    for k, atoms in enumerate(frames):
        check_frame(atoms, f"frame {k} of {path}")
    if not any(np.any(atoms.get_forces()) for atoms in frames):
        raise InputError(f"all forces of training data {path} are zero; there is nothing to learn from")
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
    """Refuse a frame without periodic cell, without labels, or with numbers that are not finite.

    Parameters
    ----------
    atoms : ase.Atoms
        With the results of a calculator.
    where : str
        Name of the frame in what is said.

    Raises
    ------
    InputError
        If something is missing or not finite.

    Examples
    --------
    >>> check_frame(ase.Atoms("Na"), "frame 0")
    Traceback (most recent call last):
    openmm_anion.errors.InputError: frame 0 is not periodic in three directions; set its cell and pbc
    """
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
