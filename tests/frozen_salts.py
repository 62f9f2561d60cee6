"""Salts whose anions are frozen, and what a Context of them holds."""

from __future__ import annotations

import numpy as np
import openmm
from ion_crystals import TRICLINIC, Array, IonCrystal, ion_crystal
from openmm import unit
from platforms import PLATFORMS

from openmm_anion.freezing import FrozenSystem, freeze

TIMESTEP = 0.0005  # ps
REFERENCE = PLATFORMS[0]
RIGID = ["PF6", "PF6"]  # distances hold it, and its straight F-P-F angles are the harder ones
MIXED = ["CN", "SCN", "NO3", "BH4"]


def salt(modes: str, box: Array = TRICLINIC) -> IonCrystal:
    return ion_crystal(RIGID if modes in ("V", "TV") else MIXED, box)


def frozen_salt(modes: str, crystal: IonCrystal) -> FrozenSystem:
    return freeze(crystal.system, crystal.anions, modes, positions=crystal.positions)


def state_arrays(context: openmm.Context) -> tuple[Array, Array, Array, float]:
    """Positions, velocities, forces and potential energy."""
    state = context.getState(getPositions=True, getVelocities=True, getForces=True, getEnergy=True)
    return (
        np.array(state.getPositions(asNumpy=True)._value),
        np.array(state.getVelocities(asNumpy=True)._value),
        np.array(state.getForces(asNumpy=True)._value),
        state.getPotentialEnergy()._value,
    )


def positions_of(context: openmm.Context) -> Array:
    """(N, 3) in nm."""
    state = context.getState(getPositions=True)
    return np.asarray(state.getPositions(asNumpy=True).value_in_unit(unit.nanometer))
