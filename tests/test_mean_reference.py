"""Frozen where the anions are on average, and how they get there."""

from __future__ import annotations

from functools import cache

import numpy as np
import openmm
import pytest
from ion_crystals import TRICLINIC, Array, IonCrystal, assert_held, ion_crystal
from openmm import app, unit
from platforms import PLATFORMS, PlatformCase
from scipy.spatial.transform import Rotation

from openmm_anion import InputError, MeanReference, freeze, relax
from openmm_anion.freezing import MODES
from openmm_anion.integrators import LangevinMiddleIntegrator, VerletIntegrator

TIMESTEP = 0.0005  # ps
CPU = PLATFORMS[1]


@cache
def window() -> tuple[IonCrystal, Array, Array]:
    """A crystal, 100 frames over 0.25 ps of its free dynamics at 100 K, and wrapped copies of them."""
    crystal = ion_crystal(["PS4", "PF6", "NO3", "SCN"], TRICLINIC)
    free = freeze(crystal.system, crystal.anions, "free", positions=crystal.positions)
    context = CPU.context(free.system, LangevinMiddleIntegrator(free, 100, 5.0, TIMESTEP, seed=1))
    free.initialize(context, 100, seed=2)
    frames = []
    for _ in range(100):
        context.getIntegrator().step(5)
        positions = context.getState(getPositions=True).getPositions(asNumpy=True)
        frames.append(positions.value_in_unit(unit.nanometer))
    whole = np.array(frames)
    fractional = whole @ np.linalg.inv(crystal.box)
    return crystal, whole, (fractional - np.floor(fractional)) @ crystal.box


def test_mean_of_a_known_motion() -> None:
    """An ion that sways by +-0.4 rad, shifts by +-0.02 nm and breathes by +-5 %, about known means."""
    crystal = ion_crystal(["BH4"], TRICLINIC, noise=0.0)
    free = freeze(crystal.system, crystal.anions, "free", positions=crystal.positions)
    anion = free.given[0]
    mean = MeanReference(free)
    rest = Rotation.from_rotvec([0.1, 0.5, -0.2])
    center = anion.center + np.array([0.3, 0.0, 0.0])
    for phase in np.linspace(0, 2 * np.pi, 40, endpoint=False):
        sway = Rotation.from_rotvec(0.4 * np.sin(phase) * np.array([0.6, 0.8, 0.0]))
        body = (1 + 0.05 * np.cos(phase)) * anion.displacements
        frame = crystal.positions.copy()
        shifted = center + 0.02 * np.sin(phase) * np.array([0.0, 0.0, 1.0])
        frame[anion.indices] = shifted + (sway * rest).apply(body)
        mean.add(frame)
    expected = center + rest.apply(anion.displacements)
    assert np.abs(mean.positions()[anion.indices] - expected).max() < 1e-12


def test_window_may_be_wrapped_or_a_reporter() -> None:
    crystal, whole, wrapped = window()
    now = whole[-1]
    ends = [
        freeze(crystal.system, crystal.anions, "TRV", positions=now, reference="mean", window=frames).given
        for frames in (whole, wrapped * 10 * unit.angstrom)
    ]
    for first, second in zip(*ends, strict=True):
        assert np.abs(first.positions - second.positions).max() < 1e-9
    free = freeze(crystal.system, crystal.anions, "free", positions=crystal.positions)
    topology = app.Topology()
    chain = topology.addChain()
    for symbol in crystal.symbols:
        topology.addAtom(symbol, app.Element.getBySymbol(symbol), topology.addResidue(symbol, chain))
    integrator = LangevinMiddleIntegrator(free, 300, 5.0, TIMESTEP, seed=1)
    simulation = app.Simulation(
        topology, free.system, integrator, openmm.Platform.getPlatformByName("Reference")
    )
    free.initialize(simulation.context, 300, seed=2)
    mean = MeanReference(free, interval=5)
    simulation.reporters.append(mean)
    simulation.step(20)
    assert mean.frames == 4


