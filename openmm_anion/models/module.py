"""The scripted module behind a potential: positions and box in nm in, energy in kJ/mol out."""

import torch
from torch import Tensor

from openmm_anion.models.ani import AniEnergy
from openmm_anion.models.neighbours import minimum_image_pairs
from openmm_anion.units import ANGSTROM, EV


class PeriodicEnergy(torch.nn.Module):
    """Energy of a periodic structure for any list of elements; what a model file holds.

    Parameters
    ----------
    atoms : AniEnergy
        Energy per atom in eV from pairs in angstrom.
    cutoff : float
        Cutoff of the pairs in angstrom.
    """

    def __init__(self, atoms: AniEnergy, cutoff: float) -> None:
        super().__init__()
        self.atoms = atoms
        self.pairs = torch.jit.script(minimum_image_pairs)
        self.cutoff = cutoff
        self.angstrom = ANGSTROM
        self.ev = EV

    def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> Tensor:
        """Energy in kJ/mol of atoms with element indices (N,), positions (N, 3) and box (3, 3) in nm."""
        box = box.to(positions.dtype)
        i, j, vectors = self.pairs(positions / self.angstrom, box / self.angstrom, self.cutoff)
        return self.ev * self.atoms(elements, i, j, vectors).sum()


class SystemEnergy(torch.nn.Module):
    """A `PeriodicEnergy` bound to the atoms of one system: ``forward(positions, box)``, as TorchForce calls it.

    Parameters
    ----------
    energy : torch.jit.ScriptModule
        The module of a model file.
    elements : Tensor
        Element index of every particle (N,).
    """

    elements: Tensor

    def __init__(self, energy: torch.jit.ScriptModule, elements: Tensor) -> None:
        super().__init__()
        self.energy = energy
        self.register_buffer("elements", elements)

    def forward(self, positions: Tensor, box: Tensor) -> Tensor:
        """Energy in kJ/mol; `positions` (N, 3) and `box` (3, 3) in nm, any floating dtype."""
        return self.energy(self.elements, positions, box)
