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

A linear anion loses the two components of L across its axis, which is the line
:math:`\sum_i m_i s_i \rho_i` with the reference places :math:`s_i` along it. The axis turns a little as the
anion bends, so that some of L along it gets across on the way: below 1e-6 rad/ps for SCN, in proportion to
the length of the drift.
"""

from collections.abc import Sequence

import numpy as np
import openmm
import torch
from torch import Tensor, nn

from openmm_anion import shape
from openmm_anion.freezing.anion_batch import AnionBatch
from openmm_anion.freezing.phase import PHASE
from openmm_anion.freezing.reference import FrozenAnion
from openmm_anion.freezing.small_matrices import WRAPPED, solve
from openmm_anion.freezing.two_phases import is_start, kept
from openmm_anion.models.force import phase_force


class AngularMomentum(nn.Module):
    """The projector as a TorchScript module.

    Parameters
    ----------
    anions : sequence of FrozenAnion
        The anions; of their reference only the line of linear ones is used.
    n_particles : int
        Particles of the System.
    """

    mass: Tensor
    share: Tensor
    line: Tensor
    identity: Tensor
    start: Tensor
    tiny: Tensor
    energy: Tensor
    wrapped: Tensor

    def __init__(self, anions: Sequence[FrozenAnion], n_particles: int) -> None:
        super().__init__()
        self.batch = AnionBatch(anions, n_particles)
        self.any_linear = any(anion.shape == "linear" for anion in anions)
        mass = self.batch.per_atom([anion.masses for anion in anions])
        along_line = self.batch.per_atom([_along_line(anion) for anion in anions])
        for name, value in {
            "mass": mass,
            "share": mass / mass.sum(axis=0),
            "line": mass * along_line,
            "identity": np.eye(3)[:, :, None],
            "start": np.zeros((3, *mass.shape)),
            "tiny": np.array(1e-30),
            "energy": np.zeros(()),
        }.items():
            self.register_buffer(name, torch.tensor(value, dtype=torch.float64))
        self.register_buffer("wrapped", torch.tensor(WRAPPED))

    def forward(self, positions: Tensor, phase: Tensor) -> tuple[Tensor, Tensor]:
        """Energy (zero) and forces (N, 3) from positions (N, 3), nm."""
        points = self.batch(positions)
        relative = points - (self.share * points).sum(1, keepdim=True)
        if is_start(phase):
            self.start = relative
            return self.energy, torch.zeros_like(positions)
        self.start = kept(phase, relative, self.start)
        arms = self.start
        turn = self.turn(arms, relative)
        return self.energy, self.batch.forces(-self.cross(turn.unsqueeze(1), arms), positions)

    def turn(self, arms: Tensor, ends: Tensor) -> Tensor:
        """Rotation vectors theta (3, anions), rad."""
        weighted = self.mass * arms
        momentum = self.cross(weighted, ends).sum(1)
        moments = (weighted.unsqueeze(1) * arms.unsqueeze(0)).sum(2)
        trace = moments[0, 0] + moments[1, 1] + moments[2, 2]
        inertia = trace * self.identity - moments
        if self.any_linear:
            axis = (self.line * arms).sum(1)  # zero unless linear
            axis = axis * torch.maximum(axis.square().sum(0), self.tiny).rsqrt()
            onto = axis.unsqueeze(1) * axis.unsqueeze(0)
            across = (axis.square().sum(0) > 0.5) * onto
            inside = (inertia.unsqueeze(2) * across.unsqueeze(0)).sum(1)
            inertia = inertia - inside - inside.transpose(0, 1)
            inertia = inertia + (inside.unsqueeze(0) * across.unsqueeze(2)).sum(1) + trace * across
            momentum = momentum - axis * (axis * momentum).sum(0)
        wrapped = inertia.flatten(0, 1).index_select(0, self.wrapped).view(5, 5, -1)
        return solve(wrapped, momentum)

    def cross(self, a: Tensor, b: Tensor) -> Tensor:
        """Cross products along the first axis."""
        u, v = torch.cat([a, a]), torch.cat([b, b])
        return u[1:4] * v[2:5] - u[2:5] * v[1:4]


def angular_momentum_projector(anions: Sequence[FrozenAnion], n_particles: int) -> openmm.Force:
    """Return the two-phase force whose ``f/m``, over `STIFFNESS`, takes each anion's turn out of a drift.

    Parameters
    ----------
    anions : sequence of FrozenAnion
        The anions.
    n_particles : int
        Particles of the System.
    """
    force = phase_force(torch.jit.script(AngularMomentum(anions, n_particles)), PHASE)
    force.setName("openmm-anion: angular momentum projector")
    return force


def _along_line(anion: FrozenAnion) -> np.ndarray:
    if anion.shape != "linear":
        return np.zeros(len(anion.indices))
    return np.asarray(anion.displacements @ shape.principal_axes(anion.positions, anion.masses)[1][:, 0])
