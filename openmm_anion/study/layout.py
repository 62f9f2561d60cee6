"""Where a study keeps its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class RunKey(NamedTuple):
    """One run of a study.

    Attributes
    ----------
    temperature : float
        Temperature, K.
    snapshot : int
        Number of the snapshot it starts from.
    mode : str
        Name of the frozen motions, ``"free"`` for none; see `openmm_anion.freezing.modes.mode_names`.
    repeat : int
        Which of several runs of that mode from that snapshot, from 0.

    Examples
    --------
    >>> str(RunKey(900.0, 0, "R")), str(RunKey(900.0, 0, "R", repeat=1))
    ('900 K, snapshot 0, R', '900 K, snapshot 0, R, repeat 1')
    """

    temperature: float
    snapshot: int
    mode: str
    repeat: int = 0

    def __str__(self) -> str:
        repeat = f", repeat {self.repeat}" if self.repeat else ""
        return f"{self.temperature:g} K, snapshot {self.snapshot}, {self.mode}{repeat}"


@dataclass(frozen=True)
class StudyLayout:
    """Files and folders of a study below its root.

    Attributes
    ----------
    root : Path
        Directory of the study.

    Examples
    --------
    >>> StudyLayout(Path("results")).run(RunKey(900.0, 0, "R")).as_posix()
    'results/runs/T900K/snapshot-0/R'
    """

    root: Path

    @property
    def study_file(self) -> Path:
        """The settings with all defaults filled in, and checksums of structure and potential."""
        return self.root / "study.json"

    @property
    def inputs(self) -> Path:
        """Copies of the structure file, and of the potential where it is a file of the user's."""
        return self.root / "inputs"

    @property
    def structure(self) -> Path:
        """Atoms, anions and cations, for the analysis."""
        return self.root / "structure.json"

    @property
    def topology(self) -> Path:
        """Whole structure as PDB, for MDAnalysis and viewers."""
        return self.root / "topology.pdb"

    @property
    def lock(self) -> Path:
        """Held while a process runs this study."""
        return self.root / "study.lock"

    def snapshot(self, temperature: float, number: int) -> Path:
        """Folder of an equilibration and of the runs that start from it.

        Parameters
        ----------
        temperature : float
            K.
        number : int
            From 0.

        Returns
        -------
        Path
            ``runs/T...K/snapshot-...`` below `root`.
        """
        return self.root / "runs" / f"T{temperature:g}K" / f"snapshot-{number}"

    def snapshot_file(self, temperature: float, number: int) -> Path:
        """What an equilibration leaves.

        Parameters
        ----------
        temperature : float
            K.
        number : int
            From 0.

        Returns
        -------
        Path
            ``snapshot.npz`` in that folder.
        """
        return self.snapshot(temperature, number) / "snapshot.npz"

    def run(self, key: RunKey) -> Path:
        """Folder of one run.

        Parameters
        ----------
        key : RunKey
            Temperature, snapshot, mode and repeat.

        Returns
        -------
        Path
            Below the folder of its snapshot, with the mode as its name.
        """
        repeat = f"-repeat-{key.repeat}" if key.repeat else ""
        return self.snapshot(key.temperature, key.snapshot) / f"{key.mode}{repeat}"
