"""Freeze chosen motions of the anions in a copy of any OpenMM System."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import openmm
from openmm import unit

from openmm_anion.anions import Polyanion
from openmm_anion.errors import InputError
from openmm_anion.freezing.admission import refuse_frozen, refuse_movers, settle_constraints
from openmm_anion.freezing.force_groups import free_force_groups, idle_force_group
from openmm_anion.freezing.frozen_system import FrozenSystem
from openmm_anion.freezing.modes import MODES, parse_modes, parse_rotation
from openmm_anion.freezing.projectors import build_projectors, kinds_of
from openmm_anion.freezing.reference import FrozenAnion, between, reference_anions
from openmm_anion.freezing.selection import Only, held_anions
from openmm_anion.freezing.single_precision import storable_shape
from openmm_anion.freezing.straight import straightened
from openmm_anion.freezing.system_copy import copy_system
from openmm_anion.freezing.ties import molecule_ties
from openmm_anion.freezing.vibration import Pair, add_shape_constraints, angles_of, shape_distances
from openmm_anion.units import array

ALL_GROUPS = 0xFFFFFFFF


def freeze(
    system: openmm.System,
    anions: Iterable[Polyanion | Sequence[int]],
    modes: str,
    *,
    positions: Any,
    rotation: str = "eckart",
    reference: Any = "current",
    window: Any = None,
    only: Only = None,
    switchable: bool = False,
    force_groups: Sequence[int] | None = None,
    in_place: bool = False,
) -> FrozenSystem:
    """Return a copy of a System in which chosen motions of the anions are frozen exactly.

    Particles keep their number and order, so that reporters, topologies and forces of the user stay valid.
    The frozen motions are held by the integrators of `openmm_anion.integrators` and by no others.

    Parameters
    ----------
    system : openmm.System
        Any System; it is not changed unless `in_place`.
    anions : iterable of Polyanion or of index sequences
        What to freeze: the result of `find_polyanions`, a part of it, or plain particle indices.
    modes : str
        Any subset of the letters T (translation), R (rotation) and V (vibration), or ``"free"``.
    positions : Quantity or (N, 3) array
        Positions from which the run starts, nm. Anions may be wrapped; they are made whole.
    rotation : {"eckart", "angular-momentum"}
        Definition of frozen rotation: the orientation is held for ever, or it does not turn at any instant
        but can creep through changes of the shape. With V frozen as well they are the same.
    reference : {"current", "mean"}, Quantity or (N, 3) array, optional
        Where the anions are frozen: in `positions`, whose thermal disorder they then keep; in their mean
        positions, orientations and shapes over a `window`; or in given positions, nm. In the last two cases
        start with `openmm_anion.relax`, which brings the anions there.
    window : MeanReference, Quantity or (F, N, 3) array, optional
        Frames of free dynamics, nm, for ``reference="mean"``, or a reporter that collected them.
    only : str, sequence of int or callable, optional
        Freeze only some of the anions: those of a formula, those of these numbers (in their order, from 0),
        or those for whose centre of mass (3,), nm, a function returns true. The others stay free.
    switchable : bool, optional
        Let the modes, and `only`, change in a running Context (`FrozenSystem.switch`). Costs more per step:
        shapes are held by a projector that needs PyTorch.
    force_groups : sequence of int, optional
        Force groups for the projectors: one, two if switchable, used by no force of the System; by default
        the highest that are free.
    in_place : bool, optional
        Change the given System instead of a copy, for one with forces that cannot be copied. `relax` needs
        the unfrozen System, and is not to be had then.

    Returns
    -------
    FrozenSystem
        System, whole positions, force groups, degrees of freedom.

    Raises
    ------
    InputError
        For an unknown mode, positions of a wrong shape or not finite, anions that overlap or cannot be
        frozen that way, a System that is frozen already, forces that clash with the modes, or force groups
        that are not free.

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
    refuse_frozen(system)
    periodic = system.usesPeriodicBoundaryConditions()
    box = np.array(
        [v.value_in_unit(unit.nanometer) for v in system.getDefaultPeriodicBoxVectors()], dtype=np.float64
    )
    points = array(positions, unit.nanometer, "positions")
    if points.shape != (system.getNumParticles(), 3):
        raise InputError(
            f"positions have shape {points.shape}, but the System has {system.getNumParticles()} particles"
        )
    start = reference_anions(system, anions, points, box if periodic else None)
    if modes and not start:
        raise InputError(f"no anions were given to freeze {modes} in")
    held = held_anions(start, only)
    mobile = sum(
        system.getParticleMass(i).value_in_unit(unit.dalton) > 0 for i in range(system.getNumParticles())
    )
    elsewhere = not (isinstance(reference, str) and reference == "current")
    given = start
    if elsewhere:
        wanted = _reference_positions(system, start, modes, points, reference, window)
        given = _brought_to(system, start, held, wanted, modes, box if periodic else None)
    by_distances: list[tuple[FrozenAnion, list[Pair]]] = []
    by_projector: list[FrozenAnion] = list(given)
    if not switchable:
        by_projector = []
        given = tuple(storable_shape(straightened(a)) if modes in ("V", "TV") else a for a in given)
        angles = angles_of(system)
        for anion in _selected(given, held) if modes in ("V", "TV") else ():
            pairs = shape_distances(anion, angles)
            if pairs is None:
                by_projector.append(anion)
            else:
                by_distances.append((anion, pairs))
    for anion in start if elsewhere else given:
        points[anion.indices] = anion.positions

    frozen = system if in_place else copy_system(system)
    reach = "TRV" if switchable else modes  # what may be frozen later counts, too
    refuse_movers(frozen, reach)
    candidates = given if switchable else _selected(given, held)
    # If switchable keep no constraint that a frozen shape implies: it would be lost when that is free again.
    settle_constraints(frozen, "TR" if switchable else modes, candidates)
    outside = frozen.getNumConstraints()
    groups = free_force_groups(frozen, force_groups, (2 if switchable else 1) if reach else 0)
    if modes == "TRV" and not switchable:
        for anion in _selected(given, held):
            for particle in anion.indices:
                frozen.setParticleMass(int(particle), 0.0)
    kinds = kinds_of(modes, definition) if modes != "TRV" else set()
    if switchable:
        kinds = set.union(*(kinds_of(letters, definition) for letters in MODES))
    projectors = build_projectors(
        kinds,
        candidates,
        by_projector=by_projector,
        periodic=periodic,
        n_particles=frozen.getNumParticles(),
        groups=groups,
        switchable=switchable,
    )
    for force in projectors.forces.values():
        frozen.addForce(force)
    idle = idle_force_group(frozen, groups)
    if reach:
        add_shape_constraints(frozen, by_distances, idle)
        ties = molecule_ties(given)
        ties.setForceGroup(idle)
        frozen.addForce(ties)
    return FrozenSystem(
        system=frozen,
        modes=modes,
        rotation=definition,
        given=given,
        held=held,
        positions=points,
        box=box,
        projectors=projectors,
        integration_groups=ALL_GROUPS & ~sum(1 << group for group in {*groups, idle} if reach),
        unfrozen_degrees_of_freedom=3 * mobile - outside,
        switchable=switchable,
        source=None if in_place else system,
    )


