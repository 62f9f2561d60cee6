r"""Time correlation of directions: Legendre polynomials of the angle that a unit vector turns by.

With real spherical harmonics that are normalized so that :math:`\sum_m Y_m(u) Y_m(v) = P_l(u \cdot v)`, the
correlation is a sum of autocorrelations of 2 l + 1 series. These are done by FFT.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from openmm_anion.analysis.compiled import compiled
from openmm_anion.errors import InputError

Array = NDArray[np.float64]

HIGHEST_ORDER = 3
_SERIES_AT_A_TIME = 64
"""Their spectra stay in the cache of a core."""
_FRAMES_AT_A_TIME = 32
"""Transposed while they are in the cache."""
_TETRAHEDRON = 80.0 / 9.0
"""The sum of P_3(u_i . u_j) over all pairs of arms of a tetrahedron."""


def legendre_correlation(unit_vectors: ArrayLike, order: int, n_lags: int | None = None) -> Array:
    r"""Return the correlation of the directions of each vector, or of each group of vectors, at all lags.

    .. math:: C_l(k) = \frac{1}{n-k} \sum_{i=0}^{n-k-1} P_l[u(i) \cdot u(i+k)]

    Parameters
    ----------
    unit_vectors : array_like, shape (n_frames, n_vectors, 3) or (n_frames, n_groups, n_vectors, 3)
        Unit vectors at equal time steps, in single or double precision; sums are taken in double precision.
    order : int
        l, from 1 to 3.
    n_lags : int, optional
        Only the first so many lags, zero included.

    Returns
    -------
    array, shape (n_lags, n_vectors) or (n_lags, n_groups)
        Correlation of each vector; of groups the mean over their vectors.

    Raises
    ------
    InputError
        If the order is another one.

    Examples
    --------
    >>> quarter_turns = [[[1.0, 0, 0]], [[0, 1, 0]], [[-1, 0, 0]]]
    >>> legendre_correlation(quarter_turns, 1).ravel().round(12) + 0.0
    array([ 1.,  0., -1.])
    >>> legendre_correlation(quarter_turns, 2).ravel().round(12)
    array([ 1. , -0.5,  1. ])
    """
    u = np.asarray(unit_vectors)
    groups = u if u.ndim == 4 else u[:, :, None]
    _, n_groups, n_vectors, _ = groups.shape
    columns = groups.reshape(len(u), n_groups * n_vectors, 3)
    return _autocorrelations(columns, order, n_vectors, n_lags, together=False) / n_vectors


def harmonics(unit_vectors: ArrayLike, order: int) -> Array:
    r"""Return real spherical harmonics of unit vectors, :math:`\sum_m Y_m(u) Y_m(v) = P_l(u \cdot v)`.

    Parameters
    ----------
    unit_vectors : array_like, shape (..., 3)
        Unit vectors.
    order : int
        l, from 1 to 3.

    Returns
    -------
    array, shape (..., 2 l + 1)

    Raises
    ------
    InputError
        If the order is another one.

    Examples
    --------
    >>> y = harmonics([[1.0, 0.0, 0.0], [0.6, 0.0, 0.8]], 2)
    >>> float(y[0] @ y[1]), 1.5 * 0.6**2 - 0.5
    (0.04..., 0.04...)
    """
    checked_order(order)
    u = np.asarray(unit_vectors, dtype=np.float64)
    values = np.empty((*u.shape[:-1], 2 * order + 1))
    _all_values(np.ascontiguousarray(u).reshape(-1, 3), order, values.reshape(-1, 2 * order + 1))
    return values


def checked_order(order: int) -> int:
    """Return an order of a Legendre polynomial, if it is from 1 to 3.

    Parameters
    ----------
    order : int
        Of the polynomial.

    Returns
    -------
    int
        The same.

    Raises
    ------
    InputError
        If it is another.

    Examples
    --------
    >>> checked_order(2)
    2
    """
    if order not in range(1, HIGHEST_ORDER + 1):
        raise InputError(f"order {order} of the Legendre polynomial: give 1 to {HIGHEST_ORDER}")
    return order


def rotor_correlation(unit_vectors: ArrayLike, n_lags: int | None = None) -> Array:
    r"""Return the correlation of the orientation of XY4 anions, whichever ligand is where.

    The tetrahedral rotor functions :math:`M_m = \sum_j Y_{3m}(u_j)`, sums over the four ligands, do not
    change when ligands are exchanged. Their correlation, with all seven of l = 3 together so that it depends
    on no axes,

    .. math:: F(k) = \frac{9}{80} \left\langle \sum_m M_m(i) M_m(i+k) \right\rangle_i
        = \frac{9}{80} \left\langle \sum_{jj'} P_3[u_j(i) \cdot u_{j'}(i+k)] \right\rangle_i

    is 1 for perfect tetrahedra and stays there under jumps between equivalent orientations.

    Parameters
    ----------
    unit_vectors : array_like, shape (n_frames, n_anions, 4, 3)
        Unit vectors from the centres to the ligands.
    n_lags : int, optional
        Only the first so many lags, zero included.

    Returns
    -------
    array, shape (n_lags, n_anions)
        At lag 0 near 1, by the shape of the anion.

    References
    ----------
    M. L. Klein, I. R. McDonald, Y. Ozaki, J. Chem. Phys. 79, 5579 (1983), doi:10.1063/1.445682, where such
    functions are taken along the axes of a crystal.

    Examples
    --------
    >>> arms = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3.0)
    >>> rotor_correlation([[arms], [arms[[1, 2, 0, 3]]], [-arms]]).ravel().round(12)
    array([ 1.,  0., -1.])
    """
    u = np.asarray(unit_vectors)
    columns = u.reshape(len(u), -1, 3)
    return _autocorrelations(columns, 3, u.shape[2], n_lags, together=True) / _TETRAHEDRON


def _autocorrelations(u: Array, order: int, size: int, n_lags: int | None, together: bool) -> Array:
    """Sums of autocorrelations over groups of vectors; `together` sums the harmonics of a group before."""
    checked_order(order)
    n, n_columns, _ = u.shape
    n_lags = n if n_lags is None else min(n, n_lags)
    padded = fft.next_fast_len(n + n_lags - 1, real=True)
    terms = 2 * order + 1
    per_group = terms * (1 if together else size)
    step = max(1, _SERIES_AT_A_TIME // per_group)
    result = np.empty((n_lags, n_columns // size))
    norm = (n - np.arange(n_lags))[:, None]
    space = np.zeros((step, per_group, padded))
    for first in range(0, result.shape[1], step):
        last = min(first + step, result.shape[1])
        series = space[: last - first]
        _harmonics(u[:, first * size : last * size], order, size, together, series)
        spectrum = fft.rfft(series, axis=-1)
        power = np.empty((last - first, spectrum.shape[-1]))
        _power(spectrum, power)
        result[:, first:last] = fft.irfft(power, padded, axis=-1)[:, :n_lags].T / norm
    return result


@compiled
def _power(spectrum: NDArray[np.complex128], power: Array) -> None:
    for g in range(spectrum.shape[0]):
        for f in range(spectrum.shape[2]):
            power[g, f] = 0.0
        for s in range(spectrum.shape[1]):
            for f in range(spectrum.shape[2]):
                power[g, f] += spectrum[g, s, f].real ** 2 + spectrum[g, s, f].imag ** 2


@compiled
def _harmonics(u: Array, order: int, size: int, together: bool, series: Array) -> None:
    """Write the harmonics of each vector, or their sums over a group, as one series after the other."""
    terms = 2 * order + 1
    n = u.shape[0]
    y_m = np.empty(terms)
    for begin in range(0, n, _FRAMES_AT_A_TIME):
        for g in range(series.shape[0]):
            for v in range(size):
                at = 0 if together else v * terms
                for t in range(begin, min(begin + _FRAMES_AT_A_TIME, n)):
                    vector = u[t, g * size + v]
                    _values(np.float64(vector[0]), np.float64(vector[1]), np.float64(vector[2]), order, y_m)
                    for m in range(terms):
                        if together and v > 0:
                            series[g, m, t] += y_m[m]
                        else:
                            series[g, at + m, t] = y_m[m]


@compiled
def _all_values(u: Array, order: int, y: Array) -> None:
    for v in range(u.shape[0]):
        _values(u[v, 0], u[v, 1], u[v, 2], order, y[v])


@compiled
def _values(x: float, y: float, z: float, order: int, y_m: Array) -> None:
    """Real harmonics of a unit vector; the sum of their squares is 1."""
    if order == 1:
        y_m[0] = x
        y_m[1] = y
        y_m[2] = z
    elif order == 2:
        y_m[0] = 1.5 * z * z - 0.5
        y_m[1] = np.sqrt(3.0) * x * z
        y_m[2] = np.sqrt(3.0) * y * z
        y_m[3] = np.sqrt(3.0) * x * y
        y_m[4] = np.sqrt(0.75) * (x * x - y * y)
    else:
        y_m[0] = 0.5 * z * (5.0 * z * z - 3.0)
        y_m[1] = np.sqrt(0.375) * x * (5.0 * z * z - 1.0)
        y_m[2] = np.sqrt(0.375) * y * (5.0 * z * z - 1.0)
        y_m[3] = np.sqrt(3.75) * z * (x * x - y * y)
        y_m[4] = np.sqrt(15.0) * x * y * z
        y_m[5] = np.sqrt(0.625) * x * (x * x - 3.0 * y * y)
        y_m[6] = np.sqrt(0.625) * y * (3.0 * x * x - y * y)
