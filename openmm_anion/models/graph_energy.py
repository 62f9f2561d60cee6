"""Turn a graph model (positions, cell and edges; eV and angstrom) into what OpenMM calls."""

import torch
from torch import Tensor

from openmm_anion.models.contract import EnergyModel
from openmm_anion.models.edges import PeriodicEdges
from openmm_anion.units import ANGSTROM, EV


class GraphEnergy(EnergyModel):
    """``forward(elements, positions, box)`` in OpenMM's units, around a graph model in eV and angstrom.

    Parameters
    ----------
    graph : torch.jit.ScriptModule
        ``forward(elements, positions, cell, pairs, shifts)``: element indices (N,), positions (N, 3) wrapped
        into the cell (3, 3) in angstrom, pairs (2, E) and shifts (E, 3) as `PeriodicEdges` gives them,
        floating numbers in double precision. Returns energy (eV) and forces (N, 3) (eV/angstrom).
    cutoff : float
        Largest length of an edge, angstrom.
    device : str
        Where a model is that cannot be moved (its constants were frozen there); empty for one that moves
        along with this module.
    """

    def __init__(self, graph: torch.jit.ScriptModule, cutoff: float, device: str = "") -> None:
        super().__init__()
        self.graph = graph
        self.edges = PeriodicEdges(cutoff)
        self.device = device
        self.angstrom = ANGSTROM
        self.ev = EV

    def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        """Energy and forces; not a number where a position is none."""
        # Differences are taken in double precision: a graph model in single precision then gets vectors that
        # are exact to single precision, wherever in the box (or out of it) the atoms are.
        where = positions.detach().to(torch.float64) / self.angstrom
        cell = box.detach().to(torch.float64) / self.angstrom
        if not bool(torch.isfinite(where).all()):
            return where.sum(), positions.detach() * float("nan")
        if self.device != "":
            elements, where, cell = elements.to(self.device), where.to(self.device), cell.to(self.device)
        where = where - torch.mm(torch.floor(torch.mm(where, torch.linalg.inv(cell))), cell)
        pairs, shifts = self.edges(where, cell)
        energy, forces = self.graph(elements, where, cell, pairs, shifts)
        energy = self.ev * energy.detach().sum().to(torch.float64)
        forces = (self.ev / self.angstrom) * forces.detach()
        # TorchForce reads the memory of the forces row by row, whatever their strides are.
        return energy.to(positions.device), forces.to(positions).contiguous()
