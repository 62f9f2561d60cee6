"""Anions of one size side by side in arrays, so that NumPy works on thousands of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openmm_anion import shape
from openmm_anion.freezing.reference import FrozenAnion

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SameSize:
    """The k anions of n atoms each.

    Attributes
    ----------
    numbers : (k,) int array
        Their places in the sequence of all anions.
    indices : (k, n) int array
        Their particles.
    masses : (k, n) array
        Masses, Da.
    positions : (k, n, 3) array
        Reference positions, nm.
    linear : (k,) bool array
        Whether an anion is linear.
    inverse_inertia : (k, 3) array
        Inverse moments of inertia, 1/(Da nm^2); zero about the axis of a linear anion.
    axes : (k, 3, 3) array
        Principal axes they belong to, as columns.
    """

    numbers: NDArray[np.int64]
    indices: NDArray[np.int64]
    masses: Array
    positions: Array
    linear: NDArray[np.bool_]
    inverse_inertia: Array
    axes: Array

    def means(self, values: Array) -> Array:
        """Return mass-weighted means over the atoms of each anion.

        Parameters
        ----------
        values : (k, n, 3) array
            Positions or velocities.

        Returns
        -------
        array, shape (k, 3)
            In the unit of the values.
        """
        return shape.center_of_mass(values, self.masses)


def by_size(anions: Sequence[FrozenAnion]) -> Iterator[SameSize]:
    """Yield the anions, those of one size together.

    Parameters
    ----------
    anions : sequence of FrozenAnion
        Any anions.

    Yields
    ------
    SameSize
        Each with k anions of n atoms.

    Examples
    --------
    >>> pair = FrozenAnion(np.array([0, 1]), np.ones(2), np.array([[0.0, 0, 0], [0.12, 0, 0]]))
    >>> [same.indices.shape for same in by_size([pair, pair])]
    [(2, 2)]
    """
    sizes = np.array([len(anion.indices) for anion in anions], dtype=np.int64)
    for size in np.unique(sizes):
        numbers = np.flatnonzero(sizes == size)
        chosen = [anions[int(number)] for number in numbers]
        yield SameSize(
            numbers=numbers,
            indices=np.array([anion.indices for anion in chosen]),
            masses=np.array([anion.masses for anion in chosen]),
            positions=np.array([anion.positions for anion in chosen]),
            linear=np.array([anion.shape == "linear" for anion in chosen]),
            inverse_inertia=np.array([anion.inverse_inertia[0] for anion in chosen]),
            axes=np.array([anion.inverse_inertia[1] for anion in chosen]),
        )
