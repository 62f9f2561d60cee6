"""A potential that is one TorchScript module: elements, positions and box in, energy and forces out."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from openmm_anion.atomic_file import write_bytes
from openmm_anion.models.potential import Potential
from openmm_anion.models.system_energy import SystemEnergy

CARD = "card.json"
"""Name of the JSON record inside a model file."""


class ScriptedPotential(Potential):
    """A scripted potential with the card that says where it comes from and how good it is.

    Parameters
    ----------
    module : torch.jit.ScriptModule
        ``forward(elements, positions, box)``: element indices (N,), nm; energy (kJ/mol), forces (kJ/mol/nm).
    card : dict
        At least ``name`` and ``elements`` (symbols, in the order of the indices).
    smallest_width : float
        Distance between opposite faces that the cell must have at least, nm.

    Examples
    --------
    >>> from openmm_anion import models
    >>> isinstance(models.load("na3ps4"), ScriptedPotential)
    True
    """

    def __init__(
        self, module: torch.jit.ScriptModule, card: dict[str, Any], smallest_width: float = 0.0
    ) -> None:
        super().__init__(card, smallest_width)
        self.module = module

    def indices(self, symbols: Sequence[str]) -> torch.Tensor:
        """Element index of every particle, as the module wants it.

        Parameters
        ----------
        symbols : sequence of str
            Element of every particle.

        Returns
        -------
        Tensor
            (N,), of int64.

        Raises
        ------
        InputError
            If an element is unknown.
        """
        self.check_elements(symbols)
        order = {symbol: k for k, symbol in enumerate(self.elements)}
        return torch.tensor([order[symbol] for symbol in symbols], dtype=torch.long)

    def write(self, path: str | Path) -> None:
        """Write module and card as one TorchScript file, whole or not at all, which `models.load` reads.

        Parameters
        ----------
        path : str or Path
            The file.
        """
        card = dict(self.card)
        if self.smallest_width != 2 * self.cutoff:  # which a file means that does not say so
            card["smallest_width_nm"] = self.smallest_width
        file = io.BytesIO()
        torch.jit.save(self.module, file, _extra_files={CARD: json.dumps(card, indent=1)})
        write_bytes(Path(path), file.getvalue())

    def bind(self, symbols: Sequence[str]) -> torch.jit.ScriptModule:
        """The module for these particles: ``forward(positions, box)`` gives energy and forces."""
        return torch.jit.script(SystemEnergy(self.module, self.indices(symbols)))
