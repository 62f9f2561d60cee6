"""The self-diffusion coefficient of one run, with the error that the run itself can tell."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from openmm_anion.errors import InputError

CM2_PER_S = 1e-4
"""One A^2/ps in cm^2/s."""

NM2_PER_NS = 10.0
"""One A^2/ps in nm^2/ns."""

RESOLVED = 2.0
"""Standard errors above zero from which on D is quoted as a number."""

_FEWEST_PARTICLES = 4
"""Below this the variance of Student's t, and so the error of the error, is infinite."""


@dataclass(frozen=True)
class FitWindow:
    """Lag times between which the slope of the mean squared displacement is read.

    Attributes
    ----------
    begin_ps, end_ps : float
        First and last lag time, ps.

    Examples
    --------
    >>> FitWindow.default(40.0)
    FitWindow(begin_ps=2.0, end_ps=10.0)
    """

    begin_ps: float
    end_ps: float

    def __post_init__(self) -> None:
        if not 0.0 < self.begin_ps < self.end_ps:
            raise InputError(
                f"fit window from {self.begin_ps:g} to {self.end_ps:g} ps: needs 0 < begin < end, both in ps"
            )

    @classmethod
    def default(cls, duration_ps: float) -> FitWindow:
        """Window for a run of `duration_ps`: from 2 ps (a tenth of a short run) to a quarter of it.

        Vibrations and librations of the ions in their cages have decayed after 2 ps, what is
        left of them is the constant that the fit leaves free. Lags beyond a quarter of the run
        have few independent origins: they add noise and no information.

        Parameters
        ----------
        duration_ps : float
            Length of the run, ps.

        Returns
        -------
        FitWindow
            Its lags, ps.
        """
        return cls(begin_ps=min(2.0, 0.1 * duration_ps), end_ps=0.25 * duration_ps)


@dataclass(frozen=True)
class RunDiffusion:
    """Diffusion coefficient of one run and its noise; see `run_diffusion`.

    Attributes
    ----------
    d : float
        Slope / 6, A^2/ps. Can be negative where nothing moves.
    particle_error : float
        Standard error of `d` as the scatter between the cations tells it, A^2/ps.
    one_hop : float
        What a single hop in the whole run adds to `d`, A^2/ps.
    offset : float
        Intercept of the fit, A^2: the vibrations.
    n_particles : int
        Number of cations.
    window : FitWindow
        Lag times used.
    by_particle : ndarray, shape (n_particles,)
        Slope / 6 of each cation, A^2/ps; `d` is their mean.

    Examples
    --------
    >>> run = RunDiffusion(0.2, 0.02, 0.001, 0.5, 48, FitWindow(2.0, 5.0))
    >>> run.resolved, run.events
    (True, 100.0)
    """

    d: float
    particle_error: float
    one_hop: float
    offset: float
    n_particles: int
    window: FitWindow
    by_particle: NDArray[np.float64] = field(default_factory=lambda: np.empty(0), compare=False, repr=False)

    @property
    def event(self) -> float:
        r"""Size g of the independent events that `d` is made of, A^2/ps.

        Where diffusion stands above the noise, it is the size that gives the observed error,
        :math:`g = \sigma^2 / D`, so that there are :math:`k = D^2/\sigma^2` events. It is at least
        one hop, and where `d` is within the noise it is the noise.
        """
        sigma = self.particle_error
        clear = sigma**2 / self.d if self.d > sigma else sigma
        return max(self.one_hop, clear)

    @property
    def events(self) -> float:
        """Effective number of independent events, `d` / `event`, not below zero."""
        return max(self.d, 0.0) / self.event

    @property
    def standard_error(self) -> float:
        """Standard error of `d`, A^2/ps: that between cations, but at least that of counting hops."""
        return float(np.sqrt(max(self.particle_error**2, self.one_hop * max(self.d, 0.0))))

    @property
    def resolved(self) -> bool:
        """Whether `d` stands above its noise. If not, only the upper end of an interval means anything."""
        return self.d > RESOLVED * self.standard_error

    def interval(self, level: float) -> tuple[float, float]:
        r"""Return the equal-tailed interval that holds the truth with probability `level`, A^2/ps.

        With the Jeffreys prior :math:`D^{-1/2}` of a rate, the likelihood of k events of size g makes
        :math:`D/g` follow the gamma distribution of shape :math:`k + 1/2`. The interval begins at zero where
        D is not resolved. It speaks of this run: another one from another snapshot may differ by more.

        Parameters
        ----------
        level : float
            Probability, 0.95 say.

        Returns
        -------
        low, high : float
            A^2/ps.

        Raises
        ------
        InputError
            If the level is not between 0 and 1.

        Examples
        --------
        >>> run = RunDiffusion(0.04, 0.004, 1e-3, 0.5, 48, FitWindow(2.0, 10.0))
        >>> low, high = run.interval(0.95)
        >>> f"{low:.3f} to {high:.3f}"
        '0.029 to 0.054'
        """
        if not 0.0 < level < 1.0:
            raise InputError(f"level {level} is no probability; give 0.95, say")
        low, high = stats.gamma.interval(level, self.events + 0.5, scale=self.event)
        return (float(low) if self.resolved else 0.0), float(high)

    def log_likelihood(self, true_d: ArrayLike) -> NDArray[np.float64]:
        r"""Return :math:`\ln p(d | D)` up to a constant for each D in `true_d` (positive, A^2/ps).

        Events are counts: :math:`k \ln (D/g) - D/g`, Poisson's likelihood for a number k that need
        not be whole. A faster motion is also a noisier one; a normal distribution with the
        observed error would let a run in which nothing happened to hop claim that D is zero.

        Parameters
        ----------
        true_d : array_like
            Diffusion coefficients to judge, A^2/ps, above zero.

        Returns
        -------
        array
            One number for each, of the shape of `true_d`.
        """
        mean_events = np.asarray(true_d, dtype=np.float64) / self.event
        return np.asarray(self.events * np.log(mean_events) - mean_events)


