"""What modules inside the package are called with, and what they return; every potential is one of these."""

import torch
from torch import Tensor


class EnergyModel(torch.nn.Module):
    """Energy and forces in the units of OpenMM: ``forward(elements, positions, box)``."""

    def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        """Energy (kJ/mol) and forces (kJ/mol/nm).

        Parameters
        ----------
        elements : Tensor
            Index of each atom's element (N,).
        positions, box : Tensor
            (N, 3) and (3, 3), nm.

        Returns
        -------
        energy, forces : Tensor
            One number in kJ/mol, and (N, 3) in kJ/mol/nm.
        """
        raise NotImplementedError


class GraphModel(torch.nn.Module):
    """Energy and forces from a list of pairs: ``forward(elements, positions, cell, pairs, shifts)``."""

    def forward(
        self, elements: Tensor, positions: Tensor, cell: Tensor, pairs: Tensor, shifts: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Energy (eV) and forces (eV/angstrom).

        Parameters
        ----------
        elements : Tensor
            Index of each atom's element (N,).
        positions, cell : Tensor
            (N, 3) and (3, 3), angstrom.
        pairs, shifts : Tensor
            (2, E) and (E, 3), as `PeriodicEdges` gives them.

        Returns
        -------
        energy, forces : Tensor
            One number in eV, and (N, 3) in eV/angstrom.
        """
        raise NotImplementedError
