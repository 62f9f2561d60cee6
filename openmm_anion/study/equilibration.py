"""Equilibrate the free crystal, and keep the snapshot from which every mode starts."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import unit

from openmm_anion.atomic_file import write_bytes
from openmm_anion.errors import InputError, reason
from openmm_anion.freezing import MeanReference, freeze, parse_modes
from openmm_anion.integrators import LangevinMiddleIntegrator
from openmm_anion.study.platform import make_context
from openmm_anion.study.prepared import PreparedStudy

FRICTION = 5.0
"""Friction of the equilibration, 1/ps: heats the crystal within a picosecond."""

CHUNK = 50
"""Steps between two looks at the progress and at the anions."""

WINDOW_CHUNK = 10
"""The same where each look is a frame of the mean reference."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """An equilibrated state of the free crystal.

    Attributes
    ----------
    positions : (N, 3) array
        Unwrapped positions, nm.
    velocities : (N, 3) array
        Velocities, nm/ps.
    reference : (N, 3) array or None
        Mean positions of the anions around that time, nm, if the study freezes them there.
    """

    positions: NDArray[np.float64]
    velocities: NDArray[np.float64]
    reference: NDArray[np.float64] | None = None

    @classmethod
    def read(cls, path: Path) -> Snapshot:
        """Read a snapshot file.

        Parameters
        ----------
        path : Path
            File that `write` made.

        Raises
        ------
        InputError
            If it is damaged.
        """
        try:
            # Opened here, for NumPy leaves a file open that it cannot read.
            with path.open("rb") as file, np.load(file) as content:
                return cls(content["positions"], content["velocities"], content.get("reference"))
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise InputError(
                f"{path} is damaged ({reason(error)}); delete {path.parent} to equilibrate again"
            ) from None

    def write(self, path: Path) -> None:
        """Write a snapshot file, whole or not at all.

        Parameters
        ----------
        path : Path
            Where to.
        """
        buffer = io.BytesIO()
        arrays = {"positions": self.positions, "velocities": self.velocities}
        if self.reference is not None:
            arrays["reference"] = self.reference
        np.savez(buffer, **arrays)  # type: ignore[arg-type]  # of NumPy's stubs: a keyword is no flag
        write_bytes(path, buffer.getvalue())


def equilibrate(
    study: PreparedStudy, temperature: float, seed: int, platform: str, on_steps: Callable[[int], None]
) -> Snapshot:
    """Run the free crystal at one temperature and return its last state, with the mean of a window if asked.

    Parameters
    ----------
    study : PreparedStudy
        The crystal.
    temperature : float
        Temperature, K.
    seed : int
        Seed of velocities and noise.
    platform : str
        OpenMM platform.
    on_steps : callable
        Told the number of steps done since the last call.

    Raises
    ------
    InputError
        If an anion breaks or the energy is not finite: such a crystal is no start for a study.
    """
    dynamics = study.settings.dynamics
    free = freeze(study.system, study.anions, "free", positions=study.anions.positions)
    integrator = LangevinMiddleIntegrator(free, temperature, FRICTION, dynamics.timestep, seed)
    context = make_context(free.system, integrator, platform, study.settings.computer)
    free.initialize(context)
    openmm.LocalEnergyMinimizer.minimize(context, maxIterations=50)
    context.setVelocities(free.draw_velocities(temperature, seed))
    watch = study.anion_watch()
    mean = MeanReference(free)
    window = round(dynamics.window / dynamics.timestep) if dynamics.reference == "mean" else 0
    for steps, within in _chunks(round(dynamics.equilibration / dynamics.timestep), window):
        integrator.step(steps)
        state = context.getState(getPositions=True)
        positions = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
        time = state.getTime().value_in_unit(unit.picosecond)
        if not np.isfinite(positions).all():
            raise InputError(
                f"the equilibration at {temperature:g} K blew up at {time:.2f} ps; use a shorter "
                "time step or another potential"
            )
        broken = watch(positions, study.box, time)
        if broken:
            raise InputError(
                f"the equilibration at {temperature:g} K breaks an anion: {broken[0]}; lower the "
                "temperature or use "
                "another potential"
            )
        if within:
            mean.add(positions)
        on_steps(steps)
    velocities = context.getState(getVelocities=True).getVelocities(asNumpy=True)
    return Snapshot(
        positions,
        velocities.value_in_unit(unit.nanometer / unit.picosecond),
        mean.positions("".join(map(parse_modes, dynamics.modes))) if window else None,
    )


def _chunks(equilibration: int, window: int) -> Iterator[tuple[int, bool]]:
    """Cut steps into chunks, and tell whether one ends within the window of the mean reference."""
    for left, chunk, within in ((equilibration, CHUNK, False), (window, WINDOW_CHUNK, True)):
        for done in range(0, left, chunk):
            yield min(chunk, left - done), within