def _brought_to(
    system: openmm.System,
    start: tuple[FrozenAnion, ...],
    held: tuple[bool, ...],
    wanted: np.ndarray,
    modes: str,
    box: np.ndarray | None,
) -> tuple[FrozenAnion, ...]:
    """The anions where they are to be frozen; those that are not held, where they are."""
    ends = reference_anions(system, [anion.indices.tolist() for anion in start], wanted, box)
    return tuple(
        between(here, there, modes, box) if on else here
        for here, there, on in zip(start, ends, held, strict=True)
    )


def _reference_positions(
    system: openmm.System,
    start: tuple[FrozenAnion, ...],
    modes: str,
    points: np.ndarray,
    reference: Any,
    window: Any,
) -> np.ndarray:
    """Positions (N, 3) in which the anions are to be frozen, nm."""
    if isinstance(reference, str):
        if reference != "mean":
            raise InputError(f"reference={reference!r} is neither 'current', 'mean' nor positions")
        from openmm_anion.freezing.mean_reference import mean_positions

        free = freeze(system, [anion.indices.tolist() for anion in start], "free", positions=points)
        return mean_positions(free, window, modes)
    wanted = array(reference, unit.nanometer, "reference")
    if wanted.shape != points.shape:
        raise InputError(f"reference has shape {wanted.shape}, but positions have {points.shape}")
    return wanted


def _selected(anions: tuple[FrozenAnion, ...], held: tuple[bool, ...]) -> tuple[FrozenAnion, ...]:
    return tuple(anion for anion, on in zip(anions, held, strict=True) if on)
