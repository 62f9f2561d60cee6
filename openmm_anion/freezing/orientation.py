r"""R: hold the orientation of each anion by the Eckart condition.

The constraint is :math:`L = \sum m_i d_i \times (x_i - c) = 0` with the reference shape d
(C. Eckart, Phys. Rev. 47, 552 (1935), doi:10.1103/PhysRev.47.552). It is linear in x, and
:math:`E = \tfrac12 L^T G^{-1} L` with :math:`G = \sum m_i (d_i^2 1 - d_i d_i^T)` has the gradient
:math:`m_i\, (G^{-1} L) \times d_i`, so that ``x + f/m`` is the mass-weighted projection.

L is gathered from four centroids. In the principal axes :math:`q_k` of the reference,
:math:`d_i = \sum_k d_{ik} q_k`, and the group k with weights :math:`m_i (d_{ik} + C)` has the centre
:math:`g_k = c + X_k / (C M)` with :math:`X_k = \sum_i m_i d_{ik} (x_i - c)`; the constant C keeps the sum
of weights away from zero. G is diagonal in these axes, and
:math:`q_1 \cdot L = q_3 \cdot X_2 - q_2 \cdot X_3` and so on in a circle.

The weights belong to the shape and the axes to the orientation, so that a running Context can take the same
shape in another orientation by new axes.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import openmm

from openmm_anion.freezing.reference import FrozenAnion
from openmm_anion.freezing.stiffness import STIFFNESS


def _energy() -> str:
    """Energy expression: half the sum over the principal axes of (q_a . L)^2 / G_a."""
    terms, definitions = [], []
    for a in range(3):
        b, c = (a + 1) % 3, (a + 2) % 3
        terms.append(f"w{a}*L{a}^2")
        along = "+".join(f"q{c}{axis}*X{b}{axis}-q{b}{axis}*X{c}{axis}" for axis in "xyz")
        definitions.append(f"L{a}={along}")
    for k in range(3):
        definitions += [f"X{k}{axis}={axis}{k + 2}-{axis}1" for axis in "xyz"]
    return "; ".join([f"{STIFFNESS}*0.5*({'+'.join(terms)})", *definitions])


def orientation_projector(anions: Iterable[FrozenAnion]) -> openmm.CustomCentroidBondForce:
    """Return the force whose ``f/m``, over `STIFFNESS`, turns each anion back to its reference orientation.

    Parameters
    ----------
    anions : iterable of FrozenAnion
        The anions and their reference shapes (nm). For a linear anion the turn about its own
        axis, which is no motion, is left out.

    Returns
    -------
    openmm.CustomCentroidBondForce
        One bond per anion; zero energy and force where the constraint holds.

    Examples
    --------
    >>> pair = FrozenAnion(np.array([0, 1]), np.ones(2), np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]]))
    >>> orientation_projector([pair]).getNumGroups()
    4
    """
    force = openmm.CustomCentroidBondForce(4, _energy())
    for name in (*(f"w{a}" for a in range(3)), *(f"q{k}{axis}" for k in range(3) for axis in "xyz")):
        force.addPerBondParameter(name)
    for anion in anions:
        along = anion.displacements @ anion.inverse_inertia[1]
        indices = anion.indices.tolist()
        groups = [force.addGroup(indices, anion.masses.tolist())]
        groups += [
            force.addGroup(indices, (anion.masses * (along[:, k] + _offset(along))).tolist())
            for k in range(3)
        ]
        force.addBond(groups, orientation_parameters(anion))
    force.setName("openmm-anion: orientation projector")
    return force


def orientation_parameters(anion: FrozenAnion, turn: np.ndarray | None = None) -> list[float]:
    """Return the parameters of the bond that holds an anion.

    Parameters
    ----------
    anion : FrozenAnion
        The anion with which the projector was built.
    turn : (3, 3) array, optional
        Rotation from its reference orientation to the one that is held.

    Returns
    -------
    list of float
        As `orientation_projector` takes them for each bond.

    Examples
    --------
    >>> pair = FrozenAnion(np.array([0, 1]), np.ones(2), np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]]))
    >>> len(orientation_parameters(pair))
    12
    """
    inverse, axes = anion.inverse_inertia
    scale = _offset(anion.displacements @ axes) * anion.masses.sum()
    held = axes if turn is None else turn @ axes
    return [*(inverse * scale**2), *held.T.ravel()]


def _offset(along: np.ndarray) -> float:
    return 2.0 * float(np.abs(along).max())
