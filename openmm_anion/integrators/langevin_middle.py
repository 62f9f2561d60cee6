"""NVT: Langevin middle with frozen motions."""

from __future__ import annotations

from typing import Any

from openmm import unit

from openmm_anion.errors import InputError
from openmm_anion.freezing.frozen_system import FrozenSystem
from openmm_anion.integrators.arguments import positive_timestep
from openmm_anion.integrators.bath import BathIntegrator
from openmm_anion.integrators.drift import add_drift, prepare
from openmm_anion.units import number


class LangevinMiddleIntegrator(BathIntegrator):
    """Langevin dynamics at constant temperature, with the frozen motions of a `FrozenSystem` held exactly.

    The LFMiddle scheme of Z. Zhang et al., J. Phys. Chem. A 123, 6056 (2019), doi:10.1021/acs.jpca.9b02771:
    a kick over dt, a drift over dt/2, the Ornstein-Uhlenbeck step ``v <- a v + sqrt((1 - a^2) kT/m) xi`` with
    ``a = exp(-friction dt)``, and a second drift over dt/2. Both drifts are constrained (as in the geodesic
    scheme of B. Leimkuhler, C. Matthews, Proc. R. Soc. A 472, 20160138 (2016), doi:10.1098/rspa.2016.0138),
    so that neither the kick nor the noise leaves anything in a frozen motion at any friction.

    Parameters
    ----------
    frozen : FrozenSystem
        Result of `freeze`.
    temperature : Quantity or float
        Temperature, K.
    friction : Quantity or float
        Friction coefficient, 1/ps.
    timestep : Quantity or float
        Time step dt, ps.
    seed : int, optional
        Seed of the random numbers; 0 takes one from the operating system.

    Raises
    ------
    InputError
        If the temperature or friction is negative or the time step is not positive.

    Examples
    --------
    >>> import openmm
    >>> from openmm_anion.freezing import freeze
    >>> system = openmm.System()
    >>> _ = [system.addParticle(m) for m in (12.0, 14.0, 39.1)]
    >>> frozen = freeze(system, [[0, 1]], "R", positions=[[0, 0, 0], [0.12, 0, 0], [0.5, 0.5, 0.5]])
    >>> LangevinMiddleIntegrator(frozen, 300 * unit.kelvin, 1 / unit.picosecond, 0.001).getTemperature()
    300.0
    """

    def __init__(
        self, frozen: FrozenSystem, temperature: Any, friction: Any, timestep: Any, seed: int = 0
    ) -> None:
        step = positive_timestep(timestep)
        super().__init__(step, temperature)
        self.setRandomNumberSeed(seed)
        rate = number(friction, unit.picosecond**-1, "friction")
        if rate < 0:
            raise InputError(f"friction {rate:g} /ps is negative; give it in 1/ps, e.g. 1.0")
        prepare(self, frozen)
        self.addGlobalVariable("friction", rate)
        self.addGlobalVariable("a", 0.0)
        self.addGlobalVariable("b", 0.0)
        # Here and not as numbers, so that setStepSize changes them, too.
        self.addComputeGlobal("a", "exp(-friction*dt)")
        self.addComputeGlobal("b", "sqrt(1 - a*a)")
        self.addUpdateContextState()
        self.addComputePerDof("v", "v + dt*f/m")
        add_drift(self, frozen, "0.5*dt")
        self.addComputePerDof("v", "a*v + b*sqrt(kT/m)*gaussian")
        add_drift(self, frozen, "0.5*dt")
