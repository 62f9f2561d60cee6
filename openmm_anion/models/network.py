"""torchani's atomic network with its gradient written out."""

import torch
import torchani
from torch import Tensor


class Network(torch.nn.Module):
    """Energies of atoms of one element, and the slopes dE/dfeatures, from their features.

    Parameters
    ----------
    network : torchani.nn.AtomicNetwork
        Linear layers with GELU between; its weights are shared, not copied.
    """

    def __init__(self, network: torchani.nn.AtomicNetwork) -> None:
        super().__init__()
        self.layers = network.layers
        self.final = network.final_layer

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Energies (M,) and slopes (M, n_features) for features (M, n_features).

        Parameters
        ----------
        features : Tensor
            (M, n_features).

        Returns
        -------
        energies, slopes : Tensor
            (M,), and (M, n_features) in the same unit.
        """
        inputs: list[Tensor] = []
        weights: list[Tensor] = []
        for layer in self.layers:
            weights.append(layer.weight)
            inputs.append(layer(features))
            features = torch.nn.functional.gelu(inputs[-1])
        energies = self.final(features).squeeze(1)
        slopes = self.final.weight.expand(features.shape[0], -1)
        for back in range(len(inputs)):
            k = len(inputs) - 1 - back
            slopes = torch.mm(torch.ops.aten.gelu_backward(slopes, inputs[k]), weights[k])
        return energies, slopes
