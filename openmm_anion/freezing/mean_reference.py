r"""Where anions are on average: mean centres, orientations and shapes over a window of free dynamics.

Freezing one instant also freezes its disorder: each anion keeps its thermal displacement for ever. The mean
over a window takes that out. Every frame of an anion splits into its centre c, the rotation Q that brings a
template d nearest to it (`openmm_anion.shape.best_rotation`), and the shape in the frame of the template,
:math:`s_i = Q^T (x_i - c)`. Means of c and s are plain ones; the mean orientation is the rotation nearest to
the mean of Q (M. Moakher, SIAM J. Matrix Anal. Appl. 24, 1 (2002), doi:10.1137/S0895479801383877).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from openmm import unit

from openmm_anion import shape
from openmm_anion.errors import InputError
from openmm_anion.freezing.frozen_system import FrozenSystem
from openmm_anion.freezing.same_size import by_size
from openmm_anion.periodic import all_whole, minimum_image
from openmm_anion.units import array

Array = NDArray[np.float64]

LEAST_ORDER = 0.8
"""Mean cosine of the angle from the mean orientation under which an anion has none (37 degrees)."""


class MeanReference:
    """Collect the mean positions of anions, frame by frame or as a reporter of a Simulation.

    Parameters
    ----------
    frozen : FrozenSystem
        Tells the anions and their masses: usually ``freeze(system, anions, "free", positions=...)``.
    interval : int, optional
        Steps between two frames where this is a reporter.

    Examples
    --------
    >>> import openmm
    >>> from openmm_anion import freeze
    >>> system = openmm.System()
    >>> _ = [system.addParticle(m) for m in (12.0, 14.0)]
    >>> window = MeanReference(freeze(system, [[0, 1]], "free", positions=[[0, 0, 0], [0.12, 0, 0]]))
    >>> for length in (0.11, 0.13):
    ...     window.add([[0, 0, 0], [length, 0, 0]])
    >>> print(f"{np.ptp(window.positions()[:, 0]):.3f}")
    0.120
    """

    def __init__(self, frozen: FrozenSystem, interval: int = 10) -> None:
        if interval < 1:
            raise InputError(f"interval of {interval} steps between frames must be 1 or more, e.g. 10")
        self._frozen = frozen
        self._interval = interval
        self._groups = list(by_size(frozen.given))
        self._templates = [same.positions - same.means(same.positions)[:, None] for same in self._groups]
        self._centers = [same.means(same.positions) for same in self._groups]
        self._sums = [
            (np.zeros_like(center), np.zeros((len(center), 3, 3)), np.zeros_like(template))
            for center, template in zip(self._centers, self._templates, strict=True)
        ]
        self._last = frozen.positions
        self.frames = 0
        """Frames collected so far."""

    def add(self, positions: Any, box: Any = None) -> None:
        """Add a frame.

        Parameters
        ----------
        positions : Quantity or (N, 3) array
            Positions of all particles, nm; anions may be wrapped.
        box : Quantity or (3, 3) array, optional
            Box vectors, nm; by default those of the System.

        Raises
        ------
        InputError
            If a number is not finite, or there are not as many positions as particles.
        """
        points = array(positions, unit.nanometer, "positions")
        if points.shape != self._last.shape:
            raise InputError(
                f"a frame has positions of shape {points.shape}, but there are {len(self._last)} particles"
            )
        vectors = self._frozen.box if box is None else array(box, unit.nanometer, "box vectors")
        for k, same in enumerate(self._groups):
            here = all_whole(points[same.indices], vectors)
            center = same.means(here)
            relative = here - center[:, None]
            self._centers[k] = self._centers[k] + minimum_image(center - self._centers[k], vectors)
            turn = shape.best_rotation(self._templates[k], relative, same.masses)
            for total, value in zip(self._sums[k], (self._centers[k], turn, relative @ turn), strict=True):
                total += value
        self._last = points
        self.frames += 1

    def positions(self, modes: str = "TRV") -> Array:
        """Return mean positions of the anions, and the last ones of all other particles, (N, 3), nm.

        Parameters
        ----------
        modes : str, optional
            Motions that are to be frozen there: with R every anion must have a mean orientation.

        Returns
        -------
        array, shape (N, 3)
            nm, anions whole.

        Raises
        ------
        InputError
            If there is no frame, or an anion turned so far that its mean orientation means nothing.
        """
        if not self.frames:
            raise InputError("the window of the mean reference holds no frame; run free dynamics first")
        result = self._last.copy()
        for same, (centers, turns, shapes) in zip(self._groups, self._sums, strict=True):
            left, size, right = np.linalg.svd(turns / self.frames)
            # Mean cosine of the angle from the mean orientation; of linear anions that of their axis.
            order = np.where(same.linear, size[:, 0], 0.5 * (size.sum(axis=1) - 1.0))
            if "R" in modes and (order < LEAST_ORDER).any():
                number = same.numbers[np.argmin(order)]
                raise InputError(
                    f"anion {number} turned by more than {np.degrees(np.arccos(LEAST_ORDER)):.0f} degrees "
                    "(mean) within the window, so that its mean orientation means nothing; take a shorter "
                    "window, or freeze it where it is"
                )
            left[..., 2] *= np.sign(np.linalg.det(left @ right))[:, None]
            turned = (shapes / self.frames) @ np.swapaxes(left @ right, -1, -2)
            result[same.indices] = (centers / self.frames)[:, None] + turned
        return result

    def describeNextReport(self, simulation: Any) -> dict[str, Any]:
        """Tell OpenMM when the next frame is due and what it needs.

        Parameters
        ----------
        simulation : openmm.app.Simulation
            The simulation.

        Returns
        -------
        dict
            As OpenMM asks of reporters.
        """
        steps = self._interval - simulation.currentStep % self._interval
        return {"steps": steps, "periodic": False, "include": ["positions"]}

    def report(self, simulation: Any, state: Any) -> None:
        """Add the frame of a State.

        Parameters
        ----------
        simulation : openmm.app.Simulation
            The simulation.
        state : openmm.State
            Its state.
        """
        self.add(state.getPositions(asNumpy=True), state.getPeriodicBoxVectors(asNumpy=True))


def mean_positions(frozen: FrozenSystem, window: Any, modes: str) -> Array:
    """Return the mean positions of a window.

    Parameters
    ----------
    frozen : FrozenSystem
        Tells the anions.
    window : MeanReference, Quantity or (F, N, 3) array
        Frames of free dynamics, or what has collected them.
    modes : str
        Motions that are to be frozen there.

    Returns
    -------
    array, shape (N, 3)
        nm, anions whole.

    Raises
    ------
    InputError
        If there is no window, a frame is not of these particles, or as `MeanReference.positions`.

    Examples
    --------
    >>> mean_positions(None, None, "T")
    Traceback (most recent call last):
    openmm_anion.errors.InputError: reference="mean" needs window=...: frames of free dynamics, or a ...
    """
    if window is None:
        raise InputError('reference="mean" needs window=...: frames of free dynamics, or a MeanReference')
    if not isinstance(window, MeanReference):
        frames = array(window, unit.nanometer, "window")
        if frames.ndim != 3:
            raise InputError(f"window has shape {frames.shape}; give frames of positions, (F, N, 3)")
        window = MeanReference(frozen)
        for frame in frames:
            window.add(frame)
    return window.positions(modes)
