"""NVT: stochastic velocity rescaling with frozen motions."""

from __future__ import annotations

from math import exp
from typing import Any

from openmm_anion.errors import InputError
from openmm_anion.freezing.counted import COUNT, bath_degrees_of_freedom
from openmm_anion.freezing.frozen_system import FrozenSystem
from openmm_anion.integrators.arguments import positive_timestep, relaxation_time
from openmm_anion.integrators.bath import BathIntegrator
from openmm_anion.integrators.drift import add_drift, prepare


class BussiIntegrator(BathIntegrator):
    r"""Stochastic velocity rescaling, with the frozen motions of a `FrozenSystem` held exactly.

    Now and then all velocities are multiplied by one factor, so that the kinetic energy K of the n free
    degrees of freedom follows the canonical distribution while every momentum keeps its direction: the
    gentlest thermostat for diffusion. With :math:`c = e^{-\Delta/\tau}` for the time :math:`\Delta` between
    two rescalings, :math:`\bar K = n R T/2`, a standard normal :math:`\xi` and a sum S of n - 1 squared ones,

    .. math:: \alpha^2 = c + (1 - c) \frac{\bar K}{n K} (\xi^2 + S)
              + 2 \xi \sqrt{c (1 - c) \frac{\bar K}{n K}}

    (G. Bussi, D. Donadio, M. Parrinello, J. Chem. Phys. 126, 014101 (2007), doi:10.1063/1.2408420). A step is
    a kick and a constrained drift, as at constant energy; every `interval` steps the rescaling stands between
    two half drifts, where the velocities are free of what the kick gave to frozen motions.

    The drift of the whole is conserved unless centres are frozen, and n leaves its three degrees of freedom
    out then. Start from velocities without drift, as `FrozenSystem.draw_velocities` gives them.

    Parameters
    ----------
    frozen : FrozenSystem
        Result of `freeze`.
    temperature : Quantity or float
        Temperature, K.
    time : Quantity or float
        Relaxation time tau of the kinetic energy, ps.
    timestep : Quantity or float
        Time step dt, ps.
    seed : int, optional
        Seed of the random numbers; 0 takes one from the operating system.
    interval : int, optional
        Steps between two rescalings. GPU platforms send the kinetic energy to the host at each
        of them.

    Raises
    ------
    InputError
        If the temperature is negative, or the relaxation time, the time step or the interval not positive.

    Examples
    --------
    >>> import openmm
    >>> from openmm import unit
    >>> from openmm_anion.freezing import freeze
    >>> system = openmm.System()
    >>> _ = [system.addParticle(m) for m in (12.0, 14.0, 39.1)]
    >>> frozen = freeze(system, [[0, 1]], "T", positions=[[0, 0, 0], [0.12, 0, 0], [0.5, 0.5, 0.5]])
    >>> BussiIntegrator(frozen, 300 * unit.kelvin, 0.5 * unit.picosecond, 0.001).getTemperature()
    300.0
    """

    def __init__(
        self,
        frozen: FrozenSystem,
        temperature: Any,
        time: Any,
        timestep: Any,
        seed: int = 0,
        interval: int = 10,
    ) -> None:
        step, tau = positive_timestep(timestep), relaxation_time(time)
        if interval < 1:
            raise InputError(f"interval of {interval} steps between rescalings must be 1 or more, e.g. 10")
        super().__init__(step, temperature)
        self.setRandomNumberSeed(seed)
        prepare(self, frozen)
        self.addGlobalVariable("c", exp(-interval * step / tau))
        self.addGlobalVariable(COUNT, bath_degrees_of_freedom(frozen))
        for name in ("passed", "kinetic", "rest", "normal", "cube", "drawn", "share", "scale"):
            self.addGlobalVariable(name, 0.0)

        self.addUpdateContextState()
        self.addComputePerDof("v", "v + dt*f/m")
        self.addComputeGlobal("passed", "passed + 1")
        self.beginIfBlock(f"passed < {interval - 0.5}")
        add_drift(self, frozen, "dt")
        self.endBlock()
        self.beginIfBlock(f"passed > {interval - 0.5}")
        add_drift(self, frozen, "0.5*dt")
        self.addComputeSum("kinetic", "0.5*m*v*v")
        self._add_rest()
        self.addComputeGlobal("normal", "gaussian")
        self.addComputeGlobal("share", "0.5*kT/kinetic")  # mean kinetic energy over n K
        self.addComputeGlobal(
            "scale", "sqrt(c + (1-c)*share*(normal^2 + rest) + 2*normal*sqrt(c*(1-c)*share))"
        )
        self.addComputePerDof("v", "scale*v")
        add_drift(self, frozen, "0.5*dt")
        self.addComputeGlobal("passed", "0")
        self.endBlock()

    def _add_rest(self) -> None:
        """Draw the sum S of n - 1 squared normals: twice a gamma variate of shape (n - 1)/2.

        By G. Marsaglia, W. W. Tsang, ACM Trans. Math. Softw. 26, 363 (2000), doi:10.1145/358407.358414, for
        the shape plus one, with their step down from there. A few numbers for all degrees of freedom.
        """
        d = f"0.5*({COUNT}-1) + 2/3"
        self.addComputeGlobal("drawn", "0")
        self.beginWhileBlock("drawn < 0.5")
        self.addComputeGlobal("normal", "gaussian")
        self.addComputeGlobal("cube", f"(1 + normal/sqrt(9*d))^3; d = {d}")
        accepted = "0.5*normal^2 + d*(1 - cube + log(max(cube, 1e-300))) - log(uniform)"
        self.addComputeGlobal("drawn", f"step(cube)*step({accepted}); d = {d}")
        self.endBlock()
        self.addComputeGlobal("rest", f"2*d*cube*uniform^(2/({COUNT}-1)); d = {d}")
