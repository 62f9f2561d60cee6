"""A model bound to the particles of one system, in the form that TorchForce calls."""

import torch
from torch import Tensor


class SystemEnergy(torch.nn.Module):
    """Energy of one system: ``forward(positions, box)``, nm in, kJ/mol out.

    Parameters
    ----------
    energy : torch.jit.ScriptModule
        The module of a model file, ``forward(elements, positions, box)``.
    elements : Tensor
        Element index of every particle (N,).
    """

    elements: Tensor

    def __init__(self, energy: torch.jit.ScriptModule, elements: Tensor) -> None:
        super().__init__()
        self.energy = energy
        self.register_buffer("elements", elements)

    def forward(self, positions: Tensor, box: Tensor) -> Tensor:
        """Energy in kJ/mol; positions (N, 3), wrapped or not, and box (3, 3) in nm, any floating dtype."""
        return self.energy(self.elements, positions, box)
