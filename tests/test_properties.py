"""Laws that hold for any anion: random shapes (flat and straight ones too), masses, boxes and forces.

Hypothesis draws one to three anions of 2 to 9 atoms, thicknesses and seeds, the same in every run. A step is
0.5 fs on the Reference platform, velocities are those of 300 K, and forces reach some kT/nm.
"""

from __future__ import annotations

import numpy as np
import openmm
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openmm import unit
from random_anions import Array, Plan, random_ions

from openmm_anion.freezing import MODES, FrozenSystem, freeze
from openmm_anion.freezing.reference import FrozenAnion
from openmm_anion.integrators import LangevinMiddleIntegrator, VerletIntegrator
from openmm_anion.units import MOLAR_GAS_CONSTANT

TIMESTEP = 0.0005  # ps
STEPS = 20
TEMPERATURE = 300.0
EXAMPLES = 5
"""Examples of each law in each mode."""

few = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
every_mode = pytest.mark.parametrize(
    ("modes", "rotation"),
    [(modes, "eckart") for modes in MODES[1:]] + [(modes, "angular-momentum") for modes in ("R", "TR")],
)


def plans(*, external: bool) -> st.SearchStrategy[Plan]:
    return st.builds(
        Plan,
        anions=st.lists(st.tuples(st.integers(2, 9), st.integers(1, 3)), min_size=1, max_size=3),
        thickness=st.sampled_from([0.0, 1e-9, 1e-7, 1e-5, 1e-3, 0.01, 0.03]),
        loose=st.integers(1, 3),
        seed=st.integers(0, 2**31),
        external=st.just(external),
    )


def verlet(frozen: FrozenSystem) -> openmm.Context:
    integrator = VerletIntegrator(frozen, TIMESTEP)
    return openmm.Context(frozen.system, integrator, openmm.Platform.getPlatformByName("Reference"))


def positions_and_velocities(context: openmm.Context) -> tuple[Array, Array]:
    state = context.getState(positions=True, velocities=True)
    return (
        state.getPositions(asNumpy=True).value_in_unit(unit.nanometer),
        state.getVelocities(asNumpy=True).value_in_unit(unit.nanometer / unit.picosecond),
    )


def moves(frozen: FrozenSystem, velocities: Array) -> Array:
    """How far each particle gets from its start, nm."""
    context = verlet(frozen)
    frozen.initialize(context)
    context.setVelocities(velocities)
    context.getIntegrator().step(STEPS)
    return positions_and_velocities(context)[0] - frozen.positions


@every_mode
@few
@given(plan=plans(external=True))
def test_frozen_motions_stay_frozen(modes: str, rotation: str, plan: Plan) -> None:
    """After 20 Langevin steps no atom is off by over 1e-12 nm, and no orientation by over 1e-10 rad
    (about the axis of a nearly straight ion, where the rounding of a position is a larger angle).

    An angular momentum frozen at zero leaves 1e-10 rad/ps (rounding of positions, over half a time step and
    the size of an anion); for linear anions, which turn their axis within a step as they bend, 3e-5 of
    the thermal angular velocity (the most of some thousand random ones was 1e-5; in proportion to the step).
    """
    ions = random_ions(plan)
    frozen = freeze(ions.system(), ions.anions, modes, positions=ions.positions, rotation=rotation)
    integrator = LangevinMiddleIntegrator(frozen, TEMPERATURE, 20.0, TIMESTEP, seed=1)
    context = openmm.Context(frozen.system, integrator, openmm.Platform.getPlatformByName("Reference"))
    frozen.initialize(context, TEMPERATURE, seed=2)
    integrator.step(STEPS)
    x, _ = positions_and_velocities(context)
    loose = np.arange(len(x) - plan.loose, len(x))
    assert np.abs(x - frozen.positions)[loose].max() > 1e-4
    violation = frozen.violation(context)
    held = modes if rotation == "eckart" else modes.replace("R", "")
    for mode, value in zip("TRV", (violation.translation, violation.rotation, violation.shape), strict=True):
        assert value <= (1e-10 if mode == "R" else 1e-12) if mode in held else np.isnan(value), violation
    assert violation.displacement <= 1e-12
    if rotation == "angular-momentum":
        linear = any(anion.shape == "linear" for anion in frozen.anions)
        assert violation.angular_velocity <= (3e-5 * thermal_turn(frozen) if linear else 1e-10)


def thermal_turn(frozen: FrozenSystem) -> float:
    """The largest thermal angular velocity ``sqrt(kT/I)`` about an axis that the anions have, rad/ps."""
    largest = max(anion.inverse_inertia[0].max() for anion in frozen.anions)
    return float(np.sqrt(MOLAR_GAS_CONSTANT * TEMPERATURE * largest))


@pytest.mark.parametrize(
    ("modes", "rotation"), [("R", "eckart"), ("V", "eckart"), ("RV", "eckart"), ("R", "angular-momentum")]
)
@few
@given(plan=plans(external=False))
def test_momentum_is_conserved(modes: str, rotation: str, plan: Plan) -> None:
    """Without outer forces and frozen centres the whole drifts on: to 1e-10 nm/ps and 1e-12 nm.

    Velocities come from moves over a time step: 1e-15 nm of rounding in a position is 2e-12 nm/ps.
    """
    ions = random_ions(plan)
    frozen = freeze(ions.system(), ions.anions, modes, positions=ions.positions, rotation=rotation)
    drift = np.array([0.7, -0.4, 0.2])
    velocities = frozen.draw_velocities(TEMPERATURE, seed=3) + drift
    masses = frozen.masses
    context = verlet(frozen)
    frozen.initialize(context)
    context.setVelocities(velocities)
    context.getIntegrator().step(STEPS)
    x, v = positions_and_velocities(context)
    assert np.abs(v - velocities).max() > 1e-5
    total = masses.sum()
    assert np.abs(masses @ v / total - drift).max() < 1e-10
    gone = masses @ (x - frozen.positions) / total
    assert np.abs(gone - STEPS * TIMESTEP * drift).max() < 1e-12


