r"""RV: hold orientation and shape together, so that each anion can only translate as a whole.

The constraint is :math:`x_i = c + d_i`. It is linear, and its energy
:math:`\tfrac12 \sum_i m_i |x_i - c - d_i|^2 = \tfrac{1}{2M} \sum_{i<j} m_i m_j |x_i - x_j - d_i + d_j|^2`
is a sum over pairs, so that ``x + f/m`` is the mass-weighted projection.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import openmm

from openmm_anion.freezing.reference import FrozenAnion
from openmm_anion.freezing.stiffness import STIFFNESS


def internal_projector(anions: Iterable[FrozenAnion]) -> openmm.CustomCompoundBondForce:
    """Return the force whose ``f/m``, over `STIFFNESS`, restores every vector between the atoms of an anion.

    Parameters
    ----------
    anions : iterable of FrozenAnion
        The anions and their reference shapes (nm).

    Returns
    -------
    openmm.CustomCompoundBondForce
        One bond per pair of atoms of one anion; zero energy and force where the constraint holds.
    """
    force = openmm.CustomCompoundBondForce(
        2, f"{STIFFNESS}*0.5*weight*((x1-x2-dx)^2+(y1-y2-dy)^2+(z1-z2-dz)^2)"
    )
    for name in ("weight", "dx", "dy", "dz"):
        force.addPerBondParameter(name)
    for anion in anions:
        total = anion.masses.sum()
        for i, j in combinations(range(len(anion.indices)), 2):
            weight = anion.masses[i] * anion.masses[j] / total
            vector = anion.positions[i] - anion.positions[j]
            force.addBond([int(anion.indices[i]), int(anion.indices[j])], [weight, *vector])
    force.setName("openmm-anion: internal projector")
    return force
