"""Freeze other motions in a running Context, with a reference taken at that moment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import openmm
from openmm import unit

from openmm_anion.errors import InputError
from openmm_anion.freezing.frozen_system import FrozenSystem
from openmm_anion.freezing.modes import mode_name, parse_modes
from openmm_anion.freezing.projectors import kinds_of
from openmm_anion.freezing.selection import Only, held_anions
from openmm_anion.freezing.velocities import draw_velocities, project_velocities
from openmm_anion.periodic import make_whole
from openmm_anion.units import array, temperature_in_kelvin


def switched(
    frozen: FrozenSystem, context: openmm.Context, modes: str, *, only: Only, temperature: Any, seed: int
) -> FrozenSystem:
    """Do what `FrozenSystem.switch` says.

    Parameters
    ----------
    frozen : FrozenSystem
        What has been frozen until now.
    context, modes, only, temperature, seed
        See `FrozenSystem.switch`.

    Returns
    -------
    FrozenSystem
        See `FrozenSystem.switch`.

    Raises
    ------
    InputError
        See `FrozenSystem.switch`.
    """
    if not frozen.switchable:
        raise InputError(
            f"{mode_name(frozen.modes)} was frozen for good; make the System with "
            "freeze(..., switchable=True) to switch modes in a running Context"
        )
    letters = parse_modes(modes)
    state = context.getState(getPositions=True, getVelocities=True)
    box = np.array(state.getPeriodicBoxVectors(asNumpy=True).value_in_unit(unit.nanometer))
    positions = array(state.getPositions(asNumpy=True), unit.nanometer, "positions")
    velocities = state.getVelocities(asNumpy=True).value_in_unit(unit.nanometer / unit.picosecond)
    periodic = frozen.system.usesPeriodicBoundaryConditions()
    here = [
        anion.at(make_whole(positions[anion.indices], box) if periodic else positions[anion.indices])
        for anion in frozen.given
    ]
    for anion in here:
        positions[anion.indices] = anion.positions
    kinds = kinds_of(letters, frozen.rotation)
    if "orientation" in kinds:  # held by the shape with which the projector was built
        built = frozen.projectors.anions
        given = tuple(b.turned_onto(a.positions) for b, a in zip(built, here, strict=True))
    else:
        given = tuple(here)
    now = replace(
        frozen,
        modes=letters,
        given=given,
        held=held_anions(given, only),
        positions=positions,
        box=box,
    )
    if temperature is not None:
        kelvin = temperature_in_kelvin(temperature)
        drawn = draw_velocities(frozen.masses, positions, (), "T", kelvin, seed)
        before = tuple(anion for anion, on in zip(here, frozen.held, strict=True) if on)
        velocities = velocities + drawn - project_velocities(drawn, before, frozen.modes)
    context.setPositions(positions)
    context.setVelocities(now.project_velocities(velocities))
    now.hold(context)
    return now
