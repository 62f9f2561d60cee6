"""Exactness for ions of every shape: linear, planar, tetrahedral, octahedral, ethane-like and cages."""

from __future__ import annotations

from itertools import permutations
from time import perf_counter

import numpy as np
import openmm
import pytest
from frozen_salts import positions_of
from ion_crystals import CUBIC, IONS, TRICLINIC, Array, IonCrystal, assert_held, ion_crystal
from openmm import unit
from platforms import PLATFORMS, PlatformCase

from openmm_anion.freezing import FrozenSystem, freeze, vibration
from openmm_anion.freezing.reference import FrozenAnion
from openmm_anion.freezing.vibration import ccma_radius, rigid_distances, shape_distances
from openmm_anion.integrators import LangevinMiddleIntegrator, VerletIntegrator

TIMESTEP = 0.0005  # ps
SHAPES = ["CN", "SCN", "NO3", "BH4", "PF6", "P2S6", "ICl2", "NO2"]
RIGID = {"CN": "linear", "NO2": "planar", "BH4": "general", "PF6": "general", "P2S6": "general"}
REFERENCE, CPU = PLATFORMS[:2]


def run(
    platform: PlatformCase, crystal: IonCrystal, modes: str, steps: int = 120
) -> tuple[FrozenSystem, openmm.Context]:
    frozen = freeze(crystal.system, crystal.anions, modes, positions=crystal.wrapped)
    integrator = LangevinMiddleIntegrator(frozen, 300, 5.0, TIMESTEP, seed=1)
    context = platform.context(frozen.system, integrator)
    frozen.initialize(context, 300, seed=2)
    frozen.check(context)
    integrator.step(steps)
    return frozen, context


@pytest.mark.parametrize("modes", ["T", "R", "TR", "RV", "TRV"])
def test_all_shapes_in_one_crystal(platform: PlatformCase, modes: str) -> None:
    """Ions cut by the border of a triclinic box, all shapes at once, in every mode that is linear."""
    crystal = ion_crystal(SHAPES, TRICLINIC)
    frozen, context = run(platform, crystal, modes)
    assert [anion.shape for anion in frozen.anions] == [
        *("linear", "linear", "planar", "general", "general", "general", "linear", "planar")
    ]
    assert_held(frozen.violation(context), modes, platform.double)
    moved = np.abs(positions_of(context) - frozen.positions).max(axis=1)
    assert moved[-len(SHAPES) :].min() > 1e-3  # the cations
    everything = freeze(crystal.system, crystal.anions, "TRV", positions=crystal.positions)
    free = everything.violation(context)
    for mode, value in zip("TRV", (free.translation, free.rotation, free.shape), strict=True):
        assert mode in modes or value > 1e-3


@pytest.mark.parametrize("modes", ["T", "R", "TR", "RV", "TRV"])
def test_orthorhombic_box(modes: str) -> None:
    frozen, context = run(REFERENCE, ion_crystal(SHAPES, np.diag([1.5, 1.6, 1.4]), seed=4), modes)
    assert_held(frozen.violation(context), modes, True)


@pytest.mark.parametrize("modes", ["T", "R", "TR", "V", "TV", "RV", "TRV"])
def test_more_shapes_in_one_crystal(modes: str) -> None:
    """Azide, carbonate, borate, two tetrahedra that share a corner, and a cage without inversion."""
    names = ["N3", "CO3", "BO3", "P2S7", "CB11H12"]
    frozen, context = run(REFERENCE, ion_crystal(names, TRICLINIC, seed=2), modes, steps=40)
    assert [anion.shape for anion in frozen.anions] == ["linear", "planar", "planar", "general", "general"]
    assert_held(frozen.violation(context), modes, True)


