"""NequIP and Allegro: the TorchScript of `nequip-compile --mode torchscript` and of older `nequip-deploy`."""

import torch
from torch import Tensor

from openmm_anion.models.contract import GraphModel
from openmm_anion.models.formats.archive import Archive
from openmm_anion.models.formats.opened import Opened
from openmm_anion.models.graph_energy import GraphEnergy
from openmm_anion.models.scripted import ScriptedPotential
from openmm_anion.units import ANGSTROM


class NequIPGraph(GraphModel):
    """A NequIP or Allegro model as a graph model.

    Parameters
    ----------
    model : torch.jit.ScriptModule
        Takes and returns a dictionary of tensors; gives forces.
    dtype : torch.dtype
        In which it takes positions.
    """

    def __init__(self, model: torch.jit.ScriptModule, dtype: torch.dtype) -> None:
        super().__init__()
        self.model = model
        self.dtype = dtype

    def forward(
        self, elements: Tensor, positions: Tensor, cell: Tensor, pairs: Tensor, shifts: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Energy and forces in the units it was trained in: eV and eV/angstrom."""
        data: dict[str, Tensor] = {
            "pos": positions.to(self.dtype),
            "cell": cell.to(self.dtype),
            "edge_index": pairs,
            "edge_cell_shift": shifts.to(self.dtype),
            "atom_types": elements,
        }
        output = self.model(data)
        return output["atomic_energy"].to(torch.float64).sum(), output["forces"]


def recognises(archive: Archive) -> bool:
    """Tell whether `nequip` compiled or deployed a file.

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
    return {"r_max", "type_names"} <= archive.extra.keys()


def read(opened: Opened) -> ScriptedPotential:
    """The potential of a file that `nequip` compiled or deployed; names of types must be elements.

    Parameters
    ----------
    opened : Opened
        The module and the archive it was in.

    Returns
    -------
    ScriptedPotential
        With a card of what the file says of itself.
    """
    extra = opened.archive.extra
    cutoff = float(extra["r_max"])
    card = {
        "name": opened.archive.path.name.partition(".")[0],
        "elements": extra["type_names"].split(),
        "cutoff_nm": cutoff * ANGSTROM,
        "labels": "NequIP or Allegro",
    }
    # Models of nequip 0.7 and later take double precision whatever they compute in; older ones say which.
    older = "nequip_version" in extra
    written = extra.get("model_dtype", extra.get("default_dtype", "float32"))
    dtype = torch.float32 if older and written == "float32" else torch.float64
    graph = torch.jit.script(NequIPGraph(opened.module, dtype))
    return ScriptedPotential(torch.jit.script(GraphEnergy(graph, cutoff, opened.device)), card)
