"""What integrators with a heat bath have in common: its temperature, as the global variable ``kT``."""

from __future__ import annotations

from typing import Any

import openmm

from openmm_anion.units import MOLAR_GAS_CONSTANT, temperature_in_kelvin


class BathIntegrator(openmm.CustomIntegrator):
    """A CustomIntegrator whose program reads the temperature of a bath from the global variable ``kT``.

    Parameters
    ----------
    timestep : float
        Time step, ps.
    temperature : Quantity or float
        Temperature of the bath, K.
    """

    def __init__(self, timestep: float, temperature: Any) -> None:
        super().__init__(timestep)
        self.addGlobalVariable("kT", MOLAR_GAS_CONSTANT * temperature_in_kelvin(temperature))

    def getTemperature(self) -> float:
        """Return the temperature of the bath.

        Returns
        -------
        float
            K.
        """
        return float(self.getGlobalVariableByName("kT") / MOLAR_GAS_CONSTANT)

    def setTemperature(self, temperature: Any) -> None:
        """Change the temperature of the bath.

        Parameters
        ----------
        temperature : Quantity or float
            Temperature, K.
        """
        self.setGlobalVariableByName("kT", MOLAR_GAS_CONSTANT * temperature_in_kelvin(temperature))
