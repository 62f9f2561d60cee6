r"""R: hold the orientation of each anion by the Eckart condition.

The constraint is :math:`L = \sum m_i d_i \times (x_i - c) = 0` with the reference shape d
(C. Eckart, Phys. Rev. 47, 552 (1935), doi:10.1103/PhysRev.47.552). It is linear in x, and
:math:`E = \tfrac12 L^T G^{-1} L` with :math:`G = \sum m_i (d_i^2 1 - d_i d_i^T)` has the gradient
:math:`m_i\, (G^{-1} L) \times d_i`, so that ``x + f/m`` is the mass-weighted projection.

L is gathered from four centroids. In the principal axes :math:`q_k` of the reference,
:math:`d_i = \sum_k d_{ik} q_k`, and the group k with weights :math:`m_i (d_{ik} + C)` has the centre
:math:`g_k = c + X_k / (C M)` with :math:`X_k = \sum_i m_i d_{ik} (x_i - c)`; the constant C keeps the sum
of weights away from zero. Then :math:`L = \sum_k q_k \times X_k`, and G is diagonal.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import openmm

from openmm_anion.freezing.reference import FrozenAnion
from openmm_anion.freezing.stiffness import STIFFNESS


def _energy() -> str:
    """Energy expression: half the sum over the principal axes of (q_a . L)^2 / G_a."""
    axes = "xyz"
    terms = []
    for a in range(3):
        along = "+".join(f"q{a}{axis}*L{axis}" for axis in axes)
        terms.append(f"w{a}*({along})^2")
    definitions = [f"{STIFFNESS}*0.5*({'+'.join(terms)})"]
    for axis in range(3):
        u, v = axes[(axis + 1) % 3], axes[(axis + 2) % 3]
        cross = "+".join(f"q{k}{u}*X{k}{v}-q{k}{v}*X{k}{u}" for k in range(3))
        definitions.append(f"L{axes[axis]}={cross}")
    for k in range(3):
        definitions += [f"X{k}{axis}=scale*({axis}{k + 2}-{axis}1)" for axis in axes]
    return "; ".join(definitions)


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
    """
    force = openmm.CustomCentroidBondForce(4, _energy())
    for name in ("scale", *(f"w{a}" for a in range(3)), *(f"q{k}{axis}" for k in range(3) for axis in "xyz")):
        force.addPerBondParameter(name)
    for anion in anions:
        inverse, axes = anion.inverse_inertia
        along = anion.displacements @ axes
        offset = 2.0 * np.abs(along).max()
        total = anion.masses.sum()
        indices = anion.indices.tolist()
        groups = [force.addGroup(indices, anion.masses.tolist())]
        groups += [
            force.addGroup(indices, (anion.masses * (along[:, k] + offset)).tolist()) for k in range(3)
        ]
        force.addBond(groups, [offset * total, *inverse, *axes.T.ravel()])
    force.setName("openmm-anion: orientation projector")
    return force
