"""Shapes of two and three atoms that GPU platforms hold in full precision."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from openmm_anion.freezing.reference import FrozenAnion

Array = NDArray[np.float64]

NEWTON_STEPS = 3
"""The second leaves nothing to do: distances change by 1e-7 of themselves at most."""


def storable_shape(anion: FrozenAnion) -> FrozenAnion:
    """Return the anion with distances that GPU platforms do not round.

    CUDA, HIP and OpenCL solve the constraint of two atoms with SHAKE and those of an isosceles triangle with
    SETTLE, and compute with d^2 and d in single precision there, whatever the precision of the platform: the
    shape would be held 1e-9 nm beside the reference. A pair therefore gets the nearest distance whose square
    is a single-precision number, and a triangle three distances that differ in single precision, so that it
    goes to CCMA like larger anions, which keeps its distances in full.

    The reference moves by less than 1e-7 nm; its centre of mass stays.

    Parameters
    ----------
    anion : FrozenAnion
        An anion whose shape is to be held by distance constraints.

    Returns
    -------
    FrozenAnion
        The same object where nothing is to be done.

    Examples
    --------
    >>> anion = storable_shape(FrozenAnion(np.arange(2), np.ones(2), np.array([[0.0, 0, 0], [0.117, 0, 0]])))
    >>> square = float(anion.positions[1, 0] - anion.positions[0, 0]) ** 2
    >>> bool(abs(square - np.float32(square)) < 1e-17)
    True
    """
    n_atoms = len(anion.indices)
    if n_atoms > 3 or (n_atoms == 3 and anion.shape == "linear"):
        return anion
    first, second = np.array(list(combinations(range(n_atoms), 2))).T
    positions = anion.positions.copy()
    length = np.linalg.norm(positions[first] - positions[second], axis=1)
    wanted = _storable_pair(length) if n_atoms == 2 else _unequal(length)
    for _ in range(NEWTON_STEPS):
        vectors = positions[first] - positions[second]
        length = np.linalg.norm(vectors, axis=1)
        gradient = np.zeros((len(length), n_atoms, 3))
        rows = np.arange(len(length))
        gradient[rows, first] = vectors / length[:, None]
        gradient[rows, second] = -vectors / length[:, None]
        weighted = gradient / anion.masses[:, None]
        coupling = np.einsum("aix,bix->ab", gradient, weighted)
        positions -= np.einsum("a,aix->ix", np.linalg.solve(coupling, length - wanted), weighted)
    return anion.at(positions)


def _storable_pair(length: Array) -> Array:
    return np.sqrt(np.float32(length**2).astype(np.float64))


def _unequal(length: Array) -> Array:
    result = length.copy()
    for k in range(len(result)):
        while np.float32(result[k]) in np.float32(result[:k]):
            result[k] = np.nextafter(np.float32(result[k]), np.float32(np.inf))
    return result
