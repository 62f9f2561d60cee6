"""The shape of a rigid set of atoms: how many axes it can turn about, and its principal axes."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Shape = Literal["linear", "planar", "general"]

THIN = 0.1
"""Ratio of extents under which a direction counts as thin.

Linear and planar ions bend by a few hundredths of their length at the temperatures of use;
the next flattest real ions (pyramids such as SO3 2-) stand above 0.3.
"""


def center_of_mass(positions: Array, masses: Array) -> Array:
    """Return the centre of mass, nm.

    Parameters
    ----------
    positions : (n, 3) array
        Whole positions, nm.
    masses : (n,) array
        Masses, Da.
    """
    return np.asarray(masses @ positions / masses.sum())


def second_moments(positions: Array, masses: Array) -> Array:
    """Return the mass-weighted second moments ``sum m r r^T`` about the centre of mass, Da nm^2.

    Parameters
    ----------
    positions : (n, 3) array
        Whole positions, nm.
    masses : (n,) array
        Masses, Da.
    """
    relative = positions - center_of_mass(positions, masses)
    return np.asarray((masses[:, None] * relative).T @ relative)


def inertia_tensor(positions: Array, masses: Array) -> Array:
    """Return the inertia tensor about the centre of mass, ``tr(S) 1 - S`` with the second moments S, Da nm^2.

    Parameters
    ----------
    positions : (n, 3) array
        Whole positions, nm.
    masses : (n,) array
        Masses, Da.

    Examples
    --------
    >>> inertia_tensor(np.array([[0.0, 0.0, 0.0], [0.1, 0.0, 0.0]]), np.array([2.0, 2.0]))
    array([[0.  , 0.  , 0.  ],
           [0.  , 0.01, 0.  ],
           [0.  , 0.  , 0.01]])
    """
    moments = second_moments(positions, masses)
    return np.asarray(np.trace(moments) * np.eye(3) - moments)


def principal_axes(positions: Array, masses: Array) -> tuple[Array, Array]:
    """Return the principal second moments (falling) and the right-handed axes as columns.

    Parameters
    ----------
    positions : (n, 3) array
        Whole positions, nm.
    masses : (n,) array
        Masses, Da.

    Returns
    -------
    moments : (3,) array
        Eigenvalues of ``sum m r r^T``, Da nm^2, largest first.
    axes : (3, 3) array
        A proper rotation whose columns are the principal axes.
    """
    moments, axes = np.linalg.eigh(second_moments(positions, masses))
    moments, axes = np.maximum(moments[::-1], 0.0), axes[:, ::-1].copy()
    axes[:, 2] *= np.sign(np.linalg.det(axes))
    return moments, axes


def classify(positions: Array, masses: Array) -> Shape:
    """Tell whether the atoms lie on a line, in a plane, or in neither.

    Parameters
    ----------
    positions : (n, 3) array
        Whole positions, nm.
    masses : (n,) array
        Masses, Da.

    Examples
    --------
    >>> classify(np.array([[0.0, 0, 0], [0.12, 0, 0], [-0.12, 0.002, 0]]), np.ones(3))
    'linear'
    """
    # Equal weights: the shape is one of geometry, and hydrogen must count as much as boron.
    extents = np.sqrt(principal_axes(positions, np.ones_like(masses))[0])
    thin = int(np.count_nonzero(extents < THIN * extents[0]))
    shapes: tuple[Shape, ...] = ("general", "planar", "linear")
    return shapes[min(thin, 2)]
