"""Tell whether a scripted model can be replayed as a CUDA graph.

That is so if the host need not know a value to go on: shapes do not depend on values, and nothing is checked.
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
CHECKED = (
    "aten::inverse",
    "aten::linalg_inv",
    "aten::linalg_solve",
    "aten::linalg_pinv",
    "aten::linalg_lstsq",
    "aten::linalg_cholesky",
    "aten::linalg_eigh",
    "aten::linalg_eigvalsh",
    "aten::linalg_svd",
    "aten::linalg_svdvals",
)
"""Operators whose success the host looks at; ``torch.linalg.inv_ex`` and its like leave that out."""


def waited_for(module: object) -> list[str]:
    """Operators of a scripted model that need a value on the host, sorted.

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
    >>> waited_for(torch.jit.trace(Inside(), torch.ones(2)))
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
    return sorted(found.intersection(GROWING + CHECKED))


def refuse_replay(module: object, name: str) -> None:
    """Refuse a model that cannot be replayed as a CUDA graph, in the name of its potential.

    Parameters
    ----------
    module : torch.jit.ScriptModule
        As `waited_for` takes it.
    name : str
        Of the potential.

    Raises
    ------
    InputError
        If `waited_for` finds something; the line says how another kind of force is asked for.

    Examples
    --------
    >>> class Inside(torch.nn.Module):
    ...     def forward(self, x: torch.Tensor) -> torch.Tensor:
    ...         return (x > 0).nonzero()
    >>> refuse_replay(torch.jit.trace(Inside(), torch.ones(2)), "mine")
    Traceback (most recent call last):
    openmm_anion.errors.InputError: potential 'mine' cannot be replayed as a CUDA graph: it calls ...
    """
    found = waited_for(module)
    if found:
        raise InputError(
            f"potential {name!r} cannot be replayed as a CUDA graph: it calls {', '.join(found)}, where the "
            "host waits for a value (the size of a list of neighbours, whether an inverse exists); ask for "
            'TorchForce without graphs: kind = "torch" under [potential] of a study file, kind="torch" '
            "in add_to and create_force, --kind torch of check-model"
        )
