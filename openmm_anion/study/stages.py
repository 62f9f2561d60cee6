"""Lengths at which a study that may end early looks at what it knows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from openmm_anion.study.layout import RunKey
from openmm_anion.study.settings import StudySettings

GROWTH = 1.25
"""Of the length from one look to the next: D is known better by a tenth then."""


def stages(settings: StudySettings) -> list[int]:
    """Return the frames up to which all runs go before the next look, the longest last.

    Without a target there is one. Looks come at checkpoints, from which runs go on.

    Parameters
    ----------
    settings : StudySettings
        The study file.

    Returns
    -------
    list of int
        Ascending.

    Examples
    --------
    >>> from openmm_anion.study.settings import parse_settings
    >>> dynamics = {"temperatures": 900, "production": 30, "least_production": 10, "target_uncertainty": 0.2}
    >>> crystal = {"file": "a.cif", "cation": "Na", "anion": "PS4"}
    >>> content = {"structure": crystal, "potential": {"name": "na3ps4"}, "dynamics": dynamics}
    >>> stages(parse_settings(content, "an example"))  # frames of 0.05 ps
    [200, 260, 340, 440, 560, 600]
    """
    dynamics, output = settings.dynamics, settings.output
    last = round(dynamics.production / output.frame_interval)
    if not dynamics.target_uncertainty:
        return [last]
    step = max(1, round(output.checkpoint_interval / output.frame_interval))
    found, length = [], dynamics.least_production / output.frame_interval
    while (frames := step * math.ceil(length / step - 1e-6)) < last:
        found.append(frames)
        length = GROWTH * frames
    return [*found, last]


@dataclass
class StudyRound:
    """Runs of one temperature on their way to the same length.

    Attributes
    ----------
    temperature : float
        Temperature, K.
    lengths : list of int
        See `stages`.
    stage : int
        Which of them they are on the way to.
    missing : set of RunKey
        Runs that are not there yet.
    there : set of RunKey
        Runs that have reached it and could go on.
    """

    temperature: float
    lengths: list[int]
    stage: int = 0
    missing: set[RunKey] = field(default_factory=set)
    there: set[RunKey] = field(default_factory=set)

    @classmethod
    def resumed(
        cls,
        temperature: float,
        lengths: list[int],
        records: Mapping[RunKey, Mapping[str, Any]],
        unfinished: Iterable[RunKey],
    ) -> StudyRound:
        """Return the state in which a study was left.

        Parameters
        ----------
        temperature : float
            Temperature, K.
        lengths : list of int
            See `stages`.
        records : mapping of RunKey to mapping
            Contents of every ``run.json`` of that temperature.
        unfinished : iterable of RunKey
            Runs that have not ended.

        Returns
        -------
        StudyRound
            With the runs that are missing, and those that wait.

        Examples
        --------
        >>> free, frozen = RunKey(900.0, 0, "free"), RunKey(900.0, 0, "R")
        >>> records = {free: {"status": "waiting", "until_frame": 20}, frozen: {}}
        >>> here = StudyRound.resumed(900.0, [10, 20, 40], records, [free, frozen])
        >>> here.until, here.there == {free}, here.missing == {frozen}
        (20, True, True)
        """
        furthest = max((record.get("until_frame", 0) for record in records.values()), default=0)
        stage = next((i for i, length in enumerate(lengths) if length >= furthest), len(lengths) - 1)
        here = cls(temperature, lengths, stage)
        for key in unfinished:
            record = records[key]
            waits = record.get("status") == "waiting" and record.get("until_frame") == here.until
            (here.there if waits else here.missing).add(key)
        return here

    @property
    def until(self) -> int:
        """Frame to which they go."""
        return self.lengths[self.stage]

    def arrived(self, key: RunKey, *, waits: bool) -> None:
        """Note that a run has come to its end, or to where it waits.

        Parameters
        ----------
        key : RunKey
            Of the run.
        waits : bool
            Whether it can go on.
        """
        self.missing.discard(key)
        if waits:
            self.there.add(key)

    def go_on(self) -> list[RunKey]:
        """Send all that are there to the next length.

        Returns
        -------
        list of RunKey
            Those that go on.
        """
        self.stage += 1
        self.missing, self.there = self.there, set()
        return sorted(self.missing)
