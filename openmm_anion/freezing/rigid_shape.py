r"""V for any shape: move each anion as a rigid body, whatever its symmetry and size.

A drift starts at :math:`x_i = c + \rho_i`, where :math:`\rho_i = Q d_i` is the reference shape d in its
present orientation Q, and would end at :math:`y_i`. Forces that keep the shape add up to no force and no
torque at the start, so that the rigid body ends at

.. math:: x_i' = c_y + F \rho_i, \qquad
          \sum_i m_i\, \rho_i \times F \rho_i = \sum_i m_i\, \rho_i \times y_i = L

with a rotation F: the equations of RATTLE, or of Moser and Veselov (Commun. Math. Phys. 139, 217 (1991),
doi:10.1007/BF02352494). In the principal axes of the body, with the inertia J and with
:math:`F = (1 - [u])^{-1} (1 + [u])`, where [u] is the matrix of the cross product and
:math:`|u| = \tan(\phi/2)` for a turn by :math:`\phi`, they read

.. math:: u_i = a_i (1 + u^2) - \frac{J_k - J_j}{J_i} u_j u_k, \qquad a = \tfrac12 J^{-1} L ,

three quadratic equations, which two iterations and two steps of Newton's method solve to rounding.

Q is found anew at each start from two axes that the atoms span, so that rounding does not add up in a shape.
A linear anion has no turn about its own axis: the inverse of its J is zero there, as are a and u, and a small
bend of the reference is carried along without spinning.
"""

from collections.abc import Sequence

import numpy as np
import openmm
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from openmm_anion import shape
from openmm_anion.freezing.anion_batch import AnionBatch
from openmm_anion.freezing.phase import PHASE
from openmm_anion.freezing.reference import FrozenAnion
from openmm_anion.freezing.small_matrices import solve
from openmm_anion.freezing.straight import is_straight
from openmm_anion.freezing.two_phases import is_start, kept
from openmm_anion.models.force import phase_force

Array = NDArray[np.float64]

ITERATIONS, NEWTON_STEPS = 2, 2
"""Of the quadratic equations as they stand, and of Newton's method then: an error of u below 1e-15 for turns
up to 0.3 rad in one drift at the worst ratio of moments. BH4 at 300 K turns by 0.02 rad in 2 fs."""

NEGLIGIBLE = 1e-36
"""Weight of an arbitrary second axis of a linear anion (Da nm^2): counts if the anion is straight."""


CROSS = np.array(
    [[0, 0, 0], [0, 0, -1], [0, 1, 0], [0, 0, 1], [0, 0, 0], [-1, 0, 0], [0, -1, 0], [1, 0, 0], [0, 0, 0]]
)
"""Takes a vector to its matrix of the cross product, row by row."""


