from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from MDAnalysis.lib.mdamath import triclinic_vectors
from numpy.polynomial.legendre import legval
from test_residence import (
    N_CATIONS,
    N_XY2,
    SKEWED,
    TRICLINIC,
    XY2,
    chlorides,
    contacts,
    ions_at_large,
    two_kinds,
    wrap,
)
from universes import universe_of

from openmm_anion.analysis.coupling import Coupling, visit_products
from openmm_anion.analysis.ions import Anion
from openmm_anion.analysis.legendre import harmonics
from openmm_anion.errors import InputError

Array = np.ndarray[Any, Any]

DT = 0.05
ENTER, LEAVE = 0.4, 0.6
"""Rates at which cations come to an anion and leave it, 1/ps."""


def arms(positions: Array, anions: list[Anion]) -> Array:
    """Unit vectors (frames, anions, ligands, 3) from the central atoms."""
    x = positions.astype(np.float32).astype(np.float64)
    bonds = np.stack([x[:, a.indices[a.ligands]] - x[:, a.indices[a.center], None] for a in anions], axis=1)
    return np.asarray(bonds / np.linalg.norm(bonds, axis=-1, keepdims=True))


def by_definition(h: Array, u: Array, order: int, kind: str) -> tuple[Array, Array, Array]:
    """Joint correlation and its factors: h (frames, cations, anions), u (frames, anions, ligands, 3)."""
    n = len(h)
    joint, residence, orientation = (np.zeros(n) for _ in range(3))
    for k in range(n):
        p_l = legval((u[: n - k] * u[k:]).sum(axis=-1), [0.0] * order + [1.0]).mean(axis=-1)
        if kind == "intermittent":
            both = h[: n - k] & h[k:]
        else:
            both = np.array([h[t : t + k + 1].all(axis=0) for t in range(n - k)])
        joint[k] = (both * p_l[:, None]).mean() / h.mean()
        residence[k] = both.mean() / h.mean()
        orientation[k] = p_l.mean()
    return joint, residence, orientation


@pytest.mark.parametrize("order", [1, 2, 3])
def test_components_make_legendre_polynomials(rng: np.random.Generator, order: int) -> None:
    u = rng.normal(size=(40, 3))
    u /= np.linalg.norm(u, axis=1)[:, None]
    y = harmonics(u, order)
    np.testing.assert_allclose(y @ y.T, legval(u @ u.T, [0.0] * order + [1.0]), atol=1e-12)


@pytest.mark.parametrize("n_frames", [40, 2001])  # few frames one by one, many by FFT
@pytest.mark.parametrize("n_lags", [7, 40])
def test_products_in_visits_are_those_of_the_definition(
    rng: np.random.Generator, n_frames: int, n_lags: int
) -> None:
    y = rng.normal(size=(n_frames, 3))
    cuts = np.sort(rng.choice(np.arange(1, n_frames), 12, replace=False))
    begin, end, visits = cuts[::2], cuts[1::2], np.array([0, 1, 4, 6])
    inside = np.add.reduceat(end - begin, visits[:-1])
    by_fft = inside**2 > 90 * (end[visits[1:] - 1] - begin[visits[:-1]])
    assert by_fft.any() == (n_frames == 2001)
    right = np.zeros(n_lags)
    for first, last in pairwise(visits):
        mask = np.zeros((n_frames, 1))
        for s in range(first, last):
            mask[begin[s] : end[s]] = 1.0
        for k in range(n_lags):
            right[k] += (mask[: n_frames - k] * y[: n_frames - k] * mask[k:] * y[k:]).sum()
    np.testing.assert_allclose(visit_products(y, begin, end, visits, n_lags), right, atol=1e-9)


