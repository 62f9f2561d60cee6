"""A stand-in for openmm-ml: as much of its interface as is used, so that default tests need no package."""

from __future__ import annotations

import types
from importlib.metadata import entry_points
from typing import Any

import openmm
from openmm import app


class MLPotentialImpl:
    def addForces(
        self, topology: app.Topology, system: openmm.System, atoms: Any, forceGroup: int, **args: Any
    ) -> None:
        raise NotImplementedError

    def getSupportedEmbeddings(self) -> list[str]:
        return []


class MLPotential:
    factories: dict[str, Any] = {}  # noqa: RUF012  as openmm-ml has it

    def __init__(self, name: str, **args: Any) -> None:
        self._impl = self.factories[name].createImpl(name, **args)

    def createSystem(self, topology: app.Topology, removeCMMotion: bool = True, **args: Any) -> openmm.System:
        system = openmm.System()
        if topology.getPeriodicBoxVectors() is not None:
            system.setDefaultPeriodicBoxVectors(*topology.getPeriodicBoxVectors())
        for atom in topology.atoms():
            system.addParticle(atom.element.mass)
        self._impl.addForces(topology, system, None, 3, **args)
        return system


class HarmonicImpl(MLPotentialImpl):
    """As many forces as it is told."""

    def __init__(self, forces: int = 1) -> None:
        self.forces = forces

    def addForces(
        self, topology: app.Topology, system: openmm.System, atoms: Any, forceGroup: int, **args: Any
    ) -> None:
        for _ in range(self.forces):
            force = openmm.CustomExternalForce("0.5*k*(x^2+y^2+z^2)")
            force.addGlobalParameter("k", args["k"])
            for index in range(system.getNumParticles()):
                force.addParticle(index)
            system.addForce(force)


class HarmonicFactory:
    def createImpl(self, name: str, **args: Any) -> HarmonicImpl:
        return HarmonicImpl(**args)


def modules() -> dict[str, types.ModuleType]:
    """What takes the place of the package in ``sys.modules``."""
    MLPotential.factories = {"harmonic": HarmonicFactory()}
    for entry in entry_points(group="openmmml.potentials"):
        if entry.value.startswith("openmm_anion."):
            MLPotential.factories[entry.name] = entry.load()()
    package, inner = types.ModuleType("openmmml"), types.ModuleType("openmmml.mlpotential")
    for module in (package, inner):
        vars(module).update(MLPotential=MLPotential, MLPotentialImpl=MLPotentialImpl)
    return {"openmmml": package, "openmmml.mlpotential": inner}
