"""Labelled structures (energies in eV, forces in eV/A) and batches of them as pair lists."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import ase
import ase.io
import numpy as np
import torch
from ase.neighborlist import neighbor_list
from numpy.typing import NDArray
from torch import Tensor

from openmm_anion.errors import InputError


@dataclasses.dataclass(frozen=True)
class Frame:
    """One labelled structure with its pairs inside the cutoff."""

    elements: Tensor
    positions: Tensor
    i: Tensor
    j: Tensor
    shifts: Tensor
    energy: float
    forces: Tensor


@dataclasses.dataclass(frozen=True)
class Batch:
    """Several frames as one list of atoms and pairs; `frame` tells which atom is whose."""

    elements: Tensor
    positions: Tensor
    i: Tensor
    j: Tensor
    shifts: Tensor
    frame: Tensor
    energies: Tensor
    forces: Tensor
    sizes: Tensor


def read_labelled(path: str | Path) -> list[ase.Atoms]:
    """Read structures with energies and forces from any file ASE reads (extxyz as a rule).

    Parameters
    ----------
    path : str or Path
        File with energies in eV and forces in eV/A; compressed extxyz (``.xz``) as well.

    Raises
    ------
    InputError
        If the file is missing, unreadable or empty, or a frame has no or NaN labels.
    """
    if not Path(path).is_file():
        raise InputError(f"training data {path} not found; give an extxyz file with energies and forces")
    try:
        frames = ase.io.read(path, index=":")
    except (ase.io.formats.UnknownFileTypeError, ValueError, KeyError, IndexError, OSError, EOFError) as error:
        raise InputError(f"training data {path} cannot be read: {str(error)[:150] or type(error).__name__}") from None
    if not frames:
        raise InputError(f"training data {path} holds no frame; label some structures first")
    for k, atoms in enumerate(frames):
        labels = {} if atoms.calc is None else atoms.calc.results
        for name in ("energy", "forces"):
            if labels.get(name) is None:
                raise InputError(f"frame {k} of {path} has no {name}; label every frame with both energy and forces")
            if not np.all(np.isfinite(labels[name])):
                raise InputError(f"frame {k} of {path} has {name} that are not finite; remove or relabel it")
        if not np.all(np.isfinite(atoms.positions)):
            raise InputError(f"frame {k} of {path} has positions that are not finite; remove it")
        if not np.all(atoms.pbc):
            raise InputError(f"frame {k} of {path} is not periodic in all directions; set its cell and pbc")
    return list(frames)


def to_frame(atoms: ase.Atoms, elements: Sequence[str], cutoff: float) -> Frame:
    """Pairs and labels of one structure; `cutoff` in angstrom, any cell size (images are listed)."""
    unknown = sorted(set(atoms.symbols) - set(elements))
    if unknown:
        raise InputError(f"element {unknown[0]} is in the data but not among the model's: {', '.join(elements)}")
    i, j, cells = neighbor_list("ijS", atoms, cutoff)
    return Frame(
        elements=torch.tensor([elements.index(s) for s in atoms.symbols]),
        positions=torch.tensor(atoms.positions, dtype=torch.float32),
        i=torch.tensor(i, dtype=torch.long),
        j=torch.tensor(j, dtype=torch.long),
        shifts=torch.tensor(cells @ atoms.cell.array, dtype=torch.float32),
        energy=float(atoms.get_potential_energy()),
        forces=torch.tensor(atoms.get_forces(), dtype=torch.float32),
    )


def collate(frames: Sequence[Frame]) -> Batch:
    """Join frames into one batch, numbering atoms through."""
    sizes = torch.tensor([len(f.elements) for f in frames])
    offsets = (sizes.cumsum(0) - sizes).tolist()
    return Batch(
        elements=torch.cat([f.elements for f in frames]),
        positions=torch.cat([f.positions for f in frames]),
        i=torch.cat([f.i + o for f, o in zip(frames, offsets, strict=True)]),
        j=torch.cat([f.j + o for f, o in zip(frames, offsets, strict=True)]),
        shifts=torch.cat([f.shifts for f in frames]),
        frame=torch.repeat_interleave(torch.arange(len(frames)), sizes),
        energies=torch.tensor([f.energy for f in frames], dtype=torch.float64),
        forces=torch.cat([f.forces for f in frames]),
        sizes=sizes,
    )


def reference_energies(frames: Sequence[Frame], n_elements: int) -> NDArray[np.float64]:
    """Energy per atom of each element by least squares, eV (smallest norm if the compositions are alike)."""
    counts = np.array([np.bincount(f.elements.numpy(), minlength=n_elements) for f in frames], dtype=float)
    energies = np.array([f.energy for f in frames])
    return np.asarray(np.linalg.lstsq(counts, energies, rcond=None)[0])
