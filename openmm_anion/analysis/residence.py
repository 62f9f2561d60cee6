"""How long cations stay in the shells of anions: residence correlation functions, pair by pair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import fft

from openmm_anion.analysis.compiled import compiled
from openmm_anion.analysis.correlation_time import (
    CorrelationTime,
    deal,
    integral_time,
    jackknife_error,
    leave_one_out,
)
from openmm_anion.analysis.ions import Anion, tell_apart
from openmm_anion.analysis.msd import number_of_lags
from openmm_anion.analysis.quantity import new_axes, variable
from openmm_anion.analysis.shells import Of, PairStays, ShellAnalysis
from openmm_anion.errors import InputError, did_you_mean

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Kind = Literal["intermittent", "continuous"]

KINDS = ("intermittent", "continuous")
_FOURIER_STAYS = 40
"""A pair with more stays than the root of so many times its frames is done by FFT."""
_LONGEST = 0.5
"""Of the record: later lags have too few origins to tell that a correlation has decayed."""


def intermittent_counts(stays: PairStays, rows: Indices, n_rows: int) -> Array:
    r"""Return how often a cation is in a shell, and is in it again k frames later.

    .. math:: N(k) = \sum_{ij} \sum_{t=0}^{n-k-1} h_{ij}(t) h_{ij}(t+k)

    The second difference of N is minus the autocorrelation of the changes of h, which are few: +1 where a
    stay begins and -1 where it ends. Pairs with many stays are done by FFT. Both are exact.

    Parameters
    ----------
    stays : PairStays
        Stays.
    rows : array of int, shape (number of stays,)
        Row of the result that a stay counts in, the same for all stays of a pair.
    n_rows : int
        Rows.

    Returns
    -------
    array, shape (n_rows, n_frames)
        N(k) for each row.

    Examples
    --------
    >>> zero = np.zeros(2, dtype=np.int64)
    >>> stays = PairStays(zero, zero, np.array([0, 3]), np.array([2, 4]), 5)
    >>> intermittent_counts(stays, zero, 1)
    array([[3., 1., 1., 1., 0.]])
    """
    bends = np.zeros((n_rows, stays.n_frames + 1), dtype=np.int64)
    pairs = stays.pairs
    span = stays.end[pairs[1:] - 1] - stays.begin[pairs[:-1]]
    many = np.square(np.diff(pairs)) > _FOURIER_STAYS * span
    _bend(stays.begin, stays.end, pairs, many, rows, bends)
    counts = _summed_twice(bends)
    for pair in np.flatnonzero(many):
        some = slice(pairs[pair], pairs[pair + 1])
        begin, end = stays.begin[some], stays.end[some]
        changes = np.zeros(int(end[-1] - begin[0]) + 1)
        changes[begin - begin[0]] = 1.0
        changes[end - begin[0]] = -1.0
        inside = np.cumsum(changes[:-1])
        padded = fft.next_fast_len(2 * len(inside), real=True)
        spectrum = fft.rfft(inside, padded)
        products = fft.irfft(spectrum.real**2 + spectrum.imag**2, n=padded)[: len(inside)]
        counts[rows[some.start], : len(inside)] += np.rint(products)
    return counts


def continuous_counts(stays: PairStays, rows: Indices, n_rows: int) -> Array:
    r"""Return how often a cation is in a shell and stays there for k more frames.

    A stay of length m has :math:`\max(m - k, 0)` origins at lag k.

    Parameters
    ----------
    stays, rows, n_rows
        See `intermittent_counts`.

    Returns
    -------
    array, shape (n_rows, n_frames)
        The number of origins for each row.

    Examples
    --------
    >>> zero = np.zeros(2, dtype=np.int64)
    >>> stays = PairStays(zero, zero, np.array([0, 3]), np.array([2, 4]), 5)
    >>> continuous_counts(stays, zero, 1)
    array([[3., 1., 0., 0., 0.]])
    """
    width = stays.n_frames + 1
    lengths = np.bincount(rows * width + stays.end - stays.begin, minlength=n_rows * width)
    return _summed_twice(lengths.reshape(n_rows, width))


@compiled
def _bend(
    begin: Indices,
    end: Indices,
    pairs: Indices,
    skip: NDArray[np.bool_],
    rows: Indices,
    bends: Indices,
) -> None:
    """Add the second differences of what pairs of stays of the same pair contribute."""
    for pair in range(len(pairs) - 1):
        if skip[pair]:
            continue
        row = bends[rows[pairs[pair]]]
        for later in range(pairs[pair], pairs[pair + 1]):
            row[end[later] - begin[later]] += 1
            for earlier in range(pairs[pair], later):
                row[begin[later] - begin[earlier]] -= 1
                row[end[later] - end[earlier]] -= 1
                row[end[later] - begin[earlier]] += 1
                row[begin[later] - end[earlier]] += 1


def _summed_twice(bends: Indices) -> Array:
    """What has these second differences at lags 1 to n, and is zero from n on."""
    slopes = np.cumsum(bends[:, :0:-1], axis=1)
    return np.asarray(np.cumsum(slopes, axis=1)[:, ::-1], dtype=np.float64)


def excursion_frames(tolerance: float, interval: float) -> int:
    """Frames of the longest excursion that is shorter than a time; one of g frames lasts g intervals.

    Parameters
    ----------
    tolerance : float
        The time, ps.
    interval : float
        Between frames, ps.

    Returns
    -------
    int
        0 for none.

    Raises
    ------
    InputError
        If the tolerance is no time.

    Examples
    --------
    >>> excursion_frames(0.0, 0.1), excursion_frames(0.3, 0.1), excursion_frames(0.35, 0.1)
    (0, 2, 3)
    """
    if not 0.0 <= tolerance < np.inf:
        raise InputError(f"tolerance {tolerance} is no time in ps")
    return max(0, int(np.ceil(tolerance / interval * (1.0 - 1e-9))) - 1)


def check_kind(kind: str, tolerance: float) -> None:
    """Refuse what is no kind of residence, or does not go with it.

    Parameters
    ----------
    kind : str
        Kind of residence.
    tolerance : float
        Longest excursion that does not count, ps.

    Raises
    ------
    InputError
        If the kind is unknown, or is ``"intermittent"`` and there is a tolerance.
    """
    if kind not in KINDS:
        raise InputError(f"kind {kind!r} is no kind of residence{did_you_mean(str(kind), KINDS)}")
    if kind == "intermittent" and tolerance:
        raise InputError("intermittent residence counts every return; tolerance is for kind='continuous'")


def residence_counts(stays: PairStays, kind: Kind, rows: Indices, n_rows: int) -> Array:
    """Return `intermittent_counts` or `continuous_counts`, by the kind of residence.

    Parameters
    ----------
    stays, rows, n_rows
        See there.
    kind : "intermittent" or "continuous"
        Which.

    Returns
    -------
    array
        See there.
    """
    count = intermittent_counts if kind == "intermittent" else continuous_counts
    return count(stays, rows, n_rows)


class ResidenceCorrelation(ShellAnalysis):
    r"""Residence of cations in the shells of anions, averaged over all pairs.

    The intermittent correlation asks whether a cation is in the same shell again, whatever it did in
    between; the continuous one whether it has been there all the time,

    .. math::

        C(t) = \frac{\langle h_{ij}(0) h_{ij}(t) \rangle}{\langle h \rangle}, \qquad
        S(t) = \frac{\langle H_{ij}(0, t) \rangle}{\langle h \rangle}

    with :math:`h_{ij} = 1` while cation i is within the cutoff of anion j and :math:`H_{ij}(0,t) = 1` if it
    was never outside from 0 to t. Pairs count one by one: a union of all shells would never be left. Without
    memory C goes to :math:`\langle h \rangle`, the `limit`, and the fluctuation
    :math:`(C - \langle h \rangle) / (1 - \langle h \rangle)` to zero; unless cations do not get to
    all anions in the record.

    The correlation time is the integral of the fluctuation, or of S: the mean time that a cation in a shell
    has still before it. Errors are those of a jackknife over groups of cations.

    Parameters
    ----------
    cations, anions, cutoff, of, frame_interval, verbose
        See `ShellAnalysis`.
    kind : "intermittent" or "continuous", optional
        Which of the two; `of_kind` gives the other without reading again.
    tolerance : float, optional
        For the continuous one: excursions that are shorter, ps, count as time in the shell. One of g frames
        lasts g intervals.
    longest : float, optional
        Longest lag time, ps; by default the length of the trajectory.

    Attributes
    ----------
    stays : PairStays
        From when to when which cation was in which shell.
    data : xarray.Dataset
        Against `lag_times` (ps) and `kind` (formula of the anions): ``residence`` and ``residence_error``;
        for intermittent residence ``fluctuation`` and ``fluctuation_error``. By `kind`: ``limit``,
        ``coordination`` (cations in the shell of an anion), ``tau`` and ``tau_error`` (ps; NaN
        where ``note`` says why).

    Raises
    ------
    InputError
        As `ShellAnalysis` does; and if the kind is unknown, the tolerance is no time or is given for
        intermittent residence, or no cation comes into the shell of any anion of a formula.

    References
    ----------
    R. W. Impey, P. A. Madden, I. R. McDonald, J. Phys. Chem. 87, 5071 (1983), doi:10.1021/j150643a008;
    A. Luzar, D. Chandler, Nature 379, 55 (1996), doi:10.1038/379055a0.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> u = mda.Universe.empty(2, trajectory=True)
    >>> x = np.array([1.0, 1.0, 3.0, 1.0])[:, None, None] * np.array([[0.0, 0, 0], [1, 0, 0]])
    >>> _ = u.load_new(x, dt=0.1)
    >>> anion = Anion("Cl", np.array([0]), ("Cl",), np.array([35.45]), None, np.array([], dtype=int))
    >>> ResidenceCorrelation(u.atoms[1:], [anion], cutoff=2.0).run().data.residence.values.ravel()
    array([1.  , 0.444, 0.667, 1.333])
    """

    def __init__(
        self,
        cations: Any,
        anions: Sequence[Anion],
        *,
        cutoff: float,
        kind: Kind = "intermittent",
        of: Of = "center",
        tolerance: float = 0.0,
        longest: float | None = None,
        frame_interval: float | None = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            cations, anions, cutoff=cutoff, of=of, frame_interval=frame_interval, verbose=verbose
        )
        check_kind(kind, tolerance)
        excursion_frames(tolerance, 1.0)
        self._kind, self._tolerance, self._longest = kind, tolerance, longest

    def _finish(self, interval: float) -> None:
        self._interval = interval
        self.stays = self._search.stays(self.n_frames)
        del self._search
        self.data = self.of_kind(self._kind, tolerance=self._tolerance)

    def of_kind(self, kind: Kind, *, tolerance: float = 0.0) -> xr.Dataset:
        """Return the results for one kind of residence, from the stays that were found.

        Parameters
        ----------
        kind : "intermittent" or "continuous"
            Which.
        tolerance : float, optional
            See `ResidenceCorrelation`.

        Returns
        -------
        xarray.Dataset
            As ``data``, which is of the kind that was asked for first.

        Raises
        ------
        InputError
            If there is no such kind, the tolerance is no time, or no cation comes near some kind of anion.
        """
        check_kind(kind, tolerance)
        stays = self.stays.without_excursions(excursion_frames(tolerance, self._interval))
        lags = number_of_lags(self.n_frames, self._interval, self._longest)
        kinds = tell_apart(self._anions)
        names = list(kinds)
        of_anion = np.array([names.index(anion.formula) for anion in self._anions])
        group = deal(len(self._cations))
        n_groups = int(group.max()) + 1
        rows = of_anion[stays.anion] * n_groups + group[stays.cation]
        counts = residence_counts(stays, kind, rows, len(kinds) * n_groups)
        counts = counts.reshape(len(kinds), n_groups, -1)
        lag_times: Array = np.arange(lags, dtype=np.float64) * self._interval
        sizes: Array = np.bincount(group).astype(np.float64) * self.n_frames
        contents: dict[str, list[Any]] = {}
        for name, parts in zip(names, counts, strict=True):
            if not parts[:, 0].any():
                raise InputError(
                    f"no cation comes within {self._cutoff:g} A of {name}; take a larger cutoff, or leave "
                    "these anions out"
                )
            of_one = _curves(parts, sizes, len(kinds[name]), lag_times, kind)
            for key, value in of_one.items():
                contents.setdefault(key, []).append(value)
        return self._dataset(contents, lag_times, names, kind, tolerance)

    def _dataset(
        self,
        contents: dict[str, list[Any]],
        lag_times: Array,
        names: list[str],
        kind: str,
        tolerance: float,
    ) -> xr.Dataset:
        described = {
            "residence": ("1", f"{kind} residence"),
            "fluctuation": ("1", f"{kind} residence, fluctuation"),
            "limit": ("1", "share of time that a pair is in contact"),
            "coordination": ("1", "cations in the shell of an anion"),
            "tau": ("ps", "residence time"),
        }
        variables: dict[str, Any] = {"note": ("kind", contents.pop("note"))}
        for key, values in contents.items():
            unit, meaning = described[key.removesuffix("_error")]
            if key.endswith("_error"):
                meaning = f"standard error of {meaning}"
            array = np.array(values)
            dims = "kind" if array.ndim == 1 else "lag_times kind"
            variables[key] = variable(dims, array.T, unit, meaning)
        return xr.Dataset(
            variables,
            {"lag_times": variable("lag_times", lag_times, "ps", "lag time"), "kind": names},
            {"residence_kind": kind, "cutoff_A": self._cutoff, "tolerance_ps": tolerance},
        )

    def plot(self, axes: Any = None) -> Any:
        """Draw the residence correlation against the lag time; see `Quantity.plot`."""
        axes = new_axes(axes, self.data.lag_times, self.data.residence)
        for name in self.data.kind.values:
            of_one = self.data.sel(kind=name)
            axes.plot(of_one.lag_times, of_one.residence, label=str(name))
            if "fluctuation" in of_one:
                axes.axhline(float(of_one.limit), color="0.6", lw=0.8)
        axes.legend(frameon=False)
        return axes


def _curves(
    parts: Array, sizes: Array, n_anions: int, lag_times: Array, kind: str
) -> dict[str, float | str | Array]:
    """Everything about the anions of one formula; `parts` are counts by group of cations."""
    n_frames, lags = parts.shape[1], len(lag_times)
    longest = _LONGEST * n_frames * (lag_times[1] - lag_times[0])
    # The last row is of all groups together.
    counts = np.vstack([leave_one_out(parts), parts.sum(axis=0)])
    times = np.append(leave_one_out(sizes), sizes.sum())
    with np.errstate(invalid="ignore", divide="ignore"):  # a group may hold all contacts
        curves = counts[:, :lags] / (n_frames - np.arange(lags)) * (n_frames / counts[:, :1])
        limits = counts[:, 0] / (times * n_anions)
        fluctuations = (curves - limits[:, None]) / (1.0 - limits[:, None])
    decays: list[CorrelationTime] = [
        integral_time(lag_times, curve, longest=longest)
        for curve in (fluctuations if kind == "intermittent" else curves)
    ]
    result: dict[str, float | str | Array] = {
        "residence": curves[-1],
        "residence_error": jackknife_error(curves[:-1]),
    }
    if kind == "intermittent":
        result |= {"fluctuation": fluctuations[-1], "fluctuation_error": jackknife_error(fluctuations[:-1])}
    return result | {
        "limit": float(limits[-1]),
        "coordination": float(limits[-1] * times[-1] / n_frames),
        "tau": decays[-1].time,
        "tau_error": float(jackknife_error(np.array([decay.time for decay in decays[:-1]]))),
        "note": decays[-1].note,
    }
