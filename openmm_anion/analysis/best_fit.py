"""Rotations of best fit of many anions in many frames, as unit quaternions (w, x, y, z)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from openmm_anion.analysis.compiled import compiled

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

_MOST_STEPS = 60
"""Of Newton's method; four or five do unless two rotations fit equally well."""
_LEAST_GAP = 1e-6
"""Of the largest eigenvalue to the others, relative: below it the rotation is not told from others."""


def fit_rotations(
    positions: Array,
    starts: Indices,
    masses: Array,
    references: Array,
    lines: Array | None = None,
    previous: Array | None = None,
) -> Array:
    r"""Return the rotations that bring reference shapes nearest to anions.

    Each minimizes :math:`\sum_i m_i |x_i - R s_i|^2`: the quaternion is the eigenvector to the largest
    eigenvalue of a symmetric 4x4 matrix of the products of s and x. The eigenvalue is found by Newton's
    method from above, the vector from the cofactors. All rotations are proper, those of planar anions too.

    A linear anion can turn about its line and still fits: it gets the shortest rotation that brings the line
    where it is.

    Parameters
    ----------
    positions : array, shape (n_frames, n_atoms, 3)
        Atoms relative to the centre of mass of their anion.
    starts : array of int, shape (n_anions + 1,)
        Anion a has the atoms from ``starts[a]`` to ``starts[a + 1]``.
    masses : array, shape (n_atoms,)
        Weights of the atoms.
    references : array, shape (n_atoms, 3)
        Shapes, relative to their centres of mass.
    lines : array, shape (n_anions, 3), optional
        Unit vectors along the references of linear anions, zero for all others.
    previous : array, shape (n_anions, 4), optional
        Quaternions of the frame before, for signs that go on. By default the first w is not negative.

    Returns
    -------
    array, shape (n_frames, n_anions, 4)
        Unit quaternions; signs are those with the smallest step from frame to frame. They are not a number
        where two rotations fit equally well, which happens if all atoms are on a line.

    References
    ----------
    D. L. Theobald, Acta Cryst. A 61, 478 (2005), doi:10.1107/S0108767305015266; P. Liu, D. K. Agrafiotis,
    D. L. Theobald, J. Comput. Chem. 31, 1561 (2010), doi:10.1002/jcc.21439.

    Examples
    --------
    >>> corner = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-1.0, -1.0, 0.0]])
    >>> quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    >>> fit_rotations(corner[None] @ quarter.T, np.array([0, 3]), np.ones(3), corner).round(4) + 0.0
    array([[[0.7071, 0.    , 0.    , 0.7071]]])
    """
    n_anions = len(starts) - 1
    quaternions = np.empty((len(positions), n_anions, 4))
    before = np.zeros((n_anions, 4)) if previous is None else previous.copy()
    lines = np.zeros((n_anions, 3)) if lines is None else lines
    _fit_all(positions, starts, masses, references, lines, before, quaternions)
    return quaternions


@compiled
def _fit_all(
    positions: Array,
    starts: Indices,
    masses: Array,
    references: Array,
    lines: Array,
    before: Array,
    quaternions: Array,
) -> None:
    q, s, direction = np.empty(4), np.empty((3, 3)), np.empty(3)
    adjugate = np.empty((4, 4))
    for f in range(positions.shape[0]):
        for a in range(len(starts) - 1):
            s[:] = 0.0
            bound = 0.0
            for i in range(starts[a], starts[a + 1]):
                for j in range(3):
                    bound += 0.5 * masses[i] * (positions[f, i, j] ** 2 + references[i, j] ** 2)
                    for k in range(3):
                        s[j, k] += masses[i] * references[i, j] * positions[f, i, k]
            line = lines[a]
            if line[0] != 0.0 or line[1] != 0.0 or line[2] != 0.0:
                for k in range(3):
                    direction[k] = line[0] * s[0, k] + line[1] * s[1, k] + line[2] * s[2, k]
                _shortest(line, direction, q)
            else:
                _largest(s, bound, adjugate, q)
            same = 0.0
            for k in range(4):
                same += q[k] * before[a, k]
            sign = -1.0 if same < 0.0 or (same == 0.0 and q[0] < 0.0) else 1.0
            for k in range(4):
                before[a, k] = sign * q[k]
                quaternions[f, a, k] = sign * q[k]


