"""Configurations of frozen bodies against exact integrals: ions in fields and traps, and chains of them.

The ions are bent triatomics, flexible (three springs) or rigid, with a vector s from atom 0 to atom 1. Time
steps of 1 and 2 fs are small against the fastest period: their error is far below the statistical one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import openmm
import pytest
from numpy.typing import NDArray
from openmm import unit
from scipy import stats
from scipy.spatial.transform import Rotation
from scipy.special import ive

from openmm_anion.freezing import FrozenSystem, freeze
from openmm_anion.integrators import BussiIntegrator, LangevinMiddleIntegrator, NoseHooverIntegrator
from openmm_anion.units import MOLAR_GAS_CONSTANT

Array = NDArray[np.float64]
TEMPERATURE = 300.0
KT = MOLAR_GAS_CONSTANT * TEMPERATURE
TIMESTEP = 0.001  # ps
MASSES = np.array([14.0, 12.0, 16.0])
SHAPE = np.array([[0.0, 0.0, 0.0], [0.15, 0.0, 0.0], [-0.04, 0.14, 0.0]])
PAIRS = [(0, 1), (0, 2), (1, 2)]
REST = np.array([np.linalg.norm(SHAPE[i] - SHAPE[j]) for i, j in PAIRS])
SPRINGS = np.array([1.0e4, 8.0e3, 6.0e3])  # kJ/(mol nm^2)
LENGTH = float(REST[0])


@dataclass(frozen=True, eq=False)
class Ions:
    """Bent triatomic ions at random orientations; atoms of ion i are 3i, 3i + 1 and 3i + 2."""

    system: openmm.System
    positions: Array
    count: int

    def freeze(self, modes: str, rotation: str = "eckart") -> FrozenSystem:
        anions = np.arange(3 * self.count).reshape(-1, 3).tolist()
        return freeze(self.system, anions, modes, positions=self.positions, rotation=rotation)


def ions(count: int, seed: int) -> Ions:
    """Ions on a line, 1 nm apart, with springs between their atoms and nothing else."""
    system = openmm.System()
    springs = openmm.HarmonicBondForce()
    turns = Rotation.random(count, random_state=seed)
    for ion in range(count):
        for mass in MASSES:
            system.addParticle(float(mass))
        for (i, j), length, stiffness in zip(PAIRS, REST, SPRINGS, strict=True):
            springs.addBond(3 * ion + i, 3 * ion + j, float(length), float(stiffness))
    system.addForce(springs)
    places = np.arange(count)[:, None] * np.array([1.0, 0.0, 0.0])
    positions = np.concatenate([turns[k].apply(SHAPE) + places[k] for k in range(count)])
    return Ions(system, positions, count)


def trajectory(
    frozen: FrozenSystem, integrator: openmm.CustomIntegrator, samples: int, every: int, skip: int = 2000
) -> Array:
    """Positions, (samples, ions, 3, 3), after `skip` steps of equilibration."""
    context = openmm.Context(frozen.system, integrator, openmm.Platform.getPlatformByName("Reference"))
    frozen.initialize(context, TEMPERATURE, seed=1)
    integrator.step(skip)
    frames = []
    for _ in range(samples):
        integrator.step(every)
        x = context.getState(positions=True).getPositions(asNumpy=True).value_in_unit(unit.nanometer)
        frames.append(x.reshape(-1, 3, 3))
    return np.array(frames)


def langevin(frozen: FrozenSystem, seed: int) -> LangevinMiddleIntegrator:
    """Ions that do not feel one another need a thermostat each."""
    return LangevinMiddleIntegrator(frozen, TEMPERATURE, 5.0, TIMESTEP, seed=seed)


def mean_and_error(values: Array) -> tuple[float, float]:
    """Mean of independent values and its standard error."""
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def lengths_on_a_grid(points: int = 60) -> tuple[Array, Array]:
    """Interatomic distances (3, k) and weights ``r01 r02 r12 exp(-U/kT)`` of a free ion (Gauss-Legendre)."""
    nodes, weights = np.polynomial.legendre.leggauss(points)
    half = 6 * np.sqrt(KT / SPRINGS)
    grid = np.meshgrid(*(rest + h * nodes for rest, h in zip(REST, half, strict=True)), indexing="ij")
    r = np.array([axis.ravel() for axis in grid])
    weight = np.einsum("i,j,k->ijk", weights, weights, weights).ravel()
    weight = weight * r.prod(axis=0) * np.exp(-0.5 * SPRINGS @ (r - REST[:, None]) ** 2 / KT)
    triangle = (2 * r.max(axis=0) < r.sum(axis=0)) & (r.min(axis=0) > 0)
    return r[:, triangle], weight[triangle]


def langevin_function(a: Array | float) -> Array:
    """The mean of cos(theta) where it is weighted with exp(a cos(theta))."""
    return np.asarray(1 / np.tanh(a) - 1 / np.asarray(a))


def pull(pulled: Ions, atom: int, force: float) -> None:
    """Pull one atom of each ion along z, kJ/(mol nm)."""
    field = openmm.CustomExternalForce(f"-{force!r}*z")
    for ion in range(pulled.count):
        field.addParticle(3 * ion + atom)
    pulled.system.addForce(field)


def squared_radius(r: Array) -> Array:
    """Squared radius of gyration from the three distances (in the order of PAIRS)."""
    pairs = np.array([MASSES[i] * MASSES[j] for i, j in PAIRS])
    return np.asarray(pairs @ r**2 / MASSES.sum() ** 2)


def exact(values: Array, weights: Array) -> float:
    """Weighted mean over a grid."""
    return float((values * weights).sum() / weights.sum())


def test_flexible_ion_pulled_about_its_fixed_centre() -> None:
    """T frozen: a force on one atom turns and stretches an ion as ``exp(-(U - F z)/kT)`` says.

    With a the distance of that atom from the fixed centre, the integral over orientations gives the weight
    ``sinh(f)/f`` with f = F a/kT, and ``a L(f)`` for its mean height; what is left is an integral over the
    three distances. To 4 standard errors of 64 ions, where the force changes lengths by 8 and more.
    """
    pulled = ions(64, seed=1)
    force = 3.0 * KT / LENGTH
    pull(pulled, 1, force)
    frozen = pulled.freeze("T")
    x = trajectory(frozen, langevin(frozen, seed=2), samples=200, every=30)
    center = np.einsum("i,tkix->tkx", MASSES / MASSES.sum(), x)
    assert np.abs(center - center[0]).max() < 1e-12

    r, weight = lengths_on_a_grid()
    # |x_1 - c|^2 from the three distances, as in every centre of mass.
    arm = np.sqrt((MASSES[0] * r[0] ** 2 + MASSES[2] * r[2] ** 2) / MASSES.sum() - squared_radius(r))
    f = force * arm / KT
    pulled_weight = weight * np.sinh(f) / f

    height = mean_and_error((x[:, :, 1, 2] - center[:, :, 2]).mean(axis=0))
    assert abs(height[0] - exact(arm * langevin_function(f), pulled_weight)) < 4 * height[1]
    assert height[1] < 0.02 * arm.mean()
    for k, (i, j) in enumerate(PAIRS):
        length = mean_and_error(np.linalg.norm(x[:, :, i] - x[:, :, j], axis=2).mean(axis=0))
        assert abs(length[0] - exact(r[k], pulled_weight)) < 4 * length[1]
        if k != 1:
            assert abs(exact(r[k], pulled_weight) - exact(r[k], weight)) > 8 * length[1]


@pytest.mark.parametrize("modes", ["R", "TR"])
def test_ion_without_angular_momentum(modes: str) -> None:
    """Rotation frozen as zero angular momentum: shapes have the weight ``exp(-U/kT) / sqrt(det I)``.

    The constraint is one on velocities, of dynamics that keep this measure: the factor is the volume of all
    orientations of a shape, which are no longer visited. For three atoms det I grows with the radius of
    gyration R and the area A as ``R^2 A^2``. To 4 standard errors of 64 ions; free ions are larger by 8.
    """
    free = ions(64, seed=7)
    frozen = free.freeze(modes, rotation="angular-momentum")
    x = trajectory(frozen, langevin(frozen, seed=8), samples=50, every=15, skip=300)
    lengths = np.array([np.linalg.norm(x[:, :, i] - x[:, :, j], axis=2) for i, j in PAIRS])
    r, weight = lengths_on_a_grid()
    half = 0.5 * r.sum(axis=0)
    area = np.sqrt(half * (half - r).prod(axis=0))
    turning = weight / (np.sqrt(squared_radius(r)) * area)
    found = mean_and_error(lengths.sum(axis=0).mean(axis=0))
    assert abs(found[0] - exact(r.sum(axis=0), turning)) < 4 * found[1]
    assert exact(r.sum(axis=0), weight) - exact(r.sum(axis=0), turning) > 8 * found[1]


def test_rigid_body_in_a_trap_and_a_field() -> None:
    """V frozen: an atom in a harmonic trap, another pulled along z; places and orientations to 4 errors.

    With y the place of the trapped atom and u the direction from it to the pulled one, d away, the energy is
    ``k y^2/2 - F y_z - F d u_z``: y is Gaussian about F/k along z with the variance kT/k, independent of u,
    of which u_z has the density ``exp(F d u_z/kT)``. Both are compared by their means, variances and
    distributions (Kolmogorov-Smirnov, p > 0.001, frames 2 ps apart), their independence by a correlation.
    """
    trapped = ions(64, seed=3)
    stiffness, force = 400.0, 2.0 * KT / LENGTH
    trap = openmm.CustomExternalForce(f"0.5*{stiffness!r}*((x-x0)^2 + (y-y0)^2 + (z-z0)^2)")
    for name in ("x0", "y0", "z0"):
        trap.addPerParticleParameter(name)
    for ion in range(trapped.count):
        trap.addParticle(3 * ion, trapped.positions[3 * ion].tolist())
    trapped.system.addForce(trap)
    pull(trapped, 1, force)
    frozen = trapped.freeze("V")
    x = trajectory(frozen, langevin(frozen, seed=4), samples=160, every=50)
    place = x[:, :, 0] - trapped.positions[::3]
    height = (x[:, :, 1, 2] - x[:, :, 0, 2]) / LENGTH

    mean = mean_and_error(place[..., 2].mean(axis=0))
    assert abs(mean[0] - force / stiffness) < 4 * mean[1]
    for axis, middle in enumerate((0.0, 0.0, force / stiffness)):
        variance = mean_and_error(((place[..., axis] - middle) ** 2).mean(axis=0))
        assert abs(variance[0] - KT / stiffness) < 4 * variance[1]
        independent = (place[::40, :, axis].ravel() - middle) / np.sqrt(KT / stiffness)
        assert stats.kstest(independent, stats.norm.cdf).pvalue > 1e-3
    a = force * LENGTH / KT
    cosine = mean_and_error(height.mean(axis=0))
    assert abs(cosine[0] - langevin_function(a)) < 4 * cosine[1]
    assert cosine[1] < 0.02

    def distribution(u: Array) -> Array:
        return np.asarray((np.exp(a * u) - np.exp(-a)) / (np.exp(a) - np.exp(-a)))

    assert stats.kstest(height[::40].ravel(), distribution).pvalue > 1e-3
    product = (place[..., 2] - force / stiffness) * (height - langevin_function(a))
    correlation = mean_and_error(product.mean(axis=0))
    assert abs(correlation[0]) < 4 * correlation[1]


@dataclass(frozen=True)
class Chain:
    """Ions in a row whose vectors s favour one another, and fields on the ends, in units of kT.

    The energy is ``-K sum s_i s_i+1 / d^2 - h (s_1 z + s_N x) / d`` with the rest length d. The two fields
    point in different directions, so that no angular momentum is conserved; they pull no centre.
    """

    coupling: float
    field: float
    count: int

    def build(self, linked: bool) -> Ions:
        """The System; `linked` ties atom 2 of each ion to atom 0 of the next by a spring of no length."""
        row = ions(self.count, seed=5)
        near = openmm.CustomCompoundBondForce(
            4, f"{-self.coupling * KT / LENGTH**2!r}*((x2-x1)*(x4-x3) + (y2-y1)*(y4-y3) + (z2-z1)*(z4-z3))"
        )
        for ion in range(self.count - 1):
            near.addBond([3 * ion, 3 * ion + 1, 3 * ion + 3, 3 * ion + 4])
        for ion, axis in ((0, "z"), (self.count - 1, "x")):
            end = openmm.CustomCompoundBondForce(2, f"{-self.field * KT / LENGTH!r}*({axis}2-{axis}1)")
            end.addBond([3 * ion, 3 * ion + 1])
            row.system.addForce(end)
        row.system.addForce(near)
        if linked:
            links = openmm.HarmonicBondForce()
            for ion in range(self.count - 1):
                links.addBond(3 * ion + 2, 3 * ion + 3, 0.0, LINK)
            row.system.addForce(links)
        return row

    def log_partition(self, coupling: float, field: float, r: Array, weight: Array) -> float:
        """Logarithm of the configurational integral, by transfer matrices.

        With the expansion ``exp(K u v) = 4 pi sum_lm i_l(K) Y_lm(u) Y_lm(v)`` the orientations leave
        a product of matrices ``i_l(K r r'/d^2)`` for each l, and the ends meet as ``P_l(0)``.
        """
        total = 0.0
        bound = coupling * (r.max() / LENGTH) ** 2
        for order in range(0, 13, 2):
            step = scaled_bessel(order, coupling * np.outer(r, r) / LENGTH**2, bound) * weight
            end = scaled_bessel(order, field * r / LENGTH, 0.0)
            state = end.copy()
            for _ in range(self.count - 1):
                state = step @ state
            total += (2 * order + 1) * LEGENDRE_AT_ZERO[order // 2] * float((weight * end) @ state)
        return float(np.log(total)) + (self.count - 1) * bound

    def exact(self, r: Array, weight: Array) -> tuple[float, float]:
        """Mean of ``s_i s_i+1 / d^2`` along the chain, and of ``s_1 z / d``, as derivatives."""
        small = 1e-4

        def slope(coupling: float, field: float) -> float:
            up = self.log_partition(self.coupling + coupling, self.field + field, r, weight)
            down = self.log_partition(self.coupling - coupling, self.field - field, r, weight)
            return (up - down) / (2 * small)

        # The field acts on both ends, and they are alike.
        return slope(small, 0.0) / (self.count - 1), slope(0.0, small) / 2


LINK = 5000.0  # kJ/(mol nm^2)
LEGENDRE_AT_ZERO = [1.0, -1 / 2, 3 / 8, -5 / 16, 35 / 128, -63 / 256, 231 / 1024]
"""P_0(0), P_2(0), ..., P_12(0)."""


def scaled_bessel(order: int, x: Array, bound: float) -> Array:
    """Modified spherical Bessel functions of the first kind, times ``exp(-bound)``."""
    return np.asarray(np.sqrt(np.pi / (2 * x)) * ive(order + 0.5, x) * np.exp(x - bound))


def bond_lengths() -> tuple[Array, Array]:
    """Lengths of s and their weights in a free ion: the integral over the other two distances."""
    r, weight = lengths_on_a_grid(48)
    lengths, where = np.unique(r[0], return_inverse=True)
    return lengths.astype(np.float64), np.bincount(where, weights=weight).astype(np.float64)


def bussi(frozen: FrozenSystem) -> openmm.CustomIntegrator:
    return BussiIntegrator(frozen, TEMPERATURE, 0.1, 2 * TIMESTEP, seed=6)


def nose_hoover(frozen: FrozenSystem) -> openmm.CustomIntegrator:
    return NoseHooverIntegrator(frozen, TEMPERATURE, 0.1, 2 * TIMESTEP)


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("thermostat", "modes"),
    [(bussi, "T"), (nose_hoover, "V"), (bussi, "TV")]
    + [pytest.param(*case, marks=SLOW) for case in ((nose_hoover, "T"), (bussi, "V"), (nose_hoover, "TV"))],
)
def test_chain_of_ions(thermostat: Callable[[FrozenSystem], openmm.CustomIntegrator], modes: str) -> None:
    """Thermostats of the whole, on ions that feel one another: correlations of an open chain to 4 errors.

    Rigid ions are a classical Heisenberg chain (M. E. Fisher, Am. J. Phys. 32, 343 (1964)), about fixed
    centres or linked by springs; flexible ones add their lengths to the transfer matrix. The links do not
    change the orientations, and their lengths squared have the mean 3 kT/k. (Longer chains relax slowly: but
    for the fields at the ends they would conserve an angular momentum.)
    """
    chain = Chain(coupling=1.5, field=2.0, count=4)
    frozen = chain.build(linked=modes == "V").freeze(modes)
    x = trajectory(frozen, thermostat(frozen), samples=10000, every=25)
    s = (x[:, :, 1] - x[:, :, 0]) / LENGTH
    r, weight = bond_lengths() if modes == "T" else (np.array([LENGTH]), np.ones(1))
    near, end = chain.exact(r, weight)

    def in_blocks(values: Array) -> tuple[float, float]:
        return mean_and_error(values.reshape(25, -1).mean(axis=1))

    found = in_blocks((s[:, 1:] * s[:, :-1]).sum(axis=2).mean(axis=1))
    assert abs(found[0] - near) < 4 * found[1]
    assert found[1] < 0.03 * near
    found = in_blocks(0.5 * (s[:, 0, 2] + s[:, -1, 0]))
    assert abs(found[0] - end) < 4 * found[1]
    assert found[1] < 0.04 * end
    if modes == "V":
        links = x[:, 1:, 0] - x[:, :-1, 2]
        found = in_blocks((links**2).sum(axis=2).mean(axis=1))
        assert abs(found[0] - 3 * KT / LINK) < 4 * found[1]
        assert found[1] < 0.03 * 3 * KT / LINK
