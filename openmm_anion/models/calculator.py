"""Any ASE calculator as a potential, through OpenMM's PythonForce."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from ase import Atoms
from ase.calculators.calculator import BaseCalculator
from torch import Tensor

from openmm_anion.errors import InputError
from openmm_anion.models.custom import check_symbols
from openmm_anion.models.force import Bound
from openmm_anion.models.potential import Potential
from openmm_anion.units import ANGSTROM, EV


class CalculatorPotential(Potential):
    """A potential that an ASE calculator evaluates; see `from_ase`.

    Parameters
    ----------
    calculator : ase.calculators.calculator.BaseCalculator
        Gives energy (eV) and forces (eV/angstrom).
    elements : sequence of str
        Symbols of the elements it knows.
    name : str
        Name of the potential.
    """

    kinds = ("python",)

    def __init__(self, calculator: BaseCalculator, elements: Sequence[str], name: str) -> None:
        super().__init__({"name": name, "elements": list(elements), "calculator": type(calculator).__name__})
        self.calculator = calculator

    def bind(self, symbols: Sequence[str]) -> Bound:
        """A function of positions and box (nm) that asks the calculator."""
        self.check_elements(symbols)
        atoms = Atoms(list(symbols), pbc=True)
        calculator = self.calculator
        # With smeared electrons the forces belong to the free energy.
        consistent = "free_energy" in getattr(calculator, "implemented_properties", ())

        def evaluate(positions: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
            atoms.set_cell(box.detach().cpu().double().numpy() / ANGSTROM)
            atoms.set_positions(positions.detach().cpu().double().numpy() / ANGSTROM)
            # Set each time: one calculator may serve several systems in turn.
            atoms.calc = calculator
            energy = EV * float(atoms.get_potential_energy(force_consistent=consistent))
            forces = torch.as_tensor(atoms.get_forces(), dtype=torch.float64)
            return torch.tensor(energy, dtype=torch.float64), (EV / ANGSTROM) * forces

        return evaluate


def from_ase(calculator: BaseCalculator, elements: Sequence[str], name: str | None = None) -> Potential:
    """A potential that an ASE calculator evaluates: MACE, NequIP, Orb, GPAW, whatever ASE has.

    It becomes a ``PythonForce``: OpenMM calls Python in every step.

    Parameters
    ----------
    calculator : ase.calculators.calculator.BaseCalculator
        Gives energies (eV) and forces (eV/angstrom) of periodic structures.
    elements : sequence of str
        Symbols of the elements that it knows.
    name : str, optional
        Name of the potential; by default that of the calculator's class.

    Returns
    -------
    Potential
        Of the one kind "python".

    Raises
    ------
    InputError
        If it is no calculator, gives no forces, or `elements` are no chemical symbols.

    Examples
    --------
    >>> from ase.calculators.lj import LennardJones
    >>> argon = from_ase(LennardJones(sigma=3.4, epsilon=0.0104, rc=9.0), ["Ar"])
    >>> argon.name, argon.kinds
    ('LennardJones', ('python',))
    """
    if not isinstance(calculator, BaseCalculator):
        raise InputError(
            f"{type(calculator).__name__} is no ASE calculator; give an object, such as "
            "SevenNetCalculator('7net-0')"
        )
    if "forces" not in calculator.implemented_properties:
        raise InputError(f"calculator {type(calculator).__name__} gives no forces; dynamics need them")
    check_symbols(elements)
    return CalculatorPotential(calculator, elements, name or type(calculator).__name__)
