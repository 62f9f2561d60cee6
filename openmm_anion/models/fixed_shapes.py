"""Tell whether the tensors of a scripted model have shapes that do not depend on their values.

Only such a model can be replayed as a CUDA graph.
"""

from __future__ import annotations

from typing import Any

import torch

from openmm_anion.errors import InputError

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

    Returns
    -------
    list of str
        Such as ``"aten::nonzero"``; empty if there are none.

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


def refuse_growing(module: object, name: str) -> None:
    """Refuse a model that cannot be replayed as a CUDA graph, in the name of its potential.

    Parameters
    ----------
    module : torch.jit.ScriptModule
        As `growing` takes it.
    name : str
        Of the potential.

    Raises
    ------
    InputError
        If `growing` finds something; the line says how another kind of force is asked for.

    Examples
    --------
    >>> class Inside(torch.nn.Module):
    ...     def forward(self, x: torch.Tensor) -> torch.Tensor:
    ...         return (x > 0).nonzero()
    >>> refuse_growing(torch.jit.trace(Inside(), torch.ones(2)), "mine")
    Traceback (most recent call last):
    openmm_anion.errors.InputError: potential 'mine' cannot be replayed as a CUDA graph: it calls ...
    """
    found = growing(module)
    if found:
        raise InputError(
            f"potential {name!r} cannot be replayed as a CUDA graph: it calls {', '.join(found)}, so the "
            "sizes of its tensors depend on the positions (as those of every list of neighbours do); ask for "
            'TorchForce without graphs: kind = "torch" under [potential] of a study file, kind="torch" '
            "in add_to and create_force, --kind torch of check-model"
        )
