from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from MDAnalysis.lib.distances import distance_array
from MDAnalysis.lib.mdamath import triclinic_vectors
from scipy.spatial.transform import Rotation
from universes import universe_of

from openmm_anion.analysis.correlation_time import integral_time, jackknife_error, leave_one_out
from openmm_anion.analysis.ions import Anion
from openmm_anion.analysis.quantity import from_json
from openmm_anion.analysis.residence import (
    ResidenceCorrelation,
    continuous_counts,
    excursion_frames,
    intermittent_counts,
)
from openmm_anion.analysis.shells import PairStays, ShellSearch
from openmm_anion.errors import InputError

Array = np.ndarray[Any, Any]

N_XY2, N_CL, N_CATIONS = 5, 3, 7
TRICLINIC = [12.0, 13.0, 14.0, 70.0, 75.0, 80.0]
SKEWED = [12.0, 12.0, 14.0, 90.0, 90.0, 55.0]
XY2 = np.array([[0.0, 0.0, 0.0], [1.3, 0.4, 0.0], [-0.2, 1.1, 0.3]])


def chlorides(n: int, first: int = 0) -> list[Anion]:
    none = np.array([], dtype=np.int64)
    return [Anion("Cl", np.array([first + a]), ("Cl",), np.array([35.45]), None, none) for a in range(n)]


def two_kinds() -> list[Anion]:
    masses, ligands = np.array([28.0, 16.0, 16.0]), np.array([1, 2])
    bent = [
        Anion("XY2", np.arange(3 * a, 3 * a + 3), ("X", "Y", "Y"), masses, 0, ligands) for a in range(N_XY2)
    ]
    return bent + chlorides(N_CL, 3 * N_XY2)


def ions_at_large(rng: np.random.Generator, n_frames: int, vectors: Array) -> Array:
    """Bent XY2 that tumble, chlorides and cations that diffuse; all continuous. Anions first."""
    turns = Rotation.from_rotvec(
        np.cumsum(rng.normal(size=(n_frames, N_XY2, 3)) * 0.2, axis=0).reshape(-1, 3)
    )
    shapes = np.einsum("taij,kj->taki", turns.as_matrix().reshape(n_frames, N_XY2, 3, 3), XY2)
    steps = rng.normal(size=(n_frames, N_XY2 + N_CL + N_CATIONS, 3)) * 0.35
    steps[0] = rng.uniform(size=steps.shape[1:]) @ vectors
    centres = np.cumsum(steps, axis=0)
    drift = 0.05 * np.arange(n_frames)[:, None, None]
    bent = (centres[:, :N_XY2, None] + shapes).reshape(n_frames, -1, 3)
    return np.concatenate([bent, centres[:, N_XY2:]], axis=1) + drift


def wrap(positions: Array, vectors: Array) -> Array:
    return np.asarray(positions - np.floor(positions @ np.linalg.inv(vectors)) @ vectors)


def contacts(positions: Array, dimensions: Any, anions: list[Anion], cutoff: float, of: str) -> Array:
    """h (frames, cations, anions) by MDAnalysis, from continuous positions."""
    n_atoms = positions.shape[1] - N_CATIONS
    boxes = np.broadcast_to(dimensions, (len(positions), 6)).astype(np.float32)
    h = np.zeros((len(positions), N_CATIONS, len(anions)), dtype=bool)
    for f, x in enumerate(positions.astype(np.float32).astype(np.float64)):
        for j, anion in enumerate(anions):
            points = x[anion.indices]
            points = points[anion.ligands] if of == "ligand" else np.average(points, 0, anion.masses)[None]
            h[f, :, j] = (distance_array(x[n_atoms:], points, box=boxes[f]) <= cutoff).any(axis=1)
    return h


def contacts_of(stays: PairStays, shape: tuple[int, ...]) -> Array:
    h = np.zeros(shape, dtype=bool)
    for cation, anion, begin, end in zip(stays.cation, stays.anion, stays.begin, stays.end, strict=True):
        assert not h[begin:end, cation, anion].any()
        h[begin:end, cation, anion] = True
    return h


