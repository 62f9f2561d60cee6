"""The one step that all integrators share: move along the velocities, then back onto the constraints.

::

    x  <- x + h v
    x1 <- x                          (only if anything is constrained)
    constrain positions              (OpenMM's constraints: a frozen shape, or the user's own)
    x  <- x + f_projector / (m k)    (frozen translation and rotation)
    constrain positions              (nothing left to do: closes the step on GPU platforms)
    v  <- v + (x - x1) / h

with the common factor k of the projectors (`openmm_anion.freezing.stiffness`). The last line takes out of
the velocities just what was taken out of the positions, so that frozen motions end with velocity zero to
rounding, and float noise of the projection never reaches a free motion. OpenMM's constraints come first
because GPU platforms keep moves that a later constraint step will correct in an array apart, where a force
does not see them; the closing step also updates virtual sites there. A distance that is constrained inside an
anion survives the projection of its translation, which moves the anion as a whole.

Two kinds of projectors compare the end of a drift with its start (`openmm_anion.freezing.phase`): those of
`rigid_shape`, for shapes that distances cannot hold, and of `angular_momentum`. For them the drift begins
with a use of their force in phase 0, with which they see the start, and projects in phase 1. Both are exact:
the body is rigid to rounding and ends where the equations of RATTLE put it, and an angular momentum that is
taken out at the start stays zero on the straight way to the end, so that no kick, noise or rescaling between
two drifts turns an anion. (A linear anion that bends turns its axis on the way, and some of the angular
momentum along it gets across: below 1e-6 rad/ps for SCN, in proportion to h.)
"""

from __future__ import annotations

import openmm

from openmm_anion.freezing.frozen_system import FrozenSystem
from openmm_anion.freezing.phase import PHASE
from openmm_anion.freezing.stiffness import STIFFNESS

CONSTRAINT_TOLERANCE = 1e-12
"""Relative tolerance of OpenMM's distance constraints: costs nothing, because the solver converges fast."""


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
    if is_constrained(frozen):
        integrator.addPerDofVariable("x1", 0)


def is_constrained(frozen: FrozenSystem) -> bool:
    """Tell whether a drift has anything to correct.

    Parameters
    ----------
    frozen : FrozenSystem
        What is frozen.
    """
    return frozen.has_constraints or frozen.projector_group is not None


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
    if frozen.two_phases:
        # Any use of the force shows the projectors where the drift starts; x1 is set below.
        integrator.addComputePerDof("x1", f"f{frozen.projector_group}")
    integrator.addComputePerDof("x", f"x + ({step})*v")
    if not is_constrained(frozen):
        return
    integrator.addComputePerDof("x1", "x")
    if frozen.has_constraints:
        integrator.addConstrainPositions()
    if frozen.projector_group is not None:
        if frozen.two_phases:
            integrator.addComputeGlobal(PHASE, "1")
        integrator.addComputePerDof("x", f"x + f{frozen.projector_group}/(m*{STIFFNESS})")
        if frozen.two_phases:
            integrator.addComputeGlobal(PHASE, "0")
        if frozen.has_constraints:
            integrator.addConstrainPositions()
    integrator.addComputePerDof("v", f"v + (x - x1)/({step})")
