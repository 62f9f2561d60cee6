"""SevenNet: the TorchScript that `sevenn get_model` writes for LAMMPS (pair style e3gnn)."""

import torch
from torch import Tensor

from openmm_anion.errors import InputError
from openmm_anion.models.contract import GraphModel
from openmm_anion.models.formats.archive import Archive
from openmm_anion.models.formats.opened import Opened
from openmm_anion.models.graph_energy import GraphEnergy
from openmm_anion.models.neighbours import pair_forces
from openmm_anion.models.scripted import ScriptedPotential
from openmm_anion.units import ANGSTROM


class SevenNetGraph(GraphModel):
    """A SevenNet model without its force output, as a graph model.

    The vectors of the edges are taken in double precision and rounded once, and the model is
    differentiated in them: its forces are those of SevenNet's own calculator to rounding.

    Parameters
    ----------
    model : torch.jit.ScriptModule
        Takes and returns a dictionary of tensors.
    dtype : torch.dtype
        Of its weights.
    """

    def __init__(self, model: torch.jit.ScriptModule, dtype: torch.dtype) -> None:
        super().__init__()
        self.model = model
        self.dtype = dtype

    def forward(
        self, elements: Tensor, positions: Tensor, cell: Tensor, pairs: Tensor, shifts: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Energy (eV) and forces (eV/angstrom)."""
        i, j = pairs[0], pairs[1]
        vectors = positions.index_select(0, j) - positions.index_select(0, i) + torch.mm(shifts, cell)
        vectors = vectors.to(self.dtype).requires_grad_(True)
        n_atoms = elements.shape[0]
        count = torch.tensor([n_atoms], device=elements.device)
        output = self.model({"x": elements, "edge_index": pairs, "edge_vec": vectors, "num_atoms": count})
        gradient = torch.autograd.grad([output["inferred_total_energy"].sum()], [vectors])[0]
        assert gradient is not None
        # The model adds its atomic energies up in single precision, which makes steps of 6e-5 eV at 600 eV.
        energy = output["atomic_energy"].detach().to(torch.float64).sum()
        return energy, pair_forces(gradient.to(torch.float64), i, j, n_atoms)


def recognises(archive: Archive) -> bool:
    """Tell whether `sevenn` deployed a file.

    Parameters
    ----------
    archive : Archive
        The file, not unpickled.

    Returns
    -------
    bool
        Whether `read` can read it.

    Examples
    --------
    >>> from openmm_anion.models import SHIPPED
    >>> recognises(Archive(SHIPPED / "na3ps4.pt"))
    False
    """
    return "chemical_symbols_to_index" in archive.extra


def read(opened: Opened) -> ScriptedPotential:
    """The potential of a file that `sevenn` deployed.

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
        If it is one part of a model that was cut for several GPUs.
    """
    extra = opened.archive.extra
    if "comm_size" in extra:
        raise InputError(
            f"{opened.where} is one part of a SevenNet model deployed in parallel; deploy it without "
            "--get_parallel"
        )
    cutoff = float(extra["cutoff"])
    card = {
        "name": opened.archive.path.stem,
        "elements": extra["chemical_symbols_to_index"].split(),
        "cutoff_nm": cutoff * ANGSTROM,
        "labels": f"SevenNet {extra.get('version', 'of unknown version')}",
    }
    dtype = torch.float64 if extra.get("dtype") == "double" else torch.float32
    graph = torch.jit.script(SevenNetGraph(opened.module, dtype))
    return ScriptedPotential(torch.jit.script(GraphEnergy(graph, cutoff, opened.device)), card)
