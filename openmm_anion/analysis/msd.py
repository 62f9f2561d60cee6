"""Mean squared displacement of every cation at every lag time, in the frame of the anions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from MDAnalysis.analysis.base import AnalysisBase
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from openmm_anion.analysis.continuity import ContinuityCheck
from openmm_anion.analysis.framework import AnionFramework
from openmm_anion.errors import InputError

_PARTICLES_AT_A_TIME = 64
_SPACING_TOLERANCE = 1e-3


def mean_squared_displacement(positions: ArrayLike) -> NDArray[np.float64]:
    r"""Return the time-averaged squared displacement of each particle at all lags.

    .. math:: \mathrm{msd}_p(k) = \frac{1}{n-k} \sum_{i=0}^{n-k-1} |x_p(i+k) - x_p(i)|^2

    The sum over products is an autocorrelation, done by a zero-padded FFT in O(n log n). The
    mean position is removed first: displacements do not change, but the small difference of
    two large sums then keeps its digits however far from the origin the particles are.

    Parameters
    ----------
    positions : array_like, shape (n_frames, n_particles, n_dimensions)
        Continuous positions at equal time steps.

    Returns
    -------
    ndarray, shape (n_frames, n_particles)
        Squared displacement, square of the unit of `positions`.

    References
    ----------
    Calandrini et al., Collection SFN 12, 201 (2011), doi:10.1051/sfn/201112010.

    Examples
    --------
    >>> mean_squared_displacement([[[0.0]], [[1.0]], [[3.0]]]).ravel().round(12)
    array([0. , 2.5, 9. ])
    """
    x = np.moveaxis(np.asarray(positions, dtype=np.float64), 0, -1)  # particle, dimension, time
    n_particles, _, n = x.shape
    padded = fft.next_fast_len(2 * n - 1, real=True)
    lags = np.arange(n)
    result = np.empty((n, n_particles))
    for first in range(0, n_particles, _PARTICLES_AT_A_TIME):
        chunk = slice(first, first + _PARTICLES_AT_A_TIME)
        part = x[chunk] - x[chunk].mean(axis=-1, keepdims=True)
        spectrum = fft.rfft(part, padded, axis=-1)
        power = (spectrum.real**2 + spectrum.imag**2).sum(axis=1)
        products = fft.irfft(power, padded, axis=-1)[:, :n]
        sums = np.pad(np.cumsum((part**2).sum(axis=1), axis=-1), ((0, 0), (1, 0)))
        squares = sums[:, n - lags] + sums[:, [n]] - sums[:, lags]
        result[:, chunk] = ((squares - 2.0 * products) / (n - lags)).T
    result[0] = 0.0
    return result


class MeanSquaredDisplacement(AnalysisBase):
    r"""Mean squared displacement of cations relative to the anion framework.

    Parameters
    ----------
    cations : MDAnalysis.core.groups.AtomGroup
        Atoms whose displacement is wanted.
    anions : sequence of array_like of int, or None
        Atom indices of each anion; the mean of their centres of mass is the frame. None keeps
        the lab frame.
    frame_interval : float, optional
        Time between frames of the trajectory, ps. By default what the trajectory says.
    verbose : bool, optional
        Show a progress bar.

    Attributes
    ----------
    results.lag_times : ndarray, shape (n_frames,)
        Lag times, ps.
    results.msd_by_particle : ndarray, shape (n_frames, n_cations)
        Time-averaged squared displacement of each cation, A^2.
    results.msd : ndarray, shape (n_frames,)
        Mean over cations, A^2.

    Raises
    ------
    InputError
        If the selection is empty, fewer than two frames are given, frames are not equally
        spaced or their spacing is unknown, or the trajectory is wrapped.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> universe = mda.Universe.empty(1, trajectory=True)
    >>> _ = universe.load_new(np.array([[[0.0, 0, 0]], [[1, 0, 0]], [[2, 0, 0]]]), dt=0.5)
    >>> MeanSquaredDisplacement(universe.atoms, None).run().results.msd.round(9)
    array([0., 1., 4.])
    """

    def __init__(
        self,
        cations: Any,
        anions: Sequence[ArrayLike] | None,
        *,
        frame_interval: float | None = None,
        verbose: bool = False,
    ) -> None:
        if len(cations) == 0:
            raise InputError("the cation selection is empty; elements are case sensitive ('Na', not 'NA')")
        super().__init__(cations.universe.trajectory, verbose=verbose)
        self._cations = cations.indices
        self._atoms = cations.universe.atoms
        self._frame_interval = (
            _time_step(cations.universe.trajectory) if frame_interval is None else frame_interval
        )
        self._interval_is_given = frame_interval is not None
        self._framework = None if anions is None else AnionFramework(anions, self._atoms.masses)

    def _prepare(self) -> None:
        if self.n_frames < 2:
            raise InputError(f"a displacement needs at least 2 frames, got {self.n_frames}")
        self._positions = np.empty((self.n_frames, len(self._cations), 3))
        watched = self._cations
        if self._framework is not None:
            watched = np.concatenate([watched, self._framework.indices])
        self._watched = watched
        self._check = ContinuityCheck(watched)

    def _single_frame(self) -> None:
        positions = self._atoms.positions
        self._check(self._ts.frame, positions[self._watched], self._ts.dimensions)
        origin = 0.0 if self._framework is None else self._framework.origin(positions)
        self._positions[self._frame_index] = positions[self._cations].astype(np.float64) - origin

    def _spacing(self) -> float:
        """Time between analysed frames, ps, from whole numbers of frames and one interval."""
        strides = np.diff(self.frames)
        if (strides != strides[0]).any() or strides[0] <= 0:
            raise InputError("frames must be equally spaced and in order; use start, stop and step")
        if self._interval_is_given:
            return float(strides[0] * self._frame_interval)
        steps = np.diff(self.times)
        if (np.abs(steps - steps.mean()) > _SPACING_TOLERANCE * abs(steps.mean())).any():
            worst = int(np.abs(steps - steps.mean()).argmax())
            raise InputError(
                f"frames are not equally spaced in time ({steps[worst]:.6g} ps after frame "
                f"{self.frames[worst]}, {steps.mean():.6g} ps on average); analyse a part with one spacing"
            )
        return float(strides[0] * self._frame_interval)

    def _conclude(self) -> None:
        spacing = self._spacing()
        self.results.lag_times = np.arange(self.n_frames) * spacing
        self.results.msd_by_particle = mean_squared_displacement(self._positions)
        self.results.msd = self.results.msd_by_particle.mean(axis=1)


def _time_step(trajectory: Any) -> float:
    """Time between frames as the trajectory says it; MDAnalysis would take 1 ps where it says nothing."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*no dt information.*")
        try:
            return float(trajectory.dt)
        except UserWarning:
            raise InputError("the trajectory has no time step; give frame_interval in ps") from None
