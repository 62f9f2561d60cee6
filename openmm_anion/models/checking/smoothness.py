r"""Jumps where neighbours come and go: at a cutoff, or in a neighbour list that misses one.

All atoms go along a random direction in small steps, so that some thousand distances pass the cutoff.
Between two neighbouring points the energy must change by the work of the mean force; what is left is the jump
(the work itself is exact to third order in the step). Forces must not jump either: of their second
differences along the walk the largest stands out then.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from openmm_anion.models.checking.probe import Evaluated
from openmm_anion.models.checking.result import CheckResult

POINTS = 60
STEP = 0.003
"""Root mean square displacement of an atom between two points, angstrom."""

ENERGY_LIMIT = 0.1
"""Largest jump, meV per atom: a thousandth of the thermal energy at 1,000 K."""

FORCE_LIMIT = 10.0
"""Largest second difference of a force over the median along the walk."""


def no_jumps(evaluated: Evaluated, seed: int = 0) -> list[CheckResult]:
    """Walk along a line, and look for jumps of energy and forces.

    Parameters
    ----------
    evaluated : Evaluated
        The potential with a structure.
    seed : int, optional
        Of the direction.
    """
    direction = np.random.default_rng(seed).normal(size=evaluated.positions.shape)
    step = STEP * direction / np.sqrt((direction**2).sum(axis=1).mean())
    points = [evaluated(evaluated.positions + (k - POINTS / 2) * step) for k in range(POINTS)]
    jumps, changes = [], []
    for (before, first), (after, second) in pairwise(points):
        jumps.append(after - before + 0.5 * float(((first + second) * step).sum()))
        changes.append(second - first)
    # Work by the trapezoid rule is off by a smooth cubic term, which the median takes out.
    jump = np.abs(np.array(jumps) - np.median(jumps)).max()
    curvature = np.abs(np.diff(np.array(changes), axis=0)).max(axis=(1, 2))
    return [
        CheckResult(
            "jump of the energy",
            1e3 * float(jump) / len(evaluated.positions),
            "meV/atom",
            ENERGY_LIMIT,
            f"{POINTS} points, {STEP:g} A apart",
        ),
        CheckResult(
            "jump of a force",
            float(curvature.max() / np.median(curvature)),
            "of the median",
            FORCE_LIMIT,
            "the same walk",
        ),
    ]