@every_mode
@few
@given(plan=plans(external=True))
def test_wrapping_changes_nothing(modes: str, rotation: str, plan: Plan) -> None:
    """Each atom in a cell of its own choice: anions come out whole, and all moves agree to 1e-10 nm."""
    ions = random_ions(plan)
    random = np.random.default_rng(plan.seed)
    shifts = random.integers(-2, 3, (len(ions.positions), 3)) @ ions.box
    whole, wrapped = (
        freeze(ions.system(), ions.anions, modes, positions=positions, rotation=rotation)
        for positions in (ions.positions, ions.positions + shifts)
    )
    for anion in ions.anions:
        apart = wrapped.positions[anion] - whole.positions[anion]
        assert np.abs(apart - apart[0]).max() < 1e-13
    cells = (wrapped.positions - whole.positions) @ np.linalg.inv(ions.box)
    assert np.abs(cells - np.round(cells)).max() < 1e-13
    velocities = whole.draw_velocities(TEMPERATURE, seed=4)
    expected = moves(whole, velocities)
    assert np.abs(expected).max() > 1e-4
    assert np.abs(moves(wrapped, velocities) - expected).max() < 1e-10


@every_mode
@few
@given(plan=plans(external=True))
def test_order_of_atoms_changes_nothing(modes: str, rotation: str, plan: Plan) -> None:
    """Atoms of an anion named in another order, and all particles at other indices: the same to 1e-10 nm."""
    ions = random_ions(plan)
    random = np.random.default_rng(plan.seed)
    frozen = freeze(ions.system(), ions.anions, modes, positions=ions.positions, rotation=rotation)
    velocities = frozen.draw_velocities(TEMPERATURE, seed=5)
    expected = moves(frozen, velocities)
    place = random.permutation(len(ions.positions))
    order = np.argsort(place)
    shuffled = [random.permutation(place[anion]).tolist() for anion in ions.anions]
    other = freeze(ions.system(place), shuffled, modes, positions=ions.positions[order], rotation=rotation)
    assert np.abs(moves(other, velocities[order])[place] - expected).max() < 1e-10


@every_mode
@settings(few, max_examples=2 * EXAMPLES)
@given(plan=plans(external=False))
def test_degrees_of_freedom_are_the_rank_of_the_constraints(modes: str, rotation: str, plan: Plan) -> None:
    """3N less the rank of the Jacobian of all constraints, by central differences.

    Singular values from 1e-6 of the largest count. A linear anion has neither an orientation about its axis
    nor the bend that it had when it was frozen: its reference is put onto a line.
    """
    ions = random_ions(plan)
    system = ions.system()
    tied = plan.loose > 2
    if tied:
        system.addConstraint(len(ions.positions) - 1, len(ions.positions) - 2, 0.3)
    frozen = freeze(system, ions.anions, modes, positions=ions.positions, rotation=rotation)
    rank = sum(constraint_rank(anion, modes, rotation) for anion in frozen.anions)
    assert frozen.frozen_degrees_of_freedom == rank
    assert frozen.degrees_of_freedom == 3 * len(ions.positions) - rank - tied


def constraint_rank(anion: FrozenAnion, modes: str, rotation: str) -> int:
    """Rank of the Jacobian of what is frozen, in mass-weighted coordinates at the reference."""
    masses = anion.masses[:, None]
    shape = anion.displacements
    if anion.shape == "linear":
        axis = np.linalg.svd(shape)[2][0]
        shape = shape @ np.outer(axis, axis)
        shape -= (masses * shape).sum(axis=0) / masses.sum()

    def violated(flat: Array) -> Array:
        x = flat.reshape(-1, 3) / np.sqrt(masses)
        center = (masses * x).sum(axis=0) / masses.sum()
        arms = x - center
        values = {"T": center, "V": arms - best_place(arms, shape, masses)}
        if rotation == "eckart":
            values["R"] = (masses * np.cross(shape, arms)).sum(axis=0)
        else:  # linear in the velocities x, at the reference
            values["R"] = (masses * np.cross(shape, x)).sum(axis=0)
        return np.concatenate([values[mode].ravel() for mode in modes])

    here = (np.sqrt(masses) * shape).ravel()
    step = 1e-4
    columns = [violated(here + step * unit_) - violated(here - step * unit_) for unit_ in np.eye(here.size)]
    jacobian = np.array(columns).T / (2 * step)
    size = np.linalg.svd(jacobian, compute_uv=False)
    return int(np.count_nonzero(size > 1e-6 * size[0]))


def best_place(arms: Array, shape: Array, masses: Array) -> Array:
    """The shape, turned onto the arms with the smallest mass-weighted distance (Kabsch's method)."""
    left, _, right = np.linalg.svd((masses * shape).T @ arms)
    left[:, 2] *= np.linalg.det(left @ right)
    return np.asarray(shape @ left @ right)
