"""The frame in which ions move: the mean of the anion centres, the centre of mass, or the lab."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmm_anion.analysis.compiled import compiled
from openmm_anion.analysis.ions import Anion
from openmm_anion.errors import InputError

Array = NDArray[np.float64]

SYSTEM = "system"
"""The centre of mass of all atoms."""


class Framework:
    r"""Origin of a frame that moves with the crystal.

    For anions it is the mean of their centres of mass,
    :math:`o = \frac{1}{n} \sum_a \sum_{i \in a} m_i x_i / M_a`: every anion counts the same. Averages
    over ligands would be a bad frame: ligands of a rotating anion move without the framework moving.
    Positions must be continuous in time; an anion that is whole in one frame then is whole in all.

    Parameters
    ----------
    relative_to : sequence of array_like of int, "system" or None
        Atom indices of each anion; or the centre of mass of all atoms; or the lab.
    masses : array_like, shape (n_atoms,)
        Masses of all atoms, Da.

    Attributes
    ----------
    indices : ndarray
        Atoms that make the frame.
    molecules : list of ndarray
        Places in `indices`, one array per anion.

    Raises
    ------
    InputError
        If there is no anion, an index is out of range, or an anion has no mass.

    Examples
    --------
    >>> frame = Framework([[0, 1], [2]], masses=[1.0, 3.0, 5.0])
    >>> frame.origin(np.array([[0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [5.0, 0.0, 0.0]]))
    array([4., 0., 0.])
    """

    def __init__(self, relative_to: Sequence[ArrayLike] | str | None, masses: ArrayLike) -> None:
        mass = np.asarray(masses, dtype=np.float64)
        self.indices = np.empty(0, dtype=np.int64)
        self.molecules: list[NDArray[np.int64]] = []
        self._weights = np.empty(0)
        if relative_to is None:
            return
        if isinstance(relative_to, str):
            if relative_to != SYSTEM:
                raise InputError(f"relative_to {relative_to!r}: give the anions, {SYSTEM!r} or None")
            groups = [np.arange(len(mass))]
        else:
            groups = [np.asarray(anion, dtype=np.int64) for anion in relative_to]
            if not groups or any(len(group) == 0 for group in groups):
                raise InputError("the anion framework needs at least one anion with atoms; check its formula")
            ends = np.cumsum([len(group) for group in groups])
            self.molecules = [
                np.arange(end - len(group), end) for group, end in zip(groups, ends, strict=True)
            ]
        self.indices = np.concatenate(groups)
        if self.indices.min() < 0 or self.indices.max() >= len(mass):
            raise InputError(f"an anion names atom {self.indices.max()}, but there are {len(mass)} atoms")
        totals = [mass[group].sum() for group in groups]
        if not min(totals) > 0.0:
            raise InputError(f"anion {int(np.argmin(totals))} has no mass; give masses of the atoms in Da")
        shares = [mass[group] / total for group, total in zip(groups, totals, strict=True)]
        self._weights = np.concatenate(shares) / len(groups)

    def origin(self, positions: Array) -> Array:
        """Return the origin.

        Parameters
        ----------
        positions : array, shape (..., n, 3)
            Continuous positions of the atoms in `indices`.

        Returns
        -------
        array, shape (..., 3)
            In the unit of `positions`; zero for the lab.
        """
        if not len(self.indices):
            return np.zeros((*positions.shape[:-2], 3))
        origin = _weighted(
            self._weights, np.asarray(positions, np.float64).reshape(-1, *positions.shape[-2:])
        )
        return origin.reshape(*positions.shape[:-2], 3)


@compiled
def _weighted(weights: Array, positions: Array) -> Array:
    """Weighted sum over the atoms of each frame."""
    total = np.empty((positions.shape[0], 3))
    for f in range(positions.shape[0]):
        x, y, z = 0.0, 0.0, 0.0
        for a in range(positions.shape[1]):
            x += weights[a] * positions[f, a, 0]
            y += weights[a] * positions[f, a, 1]
            z += weights[a] * positions[f, a, 2]
        total[f, 0], total[f, 1], total[f, 2] = x, y, z
    return total


@compiled
def relative_to_origin(positions: Array, origin: Array, moved: Array) -> Array:
    """Return positions less the origin of their frame; NumPy is slow where the last axis is short.

    Parameters
    ----------
    positions : array, shape (k, n, 3)
        Positions.
    origin : array, shape (k, 3)
        Of each frame.
    moved : array, shape (k, n, 3)
        Where the result goes.

    Returns
    -------
    array, shape (k, n, 3)
        `moved`.

    Examples
    --------
    >>> relative_to_origin(np.ones((1, 2, 3)), np.array([[1.0, 0.0, 0.0]]), np.empty((1, 2, 3)))[0, 0]
    array([0., 1., 1.])
    """
    for f in range(positions.shape[0]):
        for a in range(positions.shape[1]):
            for k in range(3):
                moved[f, a, k] = positions[f, a, k] - origin[f, k]
    return moved


Frame = Sequence[Anion | ArrayLike] | Sequence[Anion] | Sequence[ArrayLike] | str | None
"""What `frame_of` takes."""


def frame_of(relative_to: Frame, universe: Any) -> Framework:
    """Return the frame that a quantity is asked for.

    Parameters
    ----------
    relative_to : sequence of Anion or of array_like of int, "system" or None
        The mean of the centres of mass of anions, from `find_ions` or as arrays of atom indices; the centre
        of mass of all atoms; or the lab.
    universe : MDAnalysis.Universe
        With masses, where they are needed and not in the anions.

    Returns
    -------
    Framework
        Gives the origin of each frame of the trajectory.

    Raises
    ------
    InputError
        If there are no anions or no masses.
    """
    if relative_to is None:
        return Framework(None, np.ones(0))
    if isinstance(relative_to, str):
        return Framework(relative_to, masses_known(universe))
    found = [anion for anion in relative_to if isinstance(anion, Anion)]
    if len(found) < len(relative_to):
        return Framework([np.asarray(anion) for anion in relative_to], masses_known(universe))
    masses = np.zeros(len(universe.atoms))
    for anion in found:
        masses[anion.indices] = anion.masses
    return Framework([anion.indices for anion in found], masses)


def masses_known(universe: Any) -> Array:
    """Masses of all atoms, Da.

    Parameters
    ----------
    universe : MDAnalysis.Universe
        With masses.

    Returns
    -------
    array, shape (number of atoms,)
        Da.

    Raises
    ------
    InputError
        If the topology has none.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> u = mda.Universe.empty(1)
    >>> u.add_TopologyAttr("masses", [22.99])
    >>> masses_known(u)
    array([22.99])
    """
    if not hasattr(universe.atoms, "masses"):
        raise InputError('the topology has no masses; set universe.add_TopologyAttr("masses", [...]), in Da')
    return np.asarray(universe.atoms.masses, dtype=np.float64)
