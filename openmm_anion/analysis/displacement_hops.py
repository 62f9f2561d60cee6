"""When cations hop, without sites: lasting displacements."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from openmm_anion.analysis.cation_motion import CationMotion
from openmm_anion.analysis.compiled import compiled
from openmm_anion.analysis.event_count import count_events
from openmm_anion.analysis.framework import Frame
from openmm_anion.analysis.quantity import new_axes, variable
from openmm_anion.analysis.residence_times import frames_of, hop_rate
from openmm_anion.errors import InputError

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

_NOISE_FACTOR = 2.0
"""A hop must be so much longer than half of all differences between window means."""


def displacement_hops(
    positions: Array, length: float, frames: int, cell: Array | None = None
) -> tuple[Indices, Indices, Array, Array, float]:
    r"""Find hops as lasting changes of the mean position.

    .. math:: d(t) = | \langle x \rangle_{[t, t+w)} - \langle x \rangle_{[t-w, t)} |

    A hop of a particle is at t where d is over `length` and the largest from t - w to t + w. (The hop
    function of Candelier et al., times two, without the spread within windows, so that vibration does
    not shift the threshold.) Hops closer than w to an end of the record are not told; windows that the
    end cuts off serve to tell that a maximum is not at t. Linear in frames.

    Parameters
    ----------
    positions : array, shape (n_frames, n_particles, 3)
        Continuous positions.
    length : float
        Shortest hop.
    frames : int
        Length w of windows, in frames.
    cell : array, shape (3, 3), optional
        If positions are fractional, the cell.

    Returns
    -------
    time : array of int, shape (n_hops,)
        First frames after hops, in order.
    particle : array of int, shape (n_hops,)
        Who hops.
    jumps : array, shape (n_hops, 3)
        Mean position after the hop less that before.
    rattling : array, shape (n_particles,)
        Root mean square distance from the mean position between hops.
    noise : float
        Median of d.

    References
    ----------
    R. Candelier, O. Dauchot, G. Biroli, Phys. Rev. Lett. 102, 088001 (2009),
    doi:10.1103/PhysRevLett.102.088001.

    Examples
    --------
    >>> x = np.repeat([0.0, 3.0], 5)[:, None, None] * [1.0, 0.0, 0.0]
    >>> time, particle, jumps, rattling, noise = displacement_hops(x, 1.0, 3)
    >>> time, jumps
    (array([5]), array([[3., 0., 0.]]))
    """
    return _of_all([positions], length, frames, np.eye(3) if cell is None else cell)


def _of_all(
    pieces: Iterable[Array], length: float, w: int, cell: Array
) -> tuple[Indices, Indices, Array, Array, float]:
    """What `displacement_hops` returns, from the paths of some particles after those of others."""
    parts, typical, first = [], [], 0
    for positions in pieces:
        n, n_particles = positions.shape[:2]
        size = n_particles * (n // w + 1)
        time, particle = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)
        jumps, rattling = np.empty((size, 3)), np.empty(n_particles)
        differences = np.empty((n_particles, len(range(w, n - w + 1, w))))
        found = _find_displacements(positions, cell, length, w, time, particle, jumps, rattling, differences)
        parts.append((time[:found], particle[:found] + first, jumps[:found], rattling))
        typical.append(differences.ravel())
        first += n_particles
    time, particle, jumps, rattling = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.lexsort((particle, time))
    noise = float(np.median(np.concatenate(typical)))
    return time[order], particle[order], jumps[order], rattling, noise


@compiled
def _find_displacements(
    positions: Array,
    cell: Array,
    length: float,
    w: int,
    time: Indices,
    particle: Indices,
    jumps: Array,
    rattling: Array,
    typical: Array,
) -> int:
    """Fill what `displacement_hops` returns; return the number of hops."""
    n, found = positions.shape[0], 0
    x = np.empty((n, 3))
    total = np.zeros((n + 1, 3))
    square = np.zeros(n + 1)
    d = np.zeros(n + 1)
    for p in range(positions.shape[1]):
        for t in range(n):
            a = positions[t, p, 0] - positions[0, p, 0]
            b = positions[t, p, 1] - positions[0, p, 1]
            c = positions[t, p, 2] - positions[0, p, 2]
            square[t + 1] = square[t]
            for k in range(3):
                x[t, k] = a * cell[0, k] + b * cell[1, k] + c * cell[2, k]
                total[t + 1, k] = total[t, k] + x[t, k]
                square[t + 1] += x[t, k] ** 2
        for t in range(1, n):
            first, end = max(t - w, 0), min(t + w, n)
            d[t] = 0.0
            for k in range(3):
                after = (total[end, k] - total[t, k]) / (end - t)
                d[t] += (after - (total[t, k] - total[first, k]) / (t - first)) ** 2
            d[t] = np.sqrt(d[t])
        for j in range(typical.shape[1]):
            typical[p, j] = d[(j + 1) * w]
        spread, begin = 0.0, w
        for t in range(w, n - w + 1):
            if d[t] <= length or d[t] <= d[t - 1] or (t + 1 < n and d[t] < d[t + 1]):
                continue
            highest = True
            for u in range(max(t - w, 1), min(t + w, n - 1) + 1):
                highest = highest and (d[u] < d[t] or (u >= t and d[u] == d[t]))
            if highest:
                time[found], particle[found] = t, p
                for k in range(3):
                    after = (total[t + w, k] - total[t, k]) / w
                    jumps[found, k] = after - (total[t, k] - total[t - w, k]) / w
                found += 1
                spread += _spread(total, square, begin, t)
                begin = t
        spread += _spread(total, square, begin, n - w)
        rattling[p] = np.sqrt(max(spread, 0.0) / max(n - 2 * w, 1))
    return found


@compiled
def _spread(total: Array, square: Array, begin: int, end: int) -> float:
    """Sum of squared distances from the mean position, over some frames."""
    if end <= begin:
        return 0.0
    away = 0.0
    for k in range(3):
        away += (total[end, k] - total[begin, k]) ** 2
    return square[end] - square[begin] - away / (end - begin)


class DisplacementHops(CationMotion):
    """Hops of cations without sites: lasting changes of their mean position.

    A hop is where the mean positions over windows of `settle` before and after differ by more than
    `length`, at the time of the maximum; see `displacement_hops`. Positions are relative to the framework,
    and scaled to the mean cell. The rate counts times from `settle` after the beginning to `settle` before
    the end.

    Parameters
    ----------
    cations : MDAnalysis.core.groups.AtomGroup
        Atoms that hop.
    relative_to : sequence of Anion or of array_like of int, "system" or None
        The frame; see `CationMotion`.
    length : float
        Shortest hop, A: between the amplitude of vibration and the distance between sites.
    settle : float
        Length of the windows, ps: several vibrations, and shorter than the stays.
    above_noise : bool, optional
        Where `length` is within the noise, take twice the noise instead of refusing.
    frame_interval : float, optional
        Time between frames of the trajectory, ps. By default what the trajectory says.
    verbose : bool, optional
        Show a progress bar.

    Attributes
    ----------
    counted : EventCount
        Number of hops and its variance.
    data : xarray.Dataset
        Along ``event``, in the order of time: ``cation`` (index of the atom), ``time`` (of the first frame
        after the hop, from the first frame analysed, ps), the vector ``jump`` from the mean position before
        to that after (A) and its ``jump_length``. ``hop_rate`` per cation (1/ps) with
        ``hop_rate_interval`` and ``hop_rate_dispersion`` (see `EventCount`); ``observed``, the time (ps) in
        which hops would be seen, of all cations together; ``rattling`` (particle) and
        ``rattling_amplitude``, root mean square distances from the mean position between hops (A);
        ``noise``, the median difference of window means (A); ``shortest``, the length from which on a hop
        counts (A).

    Raises
    ------
    InputError
        As `CationMotion` does; and if `length` or `settle` is out of range, the record is shorter than two
        windows, or `length` is within the noise, which is half of it or more.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> u = mda.Universe.empty(1, trajectory=True)
    >>> _ = u.load_new(np.repeat([0.0, 3.0], 10)[:, None, None] * [1.0, 0.0, 0.0], dt=0.5)
    >>> DisplacementHops(u.atoms, None, length=1.0, settle=1.5).run().data.time.values
    array([5.])
    """

    needs_cell = False

    def __init__(
        self,
        cations: Any,
        relative_to: Frame,
        *,
        length: float,
        settle: float,
        above_noise: bool = False,
        frame_interval: float | None = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(cations, relative_to, frame_interval=frame_interval, verbose=verbose)
        if not 0.0 < length < np.inf:
            raise InputError(f"length {length} is no distance in A")
        self._length, self._settle, self._above_noise = length, settle, above_noise

    def _prepare(self) -> None:
        super()._prepare()
        self._path = self._store(len(self._cations))

    def _follow(self, frames: slice, fractional: Array) -> None:
        self._path.append(fractional)

    def _finish(self, interval: float) -> None:
        settle = frames_of(self._settle, interval, self.n_frames, fewest=2)

        def longer_than(length: float) -> tuple[Indices, Indices, Array, Array, float]:
            return _of_all((path for _, path in self._path.pieces()), length, settle, self.mean_cell)

        length = self._length
        time, particle, jumps, rattling, noise = longer_than(length)
        if self._above_noise and length < _NOISE_FACTOR * noise:
            length = _NOISE_FACTOR * noise
            time, particle, jumps, rattling, noise = longer_than(length)
        if length < _NOISE_FACTOR * noise:
            raise InputError(
                f"length {self._length:g} A is within the noise: mean positions over {self._settle:g} ps "
                f"differ by {noise:.2f} A as a rule; take a longer length, or other windows"
            )
        observed = len(self._cations) * (self.n_frames - 2 * settle + 1) * interval
        window = settle, self.n_frames - settle + 1
        self.counted = count_events(time, particle, len(self._cations), window, settle)
        rate, bounds = hop_rate(self.counted, observed)
        self.data = xr.Dataset(
            {
                "cation": variable("event", self._cations[particle], "1", "atom"),
                "time": variable("event", time * interval, "ps", "time of a hop"),
                "jump": variable("event xyz", jumps, "A", "jump"),
                "jump_length": variable("event", np.linalg.norm(jumps, axis=1), "A", "jump length"),
                "hop_rate": variable("", rate, "1/ps", "hops per cation"),
                "hop_rate_interval": variable("bound", bounds, "1/ps", "95 percent interval"),
                "hop_rate_dispersion": variable(
                    "", self.counted.dispersion, "1", "variance of the number of hops over its mean"
                ),
                "observed": variable("", observed, "ps", "time in which hops would be seen, of all cations"),
                "rattling": variable("particle", rattling, "A", "distance from the mean position"),
                "rattling_amplitude": variable(
                    "", np.sqrt((rattling**2).mean()), "A", "distance from the mean position"
                ),
                "noise": variable("", noise, "A", "median difference of mean positions"),
                "shortest": variable("", length, "A", "length from which on a hop counts"),
            },
            {"particle": self._cations, "xyz": ["x", "y", "z"]},
        )

    def plot(self, axes: Any = None) -> Any:
        """Draw the distribution of jump lengths; see `Quantity.plot`."""
        axes = new_axes(axes, self.data.jump_length)
        axes.hist(self.data.jump_length, bins="auto")
        axes.set_ylabel("hops")
        return axes
