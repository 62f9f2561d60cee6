"""What a count says about the rate behind it."""

from __future__ import annotations

from scipy.stats import chi2


def poisson_interval(count: int, level: float = 0.95) -> tuple[float, float]:
    r"""Return the confidence interval of the mean of a Poisson variable that was `count` once.

    The exact one of Garwood, :math:`\chi^2_{\alpha/2, 2n}/2` to :math:`\chi^2_{1-\alpha/2, 2n+2}/2`.
    Hops that come in correlated groups spread more than that.

    Parameters
    ----------
    count : int
        Events.
    level : float, optional
        Confidence.

    Returns
    -------
    low, high : float
        Events; `low` is 0 where `count` is.

    References
    ----------
    F. Garwood, Biometrika 28, 437 (1936), doi:10.1093/biomet/28.3-4.437.

    Examples
    --------
    >>> poisson_interval(0)
    (0.0, 3.6888...)
    """
    tail = 0.5 * (1.0 - level)
    low = 0.5 * float(chi2.ppf(tail, 2 * count)) if count else 0.0
    return low, 0.5 * float(chi2.ppf(1.0 - tail, 2 * count + 2))