@pytest.mark.parametrize("modes", MODES[1:])
def test_anions_come_to_their_mean_and_cations_follow(platform: PlatformCase, modes: str) -> None:
    """Held to rounding where the mean is; the way costs no more energy than thermal noise has."""
    crystal, whole, _ = window()
    now = whole[-1]
    frozen = freeze(crystal.system, crystal.anions, modes, positions=now, reference="mean", window=whole)
    context = platform.context(frozen.system, VerletIntegrator(frozen, TIMESTEP))
    with pytest.raises(InputError, match=r"not at the reference that was given \(.*relax"):
        frozen.initialize(context, 300)
    relax(frozen, context, 100, duration=0.2, seed=3)
    frozen.check(context)
    assert_held(frozen.violation(context), modes, platform.double)
    relaxed = context.getState(getEnergy=True).getPotentialEnergy()._value
    context.getIntegrator().step(50)
    assert_held(frozen.violation(context), modes, platform.double)
    free = freeze(crystal.system, crystal.anions, "free", positions=now)
    other = CPU.context(free.system, VerletIntegrator(free, TIMESTEP))
    free.initialize(other)
    before = other.getState(getEnergy=True).getPotentialEnergy()._value
    n_atoms = crystal.system.getNumParticles()
    assert relaxed < before + 4 * 0.83 * np.sqrt(1.5 * n_atoms)  # kT at 100 K; spread of 3N/2 kT


def test_a_jump_would_be_worse() -> None:
    """Anions put at their mean orientations at once: higher in energy than where they are brought slowly."""
    crystal, whole, _ = window()
    frozen = freeze(crystal.system, crystal.anions, "TR", positions=whole[-1], reference="mean", window=whole)
    context = CPU.context(frozen.system, VerletIntegrator(frozen, TIMESTEP))
    jumped = whole[-1].copy()
    for anion in frozen.given:
        jumped[anion.indices] = anion.turned_onto(anion.positions).positions
    context.setPositions(jumped)
    at_once = context.getState(getEnergy=True).getPotentialEnergy()._value
    relax(frozen, context, 100, duration=0.5, seed=3)
    assert context.getState(getEnergy=True).getPotentialEnergy()._value < at_once


def test_given_positions_and_what_is_not_frozen() -> None:
    """Of a reference elsewhere T takes the centre, by the nearest image, and leaves the orientation."""
    crystal = ion_crystal(["PS4", "BH4"], TRICLINIC)
    reference = crystal.positions.copy()
    for anion, shift in zip(crystal.anions, ([0.01, 0, 0], [0, 0.02, 0]), strict=True):
        center = reference[anion].mean(axis=0)
        turned = Rotation.from_rotvec([0, 0, 0.3]).apply(reference[anion] - center)
        reference[anion] = center + turned + shift + crystal.box[1]
    frozen = freeze(crystal.system, crystal.anions, "T", positions=crystal.positions, reference=reference)
    context = CPU.context(frozen.system, VerletIntegrator(frozen, TIMESTEP))
    now = frozen.diagnose(crystal.positions)
    assert 0.005 < now.translation.min() < now.translation.max() < 0.05
    assert now.rotation.max() < 1e-7
    relax(frozen, context, 300, duration=0.1, seed=1)
    assert frozen.violation(context).translation < 1e-12


def test_refusals() -> None:
    crystal, whole, _ = window()
    arguments = (crystal.system, crystal.anions, "TR")
    for keywords, message in (
        ({"reference": "mean"}, "needs window="),
        ({"reference": "average"}, "neither 'current', 'mean' nor positions"),
        ({"reference": whole[0][:3]}, r"reference has shape \(3, 3\)"),
        ({"reference": "mean", "window": whole[0]}, r"give frames of positions, \(F, N, 3\)"),
        ({"reference": "mean", "window": whole[:, :5]}, "a frame has positions of shape"),
        ({"reference": "mean", "window": whole[:0]}, "holds no frame"),
    ):
        with pytest.raises(InputError, match=message):
            freeze(*arguments, positions=whole[-1], **keywords)
    free = freeze(*arguments[:2], "free", positions=crystal.positions)
    anion = free.given[0]
    mean = MeanReference(free)
    for angle in (0.0, 2.0):
        frame = crystal.positions.copy()
        frame[anion.indices] = anion.center + Rotation.from_rotvec([0, 0, angle]).apply(anion.displacements)
        mean.add(frame)
    with pytest.raises(InputError, match="anion 0 turned by more than 37 degrees"):
        freeze(*arguments, positions=whole[-1], reference="mean", window=mean)
    freeze(*arguments[:2], "T", positions=whole[-1], reference="mean", window=mean)  # its centre has one
    with pytest.raises(InputError, match="interval of 0 steps"):
        MeanReference(free, interval=0)
    frozen = freeze(*arguments, positions=whole[-1])
    context = CPU.context(frozen.system, VerletIntegrator(frozen, TIMESTEP))
    with pytest.raises(InputError, match="duration 0 ps is not positive"):
        relax(frozen, context, 300, duration=0)
