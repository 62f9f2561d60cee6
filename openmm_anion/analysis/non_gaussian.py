"""How far displacements of cations are from those of a random walk: the non-Gaussian parameter."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from openmm_anion.analysis.cation_path import CationPath
from openmm_anion.analysis.compiled import compiled
from openmm_anion.analysis.framework import Frame
from openmm_anion.analysis.quantity import new_axes, variable
from openmm_anion.analysis.van_hove import lags_in_frames
from openmm_anion.errors import InputError

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

_LAGS = 50
_LONGEST = 0.5
"""Of the trajectory, by default: longer lags have few independent origins."""


def log_spaced_lags(n_frames: int, number: int) -> Indices:
    """Return lags in frames, from 1 to half the trajectory, equally spaced in their logarithm.

    Parameters
    ----------
    n_frames : int
        Length of the trajectory, at least 2.
    number : int
        How many; fewer where they coincide.

    Returns
    -------
    array of int
        Ascending, each once.

    Examples
    --------
    >>> log_spaced_lags(201, 5)
    array([  1,   3,  10,  32, 100])
    """
    longest = max(1.0, _LONGEST * (n_frames - 1))
    return np.unique(np.geomspace(1.0, longest, number).round().astype(np.int64))


@compiled
def displacement_moments(positions: Array, lags: Indices) -> tuple[Array, Array]:
    r"""Return :math:`\langle \Delta r^2 \rangle` and :math:`\langle \Delta r^4 \rangle` of each particle.

    Averages over all origins, by direct sums: none of the digits is lost that differences of fourth powers
    of positions would lose.

    Parameters
    ----------
    positions : array, shape (n_frames, n_particles, 3)
        Continuous positions.
    lags : array of int, shape (n_lags,)
        Lags in frames.

    Returns
    -------
    second, fourth : array, shape (n_lags, n_particles)
        Square and fourth power of the unit of `positions`.

    Examples
    --------
    >>> walk = np.arange(4.0)[:, None, None] * np.ones((1, 1, 3))
    >>> displacement_moments(walk, np.array([2]))
    (array([[12.]]), array([[144.]]))
    """
    n_frames, n_particles = positions.shape[:2]
    second, fourth = np.zeros((len(lags), n_particles)), np.zeros((len(lags), n_particles))
    for k in range(len(lags)):
        pairs = n_frames - lags[k]
        for t in range(pairs):
            for p in range(n_particles):
                x = positions[t + lags[k], p, 0] - positions[t, p, 0]
                y = positions[t + lags[k], p, 1] - positions[t, p, 1]
                z = positions[t + lags[k], p, 2] - positions[t, p, 2]
                square = x * x + y * y + z * z
                second[k, p] += square
                fourth[k, p] += square * square
        second[k] /= pairs
        fourth[k] /= pairs
    return second, fourth


def non_gaussian_parameter(second: Array, fourth: Array) -> tuple[Array, Array]:
    r"""Return the non-Gaussian parameter of some particles and its standard error.

    .. math:: \alpha_2 = \frac{3 \langle \Delta r^4 \rangle}{5 \langle \Delta r^2 \rangle^2} - 1

    The means are over particles. The error is that of the jackknife: particles are left out one by one.

    Parameters
    ----------
    second, fourth : array, shape (..., n_particles)
        Moments of each particle, as of `displacement_moments`.

    Returns
    -------
    alpha, error : array, shape (...)
        The error is not a number for a single particle, which cannot tell it.

    References
    ----------
    A. Rahman, Phys. Rev. 136, A405 (1964), doi:10.1103/PhysRev.136.A405.
    B. Efron, C. Stein, Ann. Statist. 9, 586 (1981), doi:10.1214/aos/1176345462.

    Examples
    --------
    >>> non_gaussian_parameter(np.array([[3.0, 3.0]]), np.array([[15.0, 15.0]]))  # a normal distribution
    (array([0.]), array([0.]))
    """
    n = second.shape[-1]
    alpha = 0.6 * fourth.mean(axis=-1) / second.mean(axis=-1) ** 2 - 1.0
    if n == 1:
        return alpha, np.full_like(alpha, np.nan)
    without = [(m.sum(axis=-1, keepdims=True) - m) / (n - 1) for m in (second, fourth)]
    with np.errstate(divide="ignore", invalid="ignore"):  # only one particle moves
        replicas = 0.6 * without[1] / without[0] ** 2
    return alpha, np.sqrt((n - 1) * replicas.var(axis=-1))


class NonGaussianParameter(CationPath):
    r"""Non-Gaussian parameter of the displacement of cations.

    .. math:: \alpha_2(t) = \frac{3 \langle \Delta r(t)^4 \rangle}{5 \langle \Delta r(t)^2 \rangle^2} - 1

    It is zero for isotropic random walks and harmonic vibrations, and large while some cations have hopped
    and others have not: :math:`3 / (5 \Gamma t)` for hops at the rate :math:`\Gamma`.

    Parameters
    ----------
    cations : MDAnalysis.core.groups.AtomGroup
        Atoms whose displacement is wanted; symmetry-equivalent ones, as a mixture of fast and slow atoms is
        not Gaussian either.
    relative_to : sequence of Anion or of array_like of int, "system" or None
        The frame: the mean of the centres of mass of anions, the centre of mass of all atoms, or the lab.
    lags : array_like of float, optional
        Lag times above zero, ps; by default 50, from one frame to half the trajectory, equally spaced in
        their logarithm.
    frame_interval : float, optional
        Time between frames of the trajectory, ps. By default what the trajectory says.
    verbose : bool, optional
        Show a progress bar.

    Attributes
    ----------
    data : xarray.Dataset
        Against `lag_times` (ps): ``alpha``; its standard error ``alpha_error`` as the scatter between the
        cations tells it, not a number for a single cation; and ``msd`` (A^2).

    Raises
    ------
    InputError
        As `ContinuousAnalysis` does; and if a lag is zero, no multiple of the time between frames or longer
        than the trajectory, or no cation moves.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> u = mda.Universe.empty(2, trajectory=True)
    >>> _ = u.load_new(np.array([[[0.0, 0, 0], [5, 5, 5]], [[1, 0, 0], [5, 5, 5]]]), dt=0.5)
    >>> NonGaussianParameter(u.atoms, None).run().data.alpha.values  # 3/5 * (1/2) / (1/2)^2 - 1
    array([0.2])
    """

    def __init__(
        self,
        cations: Any,
        relative_to: Frame,
        *,
        lags: ArrayLike | None = None,
        frame_interval: float | None = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(cations, relative_to, frame_interval=frame_interval, verbose=verbose)
        self._lags = lags

    def _finish(self, interval: float) -> None:
        if self._lags is None:
            lags = log_spaced_lags(self.n_frames, _LAGS)
        else:
            lags = lags_in_frames(self._lags, interval, self.n_frames)
            if not lags.all():
                raise InputError("a lag time is zero, where nothing has moved; give times in ps above zero")
        moments = [displacement_moments(path, lags) for _, path in self._path.pieces()]
        second, fourth = (np.concatenate(moment, axis=1) for moment in zip(*moments, strict=True))
        msd = second.mean(axis=1)
        if not msd.all():
            still = lags[msd == 0.0][0] * interval
            raise InputError(
                f"no cation moves within {still:g} ps; a frozen ion has no non-Gaussian parameter"
            )
        alpha, error = non_gaussian_parameter(second, fourth)
        self.data = xr.Dataset(
            {
                "alpha": variable("lag_times", alpha, "1", "non-Gaussian parameter"),
                "alpha_error": variable("lag_times", error, "1", "its standard error"),
                "msd": variable("lag_times", msd, "A^2", "mean squared displacement"),
            },
            {"lag_times": variable("lag_times", lags * interval, "ps", "lag time")},
        )

    def plot(self, axes: Any = None) -> Any:
        """Draw the parameter against the logarithm of the lag time; see `Quantity.plot`."""
        data = self.data
        axes = new_axes(axes, data.lag_times, data.alpha)
        axes.errorbar(data.lag_times, data.alpha, yerr=data.alpha_error, fmt="o-", ms=3.0, lw=1.0)
        axes.set_xscale("log")
        return axes
