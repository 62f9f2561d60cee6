"""What a model file holds: element indices, positions and box in nm in, energy in kJ/mol out."""

import torch
from torch import Tensor

from openmm_anion.models.ani import AniEnergy
from openmm_anion.models.neighbours import minimum_image_pairs
from openmm_anion.units import ANGSTROM, EV


class PeriodicEnergy(torch.nn.Module):
    """Potential energy of a periodic structure.

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
