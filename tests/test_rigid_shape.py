"""The projector that holds any shape: its equations, its trajectories, and every platform."""

from __future__ import annotations

import numpy as np
import openmm
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ion_crystals import IONS, TRICLINIC, Array, assert_held, ion_crystal
from ionic_salt import ANIONS, salt_positions, salt_system
from openmm import unit
from platforms import PlatformCase
from scipy.spatial.transform import Rotation
from test_against_lammps import largest_difference
from test_freezing_exact import energy_noise

from openmm_anion.freezing import FrozenSystem, freeze, vibration
from openmm_anion.freezing.angular_momentum import AngularMomentum
from openmm_anion.freezing.phase import PHASE
from openmm_anion.freezing.reference import FrozenAnion
from openmm_anion.freezing.rigid_shape import RigidShape
from openmm_anion.freezing.stiffness import STIFFNESS
from openmm_anion.freezing.straight import straightened
from openmm_anion.integrators import LangevinMiddleIntegrator, VerletIntegrator

TIMESTEP = 0.0005  # ps
SHAPES = ["SCN", "NO3", "B12H12", "CN", "BH4", "ICl2", "NO3", "PF6"]


@pytest.fixture
def no_distances(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave every shape to the projector."""
    monkeypatch.setattr(vibration, "LARGEST_RADIUS", -1.0)


def body(shape: Array, masses: Array, start: int, random: np.random.Generator) -> FrozenAnion:
    turned = Rotation.random(random_state=int(random.integers(2**31))).apply(shape)
    indices = np.arange(start, start + len(shape))
    return straightened(FrozenAnion(indices, masses, turned + random.uniform(0, 3, 3)))


def moved(bodies: list[FrozenAnion], turn: float, random: np.random.Generator) -> tuple[Array, Array]:
    """Rigid bodies somewhere else, and after a drift that turns them and pulls their atoms apart."""
    start = np.concatenate([anion.positions for anion in bodies])
    end = start.copy()
    for anion in bodies:
        arms = Rotation.random(random_state=int(random.integers(2**31))).apply(anion.displacements)
        axis = random.normal(size=3)
        velocity = np.cross(turn * axis / np.linalg.norm(axis), arms)
        start[anion.indices] = anion.center + 0.1 + arms
        end[anion.indices] = start[anion.indices] + velocity + 0.002 * random.normal(size=arms.shape)
    return start, end


def project(bodies: list[FrozenAnion], start: Array, end: Array) -> Array:
    module = torch.jit.script(RigidShape(bodies, len(start)))
    module(torch.tensor(start), torch.tensor(0.0))
    energy, forces = module(torch.tensor(end), torch.tensor(1.0))
    assert float(energy) == 0.0
    masses = np.concatenate([anion.masses for anion in bodies])
    return np.asarray(end + forces.numpy() / masses[:, None] / STIFFNESS)


def check(bodies: list[FrozenAnion], start: Array, end: Array, result: Array) -> None:
    """Rigid, centre and angular momentum as at the end of the drift."""
    for anion in bodies:
        mass = anion.masses[:, None]
        before, wanted, after = (x[anion.indices] for x in (start, end, result))
        assert np.abs((mass * (after - wanted)).sum(axis=0)).max() < 1e-13 * mass.sum()
        before = before - (mass * before).sum(axis=0) / mass.sum()
        apart = [np.linalg.norm(x[:, None] - x[None], axis=2) for x in (anion.positions, after)]
        assert np.abs(apart[0] - apart[1]).max() < 2e-15
        missing = (mass * np.cross(before, after - wanted)).sum(axis=0)
        if anion.shape == "linear":
            along = anion.displacements @ anion.inverse_inertia[1][:, 0]
            axis = (anion.masses * along) @ before
            missing -= axis * (axis @ missing) / (axis @ axis)
        assert np.linalg.norm(missing) < 5e-15 * (mass * np.abs(before)).sum()  # positions are good to 4e-16


@pytest.mark.parametrize("turn", [0.01, 0.1, 0.3])
@pytest.mark.parametrize("noise", [0.0, 0.003], ids=["ideal", "thermal"])
def test_equations_of_a_rigid_body(turn: float, noise: float) -> None:
    """All shapes and sizes in one batch, ideal (flat, straight) and as they are at some instant."""
    random = np.random.default_rng(1)
    bodies: list[FrozenAnion] = []
    for _, shape in IONS.values():
        start = sum(len(anion.indices) for anion in bodies)
        masses = random.uniform(1, 40, len(shape))
        bodies.append(body(shape + noise * random.normal(size=shape.shape), masses, start, random))
    start_positions, end = moved(bodies, turn, random)
    check(bodies, start_positions, end, project(bodies, start_positions, end))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    sizes=st.lists(st.integers(2, 9), min_size=1, max_size=4),
    flat=st.sampled_from([1.0, 1e-2, 1e-5, 1e-9, 0.0]),
    thin=st.sampled_from([1.0, 1e-2, 1e-5, 1e-9, 0.0]),
)
def test_random_bodies(seed: int, sizes: list[int], flat: float, thin: float) -> None:
    random = np.random.default_rng(seed)
    bodies: list[FrozenAnion] = []
    for size in sizes:
        shape = random.uniform(-0.2, 0.2, (size, 3)) * [1.0, thin, thin * flat]
        shape[:, 0] = 0.15 * np.arange(size) + 0.2 * shape[:, 0]  # no two atoms at one place
        start = sum(len(anion.indices) for anion in bodies)
        bodies.append(body(shape, random.uniform(1, 100, size), start, random))
    start_positions, end = moved(bodies, 0.05, random)
    check(bodies, start_positions, end, project(bodies, start_positions, end))


@pytest.mark.parametrize("kind", [RigidShape, AngularMomentum])
def test_phases_chosen_on_the_device(
    kind: type[RigidShape | AngularMomentum], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the phase is in the memory of a GPU both phases are computed; here on the CPU."""
    random = np.random.default_rng(3)
    bodies = [body(IONS["PS4"][1], random.uniform(10, 40, 5), 5 * k, random) for k in range(3)]
    ends = [torch.tensor(positions) for positions in moved(bodies, 0.05, random)]
    module = kind(bodies, 15)
    expected = [module(x, torch.tensor(float(phase)))[1] for phase, x in enumerate(ends)]
    name = kind.__module__
    monkeypatch.setattr(f"{name}.is_start", lambda phase: False)
    monkeypatch.setattr(f"{name}.kept", lambda phase, now, before: torch.where(phase < 0.5, now, before))
    chosen = kind(bodies, 15)
    start = chosen(ends[0], torch.zeros(1, dtype=torch.float64))[1]
    assert float(start.abs().max()) < 1e-14 * STIFFNESS * 40
    assert torch.equal(chosen(ends[1], torch.ones(1, dtype=torch.float64))[1], expected[1])


@pytest.mark.parametrize("modes", ["V", "TV"])
def test_every_shape_on_every_platform(platform: PlatformCase, modes: str) -> None:
    """Distances and projector side by side, in a triclinic box that cuts the ions."""
    crystal = ion_crystal(SHAPES, TRICLINIC)
    frozen = freeze(crystal.system, crystal.anions, modes, positions=crystal.wrapped)
    assert frozen.two_phases
    assert frozen.has_constraints
    integrator = LangevinMiddleIntegrator(frozen, 300, 5.0, TIMESTEP, seed=1)
    context = platform.context(frozen.system, integrator)
    frozen.initialize(context, 300, seed=2)
    frozen.check(context)
    integrator.step(260)  # past the 250 steps after which GPU platforms move molecules by box vectors
    assert_held(frozen.violation(context), modes, platform.double)
    turned = freeze(crystal.system, crystal.anions, "R", positions=crystal.positions)
    assert turned.violation(context).rotation > 1e-2


def salt_run(modes: str, steps: int) -> tuple[FrozenSystem, openmm.Context]:
    frozen = freeze(salt_system(), ANIONS, modes, positions=salt_positions())
    integrator = VerletIntegrator(frozen, TIMESTEP)
    context = openmm.Context(frozen.system, integrator, openmm.Platform.getPlatformByName("Reference"))
    frozen.initialize(context, 300, seed=3)
    integrator.step(steps)
    return frozen, context


def positions_of(context: openmm.Context) -> Array:
    state = context.getState(getPositions=True)
    return np.asarray(state.getPositions(asNumpy=True).value_in_unit(unit.nanometer))


@pytest.mark.parametrize("modes", ["V", "TV"])
def test_same_trajectory_as_by_distances(modes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two ways to solve the same equations."""
    by_distances, context = salt_run(modes, 100)
    assert not by_distances.two_phases
    expected = positions_of(context)
    monkeypatch.setattr(vibration, "LARGEST_RADIUS", -1.0)
    by_projector, context = salt_run(modes, 100)
    assert by_projector.two_phases
    assert not by_projector.has_constraints
    assert np.abs(positions_of(context) - expected).max() < 1e-10
    assert by_projector.violation(context).shape < 1e-14


@pytest.mark.usefixtures("no_distances")
def test_follows_lammps_to_second_order() -> None:
    coarse, _ = largest_difference("V", 0.00025, "0p25")
    fine, _ = largest_difference("V", 0.000125, "0p125")
    assert coarse.max() < 1e-4
    assert 3.0 < coarse.max() / fine.max() < 5.0


@pytest.mark.usefixtures("no_distances")
def test_energy_is_as_steady_as_in_the_free_run() -> None:
    free, _ = energy_noise("", TIMESTEP)
    noise, drift = energy_noise("V", TIMESTEP)
    assert noise <= 1.5 * free
    assert abs(drift) <= 1.5 * free
    assert 3.2 < noise / energy_noise("V", TIMESTEP / 2)[0] < 4.8


@pytest.mark.usefixtures("no_distances")
def test_nothing_stays_in_the_projector_between_steps() -> None:
    """States show no force of it, and a checkpoint or new positions go on as they would in a new Context."""
    frozen, context = salt_run("V", 10)
    state = context.getState(getForces=True, groups={frozen.projector_group})
    forces = state.getForces(asNumpy=True).value_in_unit(unit.kilojoule_per_mole / unit.nanometer)
    assert np.abs(forces).max() == 0.0
    assert context.getParameter(PHASE) == 0.0
    checkpoint = context.createCheckpoint()
    integrator = context.getIntegrator()
    integrator.step(5)
    expected = positions_of(context)
    frozen.initialize(context, 300, seed=9)
    integrator.step(3)
    context.loadCheckpoint(checkpoint)
    integrator.step(5)
    assert np.array_equal(positions_of(context), expected)
