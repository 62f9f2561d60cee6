"""A potential with a structure, evaluated in eV and angstrom as often as a check wants."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from openmm_anion.models.in_electronvolts import in_electronvolts
from openmm_anion.models.potential import Potential
from openmm_anion.units import ANGSTROM

Array = NDArray[np.float64]


class Evaluated:
    """Energies and forces of a structure at positions of one's choice.

    Parameters
    ----------
    potential : Potential
        The potential.
    atoms : ase.Atoms
        The structure in OpenMM's orientation (`openmm_anion.structure.read_structure`).
    """

    def __init__(self, potential: Potential, atoms: Atoms) -> None:
        self.potential = potential
        self.symbols = list(atoms.symbols)
        self.positions: Array = atoms.positions.copy()
        self.box: Array = atoms.cell.array.copy()
        potential.check(self.symbols, self.box * ANGSTROM)
        self.evaluate = in_electronvolts(potential, self.symbols)

    def __call__(self, positions: Array, box: Array | None = None) -> tuple[float, Array]:
        """Energy (eV) and forces (N, 3), eV/angstrom.

        Parameters
        ----------
        positions : (N, 3) array
            Positions, angstrom.
        box : (3, 3) array, optional
            Box vectors as rows, angstrom, instead of those of the structure.
        """
        return self.evaluate(positions, self.box if box is None else box)

    @property
    def turns(self) -> bool:
        """Whether it takes boxes that do not lie as OpenMM's do; openmm-ml's potentials run inside OpenMM."""
        return self.potential.kinds != ("openmm-ml",)

    def reordered(self, order: NDArray[np.int64]) -> Evaluated:
        """The same structure with its atoms in another order.

        Parameters
        ----------
        order : array of int, shape (N,)
            Which atom comes in each place.

        Returns
        -------
        Evaluated
            Energy and forces are evaluated anew.
        """
        atoms = Atoms(
            [self.symbols[k] for k in order], positions=self.positions[order], cell=self.box, pbc=True
        )
        return Evaluated(self.potential, atoms)


def rms(forces: Array) -> float:
    """Root mean square of the components of forces.

    Parameters
    ----------
    forces : (N, 3) array
        Forces.

    Returns
    -------
    float
        In their unit.

    Examples
    --------
    >>> rms(np.full((2, 3), 2.0))
    2.0
    """
    return float(np.sqrt((forces**2).mean()))