def stays_of(h: Array) -> PairStays:
    """By the definition, from h (frames, cations, anions)."""
    rows = []
    for j in range(h.shape[2]):
        for i in range(h.shape[1]):
            changes = np.diff(np.concatenate([[0], h[:, i, j].astype(int), [0]]))
            for begin, end in zip(np.flatnonzero(changes == 1), np.flatnonzero(changes == -1), strict=True):
                rows.append((i, j, begin, end))
    cation, anion, begin, end = np.array(rows, dtype=np.int64).reshape(-1, 4).T.copy()
    return PairStays(cation, anion, begin, end, len(h))


def intermittent(h: Array) -> Array:
    n = len(h)
    return np.array([(h[: n - k] & h[k:]).sum() for k in range(n)])


def continuous(h: Array) -> Array:
    n = len(h)
    return np.array([sum(h[t : t + k + 1].all(axis=0).sum() for t in range(n - k)) for k in range(n)])


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


@pytest.mark.parametrize("of", ["center", "ligand"])
@pytest.mark.parametrize("dimensions", [TRICLINIC, SKEWED])
def test_contacts_are_those_of_mdanalysis(rng: np.random.Generator, dimensions: Any, of: Any) -> None:
    vectors = triclinic_vectors(dimensions)
    positions = ions_at_large(rng, 400, vectors)
    anions = two_kinds() if of == "center" else two_kinds()[:N_XY2]
    universe = universe_of(wrap(positions, vectors), dimensions)
    ours = ResidenceCorrelation(universe.atoms[-N_CATIONS:], anions, cutoff=4.2, of=of).run()
    right = contacts(positions, dimensions, anions, 4.2, of)
    # anions went through faces, and contacts are neither rare nor the rule
    assert (np.floor(positions[-1] @ np.linalg.inv(vectors)) != 0).sum() > 10
    assert 0.02 < right.mean() < 0.5
    np.testing.assert_array_equal(contacts_of(ours.stays, right.shape), right)


@pytest.mark.parametrize(
    ("cutoff", "of", "strain"), [(2.0, "center", 0.02), (4.79, "center", 0.02), (4.0, "ligand", 0.2)]
)
def test_contacts_in_a_cell_that_changes(
    rng: np.random.Generator, cutoff: float, of: Any, strain: float
) -> None:
    positions = ions_at_large(rng, 200, triclinic_vectors(SKEWED))
    scale = 1.0 + strain * np.sin(0.2 * np.arange(200)) ** 2
    scale[50:90] = scale[50]  # and rests for a while
    dimensions = np.array([SKEWED] * 200)
    dimensions[:, :3] *= scale[:, None]
    dimensions[:, 5] += 3.0 * (scale - 1.0)
    anions = two_kinds() if of == "center" else two_kinds()[:N_XY2]
    right = contacts(positions, dimensions, anions, cutoff, of)
    assert right.any()
    cells = np.array([triclinic_vectors(row) for row in dimensions])
    wrapped = np.array([wrap(x, cell) for x, cell in zip(positions, cells, strict=True)])
    # in the end much is far from where the file has it, and cells were others where it crossed a face
    assert (np.abs(wrapped - positions)[-1].max(axis=1) > 10.0).sum() > 5
    for of_file in (positions, wrapped):
        universe = universe_of(of_file, dimensions)
        ours = ResidenceCorrelation(universe.atoms[-N_CATIONS:], anions, cutoff=cutoff, of=of).run()
        np.testing.assert_array_equal(contacts_of(ours.stays, right.shape), right)


