"""Frames as pair lists in PyTorch, and several of them as one batch."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import ase
import torch
from ase.neighborlist import neighbor_list
from torch import Tensor

from openmm_anion.errors import InputError


@dataclasses.dataclass(frozen=True)
class Batch:
    """One or more labelled structures as one list of atoms and pairs.

    Lengths in angstrom, energies in eV. `frame` (N,) tells which frame an atom belongs to, `shifts`
    (E, 3) is the cell vector to add to ``positions[j] - positions[i]``; every pair is listed once.
    """

    elements: Tensor
    positions: Tensor
    i: Tensor
    j: Tensor
    shifts: Tensor
    frame: Tensor
    sizes: Tensor
    energies: Tensor
    forces: Tensor


def to_batch(atoms: ase.Atoms, elements: Sequence[str], cutoff: float) -> Batch:
    """One structure with its labels; any cell size, since all images inside `cutoff` (A) are listed.

    Parameters
    ----------
    atoms : ase.Atoms
        Periodic in three directions, with energy (eV) and forces (eV/angstrom).
    elements : sequence of str
        Symbols in the order of their indices.
    cutoff : float
        Largest length of a pair, angstrom.

    Returns
    -------
    Batch
        Of one frame; each pair once.

    Raises
    ------
    InputError
        If an element is not among `elements`.
    """
    unknown = sorted(set(atoms.symbols) - set(elements))
    if unknown:
        raise InputError(
            f"element {unknown[0]} is in the data but not among the model's: {', '.join(elements)}"
        )
    i, j, cells = neighbor_list("ijS", atoms, cutoff)
    # each pair once: ahead by atom, or by cell where an atom meets its own image
    a, b, c = cells.T
    once = (i < j) | ((i == j) & ((a > 0) | ((a == 0) & ((b > 0) | ((b == 0) & (c > 0))))))
    i, j, cells = i[once], j[once], cells[once]
    return Batch(
        elements=torch.tensor([elements.index(s) for s in atoms.symbols]),
        positions=torch.tensor(atoms.positions, dtype=torch.float32),
        i=torch.tensor(i, dtype=torch.long),
        j=torch.tensor(j, dtype=torch.long),
        shifts=torch.tensor(cells @ atoms.cell.array, dtype=torch.float32),
        frame=torch.zeros(len(atoms), dtype=torch.long),
        sizes=torch.tensor([len(atoms)]),
        energies=torch.tensor([atoms.get_potential_energy()], dtype=torch.float64),
        forces=torch.tensor(atoms.get_forces(), dtype=torch.float32),
    )


def join(batches: Sequence[Batch]) -> Batch:
    """Several batches as one, atoms and frames numbered through.

    Parameters
    ----------
    batches : sequence of Batch
        With any number of frames each.

    Returns
    -------
    Batch
        With all their frames, in order.
    """
    atoms = torch.tensor([len(batch.elements) for batch in batches])
    frames = torch.tensor([len(batch.sizes) for batch in batches])
    first_atom = (atoms.cumsum(0) - atoms).tolist()
    first_frame = (frames.cumsum(0) - frames).tolist()
    return Batch(
        elements=torch.cat([batch.elements for batch in batches]),
        positions=torch.cat([batch.positions for batch in batches]),
        i=torch.cat([batch.i + start for batch, start in zip(batches, first_atom, strict=True)]),
        j=torch.cat([batch.j + start for batch, start in zip(batches, first_atom, strict=True)]),
        shifts=torch.cat([batch.shifts for batch in batches]),
        frame=torch.cat([batch.frame + start for batch, start in zip(batches, first_frame, strict=True)]),
        sizes=torch.cat([batch.sizes for batch in batches]),
        energies=torch.cat([batch.energies for batch in batches]),
        forces=torch.cat([batch.forces for batch in batches]),
    )


def by_size(frames: Sequence[Batch], atoms: int) -> list[Batch]:
    """Join neighbouring frames into batches of at most about `atoms` atoms, at least one frame each.

    Parameters
    ----------
    frames : sequence of Batch
        Of one frame each.
    atoms : int
        Atoms that a batch may have, if it has more than one frame.

    Returns
    -------
    list of Batch
        In the order of the frames.

    Examples
    --------
    >>> by_size([], 100)
    []
    """
    groups: list[list[Batch]] = []
    filled = atoms
    for frame in frames:
        if filled + len(frame.elements) > atoms:
            groups.append([])
            filled = 0
        groups[-1].append(frame)
        filled += len(frame.elements)
    return [join(group) for group in groups]
