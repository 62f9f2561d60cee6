"""Mean and standard error over particles that come piece by piece."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Moments:
    """Add particles up without keeping them.

    Attributes
    ----------
    mean : array, shape (n,)
        Mean over all particles so far.

    References
    ----------
    T. F. Chan, G. H. Golub, R. J. LeVeque, Am. Stat. 37, 242 (1983), doi:10.1080/00031305.1983.10483115.

    Examples
    --------
    >>> moments = Moments()
    >>> moments.add(np.array([[1.0, 2.0]]))
    >>> moments.add(np.array([[6.0]]))
    >>> moments.mean, moments.error.round(3)
    (array([3.]), array([1.528]))
    """

    def __init__(self) -> None:
        self._count = 0
        self.mean: Array = np.zeros(1)
        self._squares: Array = np.zeros(1)

    def add(self, values: Array) -> None:
        """Take some particles.

        Parameters
        ----------
        values : array, shape (n, particles)
            Of each of them.
        """
        more = values.shape[1]
        mean = values.mean(axis=1)
        away = mean - self.mean
        total = self._count + more
        self._squares = self._squares + more * values.var(axis=1) + away**2 * (self._count * more / total)
        self.mean = self.mean + away * (more / total)
        self._count = total

    @property
    def error(self) -> Array:
        """Standard error of the mean, shape (n,), of two particles or more."""
        return np.asarray(np.sqrt(self._squares / (self._count - 1) / self._count))
