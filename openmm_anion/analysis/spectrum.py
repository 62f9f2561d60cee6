"""Vibrational density of states, split into cations and translation, rotation and vibration of anions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.constants import speed_of_light

from openmm_anion.analysis.continuous import Block, ContinuousAnalysis, indices_of
from openmm_anion.analysis.framework import masses_known
from openmm_anion.analysis.ions import Anion
from openmm_anion.analysis.oriented_anions import (
    mean_shapes,
    molecules_of,
    polyatomic,
    starts_of,
    take_centres,
)
from openmm_anion.analysis.quantity import new_axes, variable
from openmm_anion.analysis.velocity_split import split_velocities
from openmm_anion.analysis.welch import Welch
from openmm_anion.errors import InputError
from openmm_anion.units import MOLAR_GAS_CONSTANT

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

PER_CM = 1e10 / speed_of_light
"""One THz in 1/cm."""
KJ_PER_MOL = 0.01
"""One Da A^2/ps^2 in kJ/mol."""
PARTS = ("cations", "translation", "rotation", "vibration", "cross", "others")

_SEGMENT = 5.0
"""ps; resolves 0.3 THz, 10 1/cm."""
_FEWEST_FRAMES = 8
_SEEN_FOR_LINES = 20
_TOP, _FOLDED = 0.1, 0.1
"""Power in the top tenth of the frequencies, over the mean, from which on the spectrum looks cut off."""
_FROZEN = 1e-3
"""Of the whole power: a part below moves by rounding, which has any frequency."""


class VibrationalSpectrum(ContinuousAnalysis):
    r"""Spectrum of the kinetic energy: at which frequencies cations and anions move, and how.

    The density of states is the power spectrum of mass-weighted velocities. Those of the atoms of anions are
    split at each instant into the translation, rotation and vibration of the anion (`split_velocities`), so

    .. math:: S(\nu) = S_\mathrm{cations} + S_T + S_R + S_V + S_\mathrm{cross} + S_\mathrm{others}

    holds at every frequency. The integral of a part is twice its mean kinetic energy, :math:`n k T` for n
    degrees of freedom. The cross term of rotation and vibration has none: it is positive at some
    frequencies and negative at others. Other terms do not arise, as neither rotation nor vibration moves the
    centre.

    Parameters
    ----------
    cations : MDAnalysis.core.groups.AtomGroup
        Mobile atoms, of a trajectory with velocities.
    anions : sequence of Anion
        Anions of `find_ions`; to see one kind, give that only, and the rest is in ``others``.
    segment : float, optional
        Length of the pieces whose spectra are averaged, ps: frequencies closer than 1.5 / `segment` are not
        told apart. By default 5 ps, or the run where that is shorter.
    frame_interval : float, optional
        Time between frames of the trajectory, ps. By default what the trajectory says.
    verbose : bool, optional
        Show a progress bar.

    Attributes
    ----------
    data : xarray.Dataset
        Against `frequency` (THz; also as ``wavenumber``, 1/cm): ``spectrum`` of each `part` (cations,
        translation, rotation, vibration, cross, others) and ``total``, kJ/mol per THz. By `part`:
        ``degrees_of_freedom`` and ``temperature``, K, from the kinetic energies of all frames; not a number
        where there are no degrees of freedom. A conserved total momentum takes three of them away, which is
        not looked for; a part that was frozen is at 0 K. ``note`` says where the spectrum of a part reaches
        up to the highest frequency: frames are too far apart then, and what is above is seen at a lower one.

    Raises
    ------
    InputError
        As `ContinuousAnalysis` does; and if there are no anions, an atom is a cation and in an anion, or has
        no mass, or segments are shorter than eight frames or longer than the run.

    References
    ----------
    P. D. Welch, IEEE Trans. Audio Electroacoust. 15, 70 (1967), doi:10.1109/TAU.1967.1161901.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> u = mda.Universe.empty(3, trajectory=True, velocities=True)
    >>> u.add_TopologyAttr("masses", [23.0, 12.0, 14.0])
    >>> wave = np.cos(2 * np.pi * 10.0 * 0.01 * np.arange(100))[:, None, None] * np.ones((3, 3))
    >>> _ = u.load_new(np.tile(np.eye(3), (100, 1, 1)), velocities=wave, dt=0.01)
    >>> anion = Anion("CN", np.array([1, 2]), ("C", "N"), np.array([12.0, 14.0]), None, np.array([0, 1]))
    >>> data = VibrationalSpectrum(u.atoms[:1], [anion]).run().data
    >>> float(data.spectrum.sel(part="translation").idxmax())
    10.0
    """

    fewest_frames = _FEWEST_FRAMES

    def __init__(
        self,
        cations: Any,
        anions: Sequence[Anion],
        *,
        segment: float | None = None,
        frame_interval: float | None = None,
        verbose: bool = False,
    ) -> None:
        mobile = indices_of(cations, "cation")
        self._anions = polyatomic(anions)
        self._starts = starts_of(self._anions)
        members = np.concatenate([anion.indices for anion in self._anions])
        twice = np.intersect1d(mobile, members)
        if len(twice):
            raise InputError(f"atom {twice[0]} is a cation and in an anion; select the cations by element")
        masses = masses_known(cations.universe)
        others = np.setdiff1d(np.arange(len(masses)), np.concatenate([mobile, members]))
        self._sizes = len(members), len(mobile), len(others)
        self._masses = np.concatenate(
            [*(anion.masses for anion in self._anions), masses[mobile], masses[others]]
        )
        indices = np.concatenate([members, mobile, others])
        if not self._masses.min() > 0.0:
            raise InputError(f"atom {indices[self._masses.argmin()]} has no mass; give masses in Da")
        if segment is not None and not 0.0 < segment < np.inf:
            raise InputError(f"segment {segment} is no time in ps")
        self._segment = segment
        super().__init__(
            cations.universe,
            indices,
            molecules=molecules_of(self._starts),
            frame_interval=frame_interval,
            velocities=True,
            verbose=verbose,
        )

    def _prepare(self) -> None:
        super()._prepare()
        self._welch: Welch | None = None
        self._energies = dict.fromkeys(PARTS, 0.0)
        self._linear: NDArray[np.bool_] = np.empty(0, dtype=np.bool_)
        self._waiting: list[Array] = []

    def _consume(self, block: Block) -> None:
        assert block.velocities is not None  # the base was asked for them
        if not np.isfinite(block.velocities.sum()):
            bad = np.argwhere(~np.isfinite(block.velocities))[0]
            frame, atom = self.frames[block.frames.start + bad[0]], self._indices[bad[1]]
            raise InputError(f"frame {frame}: the velocity of atom {atom} is not finite; the run blew up")
        k, n = len(block.positions), self._sizes[0]
        atoms = block.positions[:, :n]
        take_centres(atoms, self._starts, self._masses)
        if not len(self._linear):
            some = np.linspace(0, k - 1, min(_SEEN_FOR_LINES, k)).astype(int)
            lines = mean_shapes(atoms[some], self._starts, self._masses[:n])[1]
            self._linear = np.asarray(lines.any(axis=1))
        translation, rotation, vibration = split_velocities(
            atoms, block.velocities[:, :n], self._starts, self._masses, self._linear
        )
        root = np.sqrt(self._masses)[:, None]
        total = np.sqrt([anion.masses.sum() for anion in self._anions])[:, None]
        pieces = {
            "translation": total * translation,
            "rotation": root[:n] * rotation,
            "vibration": root[:n] * vibration,
            "cations": root[n : n + self._sizes[1]] * block.velocities[:, n : n + self._sizes[1]],
            "others": root[n + self._sizes[1] :] * block.velocities[:, n + self._sizes[1] :],
        }
        for name, piece in pieces.items():
            self._energies[name] += float((piece**2).sum())
        self._waiting.append(np.concatenate([piece.reshape(k, -1) for piece in pieces.values()], axis=1))
        if block.frames.stop < 2:  # the time between analysed frames is not known yet
            return
        if self._welch is None:
            ends = np.cumsum([0, *(piece[0].size for piece in pieces.values())])
            parts = {name: slice(*pair) for name, pair in zip(pieces, pairwise(ends), strict=True)}
            interval = float(self._frame_interval * (self.frames[1] - self.frames[0]))
            self._welch = Welch(self._frames_of_segment(interval), interval, parts, ("rotation", "vibration"))
        for series in self._waiting:
            self._welch(series)
        self._waiting.clear()

    def _frames_of_segment(self, interval: float) -> int:
        wanted = _SEGMENT if self._segment is None else self._segment
        frames = round(wanted / interval)
        if self._segment is None:
            return int(np.clip(frames, self.fewest_frames, self.n_frames))
        if not self.fewest_frames <= frames <= self.n_frames:
            raise InputError(
                f"a segment of {wanted:g} ps has {frames} frames; give one between {self.fewest_frames} and "
                f"the {self.n_frames} frames of the run, {interval:g} ps apart"
            )
        return frames

    def _finish(self, interval: float) -> None:
        assert self._welch is not None
        power = {name: KJ_PER_MOL * values for name, values in self._welch.power().items()}
        freedom = self._degrees_of_freedom()
        mean = np.array([self._energies[part] * KJ_PER_MOL / self.n_frames for part in PARTS])
        with np.errstate(invalid="ignore"):
            temperature = np.where(freedom > 0, mean / (freedom * MOLAR_GAS_CONSTANT), np.nan)
        spectrum = np.array([power[part] for part in PARTS])
        frequency = self._welch.frequencies
        density = "kJ/mol/THz"
        self.data = xr.Dataset(
            {
                "spectrum": variable("part frequency", spectrum, density, "spectrum of the kinetic energy"),
                "total": variable("frequency", spectrum.sum(axis=0), density, "spectrum of all atoms"),
                "degrees_of_freedom": variable("part", freedom, "1", "degrees of freedom"),
                "temperature": variable("part", temperature, "K", "temperature"),
            },
            {
                "part": list(PARTS),
                "frequency": variable("frequency", frequency, "THz", "frequency"),
                "wavenumber": variable("frequency", frequency * PER_CM, "1/cm", "wavenumber"),
            },
        )
        self.data = self.data.assign(note=("part", self._notes()))

    def _degrees_of_freedom(self) -> Indices:
        n, cations, others = self._sizes
        molecules = len(self._anions)
        rotation = 3 * molecules - int(self._linear.sum())
        counts = {
            "cations": 3 * cations,
            "translation": 3 * molecules,
            "rotation": rotation,
            "vibration": 3 * n - 3 * molecules - rotation,
            "cross": 0,
            "others": 3 * others,
        }
        return np.array([counts[part] for part in PARTS])

    def _notes(self) -> list[str]:
        spectrum = self.data.spectrum
        warm = spectrum.mean("frequency") > _FROZEN * self.data.total.mean("frequency")
        top = spectrum[:, round((1.0 - _TOP) * spectrum.sizes["frequency"]) :].mean("frequency")
        cut_off = (top > _FOLDED * spectrum.mean("frequency")) & warm
        highest = float(self.data.frequency[-1])
        note = f"reaches up to {highest:.3g} THz, the highest that these frames show; write frames more often"
        return [note if too_high else "" for too_high in cut_off.values]

    def plot(self, axes: Any = None) -> Any:
        """Draw the parts against the frequency; see `Quantity.plot`."""
        data = self.data
        axes = new_axes(axes, data.frequency, data.spectrum)
        for name in PARTS:
            curve = data.spectrum.sel(part=name)
            if curve.any():
                axes.plot(data.frequency, curve, label=name, lw=1.0)
        axes.legend(frameon=False, fontsize="small")
        return axes
