"""The motion of every anion, split into translation, rotation and vibration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from openmm_anion.analysis.best_fit import angle_between, to_matrices
from openmm_anion.analysis.compiled import compiled
from openmm_anion.analysis.ions import Anion, tell_apart
from openmm_anion.analysis.oriented_anions import OrientedAnions
from openmm_anion.analysis.quantity import new_axes, variable
from openmm_anion.errors import InputError

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

_ANIONS_AT_A_TIME = 16
"""Whose running means are in memory."""


class AnionMotion(OrientedAnions):
    r"""Translation, rotation and vibration of every anion in time.

    Atom i of an anion with the reference shape s is at

    .. math:: x_i(t) = c(t) + R(t) [s_i + v_i(t)]

    with the centre of mass c in the frame of the mean of the centres of all anions that are given, the
    mass-weighted rotation R of best fit and the vibration v. Displacements from the first frame obey

    .. math::

        \frac{1}{M} \sum_i m_i |\Delta x_i|^2 = |\Delta c|^2
        + \frac{1}{M} \sum_i m_i |\Delta (R s_i)|^2 + \frac{1}{M} \sum_i m_i |\Delta (R v_i)|^2
        + \frac{2}{M} \sum_i m_i \Delta (R s_i) \cdot \Delta (R v_i)

    Translation has no cross terms, as neither the shape nor the vibration moves the centre. A linear anion
    has the shortest rotation, which leaves its line where it is. The libration amplitude is the root mean
    square of the angle to the running mean of the orientation; windows with a jump count, so for anions that
    jump that of `RotationEvents`, within dwells, is the better one.

    Parameters
    ----------
    universe : MDAnalysis.Universe
        With the trajectory.
    anions : sequence of Anion
        Anions of `find_ions`: all of them, as they make the frame. A single one does not move in its frame.
    reference : "mean" or "first", optional
        The shape s, see `OrientedAnions`.
    window : float, optional
        Length of the running mean of the orientation, ps.
    frame_interval : float, optional
        Time between frames of the trajectory, ps. By default what the trajectory says.
    verbose : bool, optional
        Show a progress bar.

    Attributes
    ----------
    data : xarray.Dataset
        Against `time` (ps) from the first frame and `anion`: ``angle`` (rad, 0 to pi) of the rotation from
        the first frame, ``quaternion`` (w, x, y, z; continuous) of the rotation from the reference,
        ``displacement`` of the centre (A) and ``misfit`` (A, mass-weighted), the distance of the shape from
        the reference. By `anion`, with its ``formula``: ``vibration_rms`` (A, root mean square of the
        misfit) and ``libration_rms`` (rad). Against `time` and `kind`, means over the anions of a
        formula (A^2): ``total`` and its parts ``translation``, ``rotation``, ``vibration`` and ``cross``.
        What is against `time` and `anion` takes 72 bytes for each of both. Of these arrays, those over 800 MB
        are maps of temporary files, read as they are used: take some frames or anions of them at a time.

    Raises
    ------
    InputError
        As `OrientedAnions` does; and if the window is no time.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> u = mda.Universe.empty(2, trajectory=True)
    >>> _ = u.load_new(np.array([[[0.0, 0, 0], [1, 0, 0]], [[0, 0, 0], [0, 1, 0]]]), dt=0.1)
    >>> anion = Anion("CN", np.array([0, 1]), ("C", "N"), np.array([12.0, 14.0]), None, np.array([0, 1]))
    >>> AnionMotion(u, [anion]).run().data.angle.values.ravel()
    array([0.  , 1.57])
    """

    def __init__(
        self,
        universe: Any,
        anions: Sequence[Anion],
        *,
        reference: Literal["mean", "first"] = "mean",
        window: float = 2.0,
        frame_interval: float | None = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            universe, anions, reference=reference, frame_interval=frame_interval, verbose=verbose
        )
        if not 0.0 < window < np.inf:
            raise InputError(f"window {window} is no time in ps")
        self._window = window

    def _prepare(self) -> None:
        super()._prepare()
        n = len(self._anions)
        self._orientation, self._displacement = self._store(n, numbers=4), self._store(n)
        self._angle, self._misfit = self._store(n, numbers=1), self._store(n, numbers=1)
        self._squares = np.zeros(n)
        kinds = tell_apart(self._anions)
        self._kinds = list(kinds)
        self._of_kind = np.array([[a.formula == kind for kind in kinds] for a in self._anions], dtype=float)
        self._parts = np.empty((self.n_frames, len(kinds), len(_PARTS)))

    def _follow(self, frames: slice, centres: Array, atoms: Array, quaternions: Array) -> None:
        centres -= centres.mean(axis=1, keepdims=True)
        if not frames.start:
            self._first_centres = centres[0].copy()
            self._first_atoms, self._first_orientation = atoms[0].copy(), quaternions[0].copy()
        centres -= self._first_centres
        self._orientation.append(quaternions)
        self._displacement.append(centres)
        self._angle.append(angle_between(self._first_orientation, quaternions)[..., None])
        parts, squares = split_motion(
            atoms, to_matrices(quaternions), centres, self._first_atoms,
            to_matrices(self._first_orientation), self._starts, self._masses, self.references,
        )  # fmt: skip
        self._misfit.append(np.sqrt(squares)[..., None])
        self._squares += squares.sum(axis=0)
        self._parts[frames] = np.einsum("fap,ak->fkp", parts, self._of_kind / self._of_kind.sum(axis=0))

    def _finish(self, interval: float) -> None:
        window = max(1, round(self._window / interval))
        libration = [libration_amplitude(piece, window) for _, piece in self._orientation.pieces()]
        vibration = np.sqrt(self._squares / self.n_frames)
        contents = {
            "vibration_rms": variable("anion", vibration, "A", "vibration amplitude"),
            "libration_rms": variable("anion", np.concatenate(libration), "rad", "libration amplitude"),
        }
        for name, store, axis, unit, meaning in (
            ("angle", self._angle, "", "rad", "angle from the first frame"),
            ("quaternion", self._orientation, "wxyz", "1", "rotation from the reference"),
            ("displacement", self._displacement, "xyz", "A", "displacement of the centre"),
            ("misfit", self._misfit, "", "A", "distance from the reference shape"),
        ):
            values = store.whole() if axis else store.whole()[..., 0]
            store.close()  # what is in files is on the disk twice by now
            contents[name] = variable(f"time anion {axis}", values, unit, meaning)
        for k, (name, meaning) in enumerate(_PARTS.items()):
            contents[name] = variable("time kind", self._parts[..., k], "A^2", meaning)
        self.data = xr.Dataset(
            contents,
            {
                "time": variable("time", np.arange(self.n_frames) * interval, "ps", "time"),
                "anion": np.arange(len(self._anions)),
                "formula": ("anion", [anion.formula for anion in self._anions]),
                "kind": self._kinds,
                "wxyz": list("wxyz"),
                "xyz": list("xyz"),
            },
        )
        del self._parts

    def plot(self, axes: Any = None) -> Any:
        """Draw the parts of the squared displacement in time; see `Quantity.plot`."""
        data = self.data
        axes = new_axes(axes, data.time, data.total)
        for kind in data.kind.values:
            for name in _PARTS:
                axes.plot(data.time, data[name].sel(kind=kind), label=f"{kind} {name}", lw=1.0)
        axes.legend(frameon=False, fontsize="small")
        return axes


_PARTS = {
    "total": "squared displacement",
    "translation": "squared displacement by translation",
    "rotation": "squared displacement by rotation",
    "vibration": "squared displacement by vibration",
    "cross": "cross term of rotation and vibration",
}


@compiled
def split_motion(
    atoms: Array,
    turns: Array,
    displacements: Array,
    first_atoms: Array,
    first_turns: Array,
    starts: Indices,
    masses: Array,
    references: Array,
) -> tuple[Array, Array]:
    """Return the parts of the mass-weighted squared displacement from the first frame, and the vibration.

    Parameters
    ----------
    atoms : array, shape (n_frames, n_atoms, 3)
        Atoms about the centre of mass of their anion.
    turns : array, shape (n_frames, n_anions, 3, 3)
        Rotations of best fit.
    displacements : array, shape (n_frames, n_anions, 3)
        Of the centres, from the first frame.
    first_atoms, first_turns : array
        The first frame.
    starts, masses, references : array
        As in `fit_rotations`.

    Returns
    -------
    parts : array, shape (n_frames, n_anions, 5)
        Total, translation, rotation, vibration and cross term, per mass.
    squares : array, shape (n_frames, n_anions)
        Squared vibration per mass.
    """
    n_frames, n_anions = turns.shape[:2]
    parts = np.zeros((n_frames, n_anions, 5))
    squares = np.zeros((n_frames, n_anions))
    for f in range(n_frames):
        for a in range(n_anions):
            mass = 0.0
            for i in range(starts[a], starts[a + 1]):
                m = masses[i]
                mass += m
                for k in range(3):
                    here, there = 0.0, 0.0
                    for j in range(3):
                        here += turns[f, a, k, j] * references[i, j]
                        there += first_turns[a, k, j] * references[i, j]
                    moved = atoms[f, i, k] - first_atoms[i, k]
                    turned = here - there
                    parts[f, a, 0] += m * (displacements[f, a, k] + moved) ** 2
                    parts[f, a, 1] += m * displacements[f, a, k] ** 2
                    parts[f, a, 2] += m * turned**2
                    parts[f, a, 3] += m * (moved - turned) ** 2
                    parts[f, a, 4] += 2.0 * m * turned * (moved - turned)
                    squares[f, a] += m * (atoms[f, i, k] - here) ** 2
            for k in range(5):
                parts[f, a, k] /= mass
            squares[f, a] /= mass
    return parts, squares


def libration_amplitude(quaternions: Array, window: int) -> Array:
    """Return the root mean square angle of orientations to their running mean, rad.

    Parameters
    ----------
    quaternions : array, shape (n_frames, n_anions, 4)
        Unit quaternions with continuous signs.
    window : int
        Frames of the running mean, made odd.

    Returns
    -------
    array, shape (n_anions,)

    Examples
    --------
    >>> to_and_fro = 0.1 * np.array([[1, 0], [0, -1], [-1, 0], [0, 1]] * 10)
    >>> q = np.concatenate([np.cos(to_and_fro[:, None, :1]), np.sin(to_and_fro[:, None, :1])], axis=2)
    >>> libration_amplitude(np.concatenate([q, 0 * q], axis=2), 20).round(2)
    array([0.14])
    """
    amplitudes = np.empty(quaternions.shape[1])
    for first in range(0, len(amplitudes), _ANIONS_AT_A_TIME):
        some = slice(first, first + _ANIONS_AT_A_TIME)
        here = quaternions[:, some]
        mean = uniform_filter1d(here, window + 1 - window % 2, axis=0, mode="mirror")
        mean /= np.linalg.norm(mean, axis=-1, keepdims=True)
        amplitudes[some] = np.sqrt((angle_between(mean, here) ** 2).mean(axis=0))
    return amplitudes