def test_contacts_without_a_cell_and_in_blocks(rng: np.random.Generator) -> None:
    cations, points = (np.cumsum(rng.normal(size=(60, n, 3)), axis=0) for n in (4, 3))
    search = ShellSearch(4, np.array([0, 1, 1]), 3.0)
    for begin, end in ((0, 7), (7, 8), (8, 60)):
        search(np.arange(begin, end), cations[begin:end], points[begin:end], None)
    near = np.linalg.norm(cations[:, :, None] - points[:, None], axis=-1) <= 3.0
    right = np.stack([near[..., 0], near[..., 1] | near[..., 2]], axis=2)
    stays = search.stays(60)
    np.testing.assert_array_equal(contacts_of(stays, right.shape), right)
    np.testing.assert_array_equal(stays.begin, stays_of(right).begin)
    np.testing.assert_array_equal(stays.pairs, stays_of(right).pairs)


@pytest.mark.parametrize("n_frames", [2, 3, 50, 51, 128, 243])
@pytest.mark.parametrize("change", [0.03, 0.5])  # few long stays, and so many that they are done by FFT
def test_counts_are_those_of_the_definition(rng: np.random.Generator, n_frames: int, change: float) -> None:
    flips = rng.uniform(size=(n_frames, 4, 3)) < change
    h = np.cumsum(flips, axis=0) % 2 == 1
    stays = stays_of(h)
    if change == 0.5 and n_frames > 100:
        assert (np.diff(stays.pairs) ** 2 > 10 * n_frames).any()
    row = np.array([2, 0, 1])[stays.anion]
    for counted, by_definition in ((intermittent_counts, intermittent), (continuous_counts, continuous)):
        found = counted(stays, row, 4)
        for j, k in enumerate([2, 0, 1]):
            np.testing.assert_array_equal(found[k], by_definition(h[..., j]))
        assert not found[3].any()


def test_short_excursions_are_ignored(rng: np.random.Generator) -> None:
    h = np.cumsum(rng.uniform(size=(300, 5, 3)) < 0.2, axis=0) % 2 == 1
    stays = stays_of(h)
    for frames in (0, 1, 4):
        filled = h.copy()
        for t in range(len(h)):
            for gap in range(1, frames + 1):
                if t > 0 and t + gap < len(h):
                    back = h[t - 1] & h[t + gap]
                    filled[t : t + gap, back] = True
        np.testing.assert_array_equal(
            contacts_of(stays.without_excursions(frames), h.shape), filled, err_msg=f"{frames}"
        )
    assert [excursion_frames(t, 0.1) for t in (0.0, 0.1, 0.2, 0.21, 0.3)] == [0, 0, 1, 2, 2]


def test_two_kinds_of_anions_and_both_kinds_of_residence(rng: np.random.Generator) -> None:
    vectors = triclinic_vectors(TRICLINIC)
    positions = ions_at_large(rng, 151, vectors)
    universe = universe_of(wrap(positions, vectors), TRICLINIC)
    ours = ResidenceCorrelation(
        universe.atoms[-N_CATIONS:], two_kinds(), cutoff=4.0, kind="continuous", tolerance=0.25, longest=5.0
    ).run()
    h = contacts(positions, TRICLINIC, two_kinds(), 4.0, "center")
    rest = 151 - np.arange(51)
    again = ours.of_kind("intermittent")
    for name, some in (("XY2", slice(N_XY2)), ("Cl", slice(N_XY2, None))):
        one = h[..., some]
        inside = one.mean()
        right = intermittent(one)[:51] / (rest * one[0].size * inside)
        np.testing.assert_allclose(again.residence.sel(kind=name), right, rtol=1e-12)
        np.testing.assert_allclose(
            again.fluctuation.sel(kind=name), (right - inside) / (1.0 - inside), rtol=1e-9
        )
        np.testing.assert_allclose(again.limit.sel(kind=name), inside, rtol=1e-12)
        np.testing.assert_allclose(again.coordination.sel(kind=name), one.sum(axis=1).mean(), rtol=1e-12)
        stays = stays_of(one).without_excursions(2)
        filled = contacts_of(stays, one.shape)
        right = continuous(filled)[:51] / (rest * filled[0].size * filled.mean())
        np.testing.assert_allclose(ours.data.residence.sel(kind=name), right, rtol=1e-12)
    np.testing.assert_allclose(ours.data.lag_times, 0.1 * np.arange(51))


