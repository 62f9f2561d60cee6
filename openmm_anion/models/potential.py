"""What every potential can do, whatever it is made of: check a structure, become a Force, be evaluated."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import openmm
from numpy.typing import ArrayLike, NDArray
from openmm import unit

from openmm_anion.errors import InputError
from openmm_anion.periodic import heights
from openmm_anion.units import array

if TYPE_CHECKING:
    from openmm_anion.models.force import Bound


class Potential(ABC):
    """A trained potential with the card that says where it comes from.

    Sources of potentials (`openmm_anion.models.sources`) return objects of this class; what differs between
    them is `bind`.

    Parameters
    ----------
    card : dict
        At least ``name`` and ``elements`` (symbols); ``cutoff_nm`` where there is one.
    smallest_width : float
        Distance between opposite faces that the cell must have at least, nm.

    Examples
    --------
    >>> from openmm_anion import models
    >>> models.load("na3ps4").elements
    ['Na', 'P', 'S']
    """

    kinds: tuple[str, ...] = ("torch", "python", "torch-graphs")
    """Kinds of Force that it can become (see `openmm_anion.models.force`), the default first."""

    def __init__(self, card: dict[str, Any], smallest_width: float = 0.0) -> None:
        self.card = card
        self.name = str(card["name"])
        self.elements = [str(symbol) for symbol in card["elements"]]
        self.cutoff = float(card.get("cutoff_nm", 0.0))
        self.smallest_width = smallest_width
        self.sha256 = ""
        """Checksum of the file it was read from; empty if it was not."""

    @abstractmethod
    def bind(self, symbols: Sequence[str]) -> Bound:
        """Fix the particles: a function of positions and box, tensors in nm.

        Parameters
        ----------
        symbols : sequence of str
            Element of every particle.

        Returns
        -------
        callable
            Positions (N, 3) and box (3, 3) in nm to energy (kJ/mol) and forces (N, 3) (kJ/mol/nm).

        Raises
        ------
        InputError
            If an element is unknown.
        """

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
            For an element the potential does not know, no box, a box of no volume, or a cell that is
            narrower than `smallest_width`.
        """
        self.check_elements(symbols)
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
        width = float(heights(vectors).min())
        if width < self.smallest_width:
            raise InputError(
                f"the cell is {width:.3f} nm wide but potential {self.name!r} needs "
                f"{self.smallest_width:.3f} nm (twice its cutoff); use a larger supercell"
            )

    def check_elements(self, symbols: Sequence[str]) -> None:
        """Refuse a particle of an element that the potential does not know.

        Parameters
        ----------
        symbols : sequence of str
            Element of every particle.

        Raises
        ------
        InputError
            If there is one; it is named.
        """
        known = set(self.elements)
        for k, symbol in enumerate(symbols):
            if symbol not in known:
                raise InputError(
                    f"potential {self.name!r} does not know element {symbol} (atom {k}); "
                    f"it knows {', '.join(self.elements)}"
                )

    def create_force(self, symbols: Sequence[str], kind: str | None = None) -> openmm.Force:
        """The OpenMM Force of this potential for particles of these elements, in this order.

        Parameters
        ----------
        symbols : sequence of str
            Element of every particle.
        kind : {"torch", "python", "torch-graphs"}, optional
            How OpenMM calls it: ``TorchForce``, ``openmm.PythonForce``, or a ``TorchForce`` that replays a
            CUDA graph. Default: the first of `kinds`.

        Returns
        -------
        openmm.Force
            To be added to a System of these particles.

        Raises
        ------
        InputError
            If an element is unknown, or the potential or this installation has no such kind.

        Examples
        --------
        >>> from openmm_anion import models
        >>> force = models.load("na3ps4").create_force(["Na"] * 3 + ["P"] + ["S"] * 4)
        >>> force.usesPeriodicBoundaryConditions()
        True
        """
        from openmm_anion.models.force import make_force

        return make_force(self.bind(symbols), self.choose_kind(kind), self.name)

    def choose_kind(self, kind: str | None) -> str:
        """The kind of Force to make: the one asked for, if this potential can become one.

        Parameters
        ----------
        kind : str or None
            A kind, or None for the first of `kinds`.

        Returns
        -------
        str
            One of `kinds`.

        Raises
        ------
        InputError
            If it is another.
        """
        if kind is None:
            return self.kinds[0]
        if kind not in self.kinds:
            raise InputError(
                f"potential {self.name!r} cannot become a force of kind {kind!r}; "
                f"use {' or '.join(repr(name) for name in self.kinds)}"
            )
        return kind

    def add_to(self, system: openmm.System, symbols: Sequence[str], kind: str | None = None) -> int:
        """Check box and elements, add the force to `system`, and return its index there.

        Parameters
        ----------
        system : openmm.System
            With its particles and its default box.
        symbols : sequence of str
            Element of every particle.
        kind : {"torch", "python", "torch-graphs"}, optional
            As in `create_force`.

        Returns
        -------
        int
            As of ``System.addForce``.

        Raises
        ------
        InputError
            As `check` and `create_force`, and if `symbols` are not as many as the particles.
        """
        if system.getNumParticles() != len(symbols):
            raise InputError(
                f"{len(symbols)} symbols given for a system of {system.getNumParticles()} particles; "
                "give one element per particle"
            )
        self.check(symbols, unit.Quantity(system.getDefaultPeriodicBoxVectors()))
        return int(system.addForce(self.create_force(symbols, kind)))

    def energy_forces(
        self, symbols: Sequence[str], positions: ArrayLike | unit.Quantity, box: ArrayLike | unit.Quantity
    ) -> tuple[float, NDArray[np.float64]]:
        """Energy (kJ/mol) and forces (kJ/mol/nm), evaluated outside of a System.

        Parameters
        ----------
        symbols : sequence of str
            Element of every particle.
        positions : array_like or Quantity
            (N, 3) in nm; wrapped or not.
        box : array_like or Quantity
            Periodic box vectors (3, 3) in nm.

        Returns
        -------
        energy : float
            kJ/mol.
        forces : array, shape (N, 3)
            kJ/mol/nm.

        Raises
        ------
        InputError
            As `check`.
        """
        import torch

        self.check(symbols, box)
        where = torch.tensor(array(positions, unit.nanometer, "positions"))
        energy, forces = self.bind(symbols)(where, torch.tensor(array(box, unit.nanometer, "box vectors")))
        return float(energy.detach()), forces.detach().cpu().double().numpy()
