r"""T: hold the centre of mass of each anion.

The constraint is :math:`c = c_0`. The energy :math:`\tfrac12 M |c - c_0|^2` has the gradient
:math:`m_i (c - c_0)` on atom i, so that ``x + f/m`` moves every atom by :math:`-(c - c_0)`: the
mass-weighted projection onto the constraint, exact in one pass. (All projectors carry a common factor,
see `openmm_anion.freezing.stiffness`.)
"""

from __future__ import annotations

from collections.abc import Iterable

import openmm

from openmm_anion.freezing.reference import FrozenAnion
from openmm_anion.freezing.stiffness import STIFFNESS


def translation_projector(anions: Iterable[FrozenAnion], periodic: bool) -> openmm.CustomCentroidBondForce:
    """Return the force whose ``f/m``, over `STIFFNESS`, puts each centre of mass back to its reference.

    Parameters
    ----------
    anions : iterable of FrozenAnion
        The anions and their reference centres (nm).
    periodic : bool
        Whether the System is periodic.

    Returns
    -------
    openmm.CustomCentroidBondForce
        One bond per anion; zero energy and force where the constraint holds.

    Examples
    --------
    >>> import numpy as np
    >>> pair = FrozenAnion(np.array([0, 1]), np.ones(2), np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]]))
    >>> translation_projector([pair], periodic=True).getNumBonds()
    1
    """
    # A periodic distance, because GPU platforms move whole molecules by box vectors.
    force = openmm.CustomCentroidBondForce(1, f"{STIFFNESS}*0.5*mass*pointdistance(x1, y1, z1, cx, cy, cz)^2")
    for name in ("mass", "cx", "cy", "cz"):
        force.addPerBondParameter(name)
    force.setUsesPeriodicBoundaryConditions(periodic)
    for anion in anions:
        group = force.addGroup(anion.indices.tolist(), anion.masses.tolist())
        force.addBond([group], translation_parameters(anion))
    force.setName("openmm-anion: translation projector")
    return force


def translation_parameters(anion: FrozenAnion) -> list[float]:
    """Return the parameters of the bond that holds an anion: its mass (Da) and its centre (nm).

    Parameters
    ----------
    anion : FrozenAnion
        The anion and its reference centre (nm).

    Returns
    -------
    list of float
        As `translation_projector` takes them for each bond.

    Examples
    --------
    >>> import numpy as np
    >>> pair = FrozenAnion(np.array([0, 1]), np.ones(2), np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]]))
    >>> [float(value) for value in translation_parameters(pair)]
    [2.0, 0.1, 0.0, 0.0]
    """
    return [float(anion.masses.sum()), *anion.center]
