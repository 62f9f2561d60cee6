"""Hops without sites: lasting displacements."""

from __future__ import annotations

import numpy as np
import pytest
from hopping_crystal import (
    ANIONS,
    CELLS,
    CUBIC,
    DT,
    N_ANIONS,
    N_CATIONS,
    SITES,
    TRICLINIC,
    Array,
    cations_of,
    crystal,
    line,
    sites_in,
    steps_of,
    walk,
)

from openmm_anion.analysis.displacement_hops import DisplacementHops, displacement_hops
from openmm_anion.analysis.hops import SiteHops
from openmm_anion.errors import InputError


@pytest.mark.parametrize("dimensions", CELLS, ids=["cubic", "triclinic", "breathing"])
def test_displacements_find_the_hops_that_are_apart(rng: np.random.Generator, dimensions: Array) -> None:
    path = walk(rng, 600, 0.15)
    universe = crystal(rng, path, dimensions, drift=2.0)
    settle = 8
    hops = DisplacementHops(cations_of(universe), ANIONS, length=1.7, settle=settle * DT).run()
    found = {
        (round(float(t) / DT), int(c) - 5 * N_ANIONS): jump
        for t, c, jump in zip(hops.data.time, hops.data.cation, hops.data.jump.values, strict=True)
    }
    put_in: dict[int, list[int]] = {c: [] for c in range(N_CATIONS)}
    for frame, cation, _, _ in steps_of(path):
        put_in[cation].append(frame)
    apart = {
        (f, c)
        for c, frames in put_in.items()
        for f in frames
        if settle <= f <= 600 - settle and all(g == f or abs(g - f) > 2 * settle for g in frames)
    }
    assert len(apart) > 60
    for frame, cation in apart:
        truth = (path[frame, cation] - path[frame - 1, cation]) / SITES @ hops.mean_cell
        np.testing.assert_allclose(found[frame, cation], truth, atol=0.5)
    for frame, cation in found:
        assert min(abs(frame - g) for g in put_in[cation]) < settle


def by_definition(x: Array, length: float, w: int) -> list[tuple[int, int]]:
    n, found = len(x), []
    for p in range(x.shape[1]):
        d = np.zeros(n)
        for t in range(1, n):
            d[t] = np.linalg.norm(x[t : t + w, p].mean(axis=0) - x[max(t - w, 0) : t, p].mean(axis=0))
        for t in range(w, n - w + 1):
            if d[t] > length and d[t] >= d[max(t - w, 1) : t + w + 1].max():
                found.append((t, p))
    return sorted(found)


@pytest.mark.parametrize(("n_frames", "window"), [(300, 5), (301, 6), (40, 12), (25, 2)])
def test_displacements_follow_the_definition(rng: np.random.Generator, n_frames: int, window: int) -> None:
    x = np.cumsum(rng.normal(size=(n_frames, 6, 3)), axis=0) + 1e3
    time, particle, jumps, _, noise = displacement_hops(x, 1.5, window)
    assert list(zip(time.tolist(), particle.tolist(), strict=True)) == by_definition(x, 1.5, window)
    assert len(time)
    for t, p, jump in zip(time, particle, jumps, strict=True):
        np.testing.assert_allclose(
            jump, x[t : t + window, p].mean(axis=0) - x[t - window : t, p].mean(axis=0), atol=1e-9
        )
    assert noise > 0.0


def test_rattling_is_no_hop_and_has_its_amplitude(rng: np.random.Generator) -> None:
    universe = crystal(rng, walk(rng, 1500, 0.0), TRICLINIC, amplitude=0.25, drift=3.0)
    by_site = SiteHops(cations_of(universe), sites_in(TRICLINIC), ANIONS, radius=1.0).run().data
    by_displacement = DisplacementHops(cations_of(universe), ANIONS, length=1.7, settle=1.0).run().data
    for data in (by_site, by_displacement):
        assert data.sizes["event"] == 0
        assert float(data.hop_rate) == 0.0
        assert 0.0 < data.hop_rate_interval.values[1] < 4.0 / (N_CATIONS * 140.0)
    assert by_site.survival.shape == (1, 1)
    assert np.isinf(by_site.residence_time)
    assert float(by_displacement.rattling_amplitude) == pytest.approx(0.25 * np.sqrt(3.0), rel=0.02)


def test_rattling_is_measured_between_hops(rng: np.random.Generator) -> None:
    universe = crystal(rng, walk(rng, 2000, 0.03), CUBIC, amplitude=0.2)
    data = DisplacementHops(cations_of(universe), ANIONS, length=1.7, settle=0.8).run().data
    assert data.sizes["event"] > 80
    # Hops to and fro within the windows are not told apart from rattling.
    assert float(data.rattling_amplitude) == pytest.approx(0.2 * np.sqrt(3.0), rel=0.1)


def test_a_displacement_that_begins_before_the_windows_fit_is_not_told() -> None:
    for hop, told in ((8, []), (9, []), (10, [5.0]), (30, [15.0]), (31, []), (39, [])):
        data = DisplacementHops(line([0.0] * hop + [4.0] * (40 - hop)), None, length=1.0, settle=5.0).run()
        np.testing.assert_array_equal(data.data.time, told)


def test_a_length_within_the_noise_is_refused_or_raised_above_it(rng: np.random.Generator) -> None:
    path = walk(rng, 600, 0.15)
    cations = cations_of(crystal(rng, path, CUBIC))
    plain = DisplacementHops(cations, ANIONS, length=1.7, settle=8 * DT, above_noise=True).run().data
    assert float(plain.shortest) == 1.7
    with pytest.raises(InputError, match="within the noise"):
        DisplacementHops(cations, ANIONS, length=0.02, settle=8 * DT).run()
    raised = DisplacementHops(cations, ANIONS, length=0.02, settle=8 * DT, above_noise=True).run().data
    assert float(raised.shortest) == 2.0 * float(raised.noise) == 2.0 * float(plain.noise)
    assert raised.jump_length.min() > raised.shortest
