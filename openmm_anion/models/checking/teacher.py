"""Energies and forces against those of another potential, on frames of a run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from openmm_anion.models.checking.probe import Array, Evaluated, rms
from openmm_anion.models.checking.result import CheckResult

FORCE_LIMIT, ENERGY_LIMIT = 8.0, 2.0
"""Percent of the root mean square force, and meV per atom."""


def as_the_teacher(student: Evaluated, teacher: Evaluated, frames: Sequence[Array]) -> list[CheckResult]:
    """Root mean square differences to a teacher.

    Two potentials count energies from different zeros, so that of the mean energy is taken out.

    Parameters
    ----------
    student, teacher : Evaluated
        The potential and the one that it is compared with, with the same structure.
    frames : sequence of (N, 3) array
        Positions, angstrom.

    Returns
    -------
    list of CheckResult
        Of forces (percent, and meV/angstrom) and of energies (meV/atom).
    """
    energies, differences, forces = [], [], []
    for frame in frames:
        (energy, ours), (expected, theirs) = student(frame), teacher(frame)
        energies.append(energy - expected)
        differences.append(ours - theirs)
        forces.append(theirs)
    error = rms(np.array(differences))
    note = f"{len(frames)} frames of its own run"
    return [
        CheckResult(
            "forces against the teacher", 100 * error / rms(np.array(forces)), "%", FORCE_LIMIT, note
        ),
        CheckResult("the same", 1e3 * error, "meV/A", None),
        CheckResult(
            "energies against the teacher",
            1e3 * float(np.std(energies)) / len(student.positions),
            "meV/atom",
            ENERGY_LIMIT,
            "but for a constant",
        ),
    ]
