"""What tests with models of other packages share: a potential against the package's ASE calculator."""

from __future__ import annotations

import ase
import numpy as np
import openmm
import pytest
from ase.calculators.calculator import Calculator
from numpy.typing import NDArray
from platforms import PlatformCase

from openmm_anion.models.potential import Potential
from openmm_anion.structure import build_system
from openmm_anion.units import EV


def reference(atoms: ase.Atoms, calculator: Calculator) -> tuple[float, NDArray[np.float64]]:
    """Energy (eV) and forces (eV/A) of a calculator, in double precision."""
    atoms = atoms.copy()
    atoms.calc = calculator
    return float(atoms.get_potential_energy()), np.asarray(atoms.get_forces(), dtype=float)


def in_openmm(
    potential: Potential, atoms: ase.Atoms, platform: PlatformCase, kind: str | None = None
) -> tuple[float, NDArray[np.float64]]:
    """Energy (eV) and forces (eV/A) of a potential in a Context, with atoms moved into other cells."""
    system = build_system(atoms)
    potential.add_to(system, list(atoms.symbols), kind=kind)
    context = platform.context(system, openmm.VerletIntegrator(0.001))
    images = np.random.default_rng(5).integers(-2, 3, (len(atoms), 3))
    # single precision of positions on GPU platforms is theirs; it is not what is compared here
    shift = images @ atoms.cell.array if platform.double else 0.0
    context.setPositions((atoms.positions + shift) / 10)
    state = context.getState(energy=True, forces=True)
    forces = state.getForces(asNumpy=True)._value
    return state.getPotentialEnergy()._value / EV, forces / (10 * EV)


def assert_equal(
    found: tuple[float, NDArray[np.float64]], expected: tuple[float, NDArray[np.float64]], tolerance: float
) -> None:
    """Forces to `tolerance` eV/A, energies to `tolerance` eV per atom; forces that are worth comparing."""
    n_atoms = len(expected[1])
    assert np.abs(expected[1]).max() > 1e3 * tolerance
    assert found[0] / n_atoms == pytest.approx(expected[0] / n_atoms, abs=tolerance)
    np.testing.assert_allclose(found[1], expected[1], atol=tolerance)
