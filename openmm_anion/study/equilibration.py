"""Equilibrate the free crystal, and keep the snapshot from which every mode starts."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable
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
from openmm_anion.study.pressure import box_of, scaled, with_barostat

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
    box : (3, 3) array or None
        Box vectors as rows, nm, if they are not those of the structure.
    """

    positions: NDArray[np.float64]
    velocities: NDArray[np.float64]
    reference: NDArray[np.float64] | None = None
    box: NDArray[np.float64] | None = None

    @classmethod
    def read(cls, path: Path) -> Snapshot:
        """Read a snapshot file.

        Parameters
        ----------
        path : Path
            File that `write` made.

        Returns
        -------
        Snapshot
            Positions and velocities (nm, nm/ps), and what else was kept.

        Raises
        ------
        InputError
            If it is damaged.
        """
        try:
            # Opened here, for NumPy leaves a file open that it cannot read.
            with path.open("rb") as file, np.load(file) as content:
                return cls(
                    content["positions"],
                    content["velocities"],
                    content.get("reference"),
                    content.get("box"),
                )
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
        arrays |= {
            name: array
            for name, array in (("reference", self.reference), ("box", self.box))
            if array is not None
        }
        np.savez(buffer, **arrays)  # type: ignore[arg-type]  # of NumPy's stubs: a keyword is no flag
        write_bytes(path, buffer.getvalue())


def equilibrate(
    study: PreparedStudy, temperature: float, seed: int, platform: str, on_steps: Callable[[int], None]
) -> Snapshot:
    """Run the free crystal at one temperature and return its last state, with the mean of a window if asked.

    With a barostat the cell changes meanwhile. The crystal is then brought into the mean cell of the second
    half, anions as wholes, and runs there for a while (`DynamicsSettings.settling`) before the snapshot is
    taken.

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

    Returns
    -------
    Snapshot
        From which runs start.

    Raises
    ------
    InputError
        If an anion breaks, the energy is not finite or the cell shrinks below what the potential needs: such
        a crystal is no start for a study.
    """
    dynamics = study.settings.dynamics
    steps = round(dynamics.equilibration / dynamics.timestep)
    run = _FreeRun(study, temperature, seed, platform, on_steps, barostat=dynamics.barostat != "none")
    openmm.LocalEnergyMinimizer.minimize(run.context, maxIterations=50)
    run.context.setVelocities(run.free.draw_velocities(temperature, seed))
    if dynamics.barostat == "none":
        run.advance(steps, CHUNK)
    else:
        run.advance(steps // 2, WINDOW_CHUNK)
        boxes: list[NDArray[np.float64]] = []
        run.advance(steps - steps // 2, WINDOW_CHUNK, lambda positions, box: boxes.append(box))
        mean_box = np.mean(boxes, axis=0)
        before = run.state()
        study = study.in_cell(mean_box)
        run = _FreeRun(study, temperature, seed, platform, on_steps)
        run.context.setPositions(scaled(before.positions, study.anions, boxes[-1], mean_box))
        run.context.setVelocities(before.velocities)
        run.advance(round(dynamics.settling / dynamics.timestep), CHUNK)
    mean = MeanReference(run.free)
    window = round(dynamics.window / dynamics.timestep) if dynamics.reference == "mean" else 0
    run.advance(window, WINDOW_CHUNK, lambda positions, box: mean.add(positions))
    end = run.state()
    return Snapshot(
        end.positions,
        end.velocities,
        mean.positions("".join(map(parse_modes, dynamics.modes))) if window else None,
        None if dynamics.barostat == "none" else study.box,
    )


class _FreeRun:
    """The free crystal under a strong Langevin bath, looked at every few steps."""

    def __init__(
        self,
        study: PreparedStudy,
        temperature: float,
        seed: int,
        platform: str,
        on_steps: Callable[[int], None],
        *,
        barostat: bool = False,
    ) -> None:
        dynamics = study.settings.dynamics
        self._study, self._temperature, self._barostat = study, temperature, barostat
        self._on_steps, self._watch = on_steps, study.anion_watch()
        self.free = freeze(study.system, study.anions, "free", positions=study.anions.positions)
        if barostat:
            with_barostat(
                self.free.system, study.anions, dynamics.barostat, dynamics.pressure, temperature, seed
            )
        self._integrator = LangevinMiddleIntegrator(self.free, temperature, FRICTION, dynamics.timestep, seed)
        self.context = make_context(self.free.system, self._integrator, platform, study.settings.computer)
        self.free.initialize(self.context)

    def advance(
        self,
        steps: int,
        chunk: int,
        see: Callable[[NDArray[np.float64], NDArray[np.float64]], None] | None = None,
    ) -> None:
        """Run, and show positions and box to `see` after each chunk."""
        for done in range(0, steps, chunk):
            now = min(chunk, steps - done)
            self._integrator.step(now)
            state = self.context.getState(positions=True)
            positions = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
            box = box_of(state)
            self._check(positions, box, state.getTime().value_in_unit(unit.picosecond))
            if see:
                see(positions, box)
            self._on_steps(now)

    def state(self) -> Snapshot:
        """Positions and velocities now."""
        state = self.context.getState(positions=True, velocities=True)
        return Snapshot(
            state.getPositions(asNumpy=True).value_in_unit(unit.nanometer),
            state.getVelocities(asNumpy=True).value_in_unit(unit.nanometer / unit.picosecond),
        )

    def _check(self, positions: NDArray[np.float64], box: NDArray[np.float64], time: float) -> None:
        kelvin = f"the equilibration at {self._temperature:g} K"
        if not np.isfinite(positions).all():
            raise InputError(
                f"{kelvin} blew up at {time:.2f} ps; use a shorter time step or another potential"
            )
        broken = self._watch(positions, box, time)
        if broken:
            raise InputError(
                f"{kelvin} breaks an anion: {broken[0]}; lower the temperature or use another potential"
            )
        if self._barostat:
            try:
                self._study.check_cell(box)
            except InputError as error:
                raise InputError(f"{kelvin} shrinks the cell: {error}") from None
