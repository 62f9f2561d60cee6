r"""RV: hold orientation and shape together, so that each anion can only translate as a whole.

The constraint is :math:`x_i = c + d_i`. It is linear. With the vectors from the first atom,
:math:`u_i = x_i - x_1 - (d_i - d_1)`, its energy is

.. math:: \tfrac12 \sum_i m_i |x_i - c - d_i|^2
          = \tfrac12 \sum_i m_i u_i^2 - \tfrac{1}{2M} \Bigl|\sum_i m_i u_i\Bigr|^2 ,

one bond from each other atom to the first, and one from the centroid of the others; ``x + f/m`` is the
mass-weighted projection.
"""

from __future__ import annotations

from collections.abc import Iterable

import openmm

from openmm_anion.freezing.reference import FrozenAnion
from openmm_anion.freezing.stiffness import STIFFNESS


def internal_projector(anions: Iterable[FrozenAnion]) -> openmm.CustomCentroidBondForce:
    """Return the force whose ``f/m``, over `STIFFNESS`, restores every vector between the atoms of an anion.

    Parameters
    ----------
    anions : iterable of FrozenAnion
        The anions and their reference shapes (nm).

    Returns
    -------
    openmm.CustomCentroidBondForce
        One bond per atom of an anion; zero energy and force where the constraint holds.

    Examples
    --------
    >>> import numpy as np
    >>> pair = FrozenAnion(np.array([0, 1]), np.ones(2), np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]]))
    >>> internal_projector([pair]).getNumBonds()
    2
    """
    force = openmm.CustomCentroidBondForce(
        2, f"{STIFFNESS}*0.5*weight*((x1-x2-dx)^2+(y1-y2-dy)^2+(z1-z2-dz)^2)"
    )
    for name in ("weight", "dx", "dy", "dz"):
        force.addPerBondParameter(name)
    for anion in anions:
        first, *others = anion.indices.tolist()
        center = force.addGroup([first])
        groups = [force.addGroup([other]) for other in others]
        groups.append(force.addGroup(others, anion.masses[1:].tolist()))
        for group, parameters in zip(groups, internal_parameters(anion), strict=True):
            force.addBond([group, center], parameters)
    force.setName("openmm-anion: internal projector")
    return force


def internal_parameters(anion: FrozenAnion) -> list[list[float]]:
    """Return the parameters of the bonds that hold an anion, (n, 4): weight, and the vector to be held.

    Parameters
    ----------
    anion : FrozenAnion
        The anion and its reference shape (nm).

    Returns
    -------
    list of list of float
        One list for each bond.
    """
    masses = anion.masses[1:]
    vectors = anion.positions[1:] - anion.positions[0]
    rows = [[float(mass), *vector] for mass, vector in zip(masses, vectors, strict=True)]
    together = float(masses.sum())
    return [*rows, [-(together**2) / float(anion.masses.sum()), *(masses @ vectors / together)]]