def exchanging(
    rng: np.random.Generator, n_frames: int, n_cations: int, enter: float, leave: float, dt: float
) -> Array:
    """One anion at the origin, cations that come and go at these rates (1/ps) as a Markov chain in time."""
    rate, share = enter + leave, enter / (enter + leave)
    inside = np.empty((n_frames, n_cations), dtype=bool)
    inside[0] = rng.uniform(size=n_cations) < share
    for t in range(1, n_frames):
        to_be_in = share + (inside[t - 1] - share) * np.exp(-rate * dt)
        inside[t] = rng.uniform(size=n_cations) < to_be_in
    positions = np.zeros((n_frames, 1 + n_cations, 3))
    positions[:, 1:, 2] = np.where(inside, 1.0, 3.0)
    return positions


def test_two_states_decay_as_they_should(rng: np.random.Generator) -> None:
    enter, leave, dt = 0.3, 0.7, 0.02
    positions = exchanging(rng, 4000, 200, enter, leave, dt)
    universe = universe_of(positions, dt=dt)
    ours = ResidenceCorrelation(universe.atoms[1:], chlorides(1), cutoff=2.0, longest=15.0).run()
    assert len(ours.stays.begin) > 3000
    np.testing.assert_array_equal(contacts_of(ours.stays, (4000, 200, 1))[..., 0], positions[:, 1:, 2] == 1.0)
    again, stayed = ours.data, ours.of_kind("continuous")
    t = again.lag_times.values
    for data, name, rate in ((again, "fluctuation", enter + leave), (stayed, "residence", leave)):
        curve, error = data[name].values[:, 0], data[f"{name}_error"].values[:, 0]
        seen = slice(1, int(3.0 / rate / dt))
        # frames 0.02 ps apart do not see all that leave and come back: 1 percent of the rate
        np.testing.assert_array_less(
            np.abs(curve - np.exp(-rate * t))[seen], 4.0 * error[seen] + 0.01 * rate * t[seen]
        )
        assert error[seen].max() < 0.03
        tau, tau_error = data.tau.item(), data.tau_error.item()
        assert abs(tau - 1.0 / rate) < 3.0 * tau_error + 0.01 / rate
        assert tau_error < 0.06 / rate
    assert abs(again.limit.item() - 0.3) < 0.02


def test_errors_tell_the_spread_over_independent_runs(rng: np.random.Generator) -> None:
    runs = []
    for _ in range(24):
        universe = universe_of(exchanging(rng, 400, 40, 0.5, 0.5, 0.1))
        data = ResidenceCorrelation(universe.atoms[1:], chlorides(1), cutoff=2.0).run().data
        runs.append([data.tau.item(), data.tau_error.item()])
    taus, errors = np.array(runs).T
    assert 0.6 < np.sqrt(np.mean(errors**2)) / taus.std(ddof=1) < 1.6


