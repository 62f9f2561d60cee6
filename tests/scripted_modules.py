"""TorchScript modules of a user's own, as the documented contract has them."""

import torch
from torch import Tensor


class Pairs(torch.nn.Module):
    """Graph model: the sum over edges of e_i e_j (1 - r/cutoff)^2, eV and angstrom."""

    strength: Tensor

    def __init__(self, strength: Tensor, cutoff: float) -> None:
        super().__init__()
        self.register_buffer("strength", strength)
        self.cutoff = cutoff

    def forward(
        self, elements: Tensor, positions: Tensor, cell: Tensor, pairs: Tensor, shifts: Tensor
    ) -> Tensor:
        vectors = positions[pairs[1]] - positions[pairs[0]] + shifts @ cell
        of_atom = self.strength[elements]
        return (
            of_atom[pairs[0]]
            * of_atom[pairs[1]]
            * (1 - torch.linalg.vector_norm(vectors, dim=1) / self.cutoff).square()
        ).sum()


class PairsWithForces(Pairs):
    """The same with forces."""

    def forward(  # type: ignore[override]
        self, elements: Tensor, positions: Tensor, cell: Tensor, pairs: Tensor, shifts: Tensor
    ) -> tuple[Tensor, Tensor]:
        vectors = positions[pairs[1]] - positions[pairs[0]] + shifts @ cell
        of_atom = self.strength[elements]
        strength = of_atom[pairs[0]] * of_atom[pairs[1]]
        r = torch.linalg.vector_norm(vectors, dim=1)
        x = 1 - r / self.cutoff
        slope = (-2 * strength * x / (self.cutoff * r)).unsqueeze(1) * vectors
        forces = torch.zeros_like(positions).index_add(0, pairs[0], slope).index_add(0, pairs[1], -slope)
        return (strength * x.square()).sum(), forces


class Tethers(torch.nn.Module):
    """``forward(elements, positions, box)``: a periodic field 10 (1 + e) sum (1 - cos 2 pi s), kJ/mol."""

    def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> Tensor:
        scaled = positions @ torch.linalg.inv_ex(box)[0]
        return (10.0 * (1 + elements).unsqueeze(1) * (1 - torch.cos(6.283185307179586 * scaled))).sum()


class TethersWithForces(torch.nn.Module):
    """The same with forces, whose memory is laid out column by column."""

    def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        inverse = torch.linalg.inv_ex(box)[0]
        phase = 6.283185307179586 * positions @ inverse
        strength = 10.0 * (1 + elements).to(positions.dtype).unsqueeze(1)
        forces = -(strength * 6.283185307179586 * torch.sin(phase)) @ inverse.t()
        return (strength * (1 - torch.cos(phase))).sum(), forces.t().contiguous().t()


class OneSystem(torch.nn.Module):
    """``forward(positions, box)``, made for one system: the elements are inside."""

    elements: Tensor

    def __init__(self, elements: Tensor) -> None:
        super().__init__()
        self.register_buffer("elements", elements)
        self.inner = Tethers()

    def forward(self, positions: Tensor, box: Tensor) -> Tensor:
        return self.inner(self.elements, positions, box)


class OneSystemWithForces(torch.nn.Module):
    """The same with forces."""

    elements: Tensor

    def __init__(self, elements: Tensor) -> None:
        super().__init__()
        self.register_buffer("elements", elements)
        self.inner = TethersWithForces()

    def forward(self, positions: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        return self.inner(self.elements, positions, box)


class DoubleInside(torch.nn.Module):
    """Its code asks for double precision, its weights are in single."""

    weight: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.ones(3))

    def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> Tensor:
        return (positions @ torch.ones(3, 3, dtype=torch.float64) @ self.weight.unsqueeze(1)).sum()


class OnCuda(torch.nn.Module):
    """Its code asks for a CUDA device."""

    def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> Tensor:
        return (positions + torch.ones(3, device="cuda")).sum()


class PerAtom(torch.nn.Module):
    """Returns the energy of every atom instead of forces."""

    def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        return positions.sum(), positions.sum(dim=1)


class NotFinite(torch.nn.Module):
    """Divides by zero."""

    def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> Tensor:
        return (positions / (positions - positions)).sum()


class ListOfTwo(torch.nn.Module):
    """Returns a list."""

    def forward(self, positions: Tensor, box: Tensor) -> list[Tensor]:
        return [positions.sum(), positions]
