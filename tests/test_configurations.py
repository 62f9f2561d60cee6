"""The ensemble itself: averages over frozen model ions against exact integrals.

Many independent ions in one System, in the canonical ensemble at 300 K, without periodic boundaries.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import openmm
import pytest
from openmm import unit
from scipy.integrate import quad

from openmm_anion.freezing import FrozenSystem, freeze
from openmm_anion.integrators import LangevinMiddleIntegrator
from openmm_anion.units import MOLAR_GAS_CONSTANT

KT = MOLAR_GAS_CONSTANT * 300.0
N_IONS = 64
TETRAHEDRON = 0.12 / np.sqrt(3) * np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
Array = np.ndarray


def average(
    frozen: FrozenSystem, observable: Callable[[Array], Array], samples: int, every: int
) -> tuple[float, float]:
    """Mean of an observable over ions and time, and its error from the scatter between ions."""
    # Ions that do not feel one another need a thermostat each: Langevin.
    integrator = LangevinMiddleIntegrator(frozen, 300, 5.0, 0.001, seed=3)
    context = openmm.Context(frozen.system, integrator, openmm.Platform.getPlatformByName("Reference"))
    frozen.initialize(context, 300, seed=1)
    integrator.step(1000)
    values = []
    for _ in range(samples):
        integrator.step(every)
        positions = context.getState(positions=True).getPositions(asNumpy=True)
        values.append(observable(positions.value_in_unit(unit.nanometer)))
    by_ion = np.mean(values, axis=0)
    return float(by_ion.mean()), float(by_ion.std(ddof=1) / np.sqrt(len(by_ion)))


def test_rigid_rotor_in_a_field() -> None:
    """TV frozen: E = -F d cos(theta) on one ligand gives <cos> = coth(a) - 1/a with a = F d / kT."""
    rng = np.random.default_rng(0)
    system, positions, ions = openmm.System(), [], []
    strength = 2.0
    force = strength * KT / 0.12
    field = openmm.CustomExternalForce(f"-{force!r}*z")
    for ion in range(N_IONS):
        axes = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        for k, point in enumerate(TETRAHEDRON @ axes.T):
            index = system.addParticle(11.0 if k == 0 else 4.0)
            positions.append(point + np.array([ion, 0.0, 0.0]))
            if k == 1:
                field.addParticle(index)
        ions.append(list(range(5 * ion, 5 * ion + 5)))
    system.addForce(field)
    frozen = freeze(system, ions, "TV", positions=np.array(positions))

    def cosine(x: Array) -> Array:
        return np.asarray((x[1::5, 2] - x[0::5, 2]) / 0.12)

    mean, error = average(frozen, cosine, samples=400, every=25)
    assert error < 0.025
    assert abs(mean - (1 / np.tanh(strength) - 1 / strength)) < 4 * error


def bond(modes: str) -> tuple[float, float, float, float]:
    """Mean and error of a soft bond's length, and the exact means with and without the weight r^2."""
    system, positions, ions = openmm.System(), [], []
    stiffness, rest = 4000.0, 0.12
    spring = openmm.HarmonicBondForce()
    rng = np.random.default_rng(1)
    for ion in range(N_IONS):
        axis = rng.normal(size=3)
        axis /= np.linalg.norm(axis)
        first, second = system.addParticle(12.0), system.addParticle(14.0)
        spring.addBond(first, second, rest, stiffness)
        positions += [np.array([ion, 0.0, 0.0]), np.array([ion, 0.0, 0.0]) + rest * axis]
        ions.append([first, second])
    system.addForce(spring)
    frozen = freeze(system, ions, modes, positions=np.array(positions))

    def length(x: Array) -> Array:
        return np.asarray(np.linalg.norm(x[1::2] - x[0::2], axis=1))

    mean, error = average(frozen, length, samples=500, every=20)

    def weight(r: float, power: int) -> float:
        return r**power * np.exp(-0.5 * stiffness * (r - rest) ** 2 / KT)

    exact = [quad(weight, 0, 0.5, (n + 1,))[0] / quad(weight, 0, 0.5, (n,))[0] for n in (2, 0)]
    return mean, error, exact[0], exact[1]


@pytest.mark.parametrize("modes", ["", "T"])
def test_turning_bonds_are_stretched_by_their_rotation(modes: str) -> None:
    """Free to turn, a bond samples r^2 exp(-E/kT), whether its centre is frozen or not."""
    mean, error, turning, straight = bond(modes)
    assert abs(turning - straight) > 8 * error
    assert abs(mean - turning) < 4 * error


@pytest.mark.parametrize("modes", ["R", "TR"])
def test_bonds_with_frozen_orientation_lose_that_weight(modes: str) -> None:
    """The Eckart condition is linear: its metric is constant, and r samples exp(-E/kT) along the axis."""
    mean, error, turning, straight = bond(modes)
    assert abs(turning - straight) > 8 * error
    assert abs(mean - straight) < 4 * error