def test_a_cation_that_goes_to_another_anion_has_left(rng: np.random.Generator) -> None:
    positions = np.zeros((100, 3, 3))
    positions[:, 1, 0] = 4.0
    positions[:, 2, 0] = np.where(np.arange(100) // 10 % 2, 1.0, 3.0)  # always at one of two anions
    universe = universe_of(positions)
    data = ResidenceCorrelation(universe.atoms[2:], chlorides(2), cutoff=2.0, kind="continuous").run().data
    np.testing.assert_allclose(data.residence[5, 0], 0.5 * 100 / 95)
    assert (data.residence[10:] == 0.0).all()


def test_what_does_not_decay_has_no_time() -> None:
    positions = np.zeros((50, 3, 3))
    positions[:, 1] = 9.0
    universe = universe_of(positions)
    data = ResidenceCorrelation(universe.atoms[2:], chlorides(2), cutoff=2.0).run().data
    assert np.isnan(data.tau.item())
    assert data.note.item() == "is still 1 after 2.5 ps; make the run longer"
    np.testing.assert_allclose(data.fluctuation, 1.0)
    assert np.isnan(data.residence_error).all()  # of one cation


def test_integral_times_of_known_decays() -> None:
    t = np.arange(0.0, 60.0, 0.05)
    for curve, time, off in (
        (np.exp(-t / 2.0), 2.0, 1e-3),
        (0.6 * np.exp(-t / 0.5) + 0.4 * np.exp(-t / 3.0), 1.5, 1e-2),
        (np.clip(1.0 - t / 4.0, 0.0, None), 2.0, 2e-2),
    ):
        assert integral_time(t, curve).time == pytest.approx(time, rel=off)
    assert "frame to frame" in integral_time(t, np.exp(-100.0 * t)).note
    assert "still 0.37 after 2 ps" in integral_time(t, np.exp(-t / 2.0), longest=2.0).note
    assert np.isnan(integral_time(t, np.full_like(t, np.nan)).time)


def test_jackknife_error_of_a_mean_is_its_standard_error(rng: np.random.Generator) -> None:
    values = rng.normal(size=(12, 5))
    right = values.std(axis=0, ddof=1) / np.sqrt(12)
    np.testing.assert_allclose(jackknife_error(leave_one_out(values) / 11.0), right, rtol=1e-12)
    assert np.isnan(jackknife_error(values[:1])).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"cutoff": 5.0},
            r"cutoff 5 A is more than half the smallest height of the cell, 4\.\d\d A in frame 3",
        ),
        ({"cutoff": -1.0}, "cutoff -1.0 is no length"),
        ({"cutoff": 0.05}, "no cation comes within 0.05 A of XY2; take a larger cutoff"),
        ({"kind": "continous"}, "did you mean 'continuous'"),
        ({"of": "centre"}, "did you mean 'center'"),
        ({"of": "ligand"}, r"Cl \(atom 15\) has no ligands; take of='center'"),
        ({"tolerance": 0.2}, "tolerance is for kind='continuous'"),
        ({"tolerance": -0.2, "kind": "continuous"}, "tolerance -0.2 is no time"),
        ({"longest": 0.01}, "the longest lag"),
    ],
)
def test_odd_options_are_refused(rng: np.random.Generator, options: dict[str, Any], message: str) -> None:
    positions = ions_at_large(rng, 10, triclinic_vectors(SKEWED))
    dimensions = np.array([SKEWED] * 10)
    dimensions[3, :3] *= 0.995
    atoms = universe_of(positions, dimensions).atoms[-N_CATIONS:]
    with pytest.raises(InputError, match=message):
        ResidenceCorrelation(atoms, two_kinds(), **({"cutoff": 4.0} | options)).run()


def test_odd_ions_are_refused(rng: np.random.Generator) -> None:
    atoms = universe_of(ions_at_large(rng, 4, triclinic_vectors(TRICLINIC)), TRICLINIC).atoms
    with pytest.raises(InputError, match="cation selection is empty"):
        ResidenceCorrelation(atoms[:0], two_kinds(), cutoff=3.0)
    with pytest.raises(InputError, match="there are no anions"):
        ResidenceCorrelation(atoms[-2:], [], cutoff=3.0)
    with pytest.raises(InputError, match="atom 17 is in the cation selection and in an anion"):
        ResidenceCorrelation(atoms[17:], two_kinds(), cutoff=3.0)
    with pytest.raises(InputError, match="at least 2 frames, got 1"):
        ResidenceCorrelation(atoms[-2:], two_kinds(), cutoff=3.0).run(stop=1)


def test_results_are_written_and_drawn(rng: np.random.Generator, tmp_path: Path) -> None:
    universe = universe_of(ions_at_large(rng, 50, triclinic_vectors(TRICLINIC)), TRICLINIC)
    ours = ResidenceCorrelation(universe.atoms[-N_CATIONS:], two_kinds(), cutoff=4.0).run()
    ours.to_json(tmp_path / "residence.json")
    np.testing.assert_allclose(from_json(tmp_path / "residence.json").residence, ours.data.residence)
    axes = ours.plot()
    assert axes.get_ylabel() == "intermittent residence"
    assert len(axes.lines) == 4  # two kinds, each with its limit
