"""Notice when a run leaves what its potential was trained on: the members of a committee disagree there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmm_anion.atomic_file import write_bytes
from openmm_anion.errors import InputError
from openmm_anion.models.committee import Committee

Array = NDArray[np.float64]

FILE = "spread.csv"
HEADER = "time_ps,spread_ev_per_angstrom,atom\n"

STEPS_PER_MEMBER = 100
"""Steps between two looks, at least, for each member, whose evaluation costs about as much as a step."""


def checkpoints_between_looks(members: int, steps: int) -> int:
    """Return how many checkpoints, `steps` steps apart, there are from one look to the next.

    Parameters
    ----------
    members : int
        Potentials of the committee.
    steps : int
        Steps between two checkpoints.

    Returns
    -------
    int
        At least 1.

    Examples
    --------
    >>> checkpoints_between_looks(2, 500), checkpoints_between_looks(3, 100)
    (1, 3)
    """
    return -(-STEPS_PER_MEMBER * members // steps)


class SpreadWatch:
    """Look at the spread of a committee at some checkpoints, and write it to a file of the run.

    Parameters
    ----------
    committee : Committee
        Potentials that were trained apart.
    symbols : sequence of str
        Element of each particle.
    limit : float
        Spread of an atom above which a frame is outside, eV/angstrom.
    folder : Path
        Folder of the run.
    until_ps : float
        Time up to which an interrupted run is kept, ps; rows after it are dropped.

    Attributes
    ----------
    members : int
        Potentials of the committee.

    Raises
    ------
    InputError
        If the file of an interrupted run is damaged.
    """

    def __init__(
        self, committee: Committee, symbols: Sequence[str], limit: float, folder: Path, until_ps: float
    ) -> None:
        self.members = len(committee.members)
        self._spread = committee.bind(symbols)
        self._symbols = list(symbols)
        self._limit = limit
        self._file = folder / FILE
        rows = self._file.read_bytes().splitlines(keepends=True)[1:] if self._file.is_file() else []
        try:
            # What a kill left of a row is later than any checkpoint.
            kept = [r for r in rows if r.endswith(b"\n") and float(r.split(b",")[0]) <= until_ps + 1e-9]
        except ValueError:
            raise InputError(f"{self._file} is damaged; delete {folder} to repeat that run") from None
        write_bytes(self._file, b"".join([HEADER.encode(), *kept]))

    def __call__(self, positions: Array, box: Array, time_ps: float) -> None:
        """Look at one frame.

        Parameters
        ----------
        positions, box : (N, 3) and (3, 3) array
            Positions and box vectors, nm.
        time_ps : float
            Time, ps.
        """
        spread = self._spread(positions, box)
        atom = int(spread.argmax())
        with self._file.open("a") as out:
            out.write(f"{time_ps:.10g},{spread[atom]:.6g},{atom}\n")

    def record(self) -> dict[str, Any]:
        """What was seen in the whole run, as JSON types.

        Returns
        -------
        dict
            As ``run.json`` holds it.
        """
        rows = np.loadtxt(self._file, delimiter=",", skiprows=1, ndmin=2).reshape(-1, 3)
        outside = rows[rows[:, 1] > self._limit]
        first = None
        if len(outside):
            time, _, atom = outside[0]
            first = {"time_ps": float(time), "atom": int(atom), "symbol": self._symbols[int(atom)]}
        return {
            "frames": len(rows),
            "outside": len(outside),
            "largest_ev_per_angstrom": float(rows[:, 1].max(initial=0.0)),
            "limit_ev_per_angstrom": self._limit,
            "first": first,
        }
