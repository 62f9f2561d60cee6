"""Run the salt from where another code's trajectory starts, and compare the two."""

from __future__ import annotations

import numpy as np
import openmm
from ionic_salt import ANIONS, salt_system
from numpy.typing import NDArray
from openmm import unit

from openmm_anion.freezing import FrozenSystem, freeze
from openmm_anion.integrators import VerletIntegrator

Array = NDArray[np.float64]


def freeze_as_in(data: dict[str, Array], mode: str, rotation: str = "eckart") -> FrozenSystem:
    """Freeze the salt where the trajectory starts; rigid anions go without bonded forces."""
    system = salt_system(flexible="V" not in mode)
    return freeze(system, ANIONS, mode, positions=data["x0_A"] * unit.angstrom, rotation=rotation)


def follow(frozen: FrozenSystem, data: dict[str, Array], timestep: float) -> tuple[Array, float]:
    """Positions (angstrom) at the times of a reference, and the potential energy (kJ/mol) at its start.

    On the Reference platform: the CPU platform computes pair forces in single precision.
    """
    integrator = VerletIntegrator(frozen, timestep)
    context = openmm.Context(frozen.system, integrator, openmm.Platform.getPlatformByName("Reference"))
    frozen.initialize(context)
    state = context.getState(getForces=True, getEnergy=True)
    forces = state.getForces(asNumpy=True).value_in_unit(unit.kilojoule_per_mole / unit.nanometer)
    # Half a step back. Forces may be the raw ones: the first drift takes out what the constraints resist.
    velocities = data["v0_A_per_fs"] * 100.0
    context.setVelocities(velocities - 0.5 * timestep * forces / frozen.masses[:, None])
    path = []
    steps = 0
    for time in data["t_fs"]:
        wanted = round(time * 1e-3 / timestep)
        integrator.step(wanted - steps)
        steps = wanted
        positions = context.getState(getPositions=True).getPositions(asNumpy=True)
        path.append(positions.value_in_unit(unit.angstrom))
    return np.array(path), state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole)


def largest_distance(ours: Array, theirs: Array) -> Array:
    """Largest distance of an atom between two trajectories, per time.

    Of displacements since the start, which are free of any shift by box vectors: anions are whole in both.
    """
    return np.asarray(np.linalg.norm((ours - ours[0]) - (theirs - theirs[0]), axis=2).max(axis=1))
