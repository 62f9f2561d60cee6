"""The frame in which cations diffuse: the mean of the anion centres of mass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmm_anion.errors import InputError


class AnionFramework:
    r"""Origin of the anion framework, :math:`o = \frac{1}{n} \sum_a \sum_{i \in a} m_i x_i / M_a`.

    Every anion counts the same. Averages over ligands would be a bad frame: ligands of a
    rotating anion move without the framework moving. Positions must be continuous in time; an
    anion that is whole in one frame then is whole in all.

    Parameters
    ----------
    anions : sequence of array_like of int
        Atom indices of each anion.
    masses : array_like, shape (n_atoms,)
        Masses of all atoms, Da.

    Attributes
    ----------
    indices : ndarray
        All anion atoms, in the order of `anions`.

    Raises
    ------
    InputError
        If there is no anion, an index is out of range, or an anion has no mass.

    Examples
    --------
    >>> frame = AnionFramework([[0, 1], [2]], masses=[1.0, 3.0, 5.0])
    >>> frame.origin([[0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [5.0, 0.0, 0.0]])
    array([4., 0., 0.])
    """

    def __init__(self, anions: Sequence[ArrayLike], masses: ArrayLike) -> None:
        groups = [np.asarray(anion, dtype=np.int64) for anion in anions]
        if not groups or any(len(group) == 0 for group in groups):
            raise InputError("the anion framework needs at least one anion with atoms; check its formula")
        mass = np.asarray(masses, dtype=np.float64)
        self.indices: NDArray[np.int64] = np.concatenate(groups)
        if self.indices.min() < 0 or self.indices.max() >= len(mass):
            raise InputError(f"an anion names atom {self.indices.max()}, but there are {len(mass)} atoms")
        totals = [mass[group].sum() for group in groups]
        if min(totals) <= 0.0:
            raise InputError(f"anion {int(np.argmin(totals))} has no mass; give masses of the atoms in Da")
        self._weights = np.concatenate(
            [mass[group] / total for group, total in zip(groups, totals, strict=True)]
        ) / len(groups)

    def origin(self, positions: ArrayLike) -> NDArray[np.float64]:
        """Return the origin for one frame.

        Parameters
        ----------
        positions : array_like, shape (n_atoms, 3)
            Positions of all atoms, unwrapped.

        Returns
        -------
        ndarray, shape (3,)
            Mean of the anion centres of mass, unit of `positions`.
        """
        return np.asarray(self._weights @ np.asarray(positions, dtype=np.float64)[self.indices])
