"""A study of a fraction of a picosecond, and the end of its process in the middle of a run."""

from __future__ import annotations

from collections.abc import Callable

from crystals import CRYSTAL

from openmm_anion.study.settings import StudySettings, parse_settings


def settings(**dynamics: object) -> StudySettings:
    """A study of a fraction of a picosecond."""
    content = {
        "structure": {"file": str(CRYSTAL), "supercell": [2, 2, 2], "cation": "Na", "anion": "PS4"},
        "potential": {"name": "na3ps4"},
        "dynamics": {
            "temperatures": 850,
            "modes": ["R"],
            "snapshots": 1,
            "equilibration": 0.1,
            "production": 0.12,
            **dynamics,
        },
        "output": {"frame_interval": 0.02, "checkpoint_interval": 0.04},
        "computer": {"platform": "CPU", "workers": 1},
    }
    return parse_settings(content, "the test")


class KilledError(Exception):
    """Stands for the end of the process."""


def killed_after(steps: int) -> Callable[[int], None]:
    """What a run tells its steps to, and which ends it once so many are done."""
    told = 0

    def count(done: int) -> None:
        nonlocal told
        told += done
        if told >= steps:
            raise KilledError

    return count
