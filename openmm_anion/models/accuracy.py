"""How far the energies and forces of a potential are from labels, in all and element by element."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from openmm_anion.models.in_electronvolts import in_electronvolts
from openmm_anion.models.potential import Potential

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Accuracy:
    """Labels and predictions.

    Attributes
    ----------
    symbols : (N,) array of str
        Elements of all atoms of all frames.
    forces, predicted_forces : (N, 3) array
        Labels and predictions, eV/angstrom.
    energies, predicted_energies : (F,) array
        Per atom, eV.
    """

    symbols: NDArray[np.str_]
    forces: Array
    predicted_forces: Array
    energies: Array
    predicted_energies: Array

    @cached_property
    def force_rmse(self) -> float:
        """Root mean square error of the components of forces, eV/angstrom."""
        return _rms(self.predicted_forces - self.forces)

    @property
    def force_rmse_percent(self) -> float:
        """The same in percent of the root mean square of the components."""
        return 100.0 * self.force_rmse / _rms(self.forces)

    @property
    def energy_rmse_mev_per_atom(self) -> float:
        """Root mean square error of the energy per atom, meV."""
        return 1e3 * _rms(self.predicted_energies - self.energies)

    def by_element(self) -> dict[str, dict[str, float]]:
        """Errors of the forces on each element: meV/angstrom, and percent of its root mean square force.

        Returns
        -------
        dict of str to dict
            By symbol, and by ``force_rmse_mev_per_angstrom`` and ``force_rmse_percent``.
        """
        result = {}
        for symbol in sorted(set(self.symbols.tolist())):
            chosen = self.symbols == symbol
            error = _rms(self.predicted_forces[chosen] - self.forces[chosen])
            result[symbol] = {
                "force_rmse_mev_per_angstrom": 1e3 * error,
                "force_rmse_percent": 100.0 * error / _rms(self.forces[chosen]),
            }
        return result


def accuracy(potential: Potential, frames: Sequence[Atoms]) -> Accuracy:
    """Evaluate a potential on labelled frames, the atoms of all in the same order.

    Parameters
    ----------
    potential : Potential
        The potential.
    frames : sequence of ase.Atoms
        Structures with energies (eV) and forces (eV/angstrom).

    Returns
    -------
    Accuracy
        Energies in eV/atom, forces in eV/angstrom.
    """
    predicted_energies, predicted_forces = [], []
    evaluate = in_electronvolts(potential, list(frames[0].symbols))
    for atoms in frames:
        energy, forces = evaluate(atoms.positions, atoms.cell.array)
        predicted_energies.append(energy / len(atoms))
        predicted_forces.append(forces)
    return Accuracy(
        symbols=np.concatenate([np.array(atoms.get_chemical_symbols()) for atoms in frames]),
        forces=np.concatenate([atoms.get_forces() for atoms in frames]),
        predicted_forces=np.concatenate(predicted_forces),
        energies=np.array([atoms.get_potential_energy() / len(atoms) for atoms in frames]),
        predicted_energies=np.array(predicted_energies),
    )


def _rms(values: Array) -> float:
    return float(np.sqrt((values**2).mean()))
