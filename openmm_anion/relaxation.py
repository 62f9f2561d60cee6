r"""Bring anions to a reference that is not where they are, slowly, while the cations follow.

A jump of the anions by a thermal displacement would put cations into their cores. Instead the reference moves
from where the anions are to where they are to be frozen, in many small stages, :math:`\lambda` from 0 to 1
with vanishing speed at both ends: centres and shapes along straight lines, orientations about a fixed axis.
The frozen motions are held at each stage as exactly as later in the run; everything else moves by Langevin
dynamics at the temperature of the run.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import openmm
from openmm import unit
from scipy.spatial.transform import Rotation

from openmm_anion import shape
from openmm_anion.errors import InputError
from openmm_anion.freezing.freeze import freeze
from openmm_anion.freezing.frozen_system import FrozenSystem
from openmm_anion.freezing.modes import holds_orientation
from openmm_anion.freezing.projectors import kinds_of
from openmm_anion.freezing.reference import FrozenAnion
from openmm_anion.integrators import LangevinMiddleIntegrator
from openmm_anion.platforms import same_device
from openmm_anion.units import number

FRICTION = 10.0
"""Friction while the anions move, 1/ps: takes up the work that is done on the cations."""

STAGES = 200
"""Positions of the reference on its way."""


def relax(
    frozen: FrozenSystem, context: openmm.Context, temperature: Any, duration: Any = 1.0, seed: int = 0
) -> None:
    """Bring the anions to their reference, then start the Context there with velocities of the free motions.

    Call it in the place of `FrozenSystem.initialize` when `freeze` was given a `reference`. The way runs in a
    Context of its own on the same platform; with the time step of the integrator of `context`.

    Parameters
    ----------
    frozen : FrozenSystem
        What is frozen.
    context : openmm.Context
        A Context of its System.
    temperature : Quantity or float
        Temperature, K.
    duration : Quantity or float, optional
        How long the way takes, ps.
    seed : int, optional
        Seed of noise and velocities.

    Raises
    ------
    InputError
        If the duration is not positive, or the System was frozen in place.

    Examples
    --------
    >>> from openmm_anion import freeze
    >>> from openmm_anion.integrators import VerletIntegrator
    >>> system = openmm.System()
    >>> _ = [system.addParticle(m) for m in (12.0, 14.0)]
    >>> points = np.array([[0, 0, 0], [0.12, 0, 0]])
    >>> frozen = freeze(system, [[0, 1]], "T", positions=points, reference=points + 0.01)
    >>> platform = openmm.Platform.getPlatform("Reference")
    >>> context = openmm.Context(frozen.system, VerletIntegrator(frozen, 0.001), platform)
    >>> relax(frozen, context, 300, seed=1)
    >>> frozen.violation(context).translation < 1e-9
    True
    """
    time = number(duration, unit.picosecond, "duration")
    if time <= 0:
        raise InputError(f"duration {time:g} ps is not positive; give it in picoseconds, e.g. 1.0")
    if frozen.source is None:
        raise InputError("relax needs the unfrozen System, which freeze(..., in_place=True) has changed")
    positions = _moved(frozen, context, temperature, time, seed)
    frozen.at(positions).initialize(context, temperature, seed)


def _moved(
    frozen: FrozenSystem, context: openmm.Context, temperature: Any, time: float, seed: int
) -> np.ndarray:
    """Return positions with the anions at their reference."""
    starts = [anion.at(frozen.positions[anion.indices]) for anion in frozen.anions]
    modes = _guided(frozen)
    way = [_Way(start, end, modes) for start, end in zip(starts, frozen.anions, strict=True)]
    timestep = context.getIntegrator().getStepSize().value_in_unit(unit.picosecond)
    steps = max(1, round(time / timestep / STAGES))
    first = frozen.positions.copy()
    for anion in (w.at(0.0) for w in way):
        first[anion.indices] = anion.positions
    guide = freeze(
        frozen.source,
        [a.indices.tolist() for a in starts],
        modes,
        positions=frozen.positions,
        reference=first,
    )
    integrator = LangevinMiddleIntegrator(guide, temperature, FRICTION, timestep, seed)
    moving = openmm.Context(guide.system, integrator, context.getPlatform(), same_device(context))
    moving.setPeriodicBoxVectors(*frozen.box)
    moving.setPositions(frozen.positions)
    moving.setVelocities(guide.draw_velocities(temperature, seed))
    kinds = kinds_of(modes, "eckart")
    for stage in range(1, STAGES + 1):
        here = tuple(w.at(_smooth(stage / STAGES)) for w in way)
        if modes == "TRV":
            _put(moving, here)
        else:
            guide.projectors.hold(moving, here, [True] * len(here), kinds)
        integrator.step(steps)
    state = moving.getState(getPositions=True)
    return np.asarray(state.getPositions(asNumpy=True).value_in_unit(unit.nanometer))


def _guided(frozen: FrozenSystem) -> str:
    """Modes that are held on the way: orientations as well where a shape changes, so that all are linear."""
    modes = frozen.modes
    if "R" in modes and not holds_orientation(modes, frozen.rotation):
        modes = modes.replace("R", "")
    return "".join(letter for letter in "TRV" if letter in modes or (letter == "R" and "V" in modes))


def _smooth(x: float) -> float:
    return x * x * (3.0 - 2.0 * x)


def _put(context: openmm.Context, anions: tuple[FrozenAnion, ...]) -> None:
    """Move particles without mass."""
    positions = context.getState(getPositions=True).getPositions(asNumpy=True)
    plain = positions.value_in_unit(unit.nanometer)
    for anion in anions:
        plain[anion.indices] = anion.positions
    context.setPositions(plain)


class _Way:
    """The way of one anion from where it is to its reference."""

    def __init__(self, start: FrozenAnion, end: FrozenAnion, modes: str) -> None:
        self.end = end
        self.centers = start.center, end.center
        turn = shape.best_rotation(end.displacements, start.displacements, end.masses)
        self.turn = Rotation.from_matrix(turn).as_rotvec()
        # In the frame of the end. Where vibrations are free, the shape is only that of the projector.
        self.start_shape = start.displacements @ turn if "V" in modes else end.displacements

    def at(self, x: float) -> FrozenAnion:
        """The reference after a part x of the way."""
        center = (1 - x) * self.centers[0] + x * self.centers[1]
        body = (1 - x) * self.start_shape + x * self.end.displacements
        turned = Rotation.from_rotvec((1 - x) * self.turn).apply(body)
        return self.end.at(center + turned)