def run_diffusion(
    lag_times: ArrayLike,
    msd_by_particle: ArrayLike,
    *,
    hop_length: float,
    window: FitWindow | None = None,
) -> RunDiffusion:
    r"""Estimate the diffusion coefficient of one run from its mean squared displacement.

    .. math:: \mathrm{msd}(t) = a + 6 D t

    is fitted by least squares over the window; the intercept a takes up the vibrations, which
    a fit through zero would count as diffusion. Points of one displacement curve are strongly
    correlated, so the scatter about the line says nothing about the error of D. But the slope
    is linear in the curves of the single cations, :math:`D = \frac{1}{N} \sum_p D_p`, and its
    standard error :math:`\sigma` is that of a mean of N independent cations, whatever the
    correlation between lags. It is never taken smaller than that of counting the hops:
    :math:`\sigma^2 \ge D \delta` with :math:`\delta = \ell^2 / 6 N T` the contribution of one
    hop of length :math:`\ell`.

    Parameters
    ----------
    lag_times : array_like, shape (n,)
        Lag times, ps.
    msd_by_particle : array_like, shape (n, n_particles)
        Squared displacements, A^2.
    hop_length : float
        Length of an elementary jump, A; the distance between neighbouring cations will do.
    window : FitWindow, optional
        Lags to use; by default `FitWindow.default`.

    Returns
    -------
    RunDiffusion

    Raises
    ------
    InputError
        If there are fewer than four cations, fewer than three lags in the window, or the window
        ends after the run.

    References
    ----------
    Correlation of lags: Bullerjahn, von Buelow, Hummer, J. Chem. Phys. 153, 024116 (2020),
    doi:10.1063/5.0008312; McCluskey, Coles, Morgan, J. Chem. Theory Comput. 21, 79 (2025),
    doi:10.1021/acs.jctc.4c01249.

    Examples
    --------
    >>> lags = np.arange(101) * 0.1
    >>> curves = 0.3 + np.outer(lags, [0.06, 0.18, 0.12, 0.12])
    >>> round(run_diffusion(lags, curves, hop_length=3.0).d, 6)
    0.02
    """
    t = np.asarray(lag_times, dtype=np.float64)
    curves = np.asarray(msd_by_particle, dtype=np.float64)
    n_particles = curves.shape[1]
    if n_particles < _FEWEST_PARTICLES:
        raise InputError(
            f"an error of D needs at least {_FEWEST_PARTICLES} cations, got {n_particles}; "
            "use a larger supercell"
        )
    duration = float(t[-1])
    chosen = window if window is not None else FitWindow.default(duration)
    slack = 1e-6 * duration
    if chosen.end_ps > duration + slack:
        raise InputError(
            f"fit window ends at {chosen.end_ps:g} ps, after the run of {duration:g} ps; shorten it"
        )
    inside = (t >= chosen.begin_ps - slack) & (t <= chosen.end_ps + slack)
    if inside.sum() < 3:
        raise InputError(
            f"only {inside.sum()} lag times lie in the fit window from {chosen.begin_ps:g} to "
            f"{chosen.end_ps:g} ps; run longer or write frames more often"
        )
    lags = t[inside]
    centred = lags - lags.mean()
    slopes = (centred / (centred**2).sum()) @ curves[inside]
    d = float(slopes.mean()) / 6.0
    # The variance of Student's t, for an error that is itself known from few particles.
    inflated = slopes.var(ddof=1) * (n_particles - 1) / (n_particles - 3)
    return RunDiffusion(
        d=d,
        particle_error=float(np.sqrt(inflated / n_particles) / 6.0),
        one_hop=hop_length**2 / (6.0 * n_particles * duration),
        offset=float(curves[inside].mean() - 6.0 * d * lags.mean()),
        n_particles=n_particles,
        window=chosen,
        by_particle=slopes / 6.0,
    )
