"""DeePMD-kit: the TorchScript that `dp --pt freeze` writes."""

import torch
from torch import Tensor

from openmm_anion.models.contract import EnergyModel
from openmm_anion.models.formats.opened import Opened
from openmm_anion.models.scripted import ScriptedPotential
from openmm_anion.units import ANGSTROM, EV


class DeepmdEnergy(EnergyModel):
    """A DeePMD model in OpenMM's units; it finds neighbours by itself.

    Parameters
    ----------
    model : torch.jit.ScriptModule
        ``forward(coord, atype, box)`` in angstrom, a dictionary with energy (eV) and force (eV/angstrom).
    """

    def __init__(self, model: torch.jit.ScriptModule) -> None:
        super().__init__()
        self.model = model
        self.angstrom = ANGSTROM
        self.ev = EV

    def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        """Energy and forces in OpenMM's units."""
        where = positions.detach().to(torch.float64) / self.angstrom
        cell = box.detach().to(torch.float64) / self.angstrom
        where = where - torch.mm(torch.floor(torch.mm(where, torch.linalg.inv(cell))), cell)
        output: dict[str, Tensor] = self.model(where.unsqueeze(0), elements.unsqueeze(0), cell.reshape(1, 9))
        forces = (self.ev / self.angstrom) * output["force"].detach()[0]
        return self.ev * output["energy"].detach().sum(), forces.to(positions.dtype).contiguous()


def recognises(opened: Opened) -> bool:
    """Tell whether a module is DeePMD's: it tells its cutoff and its elements by methods.

    Parameters
    ----------
    opened : Opened
        The module and the archive it was in.

    Returns
    -------
    bool
        Whether `read` can read it.
    """
    return hasattr(opened.module, "get_rcut") and hasattr(opened.module, "get_type_map")


def read(opened: Opened) -> ScriptedPotential:
    """The potential of a DeePMD model.

    Parameters
    ----------
    opened : Opened
        The module and the archive it was in.

    Returns
    -------
    ScriptedPotential
        With a card of what the file says of itself.
    """
    cutoff = float(opened.module.get_rcut())
    card = {
        "name": opened.archive.path.stem,
        "elements": list(opened.module.get_type_map()),
        "cutoff_nm": cutoff * ANGSTROM,
        "labels": "DeePMD-kit",
    }
    return ScriptedPotential(torch.jit.script(DeepmdEnergy(opened.module)), card)
