"""The variable in which a thermostat counts what can move, so that it can follow a switch of modes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openmm

if TYPE_CHECKING:
    from openmm_anion.freezing.frozen_system import FrozenSystem

COUNT = "n"
"""Global variable of an integrator: degrees of freedom that take part in its bath."""


def bath_degrees_of_freedom(frozen: FrozenSystem) -> int:
    """Return the degrees of freedom that a thermostat heats: all that move but a conserved drift.

    Parameters
    ----------
    frozen : FrozenSystem
        What is frozen.

    Returns
    -------
    int
        Of the whole System.

    Examples
    --------
    >>> from openmm_anion import freeze
    >>> system = openmm.System()
    >>> anion = [system.addParticle(mass) for mass in (12.0, 14.0)]
    >>> bath_degrees_of_freedom(freeze(system, [anion], "R", positions=[[0.0, 0, 0], [0.12, 0, 0]]))
    1
    """
    return frozen.degrees_of_freedom - 3 * frozen.conserves_momentum


def count_motions(integrator: openmm.CustomIntegrator, frozen: FrozenSystem) -> None:
    """Let the thermostat of an integrator, if it counts, count what is free now.

    Parameters
    ----------
    integrator : openmm.CustomIntegrator
        An integrator of this package.
    frozen : FrozenSystem
        What is frozen.
    """
    variables = range(integrator.getNumGlobalVariables())
    if COUNT in [integrator.getGlobalVariableName(index) for index in variables]:
        integrator.setGlobalVariableByName(COUNT, bath_degrees_of_freedom(frozen))