@pytest.mark.parametrize("dimensions", [TRICLINIC, SKEWED])
@pytest.mark.parametrize("kind", ["intermittent", "continuous"])
@pytest.mark.parametrize(("order", "of", "n_frames"), [(1, "center", 90), (2, "ligand", 91)])
def test_equals_the_definition_in_wrapped_cells(
    rng: np.random.Generator, dimensions: Any, kind: Any, order: int, of: Any, n_frames: int
) -> None:
    vectors = triclinic_vectors(dimensions)
    positions = ions_at_large(rng, n_frames, vectors)
    anions = two_kinds()[:N_XY2]
    universe = universe_of(wrap(positions, vectors), dimensions)
    ours = (
        Coupling(universe.atoms[-N_CATIONS:], anions, cutoff=4.4, order=order, kind=kind, of=of)
        .run()
        .data.sel(kind="XY2")
    )
    h = contacts(positions, dimensions, anions, 4.4, of)
    joint, residence, orientation = by_definition(h, arms(positions, anions), order, kind)
    np.testing.assert_allclose(ours.joint, joint, atol=2e-5)  # positions are in single precision
    np.testing.assert_allclose(ours.residence, residence, atol=1e-12)
    np.testing.assert_allclose(ours.orientation, orientation, atol=2e-5)
    np.testing.assert_allclose(ours.coupling, joint - residence * orientation, atol=4e-5)


def test_each_kind_of_anion_has_its_own(rng: np.random.Generator) -> None:
    positions = ions_at_large(rng, 60, triclinic_vectors(TRICLINIC))
    universe = universe_of(positions, TRICLINIC)
    anions = two_kinds()[:N_XY2]
    other = [Anion("YX2", a.indices, a.symbols, a.masses, a.center, a.ligands) for a in anions[1::2]]
    mixed = [anions[0], other[0], anions[2], other[1], anions[4]]
    cations = universe.atoms[-N_CATIONS:]
    together = Coupling(cations, mixed, cutoff=4.5).run().data
    for name, alone in (("XY2", anions[::2]), ("YX2", anions[1::2])):
        apart = Coupling(cations, alone, cutoff=4.5).run().data.isel(kind=0)
        for key in apart.data_vars:
            np.testing.assert_allclose(together[key].sel(kind=name), apart[key], atol=1e-10, err_msg=str(key))


def telegraph(rng: np.random.Generator, n_frames: int, n: int, up: float, down: float) -> Array:
    """Markov chains that go up and down at these rates, seen every 0.05 ps."""
    share = up / (up + down)
    state = np.empty((n_frames, n), dtype=bool)
    state[0] = rng.uniform(size=n) < share
    for t in range(1, n_frames):
        state[t] = rng.uniform(size=n) < share + (state[t - 1] - share) * np.exp(-(up + down) * DT)
    return state


def rods_with_a_cation_each(inside: Array, turned: Array) -> tuple[Any, list[Anion]]:
    """XY along x, or y where turned; far apart, each with a cation near it or away from it."""
    n_frames, n = inside.shape
    positions = np.zeros((n_frames, 3 * n, 3))
    positions[..., 0] = 100.0 * np.repeat(np.arange(n), 3)
    positions[:, 1::3, 0] += np.where(turned, 0.0, 1.0)
    positions[:, 1::3, 1] += turned
    positions[:, 2::3, 2] = np.where(inside, 2.0, 6.0)
    rods = [
        Anion("XY", np.array([3 * a, 3 * a + 1]), ("X", "Y"), np.array([1e6, 1.0]), 0, np.array([1]))
        for a in range(n)
    ]
    return universe_of(positions, dt=DT), rods


def test_independent_rotation_and_exchange_are_not_coupled(rng: np.random.Generator) -> None:
    inside = telegraph(rng, 1500, 60, ENTER, LEAVE)
    turned = telegraph(rng, 1500, 60, 0.5, 0.5)
    universe, rods = rods_with_a_cation_each(inside, turned)
    data = Coupling(universe.atoms[2::3], rods, cutoff=4.0, longest=4.0).run().data.isel(kind=0)
    away = (data.coupling / data.coupling_error).values[1:]
    assert np.abs(away).max() < 3.5
    # small beside what full locking gives, see below
    assert data.coupling_error.max() < 0.04


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("kind", ["intermittent", "continuous"])
def test_rotation_locked_to_residence_is_fully_coupled(
    rng: np.random.Generator, order: int, kind: Any
) -> None:
    inside = telegraph(rng, 1500, 60, ENTER, LEAVE)
    universe, rods = rods_with_a_cation_each(inside, inside)
    cations = universe.atoms[2::3]
    data = Coupling(cations, rods, cutoff=4.0, order=order, kind=kind, longest=4.0).run().data.isel(kind=0)
    t = data.lag_times.values
    share, rate = ENTER / (ENTER + LEAVE), ENTER + LEAVE
    here, there = 1.0, {1: 0.0, 2: -0.5}[order]  # P_l of the angle between two ends in the same state, or not
    same = 1.0 - 2.0 * share * (1.0 - share) * (1.0 - np.exp(-rate * t))
    turning = here * same + there * (1.0 - same)
    # an anion whose cation is there again looks as it did: P_l adds nothing to the joint correlation
    to_stay = share + (1.0 - share) * np.exp(-rate * DT)  # from one frame to the next
    stay = (
        share + (1.0 - share) * np.exp(-rate * t) if kind == "intermittent" else to_stay ** np.arange(len(t))
    )
    np.testing.assert_allclose(data.joint, data.residence, atol=1e-6)
    off = np.abs(data.coupling.values - stay * (1.0 - turning))[1:]
    assert (off < 4.0 * data.coupling_error.values[1:]).all()
    assert data.coupling_error.max() < 0.03
    assert data.coupling.max() > 0.15


