"""Power spectra of series that come in blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.signal.windows import hann

from openmm_anion.analysis.compiled import compiled

Array = NDArray[np.float64]


class Welch:
    """Power spectra of series that come in pieces, from segments that overlap by half.

    A Hann window is laid over each segment and no mean is taken off, as `scipy.signal.welch` does with
    ``detrend=False``. Frames at the end that fill no segment are not used.

    Parameters
    ----------
    segment : int
        Frames of a segment.
    interval : float
        Time between frames.
    parts : dict of slice
        Which of the series make a part; powers of a part are summed.
    cross : tuple of str
        Two parts with the same number of series: twice the real part of the products of theirs makes the part
        ``cross``.

    Examples
    --------
    >>> welch = Welch(16, 0.1, {"a": slice(0, 1), "b": slice(1, 2)}, ("a", "b"))
    >>> welch(np.ones((40, 2)))
    >>> float(welch.power()["cross"].sum() * welch.frequencies[1])
    2.0
    """

    def __init__(
        self, segment: int, interval: float, parts: dict[str, slice], cross: tuple[str, str]
    ) -> None:
        self._window = hann(segment, sym=False)
        self._parts, self._cross = parts, cross
        self._pending: list[Array] = []
        self._n_pending = 0
        self.segments = 0
        """How many there were so far."""
        self.frequencies: Array = fft.rfftfreq(segment, interval)
        self._sums = {name: np.zeros(len(self.frequencies)) for name in (*parts, "cross")}
        # Of negative frequencies, too; zero, and in even segments the last one, are their own negatives.
        self._scale = np.full(len(self.frequencies), 2.0 * interval / (self._window**2).sum())
        self._scale[0] /= 2.0
        if segment % 2 == 0:
            self._scale[-1] /= 2.0

    def __call__(self, series: Array) -> None:
        """Go on with some frames: array, shape (n_frames, n_series)."""
        self._pending.append(series)
        self._n_pending += len(series)
        size = len(self._window)
        if self._n_pending < size:
            return
        pending = np.concatenate(self._pending)
        first = 0
        while first + size <= len(pending):
            self._add(pending[first : first + size])
            first += size - size // 2
        self._pending, self._n_pending = [pending[first:].copy()], len(pending) - first

    def _add(self, segment: Array) -> None:
        self.segments += 1
        spectra = {}
        for name, part in self._parts.items():
            # A series in one piece of memory: many times faster than with a stride.
            series = np.ascontiguousarray(segment[:, part].T) * self._window
            spectrum = fft.rfft(series, axis=1)
            self._sums[name] += _squares(spectrum, spectrum)
            if name in self._cross:
                spectra[name] = spectrum
        self._sums["cross"] += 2.0 * _squares(spectra[self._cross[0]], spectra[self._cross[1]])

    def power(self) -> dict[str, Array]:
        """Return the power per frequency of each part; its integral is the mean square of the series.

        Returns
        -------
        dict of array
            Square of the unit of the series, times that of the interval.
        """
        return {name: total * self._scale / self.segments for name, total in self._sums.items()}


@compiled
def _squares(one: NDArray[np.complex128], other: NDArray[np.complex128]) -> Array:
    """Real parts of products with the conjugate, summed over series."""
    total = np.zeros(one.shape[1])
    for s in range(one.shape[0]):
        for f in range(one.shape[1]):
            total[f] += one[s, f].real * other[s, f].real + one[s, f].imag * other[s, f].imag
    return total
