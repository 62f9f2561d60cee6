"""The projector that holds any shape: its equations, its trajectories, and every platform."""

from __future__ import annotations

import numpy as np
import openmm
import pytest
import torch
from frozen_salts import positions_of
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
from openmm_anion.freezing.angular_momentum import AngularMomentum, angular_momentum_projector
from openmm_anion.freezing.phase import PHASE, TAKE_ANGULAR_MOMENTA, TAKE_REFERENCE
from openmm_anion.freezing.reference import FrozenAnion
from openmm_anion.freezing.rigid_shape import RigidShape, body_coordinates, rigid_shape_projector
from openmm_anion.freezing.stiffness import STIFFNESS
from openmm_anion.freezing.straight import straightened
from openmm_anion.integrators import LangevinMiddleIntegrator, VerletIntegrator

TIMESTEP = 0.0005  # ps
Kind = type[RigidShape | AngularMomentum]
SHAPES = ["SCN", "NO3", "B12H12", "CN", "BH4", "ICl2", "NO3", "PF6"]


@pytest.fixture
def no_distances(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave every shape to the projector."""
    monkeypatch.setattr(vibration, "LARGEST_RADIUS", -1.0)


def body(shape: Array, masses: Array, start: int, random: np.random.Generator) -> FrozenAnion:
    turned = Rotation.random(random_state=int(random.integers(2**31))).apply(shape)
    indices = np.arange(start, start + len(shape))
    return straightened(FrozenAnion(indices, masses, turned + random.uniform(0, 3, 3)))


def all_ions(noise: float, random: np.random.Generator) -> list[FrozenAnion]:
    """All shapes and sizes, ideal (flat, straight) or as they are at some instant."""
    bodies: list[FrozenAnion] = []
    for _, shape in IONS.values():
        start = sum(len(anion.indices) for anion in bodies)
        masses = np.random.default_rng(start).uniform(1, 40, len(shape))
        bodies.append(body(shape + noise * random.normal(size=shape.shape), masses, start, random))
    return bodies


def moved(
    bodies: list[FrozenAnion], turn: float, random: np.random.Generator, pull: float = 0.002
) -> tuple[Array, Array]:
    """Rigid bodies somewhere else, and after a drift that turns them and pulls their atoms apart."""
    start = np.concatenate([anion.positions for anion in bodies])
    end = start.copy()
    for anion in bodies:
        arms = Rotation.random(random_state=int(random.integers(2**31))).apply(anion.displacements)
        axis = random.normal(size=3)
        velocity = np.cross(turn * axis / np.linalg.norm(axis), arms)
        start[anion.indices] = anion.center + 0.1 + arms
        end[anion.indices] = start[anion.indices] + velocity + pull * random.normal(size=arms.shape)
    return start, end


def project(bodies: list[FrozenAnion], start: Array, end: Array, script: bool = True) -> Array:
    module: torch.nn.Module = RigidShape(bodies, len(start))
    if script:
        module = torch.jit.script(module)
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


@pytest.mark.parametrize(
    ("turn", "pull"), [(1e-4, 1e-5), (0.003, 1e-4), (0.01, 0.002), (0.1, 0.002), (0.3, 0.002)]
)
@pytest.mark.parametrize("noise", [0.0, 0.003], ids=["ideal", "thermal"])
@pytest.mark.parametrize("device", [False, True], ids=["host", "device"])
def test_equations_of_a_rigid_body(
    turn: float, pull: float, noise: float, device: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All shapes and sizes in one batch, ideal (flat, straight) and as they are at some instant."""
    random = np.random.default_rng(1)
    bodies = all_ions(noise, random)
    start_positions, end = moved(bodies, turn, random, pull)
    if device:
        monkeypatch.setattr("openmm_anion.freezing.rigid_shape.on_device", lambda tensor: True)
    check(bodies, start_positions, end, project(bodies, start_positions, end, script=not device))


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    sizes=st.lists(st.integers(2, 9), min_size=1, max_size=4),
    flat=st.sampled_from([1.0, 1e-2, 1e-5, 1e-9, 0.0]),
    thin=st.sampled_from([1.0, 1e-2, 1e-5, 1e-9, 0.0]),
    turn=st.sampled_from([0.05, 0.002]),
)
def test_random_bodies(seed: int, sizes: list[int], flat: float, thin: float, turn: float) -> None:
    random = np.random.default_rng(seed)
    bodies: list[FrozenAnion] = []
    for size in sizes:
        shape = random.uniform(-0.2, 0.2, (size, 3)) * [1.0, thin, thin * flat]
        shape[:, 0] = 0.15 * np.arange(size) + 0.2 * shape[:, 0]  # no two atoms at one place
        start = sum(len(anion.indices) for anion in bodies)
        bodies.append(body(shape, random.uniform(1, 100, size), start, random))
    start_positions, end = moved(bodies, turn, random, 0.04 * turn)
    check(bodies, start_positions, end, project(bodies, start_positions, end))


