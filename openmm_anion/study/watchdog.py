"""Stop a run whose potential returns what cannot be, and keep the last state that was good."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import openmm
from openmm import unit

from openmm_anion.atomic_file import write_bytes
from openmm_anion.comparison.trouble import Trouble
from openmm_anion.errors import reason

LARGEST_FORCE = 1e5
"""kJ/(mol nm): 100 eV/angstrom. Thermal motion in a solid knows a tenth of it at most."""

LAST_GOOD_STATE = "last-good-state.xml"


class Watchdog:
    """Look at a run frame by frame, and step by step where a frame is bad.

    Parameters
    ----------
    context : openmm.Context
        The run.
    symbols : sequence of str
        Element of each particle.
    groups : int
        Bit mask of the force groups that act.
    timestep : float
        Time step, ps.
    interval : int
        Steps between frames.
    """

    def __init__(
        self, context: openmm.Context, symbols: Sequence[str], groups: int, timestep: float, interval: int
    ) -> None:
        self._context, self._symbols, self._groups = context, list(symbols), groups
        self._timestep, self._interval, self._step = timestep, interval, 0
        self._good: tuple[int, bytes, openmm.State] | None = None
        self.trouble: Trouble | None = None

    def advance(self, step: int, *, energies: bool = True) -> openmm.State | None:
        """Run to the next frame.

        Parameters
        ----------
        step : int
            Step at its end; that of the start for the state as it is.
        energies : bool, optional
            Look at energies and forces, too. That costs an evaluation of the potential which OpenMM does not
            keep for the next step. What is wrong with a force that was not looked at is found the next time,
            at the step at which it began.

        Returns
        -------
        openmm.State or None
            Positions and velocities, and energies and forces if asked for; None when there is `trouble`.
        """
        begin = step if self._good is None else self._step
        self._step = step
        try:
            if step > begin:
                self._context.getIntegrator().step(step - begin)
            state = self._state(energies)
            self.trouble = self._look(state, step, energies)
        except openmm.OpenMMException as error:
            self.trouble = self._raised(error, step)
        if self.trouble is None:
            if energies:
                self._good = step, self._context.createCheckpoint(), state
            return state
        self._locate(step)
        return None

    def find_cause(self, step: int) -> bool:
        """Look at every step since the last look at forces, because something has happened to an anion.

        Parameters
        ----------
        step : int
            The step of the frame in which it was seen.

        Returns
        -------
        bool
            Whether there is `trouble`, of which that was the consequence.
        """
        self._locate(step)
        return self.trouble is not None

    def resume(self, step: int) -> None:
        """Take the state as it is for good: it was looked at before the checkpoint was written.

        Parameters
        ----------
        step : int
            Its step.
        """
        # Without energies: OpenMM's CPU platforms draw random numbers for each term of a kinetic energy, and
        # the run would not be the uninterrupted one any more.
        state = self._context.getState(positions=True, velocities=True, forces=True, groups=self._groups)
        self._good = step, self._context.createCheckpoint(), state
        self._step = step

    def write_last_good_state(self, folder: Path) -> None:
        """Write the last good state, if there is one, as OpenMM's XML.

        Parameters
        ----------
        folder : Path
            Folder of the run.
        """
        if self._good is not None:
            write_bytes(folder / LAST_GOOD_STATE, openmm.XmlSerializer.serialize(self._good[2]).encode())

    def _state(self, energies: bool) -> openmm.State:
        return self._context.getState(
            positions=True, velocities=True, energy=energies, forces=energies, groups=self._groups
        )

    def _look(self, state: openmm.State, step: int, energies: bool) -> Trouble | None:
        if not energies:
            positions = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
            bad = np.flatnonzero(~np.isfinite(positions).all(axis=1))
            return self._at(step, "a position that is not finite", int(bad[0])) if len(bad) else None
        forces = state.getForces(asNumpy=True).value_in_unit(unit.kilojoule_per_mole / unit.nanometer)
        positions = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
        sizes = np.linalg.norm(forces, axis=1)
        for what, bad in (
            ("a position that is not finite", ~np.isfinite(positions).all(axis=1)),
            ("a force that is not finite", ~np.isfinite(sizes)),
            (f"a force of {sizes.max(initial=0.0):.3g} kJ/mol/nm", sizes > LARGEST_FORCE),
        ):
            if bad.any():
                # Of several absurd forces the largest; the others push back.
                atom = int(np.argmax(np.where(bad, np.nan_to_num(sizes, nan=np.inf), -1.0)))
                return self._at(step, what, atom)
        kinetic, potential = state.getKineticEnergy(), state.getPotentialEnergy()
        for name, energy in (("potential", potential), ("kinetic", kinetic)):
            if not np.isfinite(energy.value_in_unit(unit.kilojoule_per_mole)):
                return self._at(step, f"a {name} energy that is not finite")
        return None

    def _raised(self, error: Exception, step: int) -> Trouble:
        return self._at(step, f"an error ({reason(error, 200)})")

    def _at(self, step: int, what: str, atom: int | None = None) -> Trouble:
        symbol = None if atom is None else self._symbols[atom]
        time = round(step * self._timestep, 9)
        return Trouble(step=step, time_ps=time, atom=atom, symbol=symbol, what=what)

    def _locate(self, last: int) -> None:
        """Go back to the last good frame and on in single steps, to the first that is bad, or the last."""
        if self._good is None:
            return
        first, checkpoint, _ = self._good
        self._context.loadCheckpoint(checkpoint)
        for step in range(first + 1, last + 1):
            try:
                self._context.getIntegrator().step(1)
                state = self._state(energies=True)
                found = self._look(state, step, energies=True)
            except openmm.OpenMMException as error:
                found = self._raised(error, step)
            if found:
                self.trouble = found
                return
            if (step - first) % self._interval == 0:
                self._good = step, self._context.createCheckpoint(), state
