r"""Jumps where neighbours come and go: at a cutoff, or in a neighbour list that misses one.

All atoms go along a random direction in small steps, so that some thousand distances pass the cutoff.
Between two neighbouring points the energy must change by the work of the mean force; what is left is the jump
(the work itself is exact to third order in the step). A jump J of a force appears as J in its second
differences over one step and over two, which are as 1 to 4 where the force is smooth: a third of four times
the first less the second is J, or next to nothing.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from openmm_anion.models.checking.probe import Evaluated, rms
from openmm_anion.models.checking.result import CheckResult

POINTS = 60
STEP = 0.003
"""Root mean square displacement of an atom between two points, angstrom."""

ENERGY_LIMIT = 0.1
"""Largest jump, meV per atom: a thousandth of the thermal energy at 1,000 K."""

FORCE_LIMIT = 5e-3
"""Largest jump of a component of a force over the root mean square."""


def no_jumps(evaluated: Evaluated, seed: int = 0) -> list[CheckResult]:
    """Walk along a line, and look for jumps of energy and forces.

    Parameters
    ----------
    evaluated : Evaluated
        The potential with a structure.
    seed : int, optional
        Of the direction.

    Returns
    -------
    list of CheckResult
        Of the energy and of the forces.
    """
    direction = np.random.default_rng(seed).normal(size=evaluated.positions.shape)
    step = STEP * direction / np.sqrt((direction**2).sum(axis=1).mean())
    points = [evaluated(evaluated.positions + (k - POINTS / 2) * step) for k in range(POINTS)]
    left = [
        after - before + 0.5 * float(((first + second) * step).sum())
        for (before, first), (after, second) in pairwise(points)
    ]
    # Work by the trapezoid rule is off by a smooth cubic term, which the median takes out.
    jump = float(np.abs(np.array(left) - np.median(left)).max())
    forces = np.array([force for _, force in points])
    once = forces[1:-3] - 2 * forces[2:-2] + forces[3:-1]
    twice = forces[:-4] - 2 * forces[2:-2] + forces[4:]
    force_jump = float(np.abs(4 * once - twice).max()) / 3
    note = f"{POINTS} points, {STEP:g} A apart"
    per_atom = 1e3 * jump / len(evaluated.positions)
    share = force_jump / rms(forces)
    return [
        CheckResult("jump of the energy", per_atom, "meV/atom", ENERGY_LIMIT, note),
        CheckResult("jump of a force", share, "of the RMS force", FORCE_LIMIT, "the same walk"),
    ]
