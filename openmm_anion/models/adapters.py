"""Small scripted modules that bring a model of a user's own into the one form that is used inside."""

import torch
from torch import Tensor

from openmm_anion.models.contract import EnergyModel, GraphModel


class Wrapper(torch.nn.Module):
    """Base of what calls another module.

    Parameters
    ----------
    module : torch.jit.ScriptModule
        The module that is called.
    """

    def __init__(self, module: torch.jit.ScriptModule) -> None:
        super().__init__()
        self.module = module


class WrapperInPrecision(Wrapper):
    """Base of what calls another module in a precision of its own.

    Parameters
    ----------
    module : torch.jit.ScriptModule
        The module that is called.
    dtype : torch.dtype
        What positions and cells are converted to.
    """

    def __init__(self, module: torch.jit.ScriptModule, dtype: torch.dtype) -> None:
        super().__init__(module)
        self.dtype = dtype


class AnyElements(Wrapper):
    """Give element indices to a module that was made for one system: ``forward(positions, box)``.

    Examples
    --------
    >>> class Springs(torch.nn.Module):
    ...     def forward(self, positions: Tensor, box: Tensor) -> Tensor:
    ...         return positions.square().sum()
    >>> AnyElements(Springs())(torch.tensor([0, 1]), torch.ones(2, 3), torch.eye(3))
    tensor(6.)
    """

    def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> Tensor:
        """Energy (kJ/mol).

        Parameters
        ----------
        elements : Tensor
            Index of each atom's element (N,).
        positions, box : Tensor
            (N, 3) and (3, 3), nm.

        Returns
        -------
        Tensor
            kJ/mol.
        """
        return self.module(positions, box)


class AnyElementsWithForces(Wrapper, EnergyModel):
    """As `AnyElements`, for a module that returns energy and forces."""

    def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        """Energy (kJ/mol) and forces (kJ/mol/nm)."""
        return self.module(positions, box)


class Differentiated(Wrapper, EnergyModel):
    """Add forces to a module that returns the energy alone: ``forward(elements, positions, box)``.

    Examples
    --------
    >>> class Springs(torch.nn.Module):
    ...     def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> Tensor:
    ...         return positions.square().sum()
    >>> Differentiated(Springs())(torch.tensor([0]), torch.ones(1, 3), torch.eye(3))
    (tensor(3.), tensor([[-2., -2., -2.]]))
    """

    def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        """Energy (kJ/mol) and forces (kJ/mol/nm)."""
        where = positions.detach().requires_grad_(True)
        energy = self.module(elements, where, box).sum()
        gradient = torch.autograd.grad([energy], [where])[0]
        assert gradient is not None
        return energy.detach(), -gradient


class InPrecision(WrapperInPrecision, EnergyModel):
    """Call a module in the precision of its weights, whatever that of the positions is.

    OpenMM gives double precision on Reference and CPU, and on GPU platforms single precision unless the
    Context is in double precision.
    """

    def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        """Energy (kJ/mol) and forces (kJ/mol/nm)."""
        energy, forces = self.module(elements, positions.detach().to(self.dtype), box.detach().to(self.dtype))
        # TorchForce reads the memory of the forces row by row, whatever their strides are.
        return energy.detach().sum(), forces.detach().to(positions.dtype).contiguous()


class GraphInPrecision(WrapperInPrecision, GraphModel):
    """A graph model (elements, positions, cell, pairs, shifts) in the precision of its weights."""

    def forward(
        self, elements: Tensor, positions: Tensor, cell: Tensor, pairs: Tensor, shifts: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Energy (eV) and forces (eV/angstrom)."""
        return self.module(
            elements, positions.to(self.dtype), cell.to(self.dtype), pairs, shifts.to(self.dtype)
        )


class DifferentiatedGraph(WrapperInPrecision, GraphModel):
    """As `GraphInPrecision`, for a model that returns the energy alone."""

    def forward(
        self, elements: Tensor, positions: Tensor, cell: Tensor, pairs: Tensor, shifts: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Energy (eV) and forces (eV/angstrom)."""
        where = positions.to(self.dtype).requires_grad_(True)
        energy = self.module(elements, where, cell.to(self.dtype), pairs, shifts.to(self.dtype)).sum()
        gradient = torch.autograd.grad([energy], [where])[0]
        assert gradient is not None
        return energy.detach(), -gradient
