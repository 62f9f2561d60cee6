"""NVE: leapfrog Verlet with frozen motions."""

from __future__ import annotations

from typing import Any

import openmm

from openmm_anion.freezing.frozen_system import FrozenSystem
from openmm_anion.integrators.arguments import positive_timestep
from openmm_anion.integrators.drift import add_drift, prepare


class VerletIntegrator(openmm.CustomIntegrator):
    r"""Leapfrog Verlet at constant energy, with the frozen motions of a `FrozenSystem` held exactly.

    One step is ``v <- v + dt f/m`` and a constrained drift over dt (see `openmm_anion.integrators.drift`).
    As in OpenMM's own `VerletIntegrator`, velocities belong to half a step before the positions. The kinetic
    energy of a State belongs to the positions: it is :math:`\tfrac12 \sum m\, v_- v_+` with the velocities
    half a step before and after them, the part that leapfrog conserves exactly in harmonic motion together
    with the potential energy (it is below that of :math:`(v_- + v_+)/2` by second order in dt). Since
    :math:`v_+ = v_- + \mathrm{d}t\, P f/m` and :math:`v_-` is free already, the projection P onto the free
    motions drops out of the product.

    Parameters
    ----------
    frozen : FrozenSystem
        Result of `freeze`.
    timestep : Quantity or float
        Time step dt, ps.

    Raises
    ------
    InputError
        If the time step is not positive.

    Examples
    --------
    >>> from openmm import unit
    >>> from openmm_anion.freezing import freeze
    >>> system = openmm.System()
    >>> _ = [system.addParticle(m) for m in (12.0, 14.0, 39.1)]
    >>> frozen = freeze(system, [[0, 1]], "T", positions=[[0, 0, 0], [0.12, 0, 0], [0.5, 0.5, 0.5]])
    >>> VerletIntegrator(frozen, 1.0 * unit.femtosecond).getStepSize()
    0.001 ps
    """

    def __init__(self, frozen: FrozenSystem, timestep: Any) -> None:
        super().__init__(positive_timestep(timestep))
        prepare(self, frozen)
        self.addUpdateContextState()
        self.addComputePerDof("v", "v + dt*f/m")
        add_drift(self, frozen, "dt")
        self.setKineticEnergyExpression("0.5*m*v*(v + dt*f/m)")
