"""Whether cations leave an anion when it turns: joint correlation of residence and orientation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import fft

from openmm_anion.analysis.compiled import compiled
from openmm_anion.analysis.correlation_time import deal, jackknife_error, leave_one_out
from openmm_anion.analysis.directions import Directions
from openmm_anion.analysis.ions import Anion, tell_apart
from openmm_anion.analysis.legendre import checked_order, harmonics, legendre_correlation
from openmm_anion.analysis.msd import number_of_lags
from openmm_anion.analysis.quantity import new_axes, variable
from openmm_anion.analysis.residence import Kind, check_kind, residence_counts
from openmm_anion.analysis.shells import Of, PairStays, ShellAnalysis
from openmm_anion.errors import InputError

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

_FOURIER_FRAMES = 90
"""A visit of more frames than the root of so many times its span is done by FFT."""


def visit_products(components: Array, begin: Indices, end: Indices, visits: Indices, n_lags: int) -> Array:
    r"""Return products of the components of an anion with themselves k frames later, both in a visit.

    .. math:: N(k) = \sum_v \sum_{t, t + k \in v} \sum_c Y_c(t) Y_c(t + k)

    Few frames are multiplied one by one, many by FFT.

    Parameters
    ----------
    components : array, shape (n_frames, n_components)
        Components in time.
    begin, end : array of int, shape (n_stays,)
        Stays: their first frames, and the first ones after them.
    visits : array of int, shape (n_visits + 1,)
        Visit v has the stays from ``visits[v]`` to ``visits[v + 1]``, in the order of time.
    n_lags : int
        Lags, zero included.

    Returns
    -------
    array, shape (n_lags,)

    Examples
    --------
    >>> whole = np.array([0]), np.array([3]), np.array([0, 1])
    >>> visit_products(np.array([[1.0], [2.0], [3.0]]), *whole, 3)
    array([14., 8., 3.])
    """
    total = np.zeros(n_lags)
    inside = np.add.reduceat(end - begin, visits[:-1])
    span = end[visits[1:] - 1] - begin[visits[:-1]]
    many = np.square(inside) > _FOURIER_FRAMES * span
    _multiply(components, begin, end, visits, many, total)
    for v in np.flatnonzero(many):
        first, last = int(begin[visits[v]]), int(end[visits[v + 1] - 1])
        lags = min(last - first, n_lags)
        series = np.zeros((components.shape[1], last - first))
        for s in range(visits[v], visits[v + 1]):
            series[:, begin[s] - first : end[s] - first] = components[begin[s] : end[s]].T
        padded = fft.next_fast_len(last - first + lags, real=True)
        spectrum = fft.rfft(series, padded, axis=1)
        power = (np.square(spectrum.real) + np.square(spectrum.imag)).sum(axis=0)
        total[:lags] += fft.irfft(power, n=padded)[:lags]
    return total


@compiled
def _multiply(
    components: Array,
    begin: Indices,
    end: Indices,
    visits: Indices,
    skip: NDArray[np.bool_],
    total: Array,
) -> None:
    frames = np.empty(len(components), dtype=np.int64)
    for v in range(len(visits) - 1):
        if skip[v]:
            continue
        n = 0
        for s in range(visits[v], visits[v + 1]):
            for t in range(begin[s], end[s]):
                frames[n] = t
                n += 1
        for later in range(n):
            at = components[frames[later]]
            for earlier in range(later, -1, -1):
                lag = frames[later] - frames[earlier]
                if lag >= len(total):
                    break
                before = components[frames[earlier]]
                product = 0.0
                for c in range(components.shape[1]):
                    product += at[c] * before[c]
                total[lag] += product


class Coupling(ShellAnalysis):
    r"""Joint correlation of the residence of cations and the orientation of the anion they are at.

    .. math::

        J(t) = \frac{\langle h_{ij}(0)\, P_l[u_j(0) \cdot u_j(t)]\, h_{ij}(t) \rangle}{\langle h \rangle},
        \qquad
        \text{coupling}(t) = J(t)
            - \frac{\langle h(0) h(t) \rangle}{\langle h \rangle} \langle P_l[u(0) \cdot u(t)] \rangle

    with :math:`h_{ij} = 1` while cation i is in the shell of anion j and unit vectors u from its central atom
    (or, without one, its centre of mass) to its ligands, over which P_l is averaged. Continuous residence
    has :math:`H_{ij}(0, t)` for the products of h. The orientation is averaged over all anions at all times,
    whether a cation is there or not.

    Where cations leave whether or not the anion turns, the joint correlation is the product of its
    factors. The coupling is positive where cations that are still there are at anions that have turned less.
    Anions that differ for good, so that those with more or longer residing cations turn less, are coupled
    in this sense too. Errors are those of a jackknife over groups of anions; neighbours that move together
    make them too small.

    Parameters
    ----------
    cations, anions, cutoff, of, frame_interval, verbose
        See `ShellAnalysis`.
    order : int, optional
        l, from 1 to 3.
    kind : "intermittent" or "continuous", optional
        See `openmm_anion.analysis.residence.ResidenceCorrelation`.
    longest : float, optional
        Longest lag time, ps; by default the length of the trajectory.

    Attributes
    ----------
    data : xarray.Dataset
        Against `lag_times` (ps) and `kind` (formula of the anions): ``joint``, its factors ``residence`` and
        ``orientation``, their ``coupling``, and their standard errors, ``joint_error`` and so on; NaN for a
        single anion.

    Raises
    ------
    InputError
        As `ShellAnalysis` does; and if the order or the kind is unknown, an anion has no ligands or one of
        them is at its centre, or no cation comes into the shell of any anion of a formula.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> u = mda.Universe.empty(3, trajectory=True)
    >>> x = [[[0.0, 0, 0], [1, 0, 0], [0, 0, 2]], [[0, 0, 0], [0, 1, 0], [0, 0, 2]]]
    >>> _ = u.load_new(np.array(x), dt=0.1)
    >>> anion = Anion("OH", np.array([0, 1]), ("O", "H"), np.array([16.0, 1.0]), 0, np.array([1]))
    >>> Coupling(u.atoms[2:], [anion], cutoff=3.0).run().data.joint.values.ravel()
    array([ 1. , -0.5])
    """

    def __init__(
        self,
        cations: Any,
        anions: Sequence[Anion],
        *,
        cutoff: float,
        order: int = 2,
        kind: Kind = "intermittent",
        of: Of = "center",
        longest: float | None = None,
        frame_interval: float | None = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            cations, anions, cutoff=cutoff, of=of, frame_interval=frame_interval, verbose=verbose
        )
        check_kind(kind, 0.0)
        for anion in self._anions:
            if not len(anion.ligands):
                raise InputError(
                    f"{anion.formula} (atom {anion.indices[0]}) has no ligands that show its orientation"
                )
        self._order, self._kind, self._longest = checked_order(order), kind, longest
        self._directions = Directions(self._anions)

    def _prepare(self) -> None:
        super()._prepare()
        sizes = [len(anion.ligands) for anion in self._anions]
        self._vectors = self._store(len(self._directions), together=sizes, dtype=np.float32)

    def _follow(self, frames: slice, atoms: Array) -> None:
        vectors = np.empty((len(atoms), len(self._directions), 3), dtype=np.float32)
        self._directions.fill(atoms, self.frames[frames], vectors)
        self._vectors.append(vectors)

    def _finish(self, interval: float) -> None:
        lags = number_of_lags(self.n_frames, interval, self._longest)
        stays = self._search.stays(self.n_frames)
        del self._search
        kinds = tell_apart(self._anions)
        # A row for each group of anions of a kind, one kind after the other.
        dealt = [deal(len(anions)) for anions in kinds.values()]
        ends = np.cumsum([0, *(group.max() + 1 for group in dealt)])
        row_of = np.empty(len(self._anions), dtype=np.int64)
        for name, group, first in zip(kinds, dealt, ends, strict=False):
            row_of[[anion.formula == name for anion in self._anions]] = first + group
        residence = residence_counts(stays, self._kind, row_of[stays.anion], int(ends[-1]))
        for name, begin, end in zip(kinds, ends, ends[1:], strict=False):
            if not residence[begin:end, 0].any():
                raise InputError(
                    f"no cation comes within {self._cutoff:g} A of {name}; take a larger cutoff, or leave "
                    "these anions out"
                )
        joint, orientation = self._joint_sums(stays, row_of, int(ends[-1]), lags)
        inside, anions = residence[:, 0].copy(), np.bincount(row_of)
        contents: dict[str, list[Array]] = {}
        for rows in map(slice, ends, ends[1:]):
            sums = joint[rows], residence[rows, :lags], orientation[rows], inside[rows], anions[rows]
            for key, curve in _with_errors(*sums, self.n_frames).items():
                contents.setdefault(key, []).append(curve)
        meanings = {
            "joint": "joint correlation",
            "residence": f"{self._kind} residence",
            "orientation": f"orientational correlation, l = {self._order}",
            "coupling": "coupling of residence and orientation",
        }
        variables: dict[str, xr.Variable] = {}
        for key, curves in contents.items():
            meaning = meanings[key.removesuffix("_error")]
            if key.endswith("_error"):
                meaning = f"standard error of {meaning}"
            variables[key] = variable("lag_times kind", np.array(curves).T, "1", meaning)
        self.data = xr.Dataset(
            variables,
            {
                "lag_times": variable("lag_times", np.arange(lags) * interval, "ps", "lag time"),
                "kind": list(kinds),
            },
            {"residence_kind": self._kind, "cutoff_A": self._cutoff, "order": self._order},
        )

    def _joint_sums(self, stays: PairStays, row_of: Indices, n_rows: int, lags: int) -> tuple[Array, Array]:
        """Sums over the anions of each row, of the joint correlation and of that of the orientation."""
        joint, orientation = np.zeros((n_rows, lags)), np.zeros((n_rows, lags))
        starts = np.array([of_one.start for of_one in self._directions.of_anion])
        for some, piece in self._vectors.pieces():
            for anion in range(*np.searchsorted(starts, [some.start, some.stop])):
                of_one = self._directions.of_anion[anion]
                vectors = piece[:, of_one.start - some.start : of_one.stop - some.start]
                turning = legendre_correlation(vectors[:, None], self._order, lags)[:, 0]
                orientation[row_of[anion]] += turning * (self.n_frames - np.arange(lags))
                y = harmonics(vectors, self._order).reshape(self.n_frames, -1) / np.sqrt(vectors.shape[1])
                own = _stays_of(stays, anion)
                if len(own.begin):
                    visits = own.pairs if self._kind == "intermittent" else np.arange(len(own.begin) + 1)
                    joint[row_of[anion]] += visit_products(y, own.begin, own.end, visits, lags)
        return joint, orientation

    def plot(self, axes: Any = None) -> Any:
        """Draw the coupling against the lag time, with its error; see `Quantity.plot`."""
        axes = new_axes(axes, self.data.lag_times, self.data.coupling)
        for name in self.data.kind.values:
            of_one = self.data.sel(kind=name)
            low, high = of_one.coupling - of_one.coupling_error, of_one.coupling + of_one.coupling_error
            axes.plot(of_one.lag_times, of_one.coupling, label=str(name))
            axes.fill_between(of_one.lag_times, low, high, alpha=0.3, lw=0.0)
        axes.axhline(0.0, color="0.6", lw=0.8)
        axes.legend(frameon=False)
        return axes


def _stays_of(stays: PairStays, anion: int) -> PairStays:
    some = slice(*np.searchsorted(stays.anion, [anion, anion + 1]))
    return PairStays(
        stays.cation[some], stays.anion[some], stays.begin[some], stays.end[some], stays.n_frames
    )


def _with_errors(
    joint: Array, residence: Array, orientation: Array, inside: Array, anions: Indices, n_frames: int
) -> dict[str, Array]:
    """Correlations and their jackknife errors from sums by group; `inside` counts h over all frames."""
    rest = n_frames - np.arange(joint.shape[1])

    def correlations(joint: Array, residence: Array, orientation: Array, h: Array, n: Array) -> list[Array]:
        with np.errstate(invalid="ignore", divide="ignore"):  # a group may hold all contacts
            scale = n_frames / (h[..., None] * rest)
            together, stay, turn = joint * scale, residence * scale, orientation / (n[..., None] * rest)
        return [together, stay, turn, together - stay * turn]

    sums = (joint, residence, orientation, inside, anions.astype(np.float64))
    everything = correlations(*(np.asarray(part.sum(axis=0)) for part in sums))
    without = correlations(*(leave_one_out(part) for part in sums))
    result: dict[str, Array] = {}
    for name, curve, others in zip(
        ("joint", "residence", "orientation", "coupling"), everything, without, strict=True
    ):
        result[name] = curve
        result[f"{name}_error"] = jackknife_error(others)
    return result
