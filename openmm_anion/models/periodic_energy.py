"""What a model file holds: elements, positions and box in; energy and forces out, in OpenMM's units."""

import torch
from torch import Tensor

from openmm_anion.models.ani import AniEnergy
from openmm_anion.models.contract import EnergyModel
from openmm_anion.models.neighbours import Pairs, pair_forces
from openmm_anion.units import ANGSTROM, EV


class PeriodicEnergy(EnergyModel):
    """Potential energy and forces of a periodic structure.

    Parameters
    ----------
    atoms : AniEnergy
        Energy per atom and its gradient, eV and angstrom.
    cutoff : float
        Cutoff of the pairs in angstrom.
    """

    def __init__(self, atoms: AniEnergy, cutoff: float) -> None:
        super().__init__()
        self.atoms = atoms
        self.pairs = Pairs(cutoff)
        self.angstrom = ANGSTROM
        self.ev = EV

    def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        """Energy and forces."""
        with torch.no_grad():
            box = box.to(positions.dtype)
            i, j, vectors = self.pairs(positions / self.angstrom, box / self.angstrom)
            energies, gradient = self.atoms(elements, i, j, vectors)
            forces = pair_forces(gradient, i, j, elements.shape[0]).to(positions.dtype)
            return self.ev * energies.sum(), (self.ev / self.angstrom) * forces