@pytest.mark.parametrize("modes", ["TR", "V", "RV"])
def test_thousands_of_anions(modes: str) -> None:
    """2,000 anions of 10,000 atoms: frozen, compared with their references in seconds, held to rounding."""
    random = np.random.default_rng(1)
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
    body = np.concatenate([np.zeros((1, 3)), 0.2 * corners])
    system, tether = openmm.System(), openmm.CustomExternalForce("50*(x*y + z)")
    points = []
    for ion in range(2000):
        for mass in (31.0, *[32.0] * 4):
            tether.addParticle(system.addParticle(mass))
        points += list(body + 0.004 * random.normal(size=(5, 3)) + [0.5 * (ion % 20), 0.5 * (ion // 20), 0.0])
    system.addForce(tether)
    anions = np.arange(10000).reshape(2000, 5).tolist()
    begin = perf_counter()
    frozen = freeze(system, anions, modes, positions=np.array(points))
    context = CPU.context(frozen.system, VerletIntegrator(frozen, TIMESTEP))
    frozen.initialize(context, 300, seed=1)
    context.getIntegrator().step(3)
    assert_held(frozen.violation(context), modes, True)
    assert perf_counter() - begin < 60


@pytest.mark.parametrize("name", ["CN", "NO2", "PF6", "P2S6", "P2S7"])
def test_rigid_shapes(platform: PlatformCase, name: str) -> None:
    """One kind of ion per crystal, because PoCL 3.1 computes the convergence of CCMA wrongly.

    Its optimiser lets only the first constraint decide (right with POCL_EXTRA_BUILD_FLAGS=-cl-opt-disable),
    so that a kind of ion that converges late would stop with the first one.
    """
    crystal = ion_crystal([name] * 2, TRICLINIC, noise=0.0)
    frozen, context = run(platform, crystal, "V")
    assert {anion.shape for anion in frozen.anions} == {RIGID.get(name, "general")}
    assert_held(frozen.violation(context), "V", platform.double)
    # They are rigid, and they turn.
    turned = freeze(crystal.system, crystal.anions, "R", positions=crystal.positions)
    assert turned.violation(context).rotation > 1e-2


def add_ideal_angles(crystal: IonCrystal) -> None:
    """Weak springs on all angles of the ions, at rest in the ideal shape and not in the frozen one."""
    force = openmm.HarmonicAngleForce()
    for anion, name in zip(crystal.anions, crystal.names, strict=True):
        ideal = IONS[name][1]
        for a, b, c in permutations(range(len(anion)), 3):
            if a < c:
                one, other = ideal[a] - ideal[b], ideal[c] - ideal[b]
                cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
                force.addAngle(anion[a], anion[b], anion[c], float(np.arccos(np.clip(cosine, -1, 1))), 10.0)
    crystal.system.addForce(force)


def test_another_set_of_distances_where_the_first_converges_slowly() -> None:
    """Some of 400 shaken tetrahedra of heavy hydrogen need one; none is left to the projector."""
    random = np.random.default_rng(1)
    masses, ideal = np.array([10.81, *4 * [4.0]]), IONS["BH4"][1]
    others = 0
    for _ in range(400):
        shaken = ideal + 0.005 * random.normal(size=(5, 3))
        first = rigid_distances(shaken, masses)
        slow = ccma_radius(shaken, masses, first) > vibration.LARGEST_RADIUS
        pairs = shape_distances(FrozenAnion(np.arange(5), masses, shaken))
        assert pairs is not None
        assert (pairs != first) == slow
        others += slow
    assert 1 <= others <= 10


@pytest.mark.parametrize(("name", "distances"), [("PS4", 18), ("P2S6", 36), ("B12H12", 0)])
def test_angles_of_the_user(name: str, distances: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """CCMA takes them for those of the frozen shape, and would lose that of a cage within a few steps."""
    monkeypatch.setattr(vibration, "MOST_DISTANCES", 66)
    crystal = ion_crystal([name] * 2, TRICLINIC, noise=0.008)
    add_ideal_angles(crystal)
    for platform in (REFERENCE, CPU):
        frozen, context = run(platform, crystal, "V", steps=60)
        assert_held(frozen.violation(context), "V", True)
        assert frozen.system.getNumConstraints() == distances


@pytest.mark.parametrize("modes", ["V", "TV"])
@pytest.mark.parametrize("box", [CUBIC, TRICLINIC], ids=["cubic", "triclinic"])
def test_rigid_shapes_together(modes: str, box: Array) -> None:
    for platform in (REFERENCE, CPU):
        frozen, context = run(platform, ion_crystal([*RIGID, "B12H12"], box), modes)
        assert_held(frozen.violation(context), modes, True)
        assert frozen.system.getNumConstraints() == 1 + 3 + 9 + 15 + 18


@pytest.mark.parametrize("name", ["B12H12", "CB11H12"])
@pytest.mark.parametrize("by_distances", [False, True])
def test_cages_stay_rigid(
    platform: PlatformCase, name: str, by_distances: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by_distances:
        monkeypatch.setattr(vibration, "MOST_DISTANCES", 66)
    frozen, context = run(platform, ion_crystal([name] * 2, TRICLINIC), "V", steps=60)
    assert frozen.system.getNumConstraints() == (132 if by_distances else 0)
    for anion in frozen.anions:
        pairs = rigid_distances(anion.positions, anion.masses)
        assert len(pairs) == 66
        assert ccma_radius(anion.positions, anion.masses, pairs) < 0.5
    assert_held(frozen.violation(context), "V", platform.double)


@pytest.mark.parametrize("modes", ["T", "R", "TR", "RV"])
def test_cages_in_linear_modes(modes: str) -> None:
    for platform in (REFERENCE, CPU):
        frozen, context = run(platform, ion_crystal(["B12H12"], TRICLINIC), modes, steps=60)
        assert_held(frozen.violation(context), modes, True)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("SCN", "linear"), ("N3", "linear"), ("ICl2", "linear"), ("NO3", "planar"), ("CO3", "planar")],
)
@pytest.mark.parametrize("modes", ["V", "TV"])
def test_flat_ions_are_held_without_distances(name: str, kind: str, modes: str) -> None:
    crystal = ion_crystal(["CN", name])
    frozen, context = run(REFERENCE, crystal, modes)
    assert frozen.anions[1].shape == kind
    assert shape_distances(frozen.anions[1]) is None
    assert frozen.system.getNumConstraints() == 1
    assert_held(frozen.violation(context), modes, True)


@pytest.mark.parametrize("noise", [0.0, 0.003])
@pytest.mark.parametrize("name", ["CN", "NO2"])
def test_small_rigid_shapes_stay_where_they_were_given(name: str, noise: float) -> None:
    """Their distances are rounded for GPU platforms by less than anything that matters."""
    crystal = ion_crystal([name] * 3, noise=noise)
    frozen = freeze(crystal.system, crystal.anions, "V", positions=crystal.positions)
    assert np.abs(frozen.positions - crystal.positions).max() < 1e-7
    for anion, given in zip(frozen.anions, crystal.anions, strict=True):
        center = anion.masses @ crystal.positions[given] / anion.masses.sum()
        assert np.abs(anion.center - center).max() < 1e-15
    for index in range(frozen.system.getNumConstraints()):
        i, j, length = frozen.system.getConstraintParameters(index)
        apart = np.linalg.norm(frozen.positions[i] - frozen.positions[j])
        assert length.value_in_unit(unit.nanometer) == pytest.approx(apart, abs=1e-15)


@pytest.mark.parametrize("bend", [0.1, 0.13, 0.17])
def test_bent_linear_ion_with_a_heavy_middle(bend: float) -> None:
    """Geometry calls it linear; the masses make the moment about its axis look large."""
    crystal = ion_crystal(["ICl2"], noise=0.0)
    positions = crystal.positions.copy()
    along = positions[1] - positions[2]
    across = np.cross(along, [0.3, 0.5, 0.2])
    positions[0] += bend * 0.255 * across / np.linalg.norm(across)
    frozen = freeze(crystal.system, crystal.anions, "R", positions=positions)
    assert frozen.anions[0].shape == "linear"
    assert frozen.frozen_degrees_of_freedom == 2
    integrator = LangevinMiddleIntegrator(frozen, 600, 5.0, TIMESTEP, seed=1)
    context = REFERENCE.context(frozen.system, integrator)
    frozen.initialize(context, 600, seed=2)
    integrator.step(400)
    assert_held(frozen.violation(context), "R", True)
