"""SevenNet's convolution with the rearranged tensor product."""

from typing import Any

import torch
from torch import Tensor

from openmm_anion.models.tensor_product import EdgeProduct, rearranges


class Convolution(torch.nn.Module):
    """Takes the place of ``sevenn.nn.convolution.IrrepsConvolution``, with the same weights and results.

    Parameters
    ----------
    convolution : sevenn.nn.convolution.IrrepsConvolution
        What it replaces.
    """

    def __init__(self, convolution: Any) -> None:
        super().__init__()
        self.product = EdgeProduct(convolution.convolution)
        self.weights = convolution.weight_nn
        self.denominator = convolution.denominator
        self.key_x = str(convolution.key_x)
        self.key_filter = str(convolution.key_filter)
        self.key_weight_input = str(convolution.key_weight_input)
        self.key_edge_idx = str(convolution.key_edge_idx)

    def forward(self, data: dict[str, Tensor]) -> dict[str, Tensor]:
        """The same dictionary, with the features of every atom replaced by the sum over its messages.

        Parameters
        ----------
        data : dict of str to Tensor
            SevenNet's, with features of atoms, and harmonics and radial embedding of edges.

        Returns
        -------
        dict of str to Tensor
            Changed in place.
        """
        features = data[self.key_x]
        at, neighbour = data[self.key_edge_idx][0], data[self.key_edge_idx][1]
        weights = self.weights(data[self.key_weight_input])
        messages = self.product(features.index_select(0, neighbour), data[self.key_filter], weights)
        gathered = messages.new_zeros((features.shape[0], messages.shape[1])).index_add(0, at, messages)
        data[self.key_x] = gathered.div(self.denominator)
        return data


def rearrange(model: Any) -> int:
    """Replace the convolutions of a SevenNet model in place, where that can be done.

    Parameters
    ----------
    model : sevenn.nn.sequential.AtomGraphSequential
        The model.

    Returns
    -------
    int
        How many were replaced.
    """
    from e3nn.util.jit import compile_mode
    from sevenn.nn.convolution import IrrepsConvolution

    replaced = 0
    for key, module in list(model._modules.items()):
        if type(module) is IrrepsConvolution and not module.is_parallel and rearranges(module.convolution):
            model.replace_module(key, compile_mode("script")(Convolution)(module))
            replaced += 1
    return replaced