@compiled
def _shortest(line: Array, direction: Array, q: Array) -> None:
    """The shortest rotation of a unit vector into a direction; half a turn about any axis where opposite."""
    length = np.sqrt(direction[0] ** 2 + direction[1] ** 2 + direction[2] ** 2)
    x, y, z = (
        line[0] + direction[0] / length,
        line[1] + direction[1] / length,
        line[2] + direction[2] / length,
    )
    if x * x + y * y + z * z < 1e-18:
        q[0] = 0.0
        x, y, z = (1.0, 0.0, 0.0) if abs(line[0]) < 0.7 else (0.0, 1.0, 0.0)
    else:
        q[0] = line[0] * x + line[1] * y + line[2] * z
    q[1] = line[1] * z - line[2] * y
    q[2] = line[2] * x - line[0] * z
    q[3] = line[0] * y - line[1] * x
    _normalize(q)


@compiled
def _normalize(q: Array) -> None:
    length = np.sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3])
    for k in range(4):
        q[k] /= length


@compiled
def _largest(s: Array, bound: float, adjugate: Array, q: Array) -> None:
    """The eigenvector of the largest eigenvalue, which is not above `bound`."""
    # The characteristic polynomial is x^4 + c2 x^2 + c1 x + c0.
    c2, c1 = 0.0, 0.0
    for k in range(3):
        i, j = (k + 1) % 3, (k + 2) % 3
        c2 -= 2.0 * (s[0, k] ** 2 + s[1, k] ** 2 + s[2, k] ** 2)
        c1 -= 8.0 * s[0, k] * (s[1, i] * s[2, j] - s[1, j] * s[2, i])
    c0 = _adjugate(s, 0.0, adjugate)
    value = bound
    for _ in range(_MOST_STEPS):
        square = value * value
        slope = 4.0 * square * value + 2.0 * c2 * value + c1
        if slope <= 0.0:
            break
        step = (square * square + c2 * square + c1 * value + c0) / slope
        value -= step
        if abs(step) < 1e-14 * value:
            break
    _adjugate(s, value, adjugate)
    best = 0
    for k in range(1, 4):
        if abs(adjugate[k, k]) > abs(adjugate[best, best]):
            best = k
    certain = abs(adjugate[best, best]) > _LEAST_GAP * abs(value) ** 3
    for k in range(4):
        q[k] = adjugate[best, k] if certain else np.nan
    _normalize(q)


@compiled
def _adjugate(s: Array, value: float, adjugate: Array) -> float:
    """Fill in the cofactors of the matrix of the fit less `value`; return its determinant."""
    xx, yy, zz = s[0, 0], s[1, 1], s[2, 2]
    a00, a11, a22, a33 = (
        xx + yy + zz - value,
        xx - yy - zz - value,
        yy - xx - zz - value,
        zz - xx - yy - value,
    )
    a01, a02, a03 = s[1, 2] - s[2, 1], s[2, 0] - s[0, 2], s[0, 1] - s[1, 0]
    a12, a13, a23 = s[0, 1] + s[1, 0], s[2, 0] + s[0, 2], s[1, 2] + s[2, 1]
    # Minors of the upper two rows, and of the lower two.
    u01, u02, u03 = a00 * a11 - a01 * a01, a00 * a12 - a01 * a02, a00 * a13 - a01 * a03
    u12, u13, u23 = a01 * a12 - a11 * a02, a01 * a13 - a11 * a03, a02 * a13 - a12 * a03
    l01, l02, l03 = a02 * a13 - a03 * a12, a02 * a23 - a03 * a22, a02 * a33 - a03 * a23
    l12, l13, l23 = a12 * a23 - a13 * a22, a12 * a33 - a13 * a23, a22 * a33 - a23 * a23
    adjugate[0, 0] = a11 * l23 - a12 * l13 + a13 * l12
    adjugate[0, 1] = adjugate[1, 0] = a02 * l13 - a01 * l23 - a03 * l12
    adjugate[0, 2] = adjugate[2, 0] = a13 * u23 - a23 * u13 + a33 * u12
    adjugate[0, 3] = adjugate[3, 0] = a22 * u13 - a12 * u23 - a23 * u12
    adjugate[1, 1] = a00 * l23 - a02 * l03 + a03 * l02
    adjugate[1, 2] = adjugate[2, 1] = a23 * u03 - a03 * u23 - a33 * u02
    adjugate[1, 3] = adjugate[3, 1] = a02 * u23 - a22 * u03 + a23 * u02
    adjugate[2, 2] = a03 * u13 - a13 * u03 + a33 * u01
    adjugate[2, 3] = adjugate[3, 2] = a12 * u03 - a02 * u13 - a23 * u01
    adjugate[3, 3] = a02 * u12 - a12 * u02 + a22 * u01
    return u01 * l23 - u02 * l13 + u03 * l12 + u12 * l03 - u13 * l02 + u23 * l01


def multiply(left: Array, right: Array) -> Array:
    """Return the products of quaternions: the rotation `right`, then `left`.

    Parameters
    ----------
    left, right : array, shape (..., 4)
        Quaternions.

    Returns
    -------
    array, shape (..., 4)
        Quaternions, scalar part first.

    Examples
    --------
    >>> multiply(np.array([0.0, 1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0, 0.0]))
    array([0., 0., 0., 1.])
    """
    return np.asarray((right_multiplication(right) @ left[..., None])[..., 0])


