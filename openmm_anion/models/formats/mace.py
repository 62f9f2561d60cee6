"""MACE: the TorchScript of `mace_create_lammps_model`, and the compiled models that training writes."""

from typing import Any

import torch
from ase.data import chemical_symbols
from torch import Tensor

from openmm_anion.errors import InputError
from openmm_anion.models.contract import GraphModel
from openmm_anion.models.formats.opened import Opened
from openmm_anion.models.graph_energy import GraphEnergy
from openmm_anion.models.scripted import ScriptedPotential
from openmm_anion.units import ANGSTROM


def graph_data(
    n_elements: int,
    dtype: torch.dtype,
    elements: Tensor,
    positions: Tensor,
    cell: Tensor,
    pairs: Tensor,
    shifts: Tensor,
) -> dict[str, Tensor]:
    """What a MACE model takes for one structure.

    Parameters
    ----------
    n_elements : int
        How many elements the model knows.
    dtype : torch.dtype
        Of its weights.
    elements : Tensor
        Index of each atom's element (N,).
    positions, cell : Tensor
        (N, 3) and (3, 3), angstrom.
    pairs, shifts : Tensor
        (2, E) and (E, 3), as `PeriodicEdges` gives them.

    Returns
    -------
    dict of str to Tensor
        By MACE's names.

    Examples
    --------
    >>> atom = torch.tensor([1]), torch.zeros(1, 3), torch.eye(3).double()
    >>> no_edge = torch.zeros(2, 0).long(), torch.zeros(0, 3).double()
    >>> graph_data(2, torch.float32, *atom, *no_edge)["ptr"]
    tensor([0, 1])
    """
    return {
        "positions": positions.to(dtype),
        "cell": cell.to(dtype),
        "edge_index": pairs,
        "unit_shifts": shifts.to(dtype),
        "shifts": torch.mm(shifts, cell).to(dtype),
        "node_attrs": torch.nn.functional.one_hot(elements, n_elements).to(dtype),
        "batch": torch.zeros_like(elements),
        "ptr": torch.tensor([0, elements.shape[0]], device=elements.device),
        "head": torch.zeros(1, dtype=torch.long, device=elements.device),
    }


def energy_and_forces(output: dict[str, Tensor | None]) -> tuple[Tensor, Tensor]:
    """Energy (eV) and forces (N, 3) (eV/angstrom) out of what a MACE model returns.

    Parameters
    ----------
    output : dict of Tensor
        With ``node_energy`` (N,) and ``forces`` (N, 3).

    Returns
    -------
    Tensor, Tensor
        The energy added up in double precision, and the forces.

    Examples
    --------
    >>> energy_and_forces({"node_energy": torch.ones(3), "forces": torch.zeros(3, 3)})[0]
    tensor(3., dtype=torch.float64)
    """
    energies, forces = output["node_energy"], output["forces"]
    assert energies is not None
    assert forces is not None
    return energies.to(torch.float64).sum(), forces


class MaceGraph(GraphModel):
    """A compiled MACE model, as a graph model.

    Parameters
    ----------
    model : torch.jit.ScriptModule
        ``forward(data)``, see `graph_data`.
    n_elements : int
        How many elements it knows.
    dtype : torch.dtype
        Of its weights.
    """

    def __init__(self, model: torch.jit.ScriptModule, n_elements: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.model = model
        self.n_elements = n_elements
        self.dtype = dtype

    def forward(
        self, elements: Tensor, positions: Tensor, cell: Tensor, pairs: Tensor, shifts: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Energy (eV) and forces (eV/angstrom)."""
        data = graph_data(self.n_elements, self.dtype, elements, positions, cell, pairs, shifts)
        output: dict[str, Tensor | None] = self.model(data)
        return energy_and_forces(output)


class MaceLammpsGraph(MaceGraph):
    """What `mace_create_lammps_model` wrote, as a graph model; parameters as in `MaceGraph`.

    Its model has ``forward(data, local_or_ghost, compute_virials)``.
    """

    def forward(
        self, elements: Tensor, positions: Tensor, cell: Tensor, pairs: Tensor, shifts: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Energy (eV) and forces (eV/angstrom)."""
        data = graph_data(self.n_elements, self.dtype, elements, positions, cell, pairs, shifts)
        local = torch.ones(elements.shape[0], dtype=self.dtype, device=elements.device)
        output: dict[str, Tensor | None] = self.model(data, local, False)
        return energy_and_forces(output)


def recognises(opened: Opened) -> bool:
    """Tell whether a module is MACE's: it carries its cutoff and its atomic numbers as buffers.

    Parameters
    ----------
    opened : Opened
        The module and the archive it was in.

    Returns
    -------
    bool
        Whether `read` can read it.
    """
    return hasattr(opened.module, "r_max") and hasattr(opened.module, "atomic_numbers")


def read(opened: Opened) -> ScriptedPotential:
    """The potential of a MACE model.

    Parameters
    ----------
    opened : Opened
        The module and the archive it was in.

    Returns
    -------
    ScriptedPotential
        With a card of what the file says of itself.

    Raises
    ------
    InputError
        If its forward takes neither what LAMMPS gives nor what MACE itself gives.
    """
    module = opened.module
    forward: Any = module.forward
    arguments = {argument.name for argument in forward.schema.arguments}
    cutoff = float(module.r_max)
    numbers = [int(z) for z in module.atomic_numbers]
    card = {
        "name": opened.archive.path.name.partition(".")[0],
        "elements": [chemical_symbols[z] for z in numbers],
        "cutoff_nm": cutoff * ANGSTROM,
        "labels": "MACE",
    }
    dtype = next(p.dtype for p in module.parameters() if p.is_floating_point())
    if "local_or_ghost" in arguments:
        graph: torch.nn.Module = MaceLammpsGraph(module, len(numbers), dtype)
    elif "compute_force" in arguments:
        graph = MaceGraph(module, len(numbers), dtype)
    else:
        raise InputError(
            f"{opened.where} looks like MACE but takes {', '.join(sorted(arguments))}; write it with "
            "`mace_create_lammps_model`"
        )
    energy = torch.jit.script(GraphEnergy(torch.jit.script(graph), cutoff, opened.device))
    return ScriptedPotential(energy, card)
