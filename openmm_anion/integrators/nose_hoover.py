"""NVT: a Nose-Hoover chain with frozen motions."""

from __future__ import annotations

from typing import Any

from openmm_anion.errors import InputError
from openmm_anion.freezing.counted import COUNT, bath_degrees_of_freedom
from openmm_anion.freezing.frozen_system import FrozenSystem
from openmm_anion.integrators.arguments import positive_timestep, relaxation_time
from openmm_anion.integrators.bath import BathIntegrator
from openmm_anion.integrators.drift import add_drift, prepare
from openmm_anion.units import temperature_in_kelvin

SUZUKI_YOSHIDA = (1.3512071919596578, -1.7024143839193153, 1.3512071919596578)
"""Weights of three substeps of fourth order, ``1/(2 - 2^(1/3))`` twice and the rest."""


class NoseHooverIntegrator(BathIntegrator):
    r"""Deterministic canonical dynamics, with the frozen motions of a `FrozenSystem` held exactly.

    A chain of thermostats with the masses :math:`Q_1 = n R T \tau^2` and :math:`Q_k = R T \tau^2` acts on the
    kinetic energy of the n free degrees of freedom (G. J. Martyna, M. L. Klein, M. E. Tuckerman,
    J. Chem. Phys. 97, 2635 (1992), doi:10.1063/1.463940; propagated as in Mol. Phys. 87, 1117 (1996),
    doi:10.1080/00268979600100761, with three Suzuki-Yoshida substeps). It stands in the middle of the step,
    as in the scheme of Z. Zhang et al., J. Phys. Chem. A 123, 6056 (2019), doi:10.1021/acs.jpca.9b02771:
    kick, half drift, chain, half drift. The drift of the whole is left out of n unless centres are frozen.

    Parameters
    ----------
    frozen : FrozenSystem
        Result of `freeze`.
    temperature : Quantity or float
        Temperature, K.
    time : Quantity or float
        Relaxation time tau, ps.
    timestep : Quantity or float
        Time step dt, ps.
    chain : int, optional
        Number of thermostats in the chain, two or more.

    Raises
    ------
    InputError
        If the temperature is not positive, nor the relaxation time or the time step, or the chain too short.

    Notes
    -----
    GPU platforms send the kinetic energy to the host at every step.

    Examples
    --------
    >>> import openmm
    >>> from openmm_anion.freezing import freeze
    >>> system = openmm.System()
    >>> _ = [system.addParticle(m) for m in (12.0, 14.0, 39.1)]
    >>> frozen = freeze(system, [[0, 1]], "T", positions=[[0, 0, 0], [0.12, 0, 0], [0.5, 0.5, 0.5]])
    >>> NoseHooverIntegrator(frozen, 300, 0.1, 0.001).getTemperature()
    300.0
    """

    def __init__(
        self, frozen: FrozenSystem, temperature: Any, time: Any, timestep: Any, *, chain: int = 4
    ) -> None:
        step, tau = positive_timestep(timestep), relaxation_time(time)
        if chain < 2:
            raise InputError(f"a chain of {chain} thermostats is not ergodic; give two or more")
        _refuse_zero(temperature)
        super().__init__(step, temperature)
        prepare(self, frozen)
        self.addGlobalVariable(COUNT, bath_degrees_of_freedom(frozen))
        self.addGlobalVariable("tau", tau)
        self.addGlobalVariable("twice", 0.0)  # twice the kinetic energy
        self.addGlobalVariable("scale", 1.0)
        for k in range(1, chain + 1):
            self.addGlobalVariable(f"xi{k}", 0.0)  # rates of the thermostats, 1/ps

        self.addUpdateContextState()
        self.addComputePerDof("v", "v + dt*f/m")
        add_drift(self, frozen, "0.5*dt")
        self.addComputeSum("twice", "m*v*v")
        self.addComputeGlobal("scale", "1")
        for weight in SUZUKI_YOSHIDA:
            self._add_chain(chain, weight)
        self.addComputePerDof("v", "scale*v")
        add_drift(self, frozen, "0.5*dt")

    def _add_chain(self, chain: int, weight: float) -> None:
        """Propagate the chain over ``weight * dt``: rates from the far end in, the scale, and back."""
        for k in range(chain, 0, -1):
            self._add_rate(k, chain, weight)
        self.addComputeGlobal("scale", f"scale*exp(-{weight!r}*dt*xi1)")
        self.addComputeGlobal("twice", f"twice*exp(-2*{weight!r}*dt*xi1)")
        for k in range(1, chain + 1):
            self._add_rate(k, chain, weight)

    def _add_rate(self, k: int, chain: int, weight: float) -> None:
        """Advance the rate of thermostat k by half a substep, between two quarters of its own damping."""
        if k == 1:
            drive = f"(twice/({COUNT}*kT) - 1)/tau^2"
        else:
            drive = f"({f'{COUNT}*' if k == 2 else ''}tau^2*xi{k - 1}^2 - 1)/tau^2"
        push = f"{0.5 * weight!r}*dt*{drive}"
        if k == chain:
            self.addComputeGlobal(f"xi{k}", f"xi{k} + {push}")
        else:
            damping = f"exp(-{0.25 * weight!r}*dt*xi{k + 1})"
            self.addComputeGlobal(f"xi{k}", f"damping*(damping*xi{k} + {push}); damping={damping}")

    def setTemperature(self, temperature: Any) -> None:
        """Change the temperature of the bath.

        Parameters
        ----------
        temperature : Quantity or float
            Temperature, K, above zero.
        """
        _refuse_zero(temperature)
        super().setTemperature(temperature)


def _refuse_zero(temperature: Any) -> None:
    if temperature_in_kelvin(temperature) == 0:
        raise InputError("a Nose-Hoover chain needs a temperature above 0 K")
