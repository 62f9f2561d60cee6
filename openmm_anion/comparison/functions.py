"""Functions of the runs of a study, averaged over snapshots, as they are written to ``functions.json``."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ValidationError

from openmm_anion.atomic_file import write_bytes

VERSION = 1
"""Of what is written; numbers of another version are computed again."""

FILE = "functions.json"


class Surface(BaseModel):
    """A function of lag time and distance: ``values[lag][distance]``.

    Examples
    --------
    >>> len(Surface(lag_ps=[0.1], distance_A=[0.5, 1.5], values=[[0.0, 1.0]]).values[0])
    2
    """

    lag_ps: list[float]
    distance_A: list[float]
    values: list[list[float]]


class Curves(BaseModel):
    """Functions of one variable, lag time (ps) or frequency (THz), by name.

    Examples
    --------
    >>> Curves(x=[0.1, 0.2], values={"c1": [1.0, None]}).values["c1"]
    [1.0, None]
    """

    x: list[float]
    values: dict[str, list[float | None]]


class AnionDensity(BaseModel):
    """Density of cations about an anion, over their mean density, on a cubic grid about its centre.

    Point (i, j, k) of the flat list, k fastest, is at ``spacing_A * (i - n // 2, ...)``, n points an edge.

    Examples
    --------
    >>> there = {"symbols": ["N"], "positions_A": [[0.0, 0.0, 0.0]]}
    >>> AnionDensity(spacing_A=0.5, points=1, relative=[1.0], **there).points
    1
    """

    spacing_A: float
    points: int
    relative: list[float]
    symbols: list[str]
    positions_A: list[list[float]]


class ModeFunctions(BaseModel):
    """One mode at one temperature: means over its snapshots, each with the same number of frames.

    Attributes
    ----------
    snapshots : list of int
        Snapshots whose runs are averaged.
    frames : int
        Frames of each run, from its first: as many as the shortest at this temperature has.
    sources : list of str
        Files that the numbers are made of, with size and time of change.
    van_hove_self, van_hove_distinct : Surface or None
        Probability of displacements of cations, 1/A; pair distribution of cations and anion centres.
    orientation : dict of str to Curves
        By formula: ``c1``, ``c2`` and ``rotor`` with errors ``c1_error``, ``c2_error``.
    coupling : dict of str to Curves
        By formula: ``residence`` and ``coupling`` with errors.
    cutoff_A : float or None
        Radius of the shell for both.
    spectrum : Curves or None
        By part (cations, translation, rotation, vibration), kJ/mol per THz.
    density : dict of str to AnionDensity
        By formula.
    notes : dict of str to str
        What could not be computed, and why; or what limits it.
    """

    temperature_K: float
    mode: str
    snapshots: list[int]
    frames: int
    interval_ps: float
    sources: list[str]
    van_hove_self: Surface | None = None
    van_hove_distinct: Surface | None = None
    orientation: dict[str, Curves] = {}
    coupling: dict[str, Curves] = {}
    cutoff_A: float | None = None
    spectrum: Curves | None = None
    density: dict[str, AnionDensity] = {}
    notes: dict[str, str] = {}


class StudyFunctions(BaseModel):
    """All functions of a study, and what was left out."""

    version: int = VERSION
    modes: list[ModeFunctions]
    left_out: list[str] = []

    def at(self, temperature_K: float) -> list[ModeFunctions]:
        """Return what there is at one temperature.

        Parameters
        ----------
        temperature_K : float
            As the study has it, K.

        Returns
        -------
        list of ModeFunctions
            One for each mode; empty where nothing was computed.
        """
        return [mode for mode in self.modes if mode.temperature_K == temperature_K]

    def write(self, directory: Path) -> None:
        """Write ``functions.json`` into a study directory, all at once or not at all.

        Parameters
        ----------
        directory : Path
            Of the study.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        write_bytes(directory / FILE, (self.model_dump_json() + "\n").encode())

    @classmethod
    def read(cls, directory: Path) -> StudyFunctions:
        """Read ``functions.json``; nothing where it is missing, damaged or of another version.

        Parameters
        ----------
        directory : Path
            Of the study.

        Returns
        -------
        StudyFunctions
            Without modes where there is nothing of this version.

        Examples
        --------
        >>> StudyFunctions.read(Path("no such study")).modes
        []
        """
        try:
            content = json.loads((directory / FILE).read_text())
            if content["version"] == VERSION:
                return cls.model_validate(content)
        except (OSError, ValueError, KeyError, TypeError, ValidationError):
            pass  # it is a copy of what the trajectories say, and made again
        return cls(modes=[])