class RigidShape(nn.Module):
    """The projector as a TorchScript module.

    Parameters
    ----------
    anions : sequence of FrozenAnion
        The anions and their reference shapes (nm), linear ones `straightened`.
    n_particles : int
        Particles of the System.
    """

    axes_of: Tensor
    sums: Tensor
    half_inverse: Tensor
    gap: Tensor
    coupling: Tensor
    unit: Tensor
    identity: Tensor
    negligible: Tensor
    third: Tensor
    cross: Tensor
    curl: Tensor
    start: Tensor
    energy: Tensor

    def __init__(self, anions: Sequence[FrozenAnion], n_particles: int) -> None:
        super().__init__()
        self.batch = AnionBatch(anions, n_particles)
        self.iterations, self.newton_steps = ITERATIONS, NEWTON_STEPS
        coordinates = [_principal_coordinates(anion) for anion in anions]
        second = np.array([a.masses @ c**2 for a, c in zip(anions, coordinates, strict=True)]).T
        inertia = second.sum(axis=0) - second
        turns = np.array([[anion.shape != "linear", True, True] for anion in anions]).T
        inverse = np.where(turns, 1.0 / np.where(turns, inertia, 1.0), 0.0)
        gap = (np.roll(inertia, -2, axis=0) - np.roll(inertia, -1, axis=0)) * inverse
        straight = np.array([is_straight(anion) for anion in anions])
        axes_of = np.stack([self.batch.per_atom([c[:, k] for c in coordinates]) for k in range(3)])
        mass = self.batch.per_atom([anion.masses for anion in anions])
        sums = np.concatenate([mass[None] / mass.sum(axis=0), mass * axes_of])
        self.any_straight = bool(straight.any())
        around = np.arange(5) % 3
        unit = np.eye(3)[np.ix_(around, around)]
        for name, value in {
            "axes_of": axes_of[:, None],
            "sums": sums[:, None],
            "half_inverse": 0.5 * inverse,
            "gap": gap,
            "coupling": gap[around][:, None] * (1.0 - unit)[:, :, None],
            "unit": unit[:, :, None],
            "negligible": NEGLIGIBLE * straight,
            "identity": np.eye(3)[:, :, None],
            "third": np.abs(CROSS).reshape(3, 3, 3)[np.ix_(around, around)].reshape(25, 3),
            "cross": CROSS,
            "curl": -CROSS.T,
            "start": np.zeros((4, 3, len(anions))),
            "energy": np.zeros(()),
        }.items():
            self.register_buffer(name, torch.tensor(value, dtype=torch.float64))

    def forward(self, positions: Tensor, phase: Tensor) -> tuple[Tensor, Tensor]:
        """Energy (zero) and forces (N, 3) from positions (N, 3), nm."""
        points = self.batch(positions)
        moments = (self.sums * points).sum(2)  # centre, then sum of m d_a x for each axis a
        if is_start(phase):
            self.start = moments
            return self.energy, torch.zeros_like(positions)
        self.start = kept(phase, moments, self.start)
        frame = self.frame(self.start)
        turned = self.turn(self.rotation(moments[1:], frame), frame)
        body = (self.axes_of * turned.unsqueeze(2)).sum(0)
        return self.energy, self.batch.forces(moments[0].unsqueeze(1) + body - points, positions)

    def frame(self, start: Tensor) -> Tensor:
        """Principal axes (3 axes, 3, anions) of the bodies at the start of the drift."""
        first = start[1] * start[1].square().sum(0).rsqrt()
        second = start[2]
        if self.any_straight:  # any axis across the first will do
            across = torch.where(first[:1].abs() < 0.7, self.identity[0], self.identity[1])
            second = second + self.negligible * across
        second = second - first * (first * second).sum(0)
        second = second * second.square().sum(0).rsqrt()
        u, v = torch.cat([first, first]), torch.cat([second, second])
        third = u[1:4] * v[2:5] - u[2:5] * v[1:4]
        return torch.stack([first, second, third])

    def rotation(self, moments: Tensor, frame: Tensor) -> Tensor:
        """The vectors u (3, anions) in the principal axes."""
        inside = (moments.unsqueeze(1) * frame.unsqueeze(0)).sum(2).flatten(0, 1)
        a = self.half_inverse * torch.mm(self.curl, inside)
        u = a
        for _ in range(self.iterations):
            twice = torch.cat([u, u])
            products = twice[1:4] * twice[2:5]
            u = torch.addcmul(torch.addcmul(a, a, u.square().sum(0)), self.gap, products, value=-1)
        columns = torch.cat([a, a])[:5].unsqueeze(1)
        for _ in range(self.newton_steps):
            slope = torch.addcmul(self.unit, self.coupling, torch.mm(self.third, u).view(5, 5, -1))
            slope = torch.addcmul(slope, columns, torch.cat([u, u])[:5], value=-2)
            u = torch.add(solve(slope, torch.sub(a, u, alpha=0.5)), u, alpha=0.5)
        return u

    def turn(self, u: Tensor, frame: Tensor) -> Tensor:
        """The frame after the rotation, ``F^T`` times its axes."""
        scale = 2.0 / (1.0 + u.square().sum(0))
        scaled = scale * u
        inverse = scaled.unsqueeze(1) * u + (scale - 1.0) * self.identity
        inverse = inverse - torch.mm(self.cross, scaled).view(3, 3, -1)
        return (inverse.unsqueeze(2) * frame.unsqueeze(0)).sum(1)


def _principal_coordinates(anion: FrozenAnion) -> Array:
    """Reference shape in its principal axes, (n, 3), nm; zero off the line of a straight anion."""
    axes = shape.principal_axes(anion.positions, anion.masses)[1]
    if is_straight(anion):
        axes[:, 1:] = 0.0
    else:
        # Once more across the longest axis, where a slight bend is small against the rounding of the whole.
        across = anion.displacements @ axes[:, 1:]
        axes[:, 1:] = axes[:, 1:] @ np.linalg.eigh((anion.masses[:, None] * across).T @ across)[1][:, ::-1]
        axes[:, 2] = np.cross(axes[:, 0], axes[:, 1])
    return np.asarray(anion.displacements @ axes)


def rigid_shape_projector(anions: Sequence[FrozenAnion], n_particles: int) -> openmm.Force:
    """Return the two-phase force whose ``f/m``, over `STIFFNESS`, moves each anion as a rigid body.

    Parameters
    ----------
    anions : sequence of FrozenAnion
        The anions and their reference shapes (nm).
    n_particles : int
        Particles of the System.
    """
    force = phase_force(torch.jit.script(RigidShape(anions, n_particles)), PHASE)
    force.setName("openmm-anion: rigid shape projector")
    return force
