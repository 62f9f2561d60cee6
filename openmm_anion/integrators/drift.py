"""The one step that all integrators share: move along the velocities, then back onto the constraints.

::

    x  <- x + h v
    v  <- v + f_projector/(m k h)       (frozen translation and rotation)
    x  <- x + f_projector/(m k)

or, where OpenMM's own constraints act (a frozen shape, or distances of the user's),

::

    x1 <- x + h v
    x  <- x1
    constrain positions
    v  <- v + (x - x1)/h + f_projector/(m k h)
    x  <- x + f_projector/(m k)
    constrain positions                 (only with virtual sites, which GPU platforms update there)

with the common factor k of the projectors (`openmm_anion.freezing.stiffness`); lines and terms that have
nothing to do are left out. The velocities lose just what is taken out of the positions, so that frozen
motions end with velocity zero to rounding, and float noise of the projection never reaches a free motion.
Velocities come first, because new positions would make the forces of the projectors stale: one evaluation
serves both. OpenMM's constraints come before the projection because GPU platforms keep moves that a later
constraint step will correct in an array apart, where a force does not see them. A distance that is
constrained inside an anion survives the projection of its translation, which moves the anion as a whole.

Two kinds of projectors compare the end of a drift with its start (`openmm_anion.freezing.phase`): those of
`rigid_shape`, for shapes that distances cannot hold, and of `angular_momentum`. For them the line that
drifts also adds ``f_projector/(m k)`` in phase 0, which shows them the start and is zero, and the
projection is one in phase 1. Both are exact: the body is rigid to rounding and ends where the equations of
RATTLE put it, and an angular momentum that is taken out at the start stays zero on the straight way to the
end, so that no kick, noise or rescaling between two drifts turns an anion. (A linear anion that bends turns
its axis on the way, and some of the angular momentum along it gets across: below 1e-6 rad/ps for SCN, in
proportion to h.)

Projectors of a switchable System stand in blocks that a global variable of the integrator turns on and off.
"""

from __future__ import annotations

import openmm

from openmm_anion.freezing.frozen_system import FrozenSystem
from openmm_anion.freezing.phase import PHASE
from openmm_anion.freezing.projectors import ProjectorGroup, kinds_of
from openmm_anion.freezing.stiffness import STIFFNESS

CONSTRAINT_TOLERANCE = 1e-12
"""Relative tolerance of OpenMM's distance constraints. The solver converges fast enough not to feel it; in
single precision, where it cannot be met, all its 150 iterations run."""


def prepare(integrator: openmm.CustomIntegrator, frozen: FrozenSystem) -> None:
    """Declare the variables of the drift and keep the projectors out of the forces ``f``.

    Parameters
    ----------
    integrator : openmm.CustomIntegrator
        Changed in place.
    frozen : FrozenSystem
        What is frozen.
    """
    integrator.setConstraintTolerance(CONSTRAINT_TOLERANCE)
    integrator.setIntegrationForceGroups(frozen.integration_groups)
    if frozen.has_constraints:
        integrator.addPerDofVariable("x1", 0)
    acting = kinds_of(frozen.modes, frozen.rotation)
    for group in frozen.projectors.groups:
        if group.switch:
            integrator.addGlobalVariable(group.switch, float(group.acts(acting)))


def add_drift(integrator: openmm.CustomIntegrator, frozen: FrozenSystem, step: str) -> None:
    """Append the drift to a CustomIntegrator program.

    Parameters
    ----------
    integrator : openmm.CustomIntegrator
        Changed in place.
    frozen : FrozenSystem
        What is frozen.
    step : str
        Length h of the drift in the integrator's variables, e.g. ``"dt"`` or ``"0.5*dt"``.
    """
    moved = "x1" if frozen.has_constraints else "x"
    _add_move(integrator, frozen, step, moved)
    if frozen.has_constraints:
        integrator.addComputePerDof("x", "x1")
        integrator.addConstrainPositions()
    corrected = "x - x1" if frozen.has_constraints else ""
    for group in frozen.projectors.groups:
        if group.switch and corrected:
            integrator.addComputePerDof("v", f"v + ({corrected})/({step})")
            corrected = ""
        if group.switch:
            integrator.beginIfBlock(f"{group.switch} > 0.5")
        if group.two_phases:
            integrator.addComputeGlobal(PHASE, "1")
        lost = " + ".join(filter(None, [corrected, _projection(group)]))
        integrator.addComputePerDof("v", f"v + ({lost})/({step})")
        integrator.addComputePerDof("x", f"x + {_projection(group)}")
        corrected = ""
        if group.two_phases:
            integrator.addComputeGlobal(PHASE, "0")
        if group.switch:
            integrator.endBlock()
    if corrected:
        integrator.addComputePerDof("v", f"v + ({corrected})/({step})")
    elif frozen.has_virtual_sites:
        integrator.addConstrainPositions()


def _add_move(integrator: openmm.CustomIntegrator, frozen: FrozenSystem, step: str, variable: str) -> None:
    """Move along the velocities, and show the start to projectors that compare the end with it."""
    move = f"x + ({step})*v"
    watching = [group for group in frozen.projectors.groups if group.two_phases]
    for group in watching:
        shown = f"{move} + {_projection(group)}"
        if not group.switch:
            integrator.addComputePerDof(variable, shown)
            continue
        for condition, expression in ((f"{group.switch} > 0.5", shown), (f"{group.switch} < 0.5", move)):
            integrator.beginIfBlock(condition)
            integrator.addComputePerDof(variable, expression)
            integrator.endBlock()
    if not watching:
        integrator.addComputePerDof(variable, move)


def _projection(group: ProjectorGroup) -> str:
    return f"f{group.number}/(m*{STIFFNESS})"
