"""Tie the atoms of each anion together, so that OpenMM takes it for one molecule."""

from __future__ import annotations

from collections.abc import Iterable

import openmm

from openmm_anion.anions import Polyanion
from openmm_anion.freezing.reference import FrozenAnion


def molecule_ties(anions: Iterable[FrozenAnion | Polyanion]) -> openmm.HarmonicBondForce:
    """Return bonds of zero strength from the first atom of each anion to all others.

    GPU platforms move whole molecules by box vectors when they sort particles, and barostats scale the
    centres of molecules. A crystal under a machine-learned potential has no bonds that would tell them what
    a molecule is, and an anion torn apart would have another orientation in the eyes of its projector.

    Parameters
    ----------
    anions : iterable of FrozenAnion or Polyanion
        The anions.

    Returns
    -------
    openmm.HarmonicBondForce
        Bonds without energy.

    Examples
    --------
    >>> import numpy as np
    >>> pair = FrozenAnion(np.array([0, 1]), np.ones(2), np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]]))
    >>> molecule_ties([pair]).getNumBonds()
    1
    """
    bonds = openmm.HarmonicBondForce()
    for anion in anions:
        first, *others = anion.indices.tolist()
        for other in others:
            bonds.addBond(first, other, 0.0, 0.0)
    bonds.setName("openmm-anion: anions are molecules")
    return bonds
