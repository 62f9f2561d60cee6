"""What openmm-ml finds under the entry point group ``openmmml.potentials``: our potentials, for its users.

openmm-ml loads this module whenever it is imported itself. So it imports nothing that takes long or may fail,
and openmm-ml's own classes only when one of our potentials is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import openmm
from openmm import app, unit

from openmm_anion.errors import InputError

NAME = "openmm-anion-"
"""What stands before the name of a potential there."""


class PotentialFactory:
    """Makes the implementations; openmm-ml calls it with the name that its user gave.

    Its user writes ``MLPotential("openmm-anion-na3ps4").createSystem(topology)``.
    """

    def createImpl(self, name: str, **arguments: Any) -> Any:
        """An ``openmmml.mlpotential.MLPotentialImpl`` of the potential.

        Parameters
        ----------
        name : str
            Name of the entry point.
        **arguments
            None are known.

        Returns
        -------
        openmmml.mlpotential.MLPotentialImpl
            An `AddsForces`.

        Raises
        ------
        InputError
            If there are arguments.
        """
        from openmmml.mlpotential import MLPotentialImpl

        if arguments:
            raise InputError(f"potential {name!r} takes no arguments, but was given {', '.join(arguments)}")
        implementation = type("OpenmmAnionPotentialImpl", (AddsForces, MLPotentialImpl), {})
        return implementation(name.removeprefix(NAME))


class AddsForces:
    """Adds the force of a potential to a System in the making.

    Parameters
    ----------
    name : str
        Name of the potential in this package.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def addForces(
        self,
        topology: app.Topology,
        system: openmm.System,
        atoms: Iterable[int] | None,
        forceGroup: int,
        kind: str | None = None,
        **options: Any,
    ) -> None:
        """Add the force.

        Parameters
        ----------
        topology : openmm.app.Topology
            With elements and a periodic box.
        system : openmm.System
            To which the force is added.
        atoms : iterable of int or None
            The particles that it acts on; None for all.
        forceGroup : int
            Group of the force.
        kind : {"torch", "python", "torch-graphs"}, optional
            As in `Potential.add_to`; a part of the particles takes ``"python"``.
        **options
            Options of other potentials; none are known.

        Raises
        ------
        InputError
            If the potential cannot describe the topology, or for an unknown option.
        """
        from openmm_anion import models

        if options:
            raise InputError(f"potential {self.name!r} takes no option {', '.join(options)}; it takes kind")
        potential = models.load(self.name)
        every = list(topology.atoms())
        chosen = every if atoms is None else [every[index] for index in atoms]
        nameless = [atom.index for atom in chosen if atom.element is None]
        if nameless:
            raise InputError(f"atom {nameless[0]} of the topology has no element; set one")
        symbols = [atom.element.symbol for atom in chosen]
        box = topology.getPeriodicBoxVectors()
        potential.check(
            symbols, None if box is None else unit.Quantity(box.value_in_unit(unit.nanometer), unit.nanometer)
        )
        force = potential.create_force(symbols, kind if atoms is None else "python")
        if atoms is not None:
            force.setParticles([atom.index for atom in chosen])
        force.setForceGroup(forceGroup)
        system.addForce(force)

    def getMLLongRange(self) -> bool:
        """Tell openmm-ml that interactions end at the cutoff.

        Returns
        -------
        bool
            False.
        """
        return False
