"""Potentials from TorchScript modules of a user's own: the contract, and how a module joins it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from ase.data import atomic_numbers

from openmm_anion.errors import InputError
from openmm_anion.models.adapters import (
    AnyElements,
    AnyElementsWithForces,
    Differentiated,
    DifferentiatedGraph,
    GraphInPrecision,
    InPrecision,
)
from openmm_anion.models.graph_energy import GraphEnergy
from openmm_anion.models.probe import probe
from openmm_anion.models.scripted import ScriptedPotential
from openmm_anion.models.signature import read_signature
from openmm_anion.units import ANGSTROM

STRUCTURE = {2: "positions, box", 3: "elements, positions, box"}
GRAPH = {5: "elements, positions, cell, pairs, shifts"}


def from_torchscript(
    module: torch.jit.ScriptModule | str | Path,
    elements: Sequence[str],
    cutoff: float = 0.0,
    name: str = "torchscript",
    dtype: torch.dtype | None = None,
) -> ScriptedPotential:
    """A potential from a TorchScript module in OpenMM's units.

    ``forward(positions, box)`` of one system, or ``forward(elements, positions, box)`` of any, returns the
    energy, or energy and forces. If it returns the energy alone, forces are its gradient.

    Parameters
    ----------
    module : torch.jit.ScriptModule or path
        Takes positions (N, 3) and box vectors as rows (3, 3) in nm, and the index in `elements` of every
        atom (N,); returns energy (kJ/mol) and maybe forces (N, 3) (kJ/mol/nm). Positions may lie outside of
        the box.
    elements : sequence of str
        Symbols of the elements it knows, in the order of the indices.
    cutoff : float
        Cutoff in nm, if it takes nearest images: the cell must then be twice as wide. 0 for any cell.
    name : str
        Name of the potential.
    dtype : torch.dtype, optional
        Precision in which it takes positions and box; by default that of its first weight, and double
        precision if it has none.

    Returns
    -------
    ScriptedPotential
        With a card of its name and elements.

    Raises
    ------
    InputError
        If it is no such module, or cannot be evaluated in that precision on the CPU.

    Examples
    --------
    >>> from torch import Tensor
    >>> class Springs(torch.nn.Module):
    ...     def forward(self, positions: Tensor, box: Tensor) -> Tensor:
    ...         return 50.0 * positions.square().sum()
    >>> springs = torch.jit.trace(Springs(), (torch.ones(2, 3), torch.eye(3)))
    >>> potential = from_torchscript(springs, ["Na", "Cl"], name="springs")
    >>> potential.energy_forces(["Na"], [[0.1, 0.0, 0.0]], [[2, 0, 0], [0, 2, 0], [0, 0, 2]])[0]
    0.5
    """
    loaded = _scripted(module, name)
    what = f"module {name!r}"
    signature = read_signature(loaded, what, STRUCTURE)
    dtype = dtype or first_dtype(loaded, torch.float64)
    for_one_system = signature.arguments == 2
    if for_one_system:
        wrapper = AnyElementsWithForces if signature.gives_forces else AnyElements
        loaded = torch.jit.script(wrapper(loaded))
    if not signature.gives_forces:
        loaded = torch.jit.script(Differentiated(loaded))
    card = _card(name, elements, cutoff)
    potential = ScriptedPotential(torch.jit.script(InPrecision(loaded, dtype)), card, 2 * cutoff)
    if not for_one_system:  # which may be made for another number of atoms than two
        probe(potential, what)
    return potential


def from_graph(
    module: torch.jit.ScriptModule | str | Path,
    elements: Sequence[str],
    cutoff: float,
    name: str = "graph",
    dtype: torch.dtype | None = None,
) -> ScriptedPotential:
    """A potential from a TorchScript graph model in eV and angstrom; its edges are found inside the script.

    ``forward(elements, positions, cell, pairs, shifts)`` returns the energy, or energy and forces. Every edge
    goes from ``i = pairs[0]`` to ``j = pairs[1]`` by ``positions[j] - positions[i] + shifts @ cell``, in both
    directions and through every image, so that cells may be small.

    Parameters
    ----------
    module : torch.jit.ScriptModule or path
        Takes the index in `elements` of every atom (N,), positions (N, 3) and cell vectors as rows (3, 3) in
        angstrom, pairs (2, E) and shifts (E, 3); returns energy (eV) and maybe forces (N, 3) (eV/angstrom).
    elements : sequence of str
        Symbols of the elements it knows, in the order of the indices.
    cutoff : float
        Largest length of an edge, nm.
    name : str
        Name of the potential.
    dtype : torch.dtype, optional
        Precision in which it takes positions, cell and shifts; by default that of its first weight, and
        double precision if it has none.

    Returns
    -------
    ScriptedPotential
        With a card of its name and elements.

    Raises
    ------
    InputError
        If it is no such module, or cannot be evaluated in that precision on the CPU.

    Examples
    --------
    >>> from torch import Tensor
    >>> class Pairs(torch.nn.Module):
    ...     def forward(
    ...         self, elements: Tensor, positions: Tensor, cell: Tensor, pairs: Tensor, shifts: Tensor
    ...     ) -> Tensor:
    ...         vectors = positions[pairs[1]] - positions[pairs[0]] + shifts @ cell
    ...         return 0.5 * (vectors.norm(dim=1) - 3.0).square().sum()
    >>> edge = torch.tensor([[0], [1]]), torch.zeros(1, 3)
    >>> example = torch.zeros(2).long(), torch.rand(2, 3), torch.eye(3), *edge
    >>> potential = from_graph(torch.jit.trace(Pairs(), example), ["Na"], cutoff=0.3, name="pairs")
    >>> energy, forces = potential.energy_forces(["Na"], [[0, 0, 0]], [[0.25, 0, 0], [0, 1, 0], [0, 0, 1]])
    >>> energy / 96.485  # eV: two edges, to the image on either side
    0.25
    """
    loaded = _scripted(module, name)
    what = f"module {name!r}"
    signature = read_signature(loaded, what, GRAPH)
    if not cutoff > 0:
        raise InputError(
            f"cutoff {cutoff:g} nm of {what} must be above 0: it is the largest length of an edge"
        )
    wrapper = GraphInPrecision if signature.gives_forces else DifferentiatedGraph
    graph = torch.jit.script(wrapper(loaded, dtype or first_dtype(loaded, torch.float64)))
    energy = torch.jit.script(GraphEnergy(graph, cutoff / ANGSTROM))
    potential = ScriptedPotential(energy, _card(name, elements, cutoff))
    probe(potential, what)
    return potential


def first_dtype(module: torch.nn.Module, default: torch.dtype) -> torch.dtype:
    """Precision of the first weight of a module, or a default.

    Parameters
    ----------
    module : torch.nn.Module
        With or without weights.
    default : torch.dtype
        Of a module without weights.

    Returns
    -------
    torch.dtype
        A floating one.

    Examples
    --------
    >>> first_dtype(torch.nn.Linear(1, 1), torch.float64), first_dtype(torch.nn.ReLU(), torch.float64)
    (torch.float32, torch.float64)
    """
    weights = [*module.parameters(), *module.buffers()]
    return next((weight.dtype for weight in weights if weight.is_floating_point()), default)


def _scripted(module: torch.jit.ScriptModule | str | Path, name: str) -> torch.jit.ScriptModule:
    if isinstance(module, str | Path):
        from openmm_anion.models.formats.archive import Archive
        from openmm_anion.models.formats.opened import open_file

        return open_file(Archive(module)).module
    if not isinstance(module, torch.jit.ScriptModule):
        raise InputError(
            f"module {name!r} is a {type(module).__name__}, no TorchScript; give torch.jit.script(module)"
        )
    return module.to("cpu")


def _card(name: str, elements: Sequence[str], cutoff: float) -> dict[str, object]:
    check_symbols(elements)
    return {"name": name, "elements": list(elements), "cutoff_nm": float(cutoff)}


def check_symbols(elements: Sequence[str]) -> None:
    """Refuse what is no list of chemical symbols.

    Parameters
    ----------
    elements : sequence of str
        To be looked at.

    Raises
    ------
    InputError
        If it is a lone string, empty, or holds what is no element.

    Examples
    --------
    >>> check_symbols(["Na", "Xx"])
    Traceback (most recent call last):
    openmm_anion.errors.InputError: element 'Xx' is no chemical symbol; write it like 'Na'
    """
    if isinstance(elements, str) or not elements:
        raise InputError(f"elements {elements!r} must be a list of chemical symbols, e.g. ['Na', 'P', 'S']")
    for symbol in elements:
        if atomic_numbers.get(symbol, 0) == 0:
            raise InputError(f"element {symbol!r} is no chemical symbol; write it like 'Na'")
