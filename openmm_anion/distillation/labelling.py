"""Ask the teacher for energies and forces, frame by frame, and keep what it said when that is interrupted."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import ase.io
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from tqdm import tqdm

from openmm_anion.distillation.frames import read_frames, write_frames
from openmm_anion.models.in_electronvolts import in_electronvolts
from openmm_anion.models.potential import Potential


def label(frames: Sequence[Atoms], teacher: Potential, path: Path, *, quiet: bool) -> list[Atoms]:
    """Label frames and write them; go on where an earlier call was interrupted.

    Parameters
    ----------
    frames : sequence of ase.Atoms
        Structures, angstrom. The same in each call with the same `path`.
    teacher : Potential
        Who knows.
    path : Path
        Where the labelled frames are written (extxyz; eV, eV/angstrom).
    quiet : bool
        Show no progress.

    Returns
    -------
    list of ase.Atoms
        The frames with their labels.
    """
    if path.is_file():
        return read_frames(path)
    unfinished = path.with_name(path.name + ".unfinished")
    labelled = whole_frames(unfinished) if unfinished.is_file() else []
    write_frames(unfinished, labelled)
    evaluate = in_electronvolts(teacher, list(frames[0].symbols)) if frames else None
    bar = tqdm(frames, initial=len(labelled), unit="frame", desc=f"labels for {path.stem}", disable=quiet)
    for atoms in frames[len(labelled) :]:
        assert evaluate is not None
        energy, forces = evaluate(atoms.positions, atoms.cell.array)
        known = atoms.copy()
        known.calc = SinglePointCalculator(known, energy=energy, forces=forces)
        ase.io.write(unfinished, known, format="extxyz", append=True)
        bar.update()
    bar.close()
    unfinished.replace(path)
    return read_frames(path)  # as an interrupted call will find them, to the last digit


def whole_frames(path: Path) -> list[Atoms]:
    """Read the frames of a file whose last one may be a part only.

    Parameters
    ----------
    path : Path
        The file (extxyz).

    Returns
    -------
    list of ase.Atoms
        All but a last one that was cut off.
    """
    text = path.read_text()
    lines = text[: text.rfind("\n") + 1].splitlines(keepends=True)  # half a number is a number, too
    end = 0
    while end < len(lines) and end + int(lines[end]) + 2 <= len(lines):
        end += int(lines[end]) + 2
    return list(ase.io.read(io.StringIO("".join(lines[:end])), ":", format="extxyz")) if end else []
