"""Freeze chosen motions of the anions in a copy of any OpenMM System."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import openmm
from openmm import unit

from openmm_anion.anions import Polyanion
from openmm_anion.errors import InputError
from openmm_anion.freezing.frozen_system import FrozenSystem
from openmm_anion.freezing.internal import internal_projector
from openmm_anion.freezing.modes import (
    Rotation,
    holds_orientation,
    parse_modes,
    parse_rotation,
    removed_degrees_of_freedom,
)
from openmm_anion.freezing.orientation import orientation_projector
from openmm_anion.freezing.reference import FrozenAnion, reference_anions
from openmm_anion.freezing.single_precision import storable_shape
from openmm_anion.freezing.straight import straightened
from openmm_anion.freezing.system_copy import copy_system
from openmm_anion.freezing.ties import molecule_ties
from openmm_anion.freezing.translation import translation_projector
from openmm_anion.freezing.vibration import add_shape_constraints, shape_distances
from openmm_anion.units import array

ALL_GROUPS = 0xFFFFFFFF

NAME = "openmm-anion: "
"""How the names of our forces begin."""


def freeze(
    system: openmm.System,
    anions: Iterable[Polyanion | Sequence[int]],
    modes: str,
    *,
    positions: Any,
    rotation: str = "eckart",
) -> FrozenSystem:
    """Return a copy of a System in which chosen motions of the anions are frozen exactly.

    Particles keep their number and order, so that reporters, topologies and forces of the user stay valid.
    The frozen motions are held by the integrators of `openmm_anion.integrators` and by no others.

    Parameters
    ----------
    system : openmm.System
        Any periodic System; it is not changed.
    anions : iterable of Polyanion or of index sequences
        What to freeze: the result of `find_polyanions`, a part of it, or plain particle indices.
    modes : str
        Any subset of the letters T (translation), R (rotation) and V (vibration), or ``"free"``.
    positions : Quantity or (N, 3) array
        Positions in which the anions are frozen, nm. Anions may be wrapped; they are made whole.
    rotation : {"eckart", "angular-momentum"}
        Definition of frozen rotation: the orientation is held for ever, or it does not turn at any instant
        but can creep through changes of the shape. With V frozen as well they are the same.

    Returns
    -------
    FrozenSystem
        System, whole positions, force groups, degrees of freedom.

    Raises
    ------
    InputError
        For an unknown mode, positions of a wrong shape or not finite, anions that overlap or cannot be
        frozen that way, a System that is frozen already, forces that clash with the modes, or when no
        force group is free.

    Notes
    -----
    The projectors live in a force group of their own, outside of the integration: energies and forces of a
    State stay those of the user's forces (projectors are zero where the constraint holds). Method: K. Li et
    al., arXiv:2501.02440; constraints: J. Yang et al., arXiv:2404.15517.

    Examples
    --------
    >>> system = openmm.System()
    >>> _ = [system.addParticle(m) for m in (12.0, 14.0, 39.1)]
    >>> frozen = freeze(system, [[0, 1]], "TR", positions=[[0, 0, 0], [0.12, 0, 0], [0.5, 0.5, 0.5]])
    >>> frozen.degrees_of_freedom
    4
    """
    modes, definition = parse_modes(modes), parse_rotation(rotation)
    _refuse_frozen(system)
    periodic = system.usesPeriodicBoundaryConditions()
    box = np.array(
        [v.value_in_unit(unit.nanometer) for v in system.getDefaultPeriodicBoxVectors()], dtype=np.float64
    )
    points = array(positions, unit.nanometer, "positions")
    if points.shape != (system.getNumParticles(), 3):
        raise InputError(
            f"positions have shape {points.shape}, but the System has {system.getNumParticles()} particles"
        )
    frozen_anions = reference_anions(system, anions, points, box if periodic else None)
    if modes and not frozen_anions:
        raise InputError(f"no anions were given to freeze {modes} in")
    by_distances, by_projector = [], []
    if modes in ("V", "TV"):
        frozen_anions = tuple(storable_shape(straightened(anion)) for anion in frozen_anions)
        for anion in frozen_anions:
            pairs = shape_distances(anion)
            if pairs is None:
                by_projector.append(anion)
            else:
                by_distances.append((anion, pairs))
    for anion in frozen_anions:
        points[anion.indices] = anion.positions

    frozen = copy_system(system)
    _refuse_movers(frozen, modes)
    _settle_constraints(frozen, modes, frozen_anions)
    outside = frozen.getNumConstraints()
    group = _free_force_group(frozen) if modes else 0
    if modes == "TRV":
        for anion in frozen_anions:
            for particle in anion.indices:
                frozen.setParticleMass(int(particle), 0.0)
    add_shape_constraints(frozen, by_distances, group)
    turning = () if "R" not in modes or holds_orientation(modes, definition) else frozen_anions
    in_two_phases = _two_phase_projectors(by_projector, turning, frozen.getNumParticles())
    projectors = _projectors(modes, definition, frozen_anions, periodic) + in_two_phases
    for force in [*projectors, molecule_ties(frozen_anions)] if modes else []:
        force.setForceGroup(group)
        frozen.addForce(force)

    mobile = sum(
        system.getParticleMass(i).value_in_unit(unit.dalton) > 0 for i in range(system.getNumParticles())
    )
    removed = sum(removed_degrees_of_freedom(modes, len(a.indices), a.shape) for a in frozen_anions)
    return FrozenSystem(
        system=frozen,
        modes=modes,
        rotation=definition,
        anions=frozen_anions,
        positions=points,
        box=box,
        projector_group=group if projectors else None,
        two_phases=bool(in_two_phases),
        integration_groups=ALL_GROUPS & ~(1 << group) if modes else ALL_GROUPS,
        degrees_of_freedom=3 * mobile - outside - removed,
    )


def _projectors(
    modes: str, rotation: Rotation, anions: tuple[FrozenAnion, ...], periodic: bool
) -> list[openmm.Force]:
    """Return the linear projectors; all projectors act on orthogonal motions and are applied in one pass."""
    if modes == "TRV":
        return []
    projectors: list[openmm.Force] = []
    if "T" in modes:
        projectors.append(translation_projector(anions, periodic))
    if modes == "RV":
        projectors.append(internal_projector(anions))
    elif holds_orientation(modes, rotation):
        projectors.append(orientation_projector(anions))
    return projectors


def _two_phase_projectors(
    rigid: Sequence[FrozenAnion], without_angular_momentum: Sequence[FrozenAnion], n_particles: int
) -> list[openmm.Force]:
    """Return the projectors that need the start of a drift, and PyTorch, which most Systems do without."""
    projectors = []
    if rigid:
        from openmm_anion.freezing.rigid_shape import rigid_shape_projector

        projectors.append(rigid_shape_projector(rigid, n_particles))
    if without_angular_momentum:
        from openmm_anion.freezing.angular_momentum import angular_momentum_projector

        projectors.append(angular_momentum_projector(without_angular_momentum, n_particles))
    return projectors


def _free_force_group(system: openmm.System) -> int:
    """Return the highest unused force group; never 0, whose complement OpenMM takes for a sentinel."""
    used = {force.getForceGroup() for force in system.getForces()}
    for group in range(31, 0, -1):
        if group not in used:
            return group
    raise InputError(
        "all force groups from 1 to 31 are in use; set one of the System's forces to another group"
    )


def _refuse_frozen(system: openmm.System) -> None:
    """Refuse a System that was frozen before: its projectors would act as enormous forces."""
    for force in system.getForces():
        if force.getName().startswith(NAME):
            raise InputError(
                f"the System is frozen already (it holds the force {force.getName()!r}); freeze the original "
                "one again, with new positions"
            )


def _refuse_movers(system: openmm.System, modes: str) -> None:
    """Refuse forces that move particles past the frozen centres, or give frozen motions a velocity."""
    for force in system.getForces():
        name = type(force).__name__
        if name == "AndersenThermostat" and modes:
            raise InputError(
                f"AndersenThermostat draws velocities that know nothing of the frozen {modes} and runs too "
                "cold; remove it from the System and use openmm_anion.integrators.LangevinMiddleIntegrator"
            )
        if "T" not in modes:
            continue
        if name == "CMMotionRemover":
            raise InputError(
                f"{modes} freezes the centres of the anions, and CMMotionRemover would drain the "
                "cations' momentum "
                "against them; remove it from the System"
            )
        if "Barostat" in name:
            raise InputError(
                f"{modes} freezes the centres of the anions at fixed points, which {name} would not "
                "scale with the box; "
                "equilibrate with the barostat first, then freeze at constant volume"
            )


def _settle_constraints(system: openmm.System, modes: str, anions: tuple[FrozenAnion, ...]) -> None:
    """Drop constraints that a frozen shape implies; refuse those that the modes cannot keep."""
    owner = {int(index): number for number, anion in enumerate(anions) for index in anion.indices}
    for index in reversed(range(system.getNumConstraints())):
        first, second, _ = system.getConstraintParameters(index)
        if first not in owner and second not in owner:
            continue
        inside = owner.get(first) == owner.get(second)
        if inside and "V" in modes:
            system.removeConstraint(index)
        elif modes and (not inside or "R" in modes):
            where = (
                f"inside anion {owner[first]}" if inside else "between a frozen anion and another particle"
            )
            raise InputError(
                f"the System constrains the distance of particles {first} and {second}, {where}, "
                f"which {modes} cannot keep "
                "exactly; build the System without that constraint"
            )
