"""A model bound to the particles of one system, in the form that TorchForce calls."""

import torch
from torch import Tensor


class SystemEnergy(torch.nn.Module):
    """Energy and forces of one system: ``forward(positions, box)``.

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

    def forward(self, positions: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        """Energy (kJ/mol) and forces (kJ/mol/nm) from positions (N, 3) and box (3, 3) in nm.

        Parameters
        ----------
        positions, box : Tensor
            (N, 3) and (3, 3), nm.

        Returns
        -------
        energy, forces : Tensor
            One number in kJ/mol, and (N, 3) in kJ/mol/nm.
        """
        # Where torch finds a GPU, OpenMM-Torch moves modules there also on OpenCL and HIP, and hands them
        # positions in the memory of the host.
        device = self.elements.device
        energy, forces = self.energy(self.elements, positions.to(device), box.to(device))
        return energy, forces.to(positions.device)
