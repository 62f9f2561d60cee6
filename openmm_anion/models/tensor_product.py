"""The product of features and spherical harmonics on every edge, in few and large operations."""

from typing import Any

import torch
from torch import Tensor


class EdgeProduct(torch.nn.Module):
    r"""An e3nn tensor product of the kind that equivariant convolutions use ("uvu"), rearranged.

    Path p couples channel u of an irrep a of the features x with an irrep b of the harmonics y,

    .. math:: z_{euk} = w_{epu} \sum_{ij} C^p_{ijk}\, x_{eui}\, y_{ej} .

    The sum over j depends on the edge alone and is small. Doing it first, for all paths that start at a,
    turns the rest into one product of matrices per edge and a. e3nn forms the outer products
    :math:`x_{eui} y_{ej}` first, and cuts weights and features by slices, each of which costs a tensor of
    zeros of full size in the gradient.

    Parameters
    ----------
    product : e3nn.o3.TensorProduct
        Instructions "uvu", multiplicity 1 on the right, weights that come with each call; see `rearranges`.
    """

    def __init__(self, product: Any) -> None:
        super().__init__()
        from e3nn import o3

        left, right = product.irreps_in1, product.irreps_in2
        starts = [block.start for block in right.slices()]
        couplings: list[list[Tensor]] = [[] for _ in left]
        self.widths: list[list[int]] = [[] for _ in left]
        places = []
        for path in product.instructions:
            a, b, c = left[path.i_in1].ir, right[path.i_in2].ir, product.irreps_out[path.i_out].ir
            coupling = torch.zeros(right.dim, a.dim, c.dim, dtype=torch.float64)
            clebsch = o3.wigner_3j(a.l, b.l, c.l, dtype=torch.float64).permute(1, 0, 2)
            coupling[starts[path.i_in2] : starts[path.i_in2] + b.dim] = path.path_weight * clebsch
            places.append((path.i_in1, len(couplings[path.i_in1])))
            couplings[path.i_in1].append(coupling)
            self.widths[path.i_in1].append(c.dim)
        before = [sum(len(group) for group in couplings[:k]) for k in range(len(left))]
        self.order: list[int] = [before[k] + position for k, position in places]
        self.couplings = torch.nn.ParameterList(
            torch.nn.Parameter(torch.cat(group, 2).reshape(right.dim, -1).float(), requires_grad=False)
            for group in couplings
        )
        self.left_sizes: list[int] = [block.dim for block in left]
        self.channels: list[int] = [block.mul for block in left]
        self.left_dims: list[int] = [block.ir.dim for block in left]
        self.weight_sizes: list[int] = [left[path.i_in1].mul for path in product.instructions]

    def forward(self, features: Tensor, harmonics: Tensor, weights: Tensor) -> Tensor:
        """Messages, as the tensor product gives them.

        Parameters
        ----------
        features, harmonics, weights : Tensor
            (E, left), (E, right) and (E, sum of the channels of all paths).

        Returns
        -------
        Tensor
            (E, out).
        """
        n_edges = features.shape[0]
        parts = torch.split(features, self.left_sizes, 1)
        pieces: list[Tensor] = []
        for k, coupling in enumerate(self.couplings):
            matrices = torch.mm(harmonics, coupling).view(n_edges, self.left_dims[k], -1)
            part = parts[k].reshape(n_edges, self.channels[k], self.left_dims[k])
            pieces.extend(torch.split(torch.bmm(part, matrices), self.widths[k], 2))
        messages: list[Tensor] = []
        for place, weight in zip(self.order, torch.split(weights, self.weight_sizes, 1), strict=True):
            messages.append((pieces[place] * weight.unsqueeze(2)).reshape(n_edges, -1))
        return torch.cat(messages, 1)


def rearranges(product: Any) -> bool:
    """Tell whether `EdgeProduct` can take the place of a tensor product.

    Parameters
    ----------
    product : e3nn.o3.TensorProduct
        The tensor product.

    Returns
    -------
    bool
        Whether its paths are all "uvu", each with a weight.
    """
    paths = product.instructions
    used = [path.i_in1 for path in paths]
    outputs = [path.i_out for path in paths]
    return (
        all(path.connection_mode == "uvu" and path.has_weight for path in paths)
        and all(block.mul == 1 for block in product.irreps_in2)
        and set(used) == set(range(len(product.irreps_in1)))
        and outputs == list(range(len(product.irreps_out)))  # one path per output, in order
    )