def test_the_error_of_one_anion_is_not_known(rng: np.random.Generator) -> None:
    universe, rods = rods_with_a_cation_each(*(telegraph(rng, 50, 1, 1.0, 1.0),) * 2)
    data = Coupling(universe.atoms[2::3], rods, cutoff=4.0).run().data
    assert np.isnan(data.coupling_error).all()
    assert np.isfinite(data.coupling).all()


def test_anions_without_a_central_atom_turn_about_their_centre_of_mass(rng: np.random.Generator) -> None:
    positions = ions_at_large(rng, 40, triclinic_vectors(TRICLINIC))
    universe = universe_of(positions, TRICLINIC)
    anions = two_kinds()[:N_XY2]
    hollow = [Anion(a.formula, a.indices, a.symbols, a.masses, None, a.ligands) for a in anions]
    ours = Coupling(universe.atoms[-N_CATIONS:], hollow, cutoff=4.5).run().data.orientation[:, 0]
    # the shape is rigid, so these are other fixed directions of it
    body = XY2[1:] - np.average(XY2, axis=0, weights=[28.0, 16.0, 16.0])
    frames = positions[:, : 3 * N_XY2].reshape(40, N_XY2, 3, 3)
    arm = frames[:, :, 1:] - np.average(frames, axis=2, weights=[28.0, 16.0, 16.0])[:, :, None]
    np.testing.assert_allclose(np.linalg.norm(arm, axis=-1).mean((0, 1)), np.linalg.norm(body, axis=-1))
    u = arm / np.linalg.norm(arm, axis=-1, keepdims=True)
    right = [legval((u[: 40 - k] * u[k:]).sum(-1), [0, 0, 1]).mean() for k in range(40)]
    np.testing.assert_allclose(ours, right, atol=2e-5)


def test_odd_input_is_refused(rng: np.random.Generator) -> None:
    positions = ions_at_large(rng, 10, triclinic_vectors(TRICLINIC))
    positions[6, 4] = positions[6, 3]
    atoms = universe_of(positions, TRICLINIC).atoms
    cations, anions = atoms[-N_CATIONS:], two_kinds()
    with pytest.raises(InputError, match=r"Cl \(atom 15\) has no ligands that show its orientation"):
        Coupling(cations, anions, cutoff=4.0)
    with pytest.raises(InputError, match="order 4 of the Legendre polynomial: give 1 to 3"):
        Coupling(cations, anions[:N_XY2], cutoff=4.0, order=4)
    with pytest.raises(InputError, match="kind 'both' is no kind of residence"):
        Coupling(cations, anions[:N_XY2], cutoff=4.0, kind="both")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"frame 6: atom 4 is 0\.000 A from the centre of its anion"):
        Coupling(cations, anions[:N_XY2], cutoff=4.0).run()
    with pytest.raises(InputError, match=r"no cation comes within 0\.1 A of XY2"):
        Coupling(cations, anions[:N_XY2], cutoff=0.1).run(stop=6)
    with pytest.raises(InputError, match="there are no anions"):
        Coupling(cations, chlorides(0), cutoff=4.0)


def test_results_are_drawn(rng: np.random.Generator) -> None:
    universe, rods = rods_with_a_cation_each(*(telegraph(rng, 60, 3, 1.0, 1.0),) * 2)
    axes = Coupling(universe.atoms[2::3], rods, cutoff=4.0).run().plot()
    assert axes.get_ylabel() == "coupling of residence and orientation"
    assert len(axes.lines[0].get_xdata()) == 60
