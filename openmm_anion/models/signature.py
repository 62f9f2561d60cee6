"""What a TorchScript module takes and gives, read from its declaration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from openmm_anion.errors import InputError


@dataclass(frozen=True)
class Signature:
    """Arguments and result of a module's ``forward``.

    Attributes
    ----------
    arguments : int
        How many tensors it takes.
    gives_forces : bool
        Whether it returns energy and forces, and not the energy alone.
    """

    arguments: int
    gives_forces: bool


def read_signature(module: torch.jit.ScriptModule, what: str, allowed: dict[int, str]) -> Signature:
    """Read the declaration of ``forward``, and refuse one that is no potential's.

    Parameters
    ----------
    module : torch.jit.ScriptModule
        The module.
    what : str
        Its name in error messages.
    allowed : dict
        Numbers of arguments that will do, with their names.

    Returns
    -------
    Signature
        How many arguments, and whether forces come back.

    Raises
    ------
    InputError
        If it takes something else than that many tensors, or returns something else than an energy or an
        energy and forces.

    Examples
    --------
    >>> class Energy(torch.nn.Module):
    ...     def forward(self, positions: torch.Tensor, box: torch.Tensor) -> torch.Tensor:
    ...         return positions.square().sum()
    >>> module = torch.jit.trace(Energy(), (torch.ones(2, 3), torch.eye(3)))
    >>> read_signature(module, "a spring", {2: "positions, box"})
    Signature(arguments=2, gives_forces=False)
    """
    forward: Any = module.forward
    schema = forward.schema
    taken = [str(argument.type) for argument in schema.arguments[1:] if not argument.has_default_value()]
    given = [str(result.type) for result in schema.returns]
    wanted = " or ".join(f"({names})" for names in allowed.values())
    if len(taken) not in allowed or set(taken) != {"Tensor"}:
        raise InputError(
            f"{what} is no potential: its forward takes ({', '.join(taken)}), not tensors {wanted}"
        )
    results = {"Tensor": False, "Tuple[Tensor, Tensor]": True}
    if len(given) != 1 or given[0] not in results:
        raise InputError(
            f"{what} is no potential: its forward returns {', '.join(given)}, not an energy (Tensor) or "
            "energy and forces (Tuple[Tensor, Tensor])"
        )
    return Signature(len(taken), results[given[0]])
