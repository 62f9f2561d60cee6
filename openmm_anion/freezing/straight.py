"""Linear anions whose atoms are on one line but for rounding."""

from __future__ import annotations

import numpy as np

from openmm_anion import shape
from openmm_anion.freezing.reference import FrozenAnion

STRAIGHT = 1e-7
"""Distance (nm) from its line up to which an atom of a linear anion counts as on it."""


def is_straight(anion: FrozenAnion) -> bool:
    """Tell whether a linear anion has no bend, so that there is no direction across it.

    Parameters
    ----------
    anion : FrozenAnion
        Any anion.

    Returns
    -------
    bool
        False of an anion that is not linear.

    Examples
    --------
    >>> import numpy as np
    >>> pair = FrozenAnion(np.array([0, 1]), np.ones(2), np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]]))
    >>> is_straight(pair)
    True
    """
    axes = shape.principal_axes(anion.positions, anion.masses)[1]
    off_line = np.linalg.norm(anion.displacements @ axes[:, 1:], axis=1)
    return anion.shape == "linear" and bool((off_line < STRAIGHT).all())


def straightened(anion: FrozenAnion) -> FrozenAnion:
    """Return the anion with its atoms put onto their line if they are there but for rounding.

    Directions from the line would be noise. The reference moves by less than `STRAIGHT`, and its centre
    of mass stays.

    Parameters
    ----------
    anion : FrozenAnion
        An anion whose shape is to be held by the rigid shape projector.

    Returns
    -------
    FrozenAnion
        The same object where nothing is to be done.

    Examples
    --------
    >>> bent = np.array([[0.0, 0.0, 0.0], [0.1, 1e-9, 0.0], [0.2, 0.0, 0.0]])
    >>> anion = straightened(FrozenAnion(np.arange(3), np.ones(3), bent))
    >>> float(np.abs(np.diff(anion.positions[:, 1])).max()) < 1e-15
    True
    """
    if not is_straight(anion):
        return anion
    line = shape.principal_axes(anion.positions, anion.masses)[1][:, 0]
    positions = anion.center + np.outer(anion.displacements @ line, line)
    return FrozenAnion(anion.indices, anion.masses, positions)