def right_multiplication(q: Array) -> Array:
    """Return the matrices M of a multiplication from the right, ``p q = M p``.

    Parameters
    ----------
    q : array, shape (..., 4)
        Quaternions.

    Returns
    -------
    array, shape (..., 4, 4)

    Examples
    --------
    >>> right_multiplication(np.array([1.0, 0.0, 0.0, 0.0])) @ np.arange(4.0)
    array([0., 1., 2., 3.])
    """
    w, x, y, z = np.moveaxis(np.asarray(q, dtype=np.float64), -1, 0)
    rows = [w, -x, -y, -z, x, w, z, -y, y, -z, w, x, z, y, -x, w]
    return np.stack(rows, axis=-1).reshape(*w.shape, 4, 4)


def angle_between(p: Array, q: Array) -> Array:
    r"""Return the angles of the rotations from p to q, :math:`2 \arccos |w|`, rad.

    The arc tangent of both chords keeps its digits where the arc cosine loses them, near 0.

    Parameters
    ----------
    p, q : array, shape (..., 4)
        Unit quaternions; signs do not matter.

    Returns
    -------
    array, shape (...)
        From 0 to pi.

    Examples
    --------
    >>> print(f"{angle_between(np.array([1.0, 0, 0, 0]), np.array([0.5, 0.75**0.5, 0, 0])):.4f}")
    2.0944
    """
    chords = np.linalg.norm(p - q, axis=-1), np.linalg.norm(p + q, axis=-1)
    return np.asarray(4.0 * np.arctan2(np.minimum(*chords), np.maximum(*chords)))


def rotate(q: Array, vectors: Array) -> Array:
    """Return vectors rotated by unit quaternions.

    Parameters
    ----------
    q : array, shape (..., 4)
        Unit quaternions.
    vectors : array, shape (..., 3)
        Vectors.

    Returns
    -------
    array, shape (..., 3)
        In the unit of `vectors`.

    Examples
    --------
    >>> rotate(np.array([0.5**0.5, 0.0, 0.0, 0.5**0.5]), np.array([1.0, 0.0, 0.0])).round(9) + 0.0
    array([0., 1., 0.])
    """
    return np.asarray((to_matrices(q) @ vectors[..., None])[..., 0])


def in_body_frame(positions: Array, starts: Indices, quaternions: Array) -> Array:
    """Return anions turned back by their rotations: what is left differs by vibration only.

    Parameters
    ----------
    positions : array, shape (n_frames, n_atoms, 3)
        Atoms relative to the centre of mass of their anion.
    starts : array of int, shape (n_anions + 1,)
        Anion a has the atoms from ``starts[a]`` to ``starts[a + 1]``.
    quaternions : array, shape (n_frames, n_anions, 4)
        Unit quaternions of `fit_rotations`.

    Returns
    -------
    array, shape (n_frames, n_atoms, 3)

    Examples
    --------
    >>> turned = np.array([[[0.0, 1.0, 0.0]]])
    >>> in_body_frame(turned, np.array([0, 1]), np.array([[[0.5**0.5, 0, 0, 0.5**0.5]]])).round(9) + 0.0
    array([[[1., 0., 0.]]])
    """
    matrices = to_matrices(quaternions)
    turned = np.empty_like(positions)
    for a, (begin, end) in enumerate(pairwise(starts)):
        turned[:, begin:end] = positions[:, begin:end] @ matrices[:, a]
    return turned


def to_matrices(q: Array) -> Array:
    """Return the rotation matrices of unit quaternions.

    Parameters
    ----------
    q : array, shape (..., 4)
        Unit quaternions.

    Returns
    -------
    array, shape (..., 3, 3)

    Examples
    --------
    >>> to_matrices(np.array([0.0, 1.0, 0.0, 0.0]))
    array([[ 1.,  0.,  0.],
           [ 0., -1.,  0.],
           [ 0.,  0., -1.]])
    """
    w, x, y, z = np.moveaxis(np.asarray(q, dtype=np.float64), -1, 0)
    rows = [
        w * w + x * x - y * y - z * z, 2.0 * (x * y - w * z), 2.0 * (x * z + w * y),
        2.0 * (x * y + w * z), w * w - x * x + y * y - z * z, 2.0 * (y * z - w * x),
        2.0 * (x * z - w * y), 2.0 * (y * z + w * x), w * w - x * x - y * y + z * z,
    ]  # fmt: skip
    return np.stack(rows, axis=-1).reshape(*w.shape, 3, 3)
