"""The result of freezing: a System with projectors, and what an integrator and a user need to know of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import unit

from openmm_anion.errors import InputError
from openmm_anion.freezing.counted import count_motions
from openmm_anion.freezing.kinetic import KineticTemperatures, kinetic_temperatures
from openmm_anion.freezing.modes import (
    Rotation,
    holds_orientation,
    mode_name,
    removed_degrees_of_freedom,
)
from openmm_anion.freezing.projectors import Projectors, kinds_of
from openmm_anion.freezing.reference import FrozenAnion
from openmm_anion.freezing.selection import Only
from openmm_anion.freezing.velocities import draw_velocities, project_velocities
from openmm_anion.freezing.violation import Diagnosis, Violation, diagnose
from openmm_anion.periodic import make_whole
from openmm_anion.units import MOLAR_GAS_CONSTANT, array, number, temperature_in_kelvin

Array = NDArray[np.float64]

LARGEST_MISMATCH = 1e-3
"""Distance (nm) between positions and reference above which a Context is refused."""

LARGEST_JUMP = 1e-6
"""Distance (nm) between start and reference above which anions are brought there slowly."""

VELOCITY_TOLERANCE = 1e-8
"""Tolerance of initial velocities along OpenMM's constraints, far below any thermal velocity."""


@dataclass(frozen=True, eq=False)
class FrozenSystem:
    """A System in which chosen motions of the anions are frozen.

    Made by `freeze`; given to the integrators of `openmm_anion.integrators`.

    Attributes
    ----------
    system : openmm.System
        Copy of the user's System with the same particles, plus projectors or constraints.
    modes : str
        Frozen motions in the order T, R, V; empty for the free crystal.
    rotation : str
        Definition of frozen rotation.
    given : tuple of FrozenAnion
        The anions and where they are frozen, those that are left free included.
    held : tuple of bool
        Which of them are frozen.
    positions : (N, 3) array
        Positions with the anions whole, nm. Start the Context from these.
    box : (3, 3) array
        Box vectors as rows, nm.
    projectors : Projectors
        The forces that hold the frozen motions.
    integration_groups : int
        Bit mask of the force groups that act on the particles (all but those of the projectors).
    unfrozen_degrees_of_freedom : int
        Degrees of freedom that could move if nothing were frozen.
    switchable : bool
        Whether modes can change in a running Context, see `switch`.
    source : openmm.System or None
        The System that was given to `freeze`; None if that was changed in place.

    Examples
    --------
    >>> from openmm_anion import freeze
    >>> system = openmm.System()
    >>> anion = [system.addParticle(mass) for mass in (12.0, 14.0)]
    >>> frozen = freeze(system, [anion], "R", positions=[[0.0, 0.0, 0.0], [0.12, 0.0, 0.0]])
    >>> frozen.modes, frozen.degrees_of_freedom
    ('R', 4)
    """

    system: openmm.System
    modes: str
    rotation: Rotation
    given: tuple[FrozenAnion, ...]
    held: tuple[bool, ...]
    positions: Array
    box: Array
    projectors: Projectors
    integration_groups: int
    unfrozen_degrees_of_freedom: int
    switchable: bool
    source: openmm.System | None

    @property
    def anions(self) -> tuple[FrozenAnion, ...]:
        """The frozen anions and where they are frozen."""
        return tuple(anion for anion, on in zip(self.given, self.held, strict=True) if on)

    @property
    def degrees_of_freedom(self) -> int:
        """Degrees of freedom that can move, the drift of the whole included."""
        return self.unfrozen_degrees_of_freedom - self.frozen_degrees_of_freedom

    @property
    def has_constraints(self) -> bool:
        """Whether OpenMM's own constraints or virtual sites act in the System."""
        return self.system.getNumConstraints() > 0 or self.has_virtual_sites

    @cached_property
    def has_virtual_sites(self) -> bool:
        """Whether the System has virtual sites."""
        return any(self.system.isVirtualSite(i) for i in range(self.system.getNumParticles()))

    @property
    def frozen_degrees_of_freedom(self) -> int:
        """Degrees of freedom that the modes take away."""
        return sum(removed_degrees_of_freedom(self.modes, len(a.indices), a.shape) for a in self.anions)

    @property
    def projector_group(self) -> int | None:
        """Force group of the projectors, if the modes need any."""
        return self.projectors.groups[0].number if self.projectors.groups else None

    @property
    def two_phases(self) -> bool:
        """Whether a projector compares the end of a drift with its start."""
        return any(group.two_phases for group in self.projectors.groups)

    @property
    def held_by_openmm(self) -> bool:
        """Whether OpenMM alone holds all that is frozen (shapes by distances, TRV by masses of zero).

        OpenMM's own integrators, which take less time, do as well then. Give them a constraint tolerance:
        the default of 1e-5 is a relative error in each distance.
        """
        return not self.switchable and not self.projectors.groups

    @property
    def conserves_momentum(self) -> bool:
        """Whether the drift of the whole stays what it is: anchored centres give momentum to nobody."""
        return "T" not in self.modes

    def at(self, positions: Any) -> FrozenSystem:
        """Return the same, to be started from other positions.

        Parameters
        ----------
        positions : Quantity or (N, 3) array
            Positions with whole anions, nm, that obey what is frozen.

        Returns
        -------
        FrozenSystem
            With these as its reference.
        """
        return replace(self, positions=self._one_per_particle(positions, unit.nanometer, "positions"))

    def hold(self, context: openmm.Context) -> None:
        """Tell a Context of a switchable System what is frozen and where.

        `initialize` and `switch` do this. Call it after loading a checkpoint that was written while other
        modes were frozen: checkpoints hold positions and velocities, but no references.

        Parameters
        ----------
        context : openmm.Context
            A Context of `system` with an integrator of this package.
        """
        if not self.switchable:
            return
        self.projectors.hold(context, self.given, self.held, kinds_of(self.modes, self.rotation))
        count_motions(context.getIntegrator(), self)

    def initialize(self, context: openmm.Context, temperature: Any = None, seed: int = 0) -> None:
        """Put whole positions, the box and, if asked, velocities that obey the constraints into a Context.

        Parameters
        ----------
        context : openmm.Context
            A Context of `system`.
        temperature : Quantity or float, optional
            Temperature of the velocities, K; without it velocities are left alone.
        seed : int, optional
            Seed of the velocities.

        Raises
        ------
        InputError
            If the anions are not where they are frozen, and have to be brought there.
        """
        violation = self.violation(self.positions)
        if violation.displacement > LARGEST_JUMP:
            raise InputError(
                f"the anions are not at the reference that was given ({violation}); bring them there with "
                "openmm_anion.relax(frozen, context, temperature)"
            )
        context.setPeriodicBoxVectors(*self.box)
        context.setPositions(self.positions)
        self.hold(context)
        if temperature is not None:
            context.setVelocities(self.draw_velocities(temperature, seed))
            if self.system.getNumConstraints():
                # Those of the user's that the projection of frozen motions does not know.
                context.applyVelocityConstraints(VELOCITY_TOLERANCE)

    def switch(
        self,
        context: openmm.Context,
        modes: str,
        *,
        only: Only = None,
        temperature: Any = None,
        seed: int = 0,
    ) -> FrozenSystem:
        """Freeze other motions from now on, in the same running Context.

        The new reference is where the anions are at this moment. Velocities lose what the new modes freeze.
        Motions that are free again start at rest, or with a `temperature` of their own.

        Parameters
        ----------
        context : openmm.Context
            A Context of `system` with an integrator of this package.
        modes : str
            What to freeze: letters T, R, V, or ``"free"``.
        only : str, sequence of int or callable, optional
            Which of the anions, see `freeze`.
        temperature : Quantity or float, optional
            Temperature of the motions that are free again, K.
        seed : int, optional
            Seed of their velocities.

        Returns
        -------
        FrozenSystem
            What is frozen now; the old one does not describe the Context any more.

        Raises
        ------
        InputError
            If the System was not made with ``switchable=True``, or for an unknown mode or selection.
        """
        from openmm_anion.freezing.switching import switched

        return switched(self, context, modes, only=only, temperature=temperature, seed=seed)

    def draw_velocities(self, temperature: Any, seed: int) -> Array:
        """Draw velocities from the Maxwell-Boltzmann distribution of the free motions, without drift.

        Parameters
        ----------
        temperature : Quantity or float
            Temperature, K, zero or above.
        seed : int
            Seed of the random numbers.

        Returns
        -------
        (N, 3) array
            Velocities, nm/ps.
        """
        kelvin = temperature_in_kelvin(temperature)
        return draw_velocities(self.masses, self.positions, self.anions, self.modes, kelvin, seed)

    def project_velocities(self, velocities: Any) -> Array:
        """Take the frozen motions out of velocities that belong to `positions`.

        Parameters
        ----------
        velocities : Quantity or (N, 3) array
            Velocities, nm/ps.

        Returns
        -------
        (N, 3) array
            Velocities that obey the constraints, nm/ps.
        """
        plain = self._one_per_particle(velocities, unit.nanometer / unit.picosecond, "velocities")
        return project_velocities(plain, self.anions, self.modes)

    @cached_property
    def masses(self) -> Array:
        """Masses of all particles, (N,), Da; zero where nothing moves."""
        particles = range(self.system.getNumParticles())
        return np.array([self.system.getParticleMass(i).value_in_unit(unit.dalton) for i in particles])

    def temperature(self, kinetic_energy: Any, *, drift_removed: bool = False) -> float:
        """Return the temperature ``2 K / (n R)`` of the n free degrees of freedom, K.

        OpenMM's reporters know nothing of the frozen motions and read too low.

        Parameters
        ----------
        kinetic_energy : Quantity or float
            Kinetic energy K, kJ/mol.
        drift_removed : bool, optional
            Whether the total momentum is zero and stays so, which takes three more away.

        Returns
        -------
        float
            K.

        Raises
        ------
        InputError
            If nothing can move.
        """
        energy = number(kinetic_energy, unit.kilojoule_per_mole, "kinetic energy")
        free = self.degrees_of_freedom - 3 * drift_removed
        if free <= 0:
            raise InputError(f"{free} degrees of freedom can move, so that there is no temperature")
        return 2.0 * energy / (free * MOLAR_GAS_CONSTANT)

    def kinetic_temperatures(self, state: openmm.State) -> KineticTemperatures:
        """Split the temperature of a State into that of the cations and of each motion of the anions.

        Parameters
        ----------
        state : openmm.State
            A State with positions (not wrapped, as by default) and velocities. The velocities of integrators
            that keep them half a step apart (`VerletIntegrator`) are taken as they are.

        Returns
        -------
        KineticTemperatures
            K, with the degrees of freedom of each motion.
        """
        positions = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
        velocities = state.getVelocities(asNumpy=True).value_in_unit(unit.nanometer / unit.picosecond)
        return kinetic_temperatures(self.masses, positions, velocities, self.given, self.held, self.modes)

    def violation(self, context_or_positions: openmm.Context | Any) -> Violation:
        """Measure how far the frozen motions are from where they are frozen.

        Parameters
        ----------
        context_or_positions : openmm.Context or (N, 3) array
            A Context, or positions (Quantity or nm), which tell nothing of an angular momentum.

        Returns
        -------
        Violation
            Largest displacement (nm), angle (rad) and change of shape (nm) of any anion.

        Raises
        ------
        InputError
            If a position is not finite, or their number is not that of the particles.
        """
        return self._compare(context_or_positions, all_motions=False).violation

    def diagnose(self, context_or_positions: openmm.Context | Any) -> Diagnosis:
        """Compare every anion with its reference: centre, true rotation angle and shape, frozen or not.

        Parameters
        ----------
        context_or_positions : openmm.Context or (N, 3) array
            A Context, or positions (Quantity or nm), which tell nothing of an angular momentum.

        Returns
        -------
        Diagnosis
            Distance (nm), angle (rad) and change of shape (nm) of each anion.

        Raises
        ------
        InputError
            If a position is not finite, or their number is not that of the particles.

        Examples
        --------
        >>> from openmm_anion import freeze
        >>> system = openmm.System()
        >>> _ = [system.addParticle(m) for m in (12.0, 14.0)]
        >>> frozen = freeze(system, [[0, 1]], "T", positions=[[0, 0, 0], [0.12, 0, 0]])
        >>> print(f"{frozen.diagnose([[0, 0, 0], [0, 0.12, 0]]).rotation[0]:.4f}")
        1.5708
        """
        return self._compare(context_or_positions, all_motions=True)

    def _compare(self, context_or_positions: openmm.Context | Any, *, all_motions: bool) -> Diagnosis:
        positions = context_or_positions
        box, velocities = self.box, None
        if isinstance(positions, openmm.Context):
            state = positions.getState(getPositions=True, getVelocities=True)
            velocities = state.getVelocities(asNumpy=True).value_in_unit(unit.nanometer / unit.picosecond)
            positions = state.getPositions(asNumpy=True)
            box = np.array(state.getPeriodicBoxVectors(asNumpy=True).value_in_unit(unit.nanometer))
        plain = self._one_per_particle(positions, unit.nanometer, "positions")
        if "R" not in self.modes or holds_orientation(self.modes, self.rotation):
            return diagnose(plain, box, self.given, self.held, self.modes, all_motions=all_motions)
        modes = self.modes.replace("R", "")
        return diagnose(plain, box, self.given, self.held, modes, velocities, all_motions=all_motions)

    def _one_per_particle(self, values: Any, in_unit: unit.Unit, what: str) -> Array:
        plain = array(values, in_unit, what)
        if plain.shape != self.positions.shape:
            raise InputError(
                f"{what} have shape {plain.shape}, but the System has {len(self.positions)} particles"
            )
        return plain

    def check(self, context: openmm.Context) -> None:
        """Refuse a Context whose positions are not those in which the anions were frozen.

        The first step would otherwise pull the anions back at once, with an enormous force, or
        hold a wrong orientation of an anion that is split by the periodic boundary.

        Parameters
        ----------
        context : openmm.Context
            Of `system`, with positions.

        Raises
        ------
        InputError
            If a position differs from the reference, or an anion is split.
        """
        state = context.getState(getPositions=True)
        positions = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
        box = np.array(state.getPeriodicBoxVectors(asNumpy=True).value_in_unit(unit.nanometer))
        for index, anion in enumerate(self.anions):
            here = positions[anion.indices]
            if np.abs(make_whole(here, box) - here).max() > LARGEST_MISMATCH:
                raise InputError(
                    f"anion {index} is split by the periodic boundary in this Context; start it "
                    "with frozen.initialize(context)"
                )
        violation = self.violation(context)
        if violation.displacement > LARGEST_MISMATCH:
            raise InputError(
                f"the positions in this Context are not those in which {mode_name(self.modes)} was "
                f"frozen ({violation}); "
                "freeze again with the Context's positions, or start it with frozen.initialize(context)"
            )
