"""Trajectory, thermodynamics and checkpoint of one run, kept in step with one another.

A checkpoint says how many frames and records were complete when it was taken; a run that was killed drops
what came after and goes on from there, so that no frame is missing and none is doubled.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from openmm import app, unit

from openmm_anion.atomic_file import write_bytes
from openmm_anion.errors import InputError

COLUMNS = ("time_ps", "potential_kj_mol", "kinetic_kj_mol", "temperature_K", "constraint_violation_nm")
TRAJECTORY, VELOCITIES = "trajectory.dcd", "velocities.dcd"
DCD_HEADER = 276
"""Bytes before the first frame in a DCD file written by OpenMM."""


def frame_bytes(n_atoms: int) -> int:
    """Bytes of a frame in a DCD file: the cell, and three coordinates in single precision.

    Parameters
    ----------
    n_atoms : int
        Atoms of a frame.

    Returns
    -------
    int
        With the lengths that stand around each record.

    Examples
    --------
    >>> frame_bytes(128)
    1616
    """
    return 56 + 3 * (8 + 4 * n_atoms)


class Recorder:
    """Write frames and records of one run, and checkpoints that match them.

    Parameters
    ----------
    folder : Path
        Folder of the run; made if needed.
    topology : openmm.app.Topology
        Topology of the System.
    timestep : float
        Time step, ps.
    interval : int
        Steps between frames.
    fingerprint : str
        What a checkpoint must have been made with, to be taken up again.
    velocities : bool, optional
        Also write velocities.
    """

    def __init__(
        self,
        folder: Path,
        topology: app.Topology,
        timestep: float,
        interval: int,
        fingerprint: str,
        *,
        velocities: bool = False,
    ) -> None:
        self._folder = folder
        self._atoms = topology.getNumAtoms()
        self._fingerprint = fingerprint
        folder.mkdir(parents=True, exist_ok=True)
        self.frames, self.state = self._last_checkpoint()
        names = [TRAJECTORY, VELOCITIES] if velocities else [TRAJECTORY]
        self._truncate(names)
        mode = "r+b" if self.frames else "w+b"
        self._dcd_files = [(folder / name).open(mode) for name in names]
        self._dcds = [
            app.DCDFile(file, topology, timestep * unit.picosecond, 0, interval, append=bool(self.frames))
            for file in self._dcd_files
        ]
        self._table = (folder / "thermodynamics.csv").open("a", encoding="utf-8")
        if not self.frames:
            self._table.write(",".join(COLUMNS) + "\n")

    def write(
        self,
        positions: NDArray[np.float64],
        velocities: NDArray[np.float64],
        box: NDArray[np.float64],
        values: tuple[float, ...],
    ) -> None:
        """Append one frame and its record.

        Parameters
        ----------
        positions : (N, 3) array
            Unwrapped positions, nm.
        velocities : (N, 3) array
            Velocities, nm/ps; the file has them in A/ps, as it has positions in A.
        box : (3, 3) array
            Box vectors, nm.
        values : tuple of float
            One value per column of `COLUMNS`.
        """
        for dcd, vectors in zip(self._dcds, (positions, velocities), strict=False):
            dcd.writeModel(vectors * unit.nanometer, periodicBoxVectors=box * unit.nanometer)
        self._table.write(",".join(f"{value:.10g}" for value in values) + "\n")
        self.frames += 1

    def keep(self, frames: int) -> None:
        """Drop what was written after so many frames, and write no more.

        Parameters
        ----------
        frames : int
            Frames and records to keep, from the first.
        """
        self._close()
        self.frames = min(self.frames, frames)
        self._truncate([Path(file.name).name for file in self._dcd_files])

    def checkpoint(self, state: bytes) -> None:
        """Make everything written so far durable, and save the state that follows it.

        Parameters
        ----------
        state : bytes
            OpenMM's checkpoint after the last frame.
        """
        for file in (*self._dcd_files, self._table):
            file.flush()
            os.fsync(file.fileno())
        head: dict[str, Any] = {"frames": self.frames, "fingerprint": self._fingerprint}
        write_bytes(self._folder / "checkpoint.bin", json.dumps(head).encode() + b"\n" + state)

    def _last_checkpoint(self) -> tuple[int, bytes | None]:
        path = self._folder / "checkpoint.bin"
        if not path.is_file():
            return 0, None
        head, _, state = path.read_bytes().partition(b"\n")
        try:
            content = json.loads(head)
            frames, fingerprint = int(content["frames"]), content["fingerprint"]
        except (ValueError, KeyError, TypeError):
            raise InputError(
                f"checkpoint {path} is damaged; delete the folder {self._folder} to repeat that run"
            ) from None
        if fingerprint != self._fingerprint:
            raise InputError(
                f"checkpoint {path} was made with {fingerprint}, but this is {self._fingerprint}; "
                "go on as before, or "
                f"delete the folder {self._folder} to repeat that run"
            )
        return frames, state

    def _truncate(self, names: list[str]) -> None:
        """Drop frames and records that are later than the checkpoint."""
        table = self._folder / "thermodynamics.csv"
        for path in (self._folder / name for name in names):
            if not self.frames:
                path.unlink(missing_ok=True)
                continue
            size = DCD_HEADER + self.frames * frame_bytes(self._atoms)
            if not path.is_file() or path.stat().st_size < size:
                raise InputError(
                    f"{path} is shorter than its checkpoint; delete {self._folder} to repeat that run"
                )
            with path.open("r+b") as file:
                file.truncate(size)
                file.seek(8)  # the number of frames in the header
                file.write(np.int32(self.frames).tobytes())
        if not self.frames:
            table.unlink(missing_ok=True)
            return
        lines = table.read_bytes().splitlines(keepends=True)[: self.frames + 1]
        if len(lines) <= self.frames:
            raise InputError(
                f"{table} is shorter than its checkpoint; delete {self._folder} to repeat that run"
            )
        write_bytes(table, b"".join(lines))

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        for file in (*self._dcd_files, self._table):
            file.close()