@pytest.mark.parametrize("kind", [RigidShape, AngularMomentum])
def test_phases_chosen_on_the_device(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the phase is in the memory of a GPU both phases are computed; here on the CPU."""
    random = np.random.default_rng(3)
    bodies = [body(IONS["PS4"][1], random.uniform(10, 40, 5), 5 * k, random) for k in range(3)]
    ends = [torch.tensor(positions) for positions in moved(bodies, 0.05, random)]
    module = kind(bodies, 15)
    monkeypatch.setattr("openmm_anion.freezing.rigid_shape.on_device", lambda tensor: True)  # Newton's method
    expected = [module(x, torch.tensor(float(phase)))[1] for phase, x in enumerate(ends)]
    monkeypatch.setattr("openmm_anion.freezing.two_phases.on_device", lambda tensor: True)
    chosen = kind(bodies, 15)
    rounded = ends[0].to(torch.float32).to(torch.float64)  # as a device in mixed precision hands them over
    assert not chosen(rounded, torch.zeros(1, dtype=torch.float64))[1].any()
    chosen(ends[0], torch.zeros(1, dtype=torch.float64))
    assert torch.equal(chosen(ends[1], torch.ones(1, dtype=torch.float64))[1], expected[1])


@pytest.mark.parametrize("kind", [RigidShape, AngularMomentum])
def test_no_gradients_are_recorded(kind: Kind) -> None:
    """TorchForce asks for them, and recording them would take a third of the time."""
    bodies = all_ions(0.003, np.random.default_rng(6))
    start = np.concatenate([anion.positions for anion in bodies])
    module = torch.jit.freeze(torch.jit.script(kind(bodies, len(start))).eval())
    positions = torch.tensor(start, requires_grad=True)
    for _ in range(4):  # after two calls the graph is optimized
        assert not module(positions, torch.tensor(0.0))[1].requires_grad
        assert not module(positions, torch.tensor(1.0))[1].requires_grad


@pytest.mark.parametrize("kind", [RigidShape, AngularMomentum])
@pytest.mark.parametrize("device", [False, True], ids=["host", "device"])
@pytest.mark.parametrize("noise", [0.0, 0.003], ids=["to ideal", "to thermal"])
def test_other_references_while_running(
    kind: Kind, device: bool, noise: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is told in the phase for it is held from then on, as if the module had been built with it."""
    if device:
        for name in ("rigid_shape", "two_phases"):
            monkeypatch.setattr(f"openmm_anion.freezing.{name}.on_device", lambda tensor: True)
    random = np.random.default_rng(4)
    built, others = all_ions(0.003 - noise, random), all_ions(noise, random)
    assert [anion.shape for anion in built] == [anion.shape for anion in others]
    n_particles = 2 + sum(len(anion.indices) for anion in built)
    masses = torch.tensor([*np.concatenate([anion.masses for anion in built]), 1.0, 1.0])[:, None]

    def call(module: torch.nn.Module, positions: Array, phase: float) -> torch.Tensor:
        padded = np.zeros((n_particles, 3))
        padded[: len(positions)] = positions
        corrections = module(torch.tensor(padded), torch.tensor(phase))[1] / masses / STIFFNESS
        return torch.as_tensor(corrections)

    def after_a_drift(module: torch.nn.Module) -> torch.Tensor:
        call(module, start, 0.0)
        return call(module, end, 1.0)

    start, end = moved(others, 0.02, random)
    switchable = kind(built, n_particles, switchable=True)
    module = switchable if device else torch.jit.freeze(torch.jit.script(switchable).eval())
    first, expected = after_a_drift(kind(built, n_particles)), after_a_drift(kind(others, n_particles))
    assert torch.equal(after_a_drift(module), first)
    everyone = [True] * len(others)
    reference = body_coordinates(others, everyone, n_particles)
    passed_over = call(module, reference, TAKE_ANGULAR_MOMENTA)
    assert not passed_over.any()
    assert torch.equal(after_a_drift(module), first if kind is RigidShape else expected)
    assert not call(module, reference, TAKE_REFERENCE).any()
    assert torch.equal(after_a_drift(module), expected)
    held = [number % 3 > 0 for number in range(len(others))]
    assert not call(module, body_coordinates(others, held, n_particles), TAKE_REFERENCE).any()
    some = after_a_drift(module)
    for anion, on in zip(others, held, strict=True):
        own = some[anion.indices]
        # Each is as if alone, but how often all iterate depends on the fastest.
        assert (own - expected[anion.indices]).abs().max() < 1e-15 if on else not own.any()
    call(module, body_coordinates(others, [False] * len(others), n_particles), TAKE_REFERENCE)
    assert not after_a_drift(module).any()
    call(module, body_coordinates(built, everyone, n_particles), TAKE_REFERENCE)
    assert torch.equal(after_a_drift(module), first)


@pytest.mark.parametrize("kind", [RigidShape, AngularMomentum])
def test_other_references_in_a_running_context(kind: Kind, platform: PlatformCase) -> None:
    random = np.random.default_rng(5)
    built, others = all_ions(0.003, random), all_ions(0.003, random)
    masses = np.concatenate([anion.masses for anion in built])
    start, end = moved(others, 0.02, random)
    system = openmm.System()
    for mass in masses:
        system.addParticle(mass)
    make = rigid_shape_projector if kind is RigidShape else angular_momentum_projector
    projector = make(built, len(masses), switchable=True)
    projector.setForceGroup(3)
    system.addForce(projector)
    context = platform.context(system, openmm.VerletIntegrator(TIMESTEP))

    def correction(positions: Array, phase: float) -> Array:
        context.setPositions(positions)
        context.setParameter(PHASE, phase)
        forces = context.getState(getForces=True, groups={3}).getForces(asNumpy=True)
        plain = forces.value_in_unit(unit.kilojoule_per_mole / unit.nanometer)
        return np.asarray(plain / masses[:, None] / STIFFNESS)

    held = [number != 2 for number in range(len(others))]
    assert not correction(body_coordinates(others, held, len(masses)), TAKE_REFERENCE).any()
    assert not correction(start, 0.0).any()
    result = correction(end, 1.0)
    module = kind(others, len(masses))
    module(torch.tensor(start), torch.tensor(0.0))
    expected = module(torch.tensor(end), torch.tensor(1.0))[1].numpy() / masses[:, None] / STIFFNESS
    expected[others[2].indices] = 0.0
    assert np.abs(expected).max() > 1e-3
    assert np.abs(result - expected).max() < (1e-12 if platform.double else 2e-6)


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
