r"""R as in arXiv:2404.15517: zero angular momentum of each anion about its centre, at every instant.

The constraint :math:`L = \sum_i m_i\, \rho_i \times \dot\rho_i = 0` with :math:`\rho_i = x_i - c` is one on
velocities (J. Yang et al., arXiv:2404.15517). It holds no orientation: an anion can turn through a cycle of
shape changes, as a falling cat does. A drift that starts at x and would end at y turns the anion by
:math:`\theta`, and has to end at

.. math:: x_i' = y_i - \theta \times \rho_i, \qquad
          \theta = I^{-1} \sum_i m_i\, \rho_i \times y_i, \qquad
          I = \sum_i m_i (\rho_i^2\, 1 - \rho_i \rho_i^T),

with :math:`\rho` and I at x: the mass-weighted projection of the velocity, times the length of the drift.
Along a straight drift :math:`\sum_i m_i (\rho_i + t \dot\rho_i) \times \dot\rho_i` does not change, so that
an angular momentum that is zero at the start is zero all the way and at the end. One projection per drift is
exact, and leapfrog stays reversible.

A linear anion loses the two components of L across its axis n, which is the line
:math:`\sum_i m_i s_i \rho_i` with the reference places :math:`s_i` along it. There is no turn about n with
:math:`L - n\, n \cdot L` in the place of L and :math:`I - w n^T - n w^T` in that of I, where
:math:`w = I n - \tfrac12 (n \cdot I n + \mathrm{tr}\, I)\, n`. The axis turns a little as the anion bends, so
that some of L along it gets across on the way: below 1e-6 rad/ps for SCN, in proportion to the length of the
drift.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import openmm
import torch
from torch import Tensor

from openmm_anion.freezing.anion_batch import AnionBatch, tensor
from openmm_anion.freezing.phase import PHASE, TAKE_ANGULAR_MOMENTA
from openmm_anion.freezing.reference import FrozenAnion
from openmm_anion.freezing.small_matrices import EPSILON, solve
from openmm_anion.freezing.stiffness import STIFFNESS
from openmm_anion.freezing.two_phases import TwoPhases
from openmm_anion.models.force import phase_force

TINY = 1e-30
"""Keeps the axes of anions that are not linear finite, which are zero (Da^2 nm^4)."""


class AngularMomentum(TwoPhases):
    """The projector as a TorchScript module.

    Parameters
    ----------
    anions : sequence of FrozenAnion
        The anions; of their reference only the line of linear ones is used.
    n_particles : int
        Particles of the System.
    switchable : bool
        Whether it takes other references, and which anions it holds, while it runs.
    """

    last_reference = TAKE_ANGULAR_MOMENTA
    any_linear: Final[bool]
    stiffness: Final[int] = STIFFNESS
    tiny: Final[float] = TINY
    seen: Tensor
    start: Tensor
    energy: Tensor
    linear: Tensor
    line: Tensor
    weights: Tensor
    free: Tensor
    curl: Tensor
    inertia: Tensor
    identity: Tensor

    def __init__(self, anions: Sequence[FrozenAnion], n_particles: int, switchable: bool = False) -> None:
        super().__init__()
        self.batch = AnionBatch(anions, n_particles)
        self.switchable = switchable
        linear = np.array([anion.shape == "linear" for anion in anions])
        self.any_linear = bool(linear.any())
        one = np.eye(3)
        for name, value in {
            "start": np.zeros((3, *self.batch.mass.shape)),
            "energy": 0.0,
            "linear": linear,
            "curl": EPSILON.reshape(3, 9),
            "inertia": np.outer(one, one) - np.eye(9),
            "identity": one[:, :, None],
        }.items():
            self.register_buffer(name, tensor(value))
        for name in ("seen", "line", "weights", "free"):
            self.register_buffer(name, torch.zeros(0))
        self.take(self.batch.references(anions))

    def take(self, seen: Tensor) -> None:
        """Hold bodies (3, n, anions) in their principal axes from now on, and none of zeros."""
        self.seen = seen
        body = self.batch.bodies(seen)
        held = self.batch.held(body)
        self.line = self.linear * self.batch.mass * body[0]
        self.weights = -self.stiffness * self.batch.mass * held
        self.free = self.identity * (1.0 - held)  # keeps a turn that nobody asks for finite

    def look(self, points: Tensor) -> Tensor:
        """Positions relative to the centres of mass."""
        return points - (self.batch.share * points).sum(1, keepdim=True)

    def begin(self, here: Tensor) -> Tensor:
        """All of them."""
        return here

    def correct(self, points: Tensor, here: Tensor) -> Tensor:
        """Forces (3, n, anions) on the atoms."""
        turn = self.turn(self.start, here)
        return self.weights * torch.linalg.cross(turn.unsqueeze(1), self.start, dim=0)

    def turn(self, arms: Tensor, ends: Tensor) -> Tensor:
        """Rotation vectors theta (3, anions), rad.

        Parameters
        ----------
        arms : Tensor, shape (3, n, anions)
            Positions at the start of a drift from the centres of mass, nm.
        ends : Tensor, shape (3, n, anions)
            Positions at its end from the centres of mass, nm.

        Returns
        -------
        Tensor, shape (3, anions)
            The turns that the ends have made by angular momentum, rad.
        """
        weighted = (self.batch.mass * arms).unsqueeze(1)
        momentum = torch.mm(self.curl, (weighted * ends).sum(2).flatten(0, 1))
        inertia = torch.mm(self.inertia, (weighted * arms).sum(2).flatten(0, 1)).view(3, 3, -1)
        if self.switchable:
            inertia = inertia + self.free
        if self.any_linear:
            axis = (self.line * arms).sum(1)
            axis = axis * ((axis * axis).sum(0) + self.tiny).rsqrt()
            momentum = momentum - axis * (axis * momentum).sum(0)
            w = (inertia * axis).sum(1)
            trace = inertia[0, 0] + inertia[1, 1] + inertia[2, 2]
            w = w - 0.5 * ((axis * w).sum(0) + trace) * axis
            mixed = w.unsqueeze(1) * axis
            inertia = inertia - mixed - mixed.transpose(0, 1)
        return solve(inertia, momentum)


def angular_momentum_projector(
    anions: Sequence[FrozenAnion], n_particles: int, switchable: bool = False
) -> openmm.Force:
    """Return the two-phase force whose ``f/m``, over `STIFFNESS`, takes each anion's turn out of a drift.

    Parameters
    ----------
    anions : sequence of FrozenAnion
        The anions.
    n_particles : int
        Particles of the System.
    switchable : bool
        Whether it takes other references, and which anions it holds, in the phases `TAKE_REFERENCE` and
        `TAKE_ANGULAR_MOMENTA` (`openmm_anion.freezing.phase`). Anions that are linear now count as linear
        then.

    Returns
    -------
    openmm.Force
        A ``TorchForce`` with the context parameter `PHASE`.

    Examples
    --------
    >>> pair = FrozenAnion(np.array([0, 1]), np.ones(2), np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]]))
    >>> angular_momentum_projector([pair], 2).getGlobalParameterName(0) == PHASE
    True
    """
    force = phase_force(torch.jit.script(AngularMomentum(anions, n_particles, switchable)), PHASE)
    force.setName("openmm-anion: angular momentum projector")
    return force
