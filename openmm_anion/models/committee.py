r"""Several models of the same thing: where they disagree, none of them knows.

The spread of a frame is that of the atom about which they agree least, from the variance of its force over
the M members,

.. math:: s = \max_i \sqrt{\tfrac13 \sum_c \operatorname{var}_m F_{mic}}

(H. S. Seung, M. Opper, H. Sompolinsky, COLT 1992, doi:10.1145/130385.130417; for forces: L. Zhang et al.,
Phys. Rev. Mater. 3, 023804 (2019), doi:10.1103/PhysRevMaterials.3.023804).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openmm_anion.errors import InputError
from openmm_anion.models.in_electronvolts import in_electronvolts
from openmm_anion.models.potential import Potential
from openmm_anion.units import ANGSTROM

Array = NDArray[np.float64]


class Committee:
    """Potentials of the same elements that were trained apart.

    Parameters
    ----------
    members : sequence of Potential
        Two or more.

    Raises
    ------
    InputError
        If there are fewer than two.

    Examples
    --------
    >>> from openmm_anion import models
    >>> Committee([models.load("na3ps4")])
    Traceback (most recent call last):
    ...
    openmm_anion.errors.InputError: a committee of 1 cannot disagree; give two models or more
    """

    def __init__(self, members: Sequence[Potential]) -> None:
        if len(members) < 2:
            raise InputError(f"a committee of {len(members)} cannot disagree; give two models or more")
        self.members = list(members)

    @classmethod
    def load(cls, names: Sequence[str | Path]) -> Committee:
        """Load the members by their names or files.

        Parameters
        ----------
        names : sequence of str or Path
            As `openmm_anion.models.load` takes them; two or more.

        Returns
        -------
        Committee
            Of these potentials, in this order.

        Raises
        ------
        InputError
            If there are fewer than two, or one cannot be loaded.
        """
        from openmm_anion import models

        return cls([models.load(name) for name in names])

    def bind(self, symbols: Sequence[str]) -> Callable[[Array, Array], Array]:
        """Fix the particles: a function of positions and box (nm) that returns the spread of each atom (N,).

        Parameters
        ----------
        symbols : sequence of str
            Element of every particle.

        Returns
        -------
        callable
            Positions (N, 3) and box (3, 3), nm, to the root mean square over the components of the standard
            deviation of the force on each atom, eV/angstrom.
        """
        evaluations = [in_electronvolts(member, symbols) for member in self.members]

        def spread(positions: Array, box: Array) -> Array:
            forces = np.array([one(positions / ANGSTROM, box / ANGSTROM)[1] for one in evaluations])
            return np.asarray(np.sqrt(forces.var(axis=0).mean(axis=1)))

        return spread
