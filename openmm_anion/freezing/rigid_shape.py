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

.. math:: u_i = a_i (1 + u^2) - g_i u_j u_k = a_i + C_{ijk} u_j u_k, \qquad
          a = \tfrac12 J^{-1} L, \quad g_i = \frac{J_k - J_j}{J_i},

three quadratic equations. F is the rotation of the quaternion (1, u). No :math:`|g_i|` exceeds 1, and each
iteration of the equations as they stand shrinks the error by :math:`r = (\sqrt2\, g + 2 |a|) |a|` with the
largest g. Where r is not small, Newton's method, :math:`(1 - 2 C u)\, u' = a - C u u`, takes over after two
of them, and squares the error. A CPU goes on until the error is rounding. On a GPU reading r would stop the
host, and the number of steps is fixed.

Q is found anew at each start from two axes that the atoms span, so that rounding does not add up in a shape.
A linear anion has no turn about its own axis: the inverse of its J is zero there, as are a and u, and a small
bend of the reference is carried along without spinning. An anion that is left free is a body without extent.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import openmm
import torch
from numpy.typing import NDArray
from torch import Tensor

from openmm_anion.freezing.anion_batch import AnionBatch, tensor
from openmm_anion.freezing.body import body_coordinates
from openmm_anion.freezing.phase import PHASE, TAKE_REFERENCE
from openmm_anion.freezing.reference import FrozenAnion
from openmm_anion.freezing.small_matrices import EPSILON, solve
from openmm_anion.freezing.stiffness import STIFFNESS
from openmm_anion.freezing.straight import STRAIGHT, is_straight
from openmm_anion.freezing.two_phases import TwoPhases, on_device
from openmm_anion.models.force import phase_force

__all__ = ["RigidShape", "body_coordinates", "rigid_shape_projector"]

Array = NDArray[np.float64]

SLOW = 0.01
"""Rate r from which Newton's method takes less time."""

ROUNDING = 1e-16
"""Error of u at which iterations end."""

ITERATIONS, NEWTON_STEPS = 2, 2
"""On a GPU: an error of u below 1e-15 for turns up to 0.3 rad in one drift. BH4 at 300 K turns by 0.02 rad in
2 fs."""

MOST_NEWTON_STEPS = 5
"""Enough for any turn that they converge for."""

NEGLIGIBLE = 1e-36
"""Weight of an arbitrary second axis of a linear anion (Da nm^2): counts if the anion is straight."""

TINY = 1e-200
"""Keeps the axes of a body without extent finite, which are zero."""


class RigidShape(TwoPhases):
    """The projector as a TorchScript module.

    Parameters
    ----------
    anions : sequence of FrozenAnion
        The anions and their reference shapes (nm), linear ones `straightened`.
    n_particles : int
        Particles of the System.
    switchable : bool
        Whether it takes other references, and which anions it holds, while it runs.
    """

    last_reference = TAKE_REFERENCE
    any_straight: Final[bool]
    stiffness: Final[int] = STIFFNESS
    thickness: Final[float] = STRAIGHT
    negligible: Final[float] = NEGLIGIBLE
    tiny: Final[float] = TINY
    slow: Final[float] = SLOW
    rounding: Final[float] = ROUNDING
    iterations: Final[int] = ITERATIONS
    newton_steps: Final[int] = NEWTON_STEPS
    most_newton_steps: Final[int] = MOST_NEWTON_STEPS
    largest_gap: float
    seen: Tensor
    start: Tensor
    energy: Tensor
    linear: Tensor
    turns: Tensor
    sums: Tensor
    places: Tensor
    weights: Tensor
    half_inverse: Tensor
    gaps: Tensor
    across: Tensor
    epsilon: Tensor
    curl: Tensor
    quaternion: Tensor
    identity: Tensor
    one: Tensor

    def __init__(self, anions: Sequence[FrozenAnion], n_particles: int, switchable: bool = False) -> None:
        super().__init__()
        self.batch = AnionBatch(anions, n_particles)
        self.switchable = switchable
        linear = np.array([anion.shape == "linear" for anion in anions])
        self.any_straight = bool(linear.any() if switchable else any(is_straight(a) for a in anions))
        for name, value in {
            "start": np.zeros((3, 3, len(anions))),
            "energy": 0.0,
            "linear": linear,
            "turns": np.stack([~linear, linear | True, linear | True]),
            "epsilon": EPSILON[..., None],
            "curl": np.kron(-EPSILON.reshape(3, 9), np.ones(3)),
            "quaternion": _rotation_of_a_quaternion(),
            "identity": np.eye(3)[:, :, None],
            "one": np.ones((1, len(anions))),
        }.items():
            self.register_buffer(name, tensor(value))
        for name in ("seen", "sums", "places", "weights", "half_inverse", "gaps", "across"):
            self.register_buffer(name, torch.zeros(0))
        self.largest_gap = 0.0
        self.take(self.batch.references(anions))

    def take(self, seen: Tensor) -> None:
        """Hold bodies (3, n, anions) in their principal axes from now on, and none of zeros."""
        self.seen = seen
        body = self.batch.bodies(seen)
        weighted = self.batch.mass * body
        second = (weighted * body).sum(1)
        inertia = second.sum(0) - second
        inverse = torch.where(inertia > 0.0, self.turns / inertia, 0.0)
        gap = self.turns[0] * inverse * (inertia.roll(-2, 0) - inertia.roll(-1, 0))
        straight = self.linear * ((body[1:] ** 2).sum(0).amax(0) < self.thickness**2)
        self.sums = torch.cat([self.batch.share.unsqueeze(0), weighted]).unsqueeze(1)
        self.places = self.stiffness * weighted.unsqueeze(1)
        self.weights = self.stiffness * self.batch.mass * self.batch.held(body)
        self.half_inverse = 0.5 * inverse
        self.gaps = -0.5 * gap.unsqueeze(1).unsqueeze(1) * self.epsilon.abs()
        self.across = self.negligible * straight
        if not on_device(gap):
            self.largest_gap = float(gap.abs().max())

    def look(self, points: Tensor) -> Tensor:
        """Centre of mass, then the sum of m d_k x for each axis k, (4, 3, anions)."""
        return (self.sums * points).sum(2)

    def begin(self, here: Tensor) -> Tensor:
        """Principal axes of the bodies, (3 axes, 3, anions)."""
        first, second = here[1], here[2]
        if self.any_straight:  # any axis across the first will do
            squares = first * first
            across = torch.where(2.0 * squares[0] < squares.sum(0), self.identity[0], self.identity[1])
            second = second + self.across * across
        third = torch.linalg.cross(first, second, dim=0)
        axes = torch.stack([first, torch.linalg.cross(third, first, dim=0), third])
        return axes * ((axes * axes).sum(1, keepdim=True) + self.tiny).rsqrt()

    def correct(self, points: Tensor, here: Tensor) -> Tensor:
        """Forces (3, n, anions) on the atoms."""
        axes = self.turned(self.rotation(here[1:])).unsqueeze(2)
        return torch.addcmul((self.places * axes).sum(0), self.weights, here[0].unsqueeze(1) - points)

    def rotation(self, moments: Tensor) -> Tensor:
        """The vectors u (3, anions) in the principal axes.

        Parameters
        ----------
        moments : Tensor, shape (3, 3, anions)
            Sums of m d_k x over the atoms for each axis k, Da nm^2.

        Returns
        -------
        Tensor, shape (3, anions)
            u: the axis of the rotation times the tangent of half its angle.
        """
        products = (self.start.unsqueeze(1) * moments).flatten(0, 2)
        a = self.half_inverse * torch.mm(self.curl, products)
        c = torch.addcmul(self.gaps, a.unsqueeze(1).unsqueeze(1), self.identity)
        iterations, newton_steps = self.iterations, self.newton_steps
        if not on_device(a):
            iterations, newton_steps = self.enough(3.0**0.5 * float(a.abs().max()))
        u = a
        for _ in range(iterations):
            u = a + (c * (u.unsqueeze(1) * u)).sum([1, 2])
        for _ in range(newton_steps):
            slope = (c * u).sum(2)
            u = solve(torch.sub(self.identity, slope, alpha=2.0), a - (slope * u).sum(1))
        return u

    def enough(self, size: float) -> tuple[int, int]:
        """Iterations and then steps of Newton's method that leave no error for vectors a up to a size.

        Parameters
        ----------
        size : float
            Largest length of a.

        Returns
        -------
        iterations, newton_steps : int
            How many of either.
        """
        rate = size * (1.5 * self.largest_gap + 2.0 * size)
        error = size * rate
        iterations, newton_steps = 0, 0
        while error > self.rounding and newton_steps < self.most_newton_steps:
            if rate < self.slow or iterations < self.iterations:
                iterations += 1
                error *= rate
            else:
                newton_steps += 1
                error *= error
        return iterations, newton_steps

    def turned(self, u: Tensor) -> Tensor:
        """The principal axes after the rotation.

        Parameters
        ----------
        u : Tensor, shape (3, anions)
            From `rotation`.

        Returns
        -------
        Tensor, shape (3 axes, 3, anions)
            Unit vectors.
        """
        quaternion = torch.cat([self.one, u])
        products = (quaternion.unsqueeze(1) * quaternion).flatten(0, 1)
        rotation = torch.mm(self.quaternion, products)
        rotation = (rotation[:9] / rotation[9:]).view(3, 3, 1, -1)
        return (rotation * self.start.unsqueeze(1)).sum(0)


def _rotation_of_a_quaternion() -> Array:
    """``(w^2 - u^2) 1 + 2 u u^T + 2 w [u]`` and ``w^2 + u^2`` from the products of (w, u), (10, 16)."""
    one = np.eye(3)
    rotation = np.zeros((3, 3, 4, 4))
    rotation[:, :, 0, 0] = one
    rotation[:, :, 0, 1:] = -2.0 * EPSILON
    rotation[:, :, 1:, 1:] = 2.0 * np.einsum("ik,jl->ijkl", one, one) - np.einsum("ij,kl->ijkl", one, one)
    return np.concatenate([rotation.reshape(9, 16), np.eye(4).reshape(1, 16)])


def rigid_shape_projector(
    anions: Sequence[FrozenAnion], n_particles: int, switchable: bool = False
) -> openmm.Force:
    """Return the two-phase force whose ``f/m``, over `STIFFNESS`, moves each anion as a rigid body.

    Parameters
    ----------
    anions : sequence of FrozenAnion
        The anions and their reference shapes (nm).
    n_particles : int
        Particles of the System.
    switchable : bool
        Whether it takes other references, and which anions it holds, in the phase `TAKE_REFERENCE`
        (`openmm_anion.freezing.phase`). Anions that are linear now count as linear then.

    Returns
    -------
    openmm.Force
        A ``TorchForce`` with the context parameter `PHASE`.

    Examples
    --------
    >>> pair = FrozenAnion(np.array([0, 1]), np.ones(2), np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]]))
    >>> rigid_shape_projector([pair], 2).getGlobalParameterName(0) == PHASE
    True
    """
    force = phase_force(torch.jit.script(RigidShape(anions, n_particles, switchable)), PHASE)
    force.setName("openmm-anion: rigid shape projector")
    return force
