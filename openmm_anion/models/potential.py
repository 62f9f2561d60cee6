"""A trained potential: its file, its card, and its use in OpenMM."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openmm
import torch
from numpy.typing import ArrayLike, NDArray
from openmm import unit

from openmm_anion.errors import InputError
from openmm_anion.models.force import torch_force
from openmm_anion.models.system_energy import SystemEnergy
from openmm_anion.units import array

CARD = "card.json"
"""Name of the JSON record inside a model file."""


class Potential:
    """A scripted potential with the card that says where it comes from and how good it is.

    Parameters
    ----------
    module : torch.jit.ScriptModule
        ``forward(element indices, positions, box)`` in nm; energy (kJ/mol) and forces (kJ/mol/nm).
    card : dict
        At least ``name``, ``elements`` (symbols, in the order of the indices) and ``cutoff_nm``.

    Examples
    --------
    >>> from openmm_anion import models
    >>> models.load("na3ps4").elements
    ['Na', 'P', 'S']
    """

    def __init__(self, module: torch.jit.ScriptModule, card: dict[str, Any]) -> None:
        self.module = module
        self.card = card
        self.name = str(card["name"])
        self.elements = [str(symbol) for symbol in card["elements"]]
        self.cutoff = float(card["cutoff_nm"])
        self.sha256 = ""
        """Checksum of the file it was read from; empty if it was not."""

    @classmethod
    def read(cls, path: str | Path) -> Potential:
        """Read a model file.

        Raises
        ------
        InputError
            If the file is missing, truncated, or not one of this package's models.
        """
        if not Path(path).is_file():
            raise InputError(f"model file {path} not found; give its path or the name of a shipped model")
        extra = {CARD: ""}
        try:
            module = torch.jit.load(str(path), map_location="cpu", _extra_files=extra)
        except (RuntimeError, ValueError):  # what libtorch raises for a bad archive
            raise InputError(
                f"model file {path} is truncated or no TorchScript file; copy or train it again"
            ) from None
        try:
            potential = cls(module, json.loads(extra[CARD]))
        except (json.JSONDecodeError, KeyError):
            raise InputError(
                f"model file {path} has no {CARD} of this package; write it with `openmm-anion train`"
            ) from None
        potential.sha256 = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        return potential

    def write(self, path: str | Path) -> None:
        """Write module and card as one TorchScript file."""
        torch.jit.save(self.module, str(path), _extra_files={CARD: json.dumps(self.card, indent=1)})

    def check(self, symbols: Sequence[str], box: ArrayLike | unit.Quantity | None) -> None:
        """Refuse what this potential cannot describe.

        Parameters
        ----------
        symbols : sequence of str
            Element of every particle.
        box : array_like or Quantity or None
            Periodic box vectors (3, 3) in nm; None where there is no box.

        Raises
        ------
        InputError
            For an element the potential does not know, no box, a box of no volume, or a cell whose
            opposite faces are nearer than twice the cutoff.
        """
        self.indices(symbols)
        if box is None:
            raise InputError(f"potential {self.name!r} needs a periodic box; give the structure a cell")
        vectors = array(box, unit.nanometer, "box vectors")
        if vectors.shape != (3, 3):
            raise InputError(
                f"box vectors must have shape (3, 3), not {vectors.shape}; give three vectors in nm"
            )
        volume = abs(float(np.linalg.det(vectors)))
        if volume < 1e-9:
            raise InputError("the box has no volume; give three independent box vectors in nm")
        areas = np.linalg.norm(np.cross(vectors[[1, 2, 0]], vectors[[2, 0, 1]]), axis=1)
        width = float((volume / areas).min())
        if width < 2 * self.cutoff:
            raise InputError(
                f"the cell is {width:.3f} nm wide but potential {self.name!r} needs {2 * self.cutoff:.3f} nm "
                f"(twice its cutoff); use a larger supercell"
            )

    def indices(self, symbols: Sequence[str]) -> torch.Tensor:
        """Element index of every particle, as the module wants it."""
        order = {symbol: k for k, symbol in enumerate(self.elements)}
        for k, symbol in enumerate(symbols):
            if symbol not in order:
                raise InputError(
                    f"potential {self.name!r} does not know element {symbol} (atom {k}); "
                    f"it knows {', '.join(self.elements)}"
                )
        return torch.tensor([order[symbol] for symbol in symbols], dtype=torch.long)

    def bind(self, symbols: Sequence[str]) -> torch.jit.ScriptModule:
        """The module for these particles: ``forward(positions, box)`` gives energy and forces."""
        return torch.jit.script(SystemEnergy(self.module, self.indices(symbols)))

    def create_force(self, symbols: Sequence[str]) -> openmm.Force:
        """The OpenMM Force of this potential for particles of these elements, in this order.

        Examples
        --------
        >>> from openmm_anion import models
        >>> force = models.load("na3ps4").create_force(["Na"] * 3 + ["P"] + ["S"] * 4)
        >>> force.usesPeriodicBoundaryConditions()
        True
        """
        return torch_force(self.bind(symbols))

    def add_to(self, system: openmm.System, symbols: Sequence[str]) -> int:
        """Check box and elements, add the force to `system`, and return its index there."""
        if system.getNumParticles() != len(symbols):
            raise InputError(
                f"{len(symbols)} symbols given for a system of {system.getNumParticles()} particles; "
                "give one element per particle"
            )
        self.check(symbols, unit.Quantity(system.getDefaultPeriodicBoxVectors()))
        return int(system.addForce(self.create_force(symbols)))

    def energy_forces(
        self, symbols: Sequence[str], positions: ArrayLike | unit.Quantity, box: ArrayLike | unit.Quantity
    ) -> tuple[float, NDArray[np.float64]]:
        """Energy (kJ/mol) and forces (kJ/mol/nm) evaluated by PyTorch alone, without OpenMM.

        Parameters
        ----------
        symbols : sequence of str
            Element of every particle.
        positions : array_like or Quantity
            (N, 3) in nm; wrapped or not.
        box : array_like or Quantity
            Periodic box vectors (3, 3) in nm.
        """
        self.check(symbols, box)
        where = torch.tensor(array(positions, unit.nanometer, "positions"))
        energy, forces = self.bind(symbols)(where, torch.tensor(array(box, unit.nanometer, "box vectors")))
        return float(energy), forces.numpy()
