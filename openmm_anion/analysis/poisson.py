"""What a count says about the rate behind it."""

from __future__ import annotations

from scipy.stats import chi2


def poisson_interval(count: float, level: float = 0.95, *, dispersion: float = 1.0) -> tuple[float, float]:
    r"""Return the confidence interval of the mean of a number of events that was `count` once.

    The exact one of Garwood, :math:`\chi^2_{\alpha/2, 2n}/2` to :math:`\chi^2_{1-\alpha/2, 2n+2}/2`. With a
    dispersion :math:`\phi`, variance over mean, events count as :math:`n / \phi` independent groups of
    :math:`\phi`, whole or not (quasi-Poisson).

    Parameters
    ----------
    count : float
        Events n.
    level : float, optional
        Confidence.
    dispersion : float, optional
        :math:`\phi`, 1 for events that are independent; see `openmm_anion.analysis.event_count.EventCount`.

    Returns
    -------
    low, high : float
        Events; `low` is 0 where `count` is.

    References
    ----------
    F. Garwood, Biometrika 28, 437 (1936), doi:10.1093/biomet/28.3-4.437; quasi-Poisson: P. McCullagh, J. A.
    Nelder, Generalized Linear Models, 2nd ed., Chapman and Hall (1989), sec. 6.2.3.

    Examples
    --------
    >>> poisson_interval(0)
    (0.0, 3.6888...)
    >>> poisson_interval(20, dispersion=4.0)
    (6.4..., 46.6...)
    """
    tail, groups = 0.5 * (1.0 - level), count / dispersion
    low = 0.5 * float(chi2.ppf(tail, 2.0 * groups)) if count else 0.0
    return dispersion * low, dispersion * 0.5 * float(chi2.ppf(1.0 - tail, 2.0 * groups + 2.0))
