r"""Forces against finite differences of the energy.

Along a random direction d of unit length (all atoms at once), :math:`(E(x + hd) - E(x - hd))/2h` is compared
with :math:`-F \cdot d`, both in units of the root mean square of such products. The step h that fits best of
several is taken for each direction: a large one bends, and a small one shows the rounding of the energy.
"""

from __future__ import annotations

import numpy as np

from openmm_anion.models.checking.probe import Evaluated, rms
from openmm_anion.models.checking.result import CheckResult

DIRECTIONS = 8
STEPS = (0.3, 0.1, 0.03, 0.01)
"""Lengths of the displacement of the whole structure, angstrom: of each of a hundred atoms, a tenth."""

LIMIT = 5e-3
"""Of the relative difference: energies in single precision are as noisy, wrong forces are off by more."""


def forces_are_the_gradient(evaluated: Evaluated, seed: int = 0) -> CheckResult:
    """Compare forces with central differences in random directions.

    Parameters
    ----------
    evaluated : Evaluated
        The potential with a structure, best off its minimum.
    seed : int, optional
        Of the directions.

    Returns
    -------
    CheckResult
        With the largest difference, relative to the forces.
    """
    random = np.random.default_rng(seed)
    here = evaluated.positions
    _, forces = evaluated(here)
    worst = 0.0
    for _ in range(DIRECTIONS):
        direction = random.normal(size=here.shape)
        direction /= np.linalg.norm(direction)
        expected = -float((forces * direction).sum())
        differences = []
        for step in STEPS:
            ahead, behind = evaluated(here + step * direction)[0], evaluated(here - step * direction)[0]
            differences.append(abs((ahead - behind) / (2 * step) - expected))
        worst = max(worst, min(differences))
    return CheckResult(
        "forces against energy differences",
        worst / rms(forces),
        "of the RMS force",
        LIMIT,
        f"{DIRECTIONS} random directions of all atoms",
    )
