"""The projectors of one System: which there are, in which force groups, and what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import openmm

from openmm_anion import shape
from openmm_anion.freezing.body import body_coordinates
from openmm_anion.freezing.internal import internal_parameters, internal_projector
from openmm_anion.freezing.modes import Rotation, holds_orientation
from openmm_anion.freezing.orientation import orientation_parameters, orientation_projector
from openmm_anion.freezing.phase import PHASE, TAKE_ANGULAR_MOMENTA, TAKE_REFERENCE
from openmm_anion.freezing.reference import FrozenAnion
from openmm_anion.freezing.translation import translation_parameters, translation_projector

LINEAR = ("translation", "orientation", "internal")
"""Kinds that project in one pass whatever came before."""

TWO_PHASES = {"shape": TAKE_REFERENCE, "angular momentum": TAKE_ANGULAR_MOMENTA}
"""Kinds that compare the end of a drift with its start, and need PyTorch; phases that bring references."""


def kinds_of(modes: str, rotation: Rotation) -> set[str]:
    """Return the kinds of projectors that hold some modes (a shape can also be held by distances).

    Parameters
    ----------
    modes : str
        Canonical modes.
    rotation : {"eckart", "angular-momentum"}
        Definition of frozen rotation.

    Returns
    -------
    set of str
        Empty for the free mode.

    Examples
    --------
    >>> sorted(kinds_of("TV", "eckart"))
    ['shape', 'translation']
    """
    kinds = {"translation"} if "T" in modes else set()
    if "R" in modes and "V" in modes:
        kinds.add("internal")
    elif "V" in modes:
        kinds.add("shape")
    elif "R" in modes:
        kinds.add("orientation" if holds_orientation(modes, rotation) else "angular momentum")
    return kinds


@dataclass(frozen=True)
class ProjectorGroup:
    """A force group of projectors, and how a drift uses it.

    Attributes
    ----------
    number : int
        The force group.
    two_phases : bool
        Whether a projector compares the end of a drift with its start, see `openmm_anion.freezing.phase`.
    switch : str or None
        Global variable of the integrator that turns it on (1) and off (0); None if it always acts.

    Examples
    --------
    >>> ProjectorGroup(31, two_phases=False).acts({"translation"})
    True
    """

    number: int
    two_phases: bool
    switch: str | None = None

    def acts(self, kinds: set[str]) -> bool:
        """Tell whether a group with a switch holds any of these kinds.

        Parameters
        ----------
        kinds : set of str
            Kinds of projectors.

        Returns
        -------
        bool
            Whether its switch is to be on.
        """
        return bool(kinds & set(TWO_PHASES if self.two_phases else LINEAR))


@dataclass(frozen=True)
class Projectors:
    """The projectors of one System.

    Attributes
    ----------
    anions : tuple of FrozenAnion
        The anions with which they were built.
    forces : dict
        Forces by kind.
    groups : tuple of ProjectorGroup
        Their force groups.
    """

    anions: tuple[FrozenAnion, ...] = ()
    forces: dict[str, openmm.Force] = field(default_factory=dict)
    groups: tuple[ProjectorGroup, ...] = ()

    def hold(
        self, context: openmm.Context, anions: Sequence[FrozenAnion], held: Sequence[bool], kinds: set[str]
    ) -> None:
        """Let a running Context hold other references, by the kinds that are named and no others.

        Parameters
        ----------
        context : openmm.Context
            A Context of the System.
        anions : sequence of FrozenAnion
            The anions of the System, each with a new reference; for ``"orientation"`` one that differs from
            the built one by a rotation.
        held : sequence of bool
            Which of them are held.
        kinds : set of str
            Kinds that act.
        """
        for kind in LINEAR:
            if kind in self.forces:
                self._hold_linear(kind, anions, [kind in kinds and on for on in held])
                self.forces[kind].updateParametersInContext(context)
        for kind in TWO_PHASES:
            if kind in self.forces:
                self._send_reference(kind, context, anions, [kind in kinds and on for on in held])
        integrator = context.getIntegrator()
        for group in self.groups:
            if group.switch:
                integrator.setGlobalVariableByName(group.switch, float(group.acts(kinds)))

    def _hold_linear(self, kind: str, anions: Sequence[FrozenAnion], held: Sequence[bool]) -> None:
        force = self.forces[kind]
        bond = 0
        for built, anion, on in zip(self.anions, anions, held, strict=True):
            for parameters in _parameters(kind, built, anion):
                weights = 3 if kind == "orientation" else 1  # these come first, and are zero where free
                if not on:
                    parameters[:weights] = [0.0] * weights
                force.setBondParameters(bond, force.getBondParameters(bond)[0], parameters)
                bond += 1

    def _send_reference(
        self, kind: str, context: openmm.Context, anions: Sequence[FrozenAnion], held: Sequence[bool]
    ) -> None:
        """Show projectors in TorchScript their bodies in the place of positions, the only way in."""
        (group,) = (group.number for group in self.groups if group.two_phases)
        before = context.createCheckpoint()
        n_particles = context.getSystem().getNumParticles()
        context.setPositions(body_coordinates(anions, held, n_particles))
        context.setParameter(PHASE, TWO_PHASES[kind])
        context.getState(getForces=True, groups={group})
        context.loadCheckpoint(before)


def _parameters(kind: str, built: FrozenAnion, anion: FrozenAnion) -> list[list[float]]:
    if kind == "translation":
        return [translation_parameters(anion)]
    if kind == "internal":
        return internal_parameters(anion)
    turn = shape.best_rotation(built.displacements, anion.displacements, built.masses)
    return [orientation_parameters(built, turn)]


def build_projectors(
    kinds: set[str],
    anions: tuple[FrozenAnion, ...],
    *,
    by_projector: Sequence[FrozenAnion],
    periodic: bool,
    n_particles: int,
    groups: Sequence[int],
    switchable: bool,
) -> Projectors:
    """Make the projectors and put them into their force groups.

    Parameters
    ----------
    kinds : set of str
        Kinds to build.
    anions : tuple of FrozenAnion
        The anions.
    by_projector : sequence of FrozenAnion
        Those whose shape is held by a projector and not by distances.
    periodic : bool
        Whether the System is periodic.
    n_particles : int
        Particles of the System.
    groups : sequence of int
        Free force groups: two if switchable (the second for two phases), else one.
    switchable : bool
        Whether modes can change in a running Context.

    Returns
    -------
    Projectors
        The forces with what switches them.
    """
    forces: dict[str, openmm.Force] = {}
    if "translation" in kinds:
        forces["translation"] = translation_projector(anions, periodic)
    if "orientation" in kinds:
        forces["orientation"] = orientation_projector(anions)
    if "internal" in kinds:
        forces["internal"] = internal_projector(anions)
    if "shape" in kinds and by_projector:
        from openmm_anion.freezing.rigid_shape import rigid_shape_projector  # PyTorch: most do without

        forces["shape"] = rigid_shape_projector(by_projector, n_particles, switchable)
    if "angular momentum" in kinds:
        from openmm_anion.freezing.angular_momentum import angular_momentum_projector

        forces["angular momentum"] = angular_momentum_projector(anions, n_particles, switchable)
    two_phases = any(kind in forces for kind in TWO_PHASES)
    if switchable:
        used = tuple(
            ProjectorGroup(number, kind == "two_phases", f"hold_{kind}")
            for number, kind in zip(groups, ("linear", "two_phases"), strict=True)
        )
    else:
        used = (ProjectorGroup(groups[0], two_phases),) if forces else ()
    for kind, force in forces.items():
        force.setForceGroup(groups[1] if switchable and kind in TWO_PHASES else groups[0])
    return Projectors(anions, forces, used)
