"""How long cations stay at sites, how often they leave, and how sure that is when the record ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmm_anion.analysis.event_count import EventCount
from openmm_anion.errors import InputError

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Stays:
    """Stays of cations at sites, one row each: one cation after the other, in the order of time.

    The first stay of a cation began before the record, and its last ends after it.

    Attributes
    ----------
    cation : array of int, shape (n,)
        Row of the cation.
    site : array of int, shape (n,)
        Number of the site.
    image : array of int, shape (n, 3)
        Which image of the site, in whole cells.
    begin, end : array of int, shape (n,)
        First frame at the site, and the first one elsewhere or the number of frames.
    """

    cation: Indices
    site: Indices
    image: Indices
    begin: Indices
    end: Indices

    @property
    def first(self) -> Flags:
        """Whether a row is the first of its cation."""
        return np.diff(self.cation, prepend=-1) != 0

    @property
    def last(self) -> Flags:
        """Whether a row is the last of its cation."""
        return np.roll(self.first, -1)

    @property
    def watched(self) -> Indices:
        """Frames after the first at which the cation was seen to be there still, or to have left."""
        return self.end - self.begin - self.last

    def rows(self, some: Flags) -> Stays:
        """Only some stays, each lasting until the next one of the cation.

        Parameters
        ----------
        some : array of bool
            Which of them.

        Returns
        -------
        Stays
            In the same order.
        """
        n_frames = int(self.end.max(initial=0))
        return stays_until_the_next(
            self.cation[some], self.site[some], self.image[some], self.begin[some], n_frames
        )


def stays_until_the_next(
    cation: Indices, site: Indices, image: Indices, begin: Indices, n_frames: int
) -> Stays:
    """Stays, from when they begin.

    Parameters
    ----------
    cation, site, image, begin
        See `Stays`.
    n_frames : int
        Frames of the record.

    Returns
    -------
    Stays
        Each lasts until the next one of its cation, or to the end of the record.

    Examples
    --------
    >>> cation, begin = np.array([0, 0, 1]), np.array([0, 7, 0])
    >>> stays_until_the_next(cation, np.zeros(3), np.zeros((3, 3)), begin, 9).end
    array([7, 9, 9])
    """
    goes_on = np.append(np.diff(cation) == 0, False)[: len(cation)]
    end = np.where(goes_on, np.roll(begin, -1), n_frames)
    return Stays(cation, site, image, begin, end)


def settled_stays(stays: Stays, frames: int) -> Stays:
    """Leave out stays that are shorter than `frames`, and join what they separated.

    A cation counts as being at the site of its last long stay until the next one begins: going forth and back
    within the time is no hop. The first stay of a cation is kept whatever its length, because it began
    before the record.

    Parameters
    ----------
    stays : Stays
        All stays.
    frames : int
        Shortest stay that counts.

    Returns
    -------
    Stays
        Of the same cations.

    Examples
    --------
    >>> cation, site, begin, end = np.array([[0, 0, 0], [5, 7, 5], [0, 8, 9], [8, 9, 20]])
    >>> settled_stays(Stays(cation, site, np.zeros((3, 3), dtype=np.int64), begin, end), 2).site
    array([5])
    """
    stays = stays.rows((stays.end - stays.begin >= frames) | stays.first)
    same = (np.diff(stays.site) == 0) & (np.diff(stays.image, axis=0) == 0).all(axis=1)
    return stays.rows(stays.first | ~np.concatenate([[False], same]))


def stay_survival(frames: ArrayLike, ended: ArrayLike, n_frames: int) -> tuple[Array, Array]:
    r"""Return the Kaplan-Meier estimate of the probability that a stay lasts longer than a number of frames.

    .. math:: S(t) = \prod_{u \le t} \left(1 - \frac{d_u}{r_u}\right)

    with :math:`d_u` stays that end after u frames, of :math:`r_u` that were watched so long. Stays that the
    end of the record cuts off count for as long as they were watched: from its first frame to the last of the
    record. To leave them out, or to take them as ended, would make stays too short.

    Parameters
    ----------
    frames : array_like of int, shape (n,)
        How long each stay was watched from its beginning, see `Stays.watched`.
    ended : array_like of bool, shape (n,)
        Whether the cation left then.
    n_frames : int
        Length of the result.

    Returns
    -------
    survival, error : ndarray, shape (n_frames,)
        S for 0, 1, 2 ... frames, and its standard error by Greenwood's formula. NaN after the longest stay
        that was watched, if it did not end.

    References
    ----------
    E. L. Kaplan, P. Meier, J. Am. Stat. Assoc. 53, 457 (1958), doi:10.1080/01621459.1958.10501452.

    Examples
    --------
    >>> stay_survival([1, 2, 2, 3], [True, True, False, True], 4)[0]
    array([1. , 0.75, 0.5 , 0. ])
    """
    watched, left = np.asarray(frames, dtype=np.int64), np.asarray(ended, dtype=bool)
    if not len(watched):
        return np.full(n_frames, np.nan), np.full(n_frames, np.nan)
    size = max(n_frames, int(watched.max()) + 1)
    ends = np.bincount(watched[left], minlength=size)
    at_risk = len(watched) - np.concatenate([[0], np.cumsum(np.bincount(watched, minlength=size))[:-1]])
    known = at_risk > 0
    survival: Array = np.cumprod(1.0 - ends / np.where(known, at_risk, 1), dtype=np.float64)
    remain = np.where(known & (at_risk > ends), at_risk - ends, 1)
    error: Array = survival * np.sqrt(np.cumsum(ends / (np.where(known, at_risk, 1) * remain)))
    survival[~known & (survival > 0.0)] = np.nan
    error[np.isnan(survival)] = np.nan
    return survival[:n_frames], error[:n_frames]


def hop_rate(hops: EventCount, cation_time: float) -> tuple[float, Array]:
    """Hops per cation and time, and its 95 percent interval.

    Parameters
    ----------
    hops : EventCount
        Hops.
    cation_time : float
        Time in which they would have been seen, summed over cations, ps.

    Returns
    -------
    rate : float
        1/ps.
    interval : ndarray, shape (2,)
        1/ps.

    Examples
    --------
    >>> hop_rate(EventCount(10, 10.0, 0.0), 100.0)
    (0.1, array([0.0429..., 0.1976...]))
    """
    return hops.count / cation_time, np.array(hops.interval()) / cation_time


def frames_of(settle: float, interval: float, n_frames: int, fewest: int) -> int:
    """Return a time in frames, where the record is long enough for it before and after a hop.

    Parameters
    ----------
    settle : float
        The time, ps.
    interval : float
        Time between frames, ps.
    n_frames : int
        Length of the record.
    fewest : int
        Frames that it must have.

    Returns
    -------
    int
        At least `fewest`.

    Raises
    ------
    InputError
        If it is no time, too short, or too long for the record.

    Examples
    --------
    >>> frames_of(1.0, 0.1, 100, 2)
    10
    """
    if not 0.0 <= settle < np.inf:
        raise InputError(f"settle {settle} is no time in ps")
    frames = max(int(np.round(settle / interval)), 1)
    if frames < fewest:
        raise InputError(
            f"settle {settle:g} ps is less than {fewest} frames {interval:g} ps apart; take a longer time"
        )
    if 2 * frames > n_frames:
        raise InputError(
            f"settle {settle:g} ps before and after a hop needs {2 * frames} frames, got {n_frames}"
        )
    return frames
