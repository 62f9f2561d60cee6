"""Reporters for `openmm.app.Simulation` that know what is frozen."""

from __future__ import annotations

import math
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from openmm import unit
from openmm.app import Simulation

from openmm_anion.freezing.frozen_system import FrozenSystem

COLUMNS = (
    "step",
    "time_ps",
    "temperature_K",
    "rest_K",
    "anion_translation_K",
    "anion_rotation_K",
    "anion_vibration_K",
    "constraint_violation_nm",
)


class FrozenStateReporter:
    """Write temperatures of the free motions, and how exactly the frozen ones are held.

    OpenMM's `StateDataReporter` divides the kinetic energy by the degrees of freedom that it knows of, and
    reads too low when motions are frozen. This one counts what is free, and splits the temperature into that
    of the particles outside of the anions (the cations) and of the anions' translation, rotation and
    vibration; what is frozen is left empty.

    Parameters
    ----------
    file : path or text file
        Where to write comma-separated values with the columns of `COLUMNS`.
    interval : int
        Steps between two reports.
    frozen : FrozenSystem
        What is frozen.

    Examples
    --------
    >>> import sys
    >>> from openmm_anion import freeze
    >>> import openmm
    >>> system = openmm.System()
    >>> _ = [system.addParticle(m) for m in (12.0, 14.0, 39.1)]
    >>> frozen = freeze(system, [[0, 1]], "R", positions=[[0, 0, 0], [0.12, 0, 0], [0.5, 0.5, 0.5]])
    >>> FrozenStateReporter(sys.stdout, 100, frozen).describeNextReport(None)["include"]
    ['positions', 'velocities']
    """

    def __init__(self, file: str | Path | TextIO, interval: int, frozen: FrozenSystem) -> None:
        self._own = isinstance(file, str | Path)
        self._out: TextIO = open(file, "w", encoding="utf-8") if isinstance(file, str | Path) else file  # noqa: SIM115
        self._interval = interval
        self._frozen = frozen
        self._begun = False

    def describeNextReport(self, simulation: Simulation | None) -> dict[str, Any]:
        """Tell OpenMM when the next report is due and what it needs.

        Parameters
        ----------
        simulation : openmm.app.Simulation or None
            The simulation; None stands for one at step 0.

        Returns
        -------
        dict
            As OpenMM asks of reporters.
        """
        step = simulation.currentStep if simulation is not None else 0
        return {
            "steps": self._interval - step % self._interval,
            "periodic": False,  # positions as they are: anions whole
            "include": ["positions", "velocities"],
        }

    def report(self, simulation: Simulation, state: Any) -> None:
        """Write one line.

        Parameters
        ----------
        simulation : openmm.app.Simulation
            The simulation.
        state : openmm.State
            Its state.
        """
        if not self._begun:
            self._out.write(",".join(COLUMNS) + "\n")
            self._begun = True
        frozen = self._frozen
        parts = frozen.kinetic_temperatures(state)
        velocities = state.getVelocities(asNumpy=True).value_in_unit(unit.nanometer / unit.picosecond)
        values = (
            state.getTime().value_in_unit(unit.picosecond),
            frozen.temperature(0.5 * float(frozen.masses @ (velocities**2).sum(axis=1))),
            parts.rest,
            parts.translation,
            parts.rotation,
            parts.vibration,
            frozen.violation(state.getPositions(asNumpy=True)).displacement,
        )
        cells = ("" if math.isnan(value) else f"{value:.8g}" for value in values)
        self._out.write(f"{simulation.currentStep},{','.join(cells)}\n")
        self._out.flush()

    def close(self) -> None:
        """Close the file, if this reporter opened it."""
        if self._own:
            self._out.close()

    def __enter__(self) -> FrozenStateReporter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
