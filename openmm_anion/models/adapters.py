"""Small scripted modules that bring a model of a user's own into the one form that is used inside."""

import torch
from torch import Tensor


class AnyElements(torch.nn.Module):
    """Give element indices to a module that was made for one system: ``forward(positions, box)``."""

    def __init__(self, module: torch.jit.ScriptModule) -> None:
        super().__init__()
        self.module = module

    def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> Tensor:
        """Energy (kJ/mol)."""
        return self.module(positions, box)


class AnyElementsWithForces(torch.nn.Module):
    """As `AnyElements`, for a module that returns energy and forces."""

    def __init__(self, module: torch.jit.ScriptModule) -> None:
        super().__init__()
        self.module = module

    def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        """Energy (kJ/mol) and forces (kJ/mol/nm)."""
        return self.module(positions, box)


class Differentiated(torch.nn.Module):
    """Add forces to a module that returns the energy alone: ``forward(elements, positions, box)``."""

    def __init__(self, module: torch.jit.ScriptModule) -> None:
        super().__init__()
        self.module = module

    def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        """Energy (kJ/mol) and forces (kJ/mol/nm)."""
        where = positions.detach().requires_grad_(True)
        energy = self.module(elements, where, box).sum()
        gradient = torch.autograd.grad([energy], [where])[0]
        assert gradient is not None
        return energy.detach(), -gradient


class InPrecision(torch.nn.Module):
    """Call a module in the precision of its weights, whatever that of the positions is.

    OpenMM gives double precision on Reference and CPU, and on GPU platforms single precision unless the
    Context is in double precision.
    """

    def __init__(self, module: torch.jit.ScriptModule, dtype: torch.dtype) -> None:
        super().__init__()
        self.module = module
        self.dtype = dtype

    def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        """Energy (kJ/mol) and forces (kJ/mol/nm)."""
        energy, forces = self.module(elements, positions.detach().to(self.dtype), box.detach().to(self.dtype))
        # TorchForce reads the memory of the forces row by row, whatever their strides are.
        return energy.detach().sum(), forces.detach().to(positions.dtype).contiguous()


class GraphInPrecision(torch.nn.Module):
    """A graph model (elements, positions, cell, pairs, shifts) in the precision of its weights."""

    def __init__(self, module: torch.jit.ScriptModule, dtype: torch.dtype) -> None:
        super().__init__()
        self.module = module
        self.dtype = dtype

    def forward(
        self, elements: Tensor, positions: Tensor, cell: Tensor, pairs: Tensor, shifts: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Energy (eV) and forces (eV/angstrom)."""
        return self.module(
            elements, positions.to(self.dtype), cell.to(self.dtype), pairs, shifts.to(self.dtype)
        )


class DifferentiatedGraph(torch.nn.Module):
    """As `GraphInPrecision`, for a model that returns the energy alone."""

    def __init__(self, module: torch.jit.ScriptModule, dtype: torch.dtype) -> None:
        super().__init__()
        self.module = module
        self.dtype = dtype

    def forward(
        self, elements: Tensor, positions: Tensor, cell: Tensor, pairs: Tensor, shifts: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Energy (eV) and forces (eV/angstrom)."""
        where = positions.to(self.dtype).requires_grad_(True)
        energy = self.module(elements, where, cell.to(self.dtype), pairs, shifts.to(self.dtype)).sum()
        gradient = torch.autograd.grad([energy], [where])[0]
        assert gradient is not None
        return energy.detach(), -gradient
