"""What must change nothing: a shift, other images, another order of the atoms, a rotation."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from openmm_anion.models.checking.probe import Array, Evaluated, rms
from openmm_anion.models.checking.result import CheckResult

LIMIT = 1e-3
"""Of the largest change of a force, over the root mean square: floats pass, and nothing that is wrong."""


def nothing_else_matters(evaluated: Evaluated, seed: int = 0) -> list[CheckResult]:
    """Compare forces before and after changes that a crystal does not notice.

    Parameters
    ----------
    evaluated : Evaluated
        The potential with a structure.
    seed : int, optional
        Of the shift, the images, the order and the rotation.

    Returns
    -------
    list of CheckResult
        One for each change.
    """
    random = np.random.default_rng(seed)
    here, box = evaluated.positions, evaluated.box
    _, forces = evaluated(here)
    scale = rms(forces)

    def result(name: str, others: Array, note: str) -> CheckResult:
        return CheckResult(
            name, float(np.abs(others - forces).max()) / scale, "of the RMS force", LIMIT, note
        )

    shift = random.uniform(-0.5, 0.5, 3) @ box
    images = random.integers(-2, 3, here.shape) @ box
    order = random.permutation(len(here))
    moved = evaluated.reordered(order)
    back = np.empty_like(forces)
    back[order] = moved(moved.positions)[1]
    found = [
        result("shift of the whole", evaluated(here + shift)[1], ""),
        result("other periodic images", evaluated(here + images)[1], "each atom in a cell of its own"),
        result("other order of the atoms", back, ""),
    ]
    if evaluated.turns:
        turn = Rotation.random(random_state=seed).as_matrix()
        turned = evaluated(here @ turn.T, box @ turn.T)[1] @ turn
        found.append(result("rotation of the whole", turned, "with its box"))
    return found
