"""Tell whether the tensors of a scripted model have shapes that do not depend on their values."""

from __future__ import annotations

from typing import Any

import torch

GROWING = (
    "aten::nonzero",
    "aten::nonzero_numpy",
    "aten::argwhere",
    "aten::masked_select",
    "aten::unique_dim",
    "aten::unique_consecutive",
    "aten::_unique2",
    "aten::bincount",
    "aten::item",
    "prim::CallMethod",
)
"""Operators whose results, or what follows from them, have a size that the values decide. Methods of classes
in C++ that are called from TorchScript (neighbour lists) count among them: nothing is known of what they
do."""


def growing(module: object) -> list[str]:
    """Operators of a scripted model that make tensors of a size which the values decide, sorted.

    A mask as an index (``x[x > 0]``) cannot be told from other indices, and is not found.

    Parameters
    ----------
    module : torch.jit.ScriptModule
        Anything else has none that are known.

    Examples
    --------
    >>> class Inside(torch.nn.Module):
    ...     def forward(self, x: torch.Tensor) -> torch.Tensor:
    ...         return (x > 0).nonzero()
    >>> growing(torch.jit.trace(Inside(), torch.ones(2)))
    ['aten::nonzero']
    """
    if not isinstance(module, torch.jit.ScriptModule):
        return []
    graph = module.inlined_graph  # whose nodes live no longer than it
    blocks: list[Any] = [graph]
    found = set[str]()
    while blocks:
        for node in blocks.pop().nodes():
            found.add(node.kind())
            blocks.extend(node.blocks())
    return sorted(found.intersection(GROWING))
