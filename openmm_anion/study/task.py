"""What a worker does: equilibrate one snapshot of a study, or run one mode from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from openmm_anion.processes import exclusive
from openmm_anion.study.equilibration import Snapshot, equilibrate
from openmm_anion.study.layout import RunKey, StudyLayout
from openmm_anion.study.prepared import PreparedStudy, prepare_study
from openmm_anion.study.production import produce
from openmm_anion.study.settings import StudySettings


@dataclass(frozen=True)
class Task:
    """What a worker is asked to do.

    Attributes
    ----------
    key : RunKey
        Temperature, snapshot and mode.
    root : Path
        Directory of the study.
    platform : str
        OpenMM platform.
    seed : int
        Seed of its random numbers.
    equilibrate : bool
        Make the snapshot, instead of a run from it.
    until, told : int
        Frame at which a run pauses, and up to which its steps have been told of.
    """

    key: RunKey
    root: Path
    platform: str
    seed: int
    equilibrate: bool
    until: int | None = None
    told: int = 0

    def run(self, settings: StudySettings, report: Callable[[int], None]) -> str:
        """Do it.

        Parameters
        ----------
        settings : StudySettings
            The study.
        report : callable
            Told the number of steps done since the last call.

        Returns
        -------
        str
            ``"finished"``, ``"waiting"``, ``"broken"`` or ``"failed"``.

        Raises
        ------
        InputError
            If another worker is at it, or an equilibration breaks an anion.
        """
        layout = StudyLayout(self.root)
        place = layout.snapshot_file(self.key.temperature, self.key.snapshot)
        folder = place.parent if self.equilibrate else layout.run(self.key)
        folder.mkdir(parents=True, exist_ok=True)
        with exclusive(folder / "worker.lock"):
            study = _prepared(settings)
            if self.equilibrate:
                equilibrate(study, self.key.temperature, self.seed, self.platform, report).write(place)
                return "finished"
            return produce(
                study,
                self.key,
                Snapshot.read(place),
                folder,
                self.seed,
                self.platform,
                report,
                until=self.until,
                told=self.told,
            )


@lru_cache(maxsize=1)
def _prepared(settings: StudySettings) -> PreparedStudy:
    """One study per process: loading the potential takes longer than many a task."""
    return prepare_study(settings)
