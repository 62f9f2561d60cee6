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
    positions : (..., n, 3) array
        Whole positions, nm.
    masses : (..., n) array
        Masses, Da.

    Returns
    -------
    (..., 3) array
        nm.

    Examples
    --------
    >>> center_of_mass(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.4]]), np.array([3.0, 1.0]))
    array([0. , 0. , 0.1])
    """
    weights = masses / masses.sum(axis=-1, keepdims=True)
    return np.asarray((weights[..., None, :] @ positions)[..., 0, :])


def second_moments(positions: Array, masses: Array) -> Array:
    """Return the mass-weighted second moments ``sum m r r^T`` about the centre of mass, Da nm^2.

    Parameters
    ----------
    positions : (..., n, 3) array
        Whole positions, nm.
    masses : (..., n) array
        Masses, Da.

    Returns
    -------
    (..., 3, 3) array
        Da nm^2.

    Examples
    --------
    >>> second_moments(np.array([[0.0, 0.0, -0.5], [0.0, 0.0, 0.5]]), np.array([2.0, 2.0]))[2]
    array([0., 0., 1.])
    """
    relative = positions - center_of_mass(positions, masses)[..., None, :]
    return np.asarray(np.swapaxes(masses[..., None] * relative, -1, -2) @ relative)


def inertia_tensor(positions: Array, masses: Array) -> Array:
    """Return the inertia tensor about the centre of mass, ``tr(S) 1 - S`` with the second moments S, Da nm^2.

    Parameters
    ----------
    positions : (..., n, 3) array
        Whole positions, nm.
    masses : (..., n) array
        Masses, Da.

    Returns
    -------
    (..., 3, 3) array
        Da nm^2.

    Examples
    --------
    >>> inertia_tensor(np.array([[0.0, 0.0, 0.0], [0.1, 0.0, 0.0]]), np.array([2.0, 2.0]))
    array([[0.  , 0.  , 0.  ],
           [0.  , 0.01, 0.  ],
           [0.  , 0.  , 0.01]])
    """
    moments = second_moments(positions, masses)
    trace = np.trace(moments, axis1=-2, axis2=-1)
    return np.asarray(trace[..., None, None] * np.eye(3) - moments)


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

    Examples
    --------
    >>> moments, axes = principal_axes(np.array([[0.0, -0.5, 0.0], [0.0, 0.5, 0.0]]), np.ones(2))
    >>> moments, np.abs(axes[:, 0])
    (array([0.5, 0. , 0. ]), array([0., 1., 0.]))
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

    Returns
    -------
    str
        "linear", "planar" or "general".

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


def best_rotation(reference: Array, here: Array, masses: Array) -> Array:
    """Return the rotation Q that brings a shape nearest to another, ``min sum m |here - Q reference|^2``.

    W. Kabsch, Acta Cryst. A 32, 922 (1976), doi:10.1107/S0567739476001873. With masses the result obeys the
    Eckart condition ``sum m (Q reference) x here = 0``.

    Parameters
    ----------
    reference, here : (..., n, 3) array
        Positions relative to the centres of mass, nm.
    masses : (..., n) array
        Masses, Da.

    Returns
    -------
    (..., 3, 3) array
        Proper rotations.

    Examples
    --------
    >>> corner = np.array([[0.1, 0.0, 0.0], [0.0, 0.1, 0.0], [-0.1, -0.1, 0.0]])
    >>> quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    >>> bool(np.allclose(best_rotation(corner, corner @ quarter.T, np.ones(3)), quarter))
    True
    """
    left, _, right = np.linalg.svd(np.swapaxes(masses[..., None] * here, -1, -2) @ reference)
    left[..., 2] *= np.sign(np.linalg.det(left @ right))[..., None]
    return np.asarray(left @ right)


def best_line_rotation(reference: Array, here: Array, masses: Array, axis: Array) -> Array:
    """Return the rotation Q that brings a linear shape nearest to another, like `best_rotation`.

    What is off its line can be so small that the sums of `best_rotation` lose it to rounding. So the line is
    turned first, and then the shape about it, by what is off the line alone.

    Parameters
    ----------
    reference, here : (..., n, 3) array
        Positions relative to the centres of mass, nm.
    masses : (..., n) array
        Masses, Da.
    axis : (..., 3) array
        Unit vector along the reference.

    Returns
    -------
    (..., 3, 3) array
        Proper rotations.

    Examples
    --------
    >>> rod = np.array([[0.1, 0.0, 1e-9], [0.0, 0.0, -2e-9], [-0.1, 0.0, 1e-9]])
    >>> half = np.diag([1.0, -1.0, -1.0])
    >>> np.allclose(best_line_rotation(rod, rod @ half, np.ones(3), np.array([1.0, 0.0, 0.0])), half)
    True
    """
    along = (reference @ axis[..., None])[..., 0]
    line = ((masses * along)[..., None] * here).sum(axis=-2)
    line = line / np.linalg.norm(line, axis=-1, keepdims=True)
    first = _rotation_between(axis, line)
    off = (reference - along[..., None] * axis[..., None, :]) @ np.swapaxes(first, -1, -2)
    off_here = here - (here @ line[..., None]) * line[..., None, :]
    sine = (masses * (np.cross(off, off_here) @ line[..., None])[..., 0]).sum(axis=-1)
    cosine = (masses * (off * off_here).sum(axis=-1)).sum(axis=-1)
    angle = np.arctan2(sine, cosine)[..., None, None]
    cross = _cross_matrix(line)
    about = np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross
    return np.asarray(about @ first)


def _rotation_between(a: Array, b: Array) -> Array:
    """The smallest rotation that takes the unit vector a to b; half a turn about any axis where b is -a."""
    cross = _cross_matrix(np.cross(a, b))
    closeness = 1.0 + (a * b).sum(axis=-1)[..., None, None]
    aside = np.where(np.abs(a[..., :1]) < 0.7, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    aside = aside - (aside * a).sum(axis=-1, keepdims=True) * a
    aside = aside / np.linalg.norm(aside, axis=-1, keepdims=True)
    half = 2.0 * aside[..., None] * aside[..., None, :] - np.eye(3)
    opposite = closeness < 1e-12
    return np.where(opposite, half, np.eye(3) + cross + cross @ cross / np.where(opposite, 1.0, closeness))


def _cross_matrix(v: Array) -> Array:
    """The matrix of the cross product with v."""
    zero = np.zeros_like(v[..., 0])
    rows = [zero, -v[..., 2], v[..., 1], v[..., 2], zero, -v[..., 0], -v[..., 1], v[..., 0], zero]
    return np.stack(rows, axis=-1).reshape(*v.shape, 3)


def rotation_angle(rotation: Array) -> Array:
    """Return the angles of rotations, ``2 arccos |w|`` with the scalar part w of the quaternion, rad.

    Parameters
    ----------
    rotation : (..., 3, 3) array
        Proper rotations.

    Returns
    -------
    (...) array
        rad, from 0 to pi.

    Examples
    --------
    >>> print(f"{rotation_angle(np.diag([1.0, -1.0, -1.0])):.4f}")
    3.1416
    """
    # The arc tangent of sine and cosine keeps its digits where arccos loses them, near 0.
    trace = np.trace(rotation, axis1=-2, axis2=-1)
    skew = rotation - np.swapaxes(rotation, -1, -2)
    sine = np.sqrt(0.5 * np.sum(skew**2, axis=(-1, -2)))
    return np.asarray(np.arctan2(sine, trace - 1.0))
