"""The real openmm-ml: our potentials there, and its potentials here."""

from __future__ import annotations

import numpy as np
import openmm
import pytest
from ase.calculators.lj import LennardJones
from crystals import na3ps4
from openmm import app, unit
from package_models import assert_equal, in_openmm, reference
from platforms import PLATFORMS, PlatformCase

from openmm_anion import find_polyanions, freeze, models
from openmm_anion.errors import InputError
from openmm_anion.integrators import LangevinMiddleIntegrator
from openmm_anion.structure import build_system, build_topology, ions_together

pytestmark = [pytest.mark.models, pytest.mark.filterwarnings("ignore")]

ATOMS = ions_together(na3ps4(), find_polyanions(na3ps4(), "PS4"))
SYMBOLS = list(ATOMS.symbols)


def topology() -> app.Topology:
    return build_topology(ATOMS, find_polyanions(ATOMS, "PS4"))


@pytest.mark.parametrize("kind", [None, "python"])
def test_our_potential_for_users_of_openmm_ml(platform: PlatformCase, kind: str | None) -> None:
    from openmmml import MLPotential

    options = {} if kind is None else {"kind": kind}
    system = MLPotential("openmm-anion-na3ps4").createSystem(topology(), **options)
    assert system.getNumForces() == 2  # with the CMMotionRemover
    context = platform.context(system, openmm.VerletIntegrator(0.001))
    context.setPositions(ATOMS.positions / 10)
    state = context.getState(energy=True, forces=True)
    energy, forces = models.load("na3ps4").energy_forces(SYMBOLS, ATOMS.positions / 10, ATOMS.cell.array / 10)
    assert state.getPotentialEnergy()._value == pytest.approx(energy, abs=0.05, rel=1e-7)
    found = state.getForces(asNumpy=True)._value
    np.testing.assert_allclose(found, forces, atol=0.02 if platform.double else 0.5, rtol=1e-5)


def test_a_part_of_the_particles(platform: PlatformCase) -> None:
    """A mixed System: one half of the crystal by the potential, in its own box, the rest by nothing."""
    from openmmml import MLPotential

    half = [*range(40), *range(80, 104)]  # eight whole anions and as many cations as belong to them
    classical = build_system(ATOMS)
    mixed = MLPotential("openmm-anion-na3ps4").createMixedSystem(topology(), classical, half)
    context = platform.context(mixed, openmm.VerletIntegrator(0.001))
    context.setPositions(ATOMS.positions / 10)
    state = context.getState(energy=True, forces=True)
    energy, forces = models.load("na3ps4").energy_forces(
        [SYMBOLS[k] for k in half], ATOMS.positions[half] / 10, ATOMS.cell.array / 10
    )
    assert state.getPotentialEnergy()._value == pytest.approx(energy, abs=0.05, rel=1e-6)
    found = state.getForces(asNumpy=True)._value
    np.testing.assert_allclose(found[half], forces, atol=0.02 if platform.double else 0.5, rtol=1e-5)
    np.testing.assert_allclose(np.delete(found, half, axis=0), 0, atol=1e-9)


def test_one_clear_line_for_users_of_openmm_ml() -> None:
    from openmmml import MLPotential

    with pytest.raises(InputError, match=r"takes no arguments, but was given modelPath"):
        MLPotential("openmm-anion-na3ps4", modelPath="x")
    potential = MLPotential("openmm-anion-na3ps4")
    with pytest.raises(InputError, match=r"takes no option precision"):
        potential.createSystem(topology(), precision="single")
    small = topology()
    small.setPeriodicBoxVectors(np.eye(3) * 0.7 * unit.nanometer)
    with pytest.raises(InputError, match=r"the cell is 0.700 nm wide"):
        potential.createSystem(small)
    small.setPeriodicBoxVectors(None)
    with pytest.raises(InputError, match=r"needs a periodic box"):
        potential.createSystem(small)


def test_their_potentials_here_and_frozen(platform: PlatformCase) -> None:
    calculator = LennardJones(sigma=2.2, epsilon=0.02, rc=6.0, smooth=True)
    potential = models.load("openmmml:ase", options={"calculator": calculator})
    assert_equal(in_openmm(potential, ATOMS, platform), reference(ATOMS, calculator), 2e-5)
    system = build_system(ATOMS)
    potential.add_to(system, SYMBOLS)
    anions = find_polyanions(ATOMS, "PS4")
    frozen = freeze(system, anions, "TR", positions=anions.positions)
    assert "PythonForce" in [force.getName() for force in frozen.system.getForces()]


def test_unknown_names_and_missing_arguments() -> None:
    assert "openmmml:mace-off23-small" in models.names()
    assert not [name for name in models.names() if name.startswith("openmmml:openmm-anion")]
    with pytest.raises(InputError, match=r"openmm-ml knows no potential 'mace-of23-small'; did you mean"):
        models.load("openmmml:mace-of23-small")
    with pytest.raises(InputError, match=r"cannot be made by openmm-ml: .*modelPath"):
        models.load("openmmml:nequip")
    with pytest.raises(InputError, match=r"cannot be made by openmm-ml: Either an Atoms or a Calculator"):
        models.load("openmmml:ase").create_force(["Na"])


@pytest.mark.parametrize("modes", ["T", "R", "V", "TR"])
@pytest.mark.parametrize("name", ["openmm-anion-na3ps4", "ase"])
def test_systems_that_openmm_ml_built_are_frozen(name: str, modes: str) -> None:
    """Its System as it is, but for the CMMotionRemover, which T refuses."""
    from openmmml import MLPotential

    options = (
        {} if name != "ase" else {"calculator": LennardJones(sigma=2.2, epsilon=0.02, rc=6.0, smooth=True)}
    )
    system = MLPotential(name).createSystem(topology(), removeCMMotion="T" not in modes, **options)
    anions = find_polyanions(ATOMS, "PS4")
    frozen = freeze(system, anions, modes, positions=anions.positions)
    integrator = LangevinMiddleIntegrator(frozen, 300, 5.0, 0.001, seed=1)
    context = PLATFORMS[0].context(frozen.system, integrator)
    frozen.initialize(context, 300, seed=2)
    integrator.step(5)
    violation = frozen.violation(context)
    for mode, value in zip("TRV", (violation.translation, violation.rotation, violation.shape), strict=True):
        assert value <= 1e-10 if mode in modes else np.isnan(value)
    moved = context.getState(positions=True).getPositions(asNumpy=True).value_in_unit(unit.nanometer)
    assert np.abs(moved - frozen.positions).max() > 1e-4
