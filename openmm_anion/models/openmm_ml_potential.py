"""A potential that openmm-ml implements: its forces, taken as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import openmm
import torch
from ase.data import chemical_symbols
from openmm import app, unit
from torch import Tensor

from openmm_anion.errors import InputError, reason
from openmm_anion.models.force import Bound
from openmm_anion.models.potential import Potential


class Collector(openmm.System):
    """A System that keeps the forces that are added to it for somebody else."""

    def __init__(self) -> None:
        super().__init__()
        self.collected: list[openmm.Force] = []

    def addForce(self, force: openmm.Force) -> int:
        """Keep a force.

        Parameters
        ----------
        force : openmm.Force
            Any.

        Returns
        -------
        int
            Its number, from 0, as of ``System.addForce``.
        """
        self.collected.append(force)
        return len(self.collected) - 1


class OpenmmMlPotential(Potential):
    """A potential that openmm-ml implements.

    Which elements it knows, openmm-ml does not tell; all are let through, and the model speaks for itself.

    Parameters
    ----------
    name : str
        Name that openmm-ml knows it by.
    arguments : dict
        For ``openmmml.MLPotential``.
    options : dict
        For ``MLPotential.createSystem``.
    """

    kinds = ("openmm-ml",)

    def __init__(self, name: str, arguments: dict[str, Any], options: dict[str, Any]) -> None:
        from openmmml import MLPotential

        super().__init__({"name": f"openmmml:{name}", "elements": chemical_symbols[1:]})
        self.options = options
        try:
            self.implementation = MLPotential(name, **arguments)._impl
        except (ImportError, ValueError, TypeError, OSError) as error:
            raise InputError(_because(self.name, error)) from None

    def create_force(self, symbols: Sequence[str], kind: str | None = None) -> openmm.Force:
        """The Force that openmm-ml makes for particles of these elements.

        Raises
        ------
        InputError
            If openmm-ml cannot make it, or makes more than one.
        """
        self.choose_kind(kind)
        self.check_elements(symbols)
        topology = _topology(symbols)
        collector = Collector()
        collector.setDefaultPeriodicBoxVectors(*topology.getPeriodicBoxVectors())
        for atom in topology.atoms():
            collector.addParticle(atom.element.mass)
        try:
            self.implementation.addForces(topology, collector, None, 0, **self.options)
        except (ImportError, ValueError, TypeError, KeyError, OSError, RuntimeError) as error:
            raise InputError(_because(self.name, error)) from None
        if len(collector.collected) != 1:
            raise InputError(
                f"potential {self.name!r} consists of {len(collector.collected)} forces; make its System "
                "with openmmml.MLPotential instead"
            )
        return collector.collected[0]

    def bind(self, symbols: Sequence[str]) -> Bound:
        """A function of positions and box (nm) that evaluates a Context of its own."""
        system = openmm.System()
        for _ in symbols:
            system.addParticle(1.0)
        system.addForce(self.create_force(symbols))
        platform = openmm.Platform.getPlatform("Reference")
        context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)

        def evaluate(positions: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
            context.setPeriodicBoxVectors(*box.double().numpy())
            context.setPositions(positions.double().numpy())
            state = context.getState(energy=True, forces=True)
            energy = state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole)
            forces = state.getForces(asNumpy=True).value_in_unit(unit.kilojoule_per_mole / unit.nanometer)
            return torch.tensor(energy, dtype=torch.float64), torch.tensor(np.asarray(forces))

        return evaluate


def _topology(symbols: Sequence[str]) -> app.Topology:
    """Particles in a periodic box; implementations read its real size from the State of each step."""
    topology = app.Topology()
    topology.setPeriodicBoxVectors(np.eye(3) * 10 * unit.nanometer)
    chain = topology.addChain()
    for symbol in symbols:
        residue = topology.addResidue(symbol.upper(), chain)
        topology.addAtom(symbol, app.Element.getBySymbol(symbol), residue)
    return topology


def _because(name: str, error: Exception) -> str:
    return f"potential {name!r} cannot be made by openmm-ml: {reason(error, 250)}"
