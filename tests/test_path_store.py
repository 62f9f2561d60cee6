"""Paths that are too large for memory give the same results from files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import MDAnalysis as mda
import numpy as np
import pytest
import xarray as xr
from scipy.spatial.transform import Rotation

from openmm_anion.analysis import path_store
from openmm_anion.analysis.anion_motion import AnionMotion
from openmm_anion.analysis.charge_transport import ChargeDisplacement
from openmm_anion.analysis.coupling import Coupling
from openmm_anion.analysis.displacement_hops import DisplacementHops
from openmm_anion.analysis.ions import Anion
from openmm_anion.analysis.msd import MeanSquaredDisplacement
from openmm_anion.analysis.non_gaussian import NonGaussianParameter
from openmm_anion.analysis.orientation import OrientationalCorrelation
from openmm_anion.analysis.path_store import PathStore, frames_in_pieces
from openmm_anion.analysis.rotation_events import RotationEvents
from openmm_anion.analysis.van_hove import VanHoveSelf


@pytest.mark.parametrize("each", [3, 1])
@pytest.mark.parametrize("particles", [10**9, 4, 0])
def test_what_is_given_comes_back(monkeypatch: pytest.MonkeyPatch, particles: int, each: int) -> None:
    monkeypatch.setattr(path_store, "PATH_NUMBERS", each * 50 * particles)
    monkeypatch.setattr(path_store, "_COPIED_NUMBERS", 3 * 11 * 7)  # some frames at a time
    positions = np.random.default_rng(0).normal(size=(50, 11, each))
    store = PathStore(50, 11, numbers=each)
    for begin, end in ((0, 7), (7, 40), (40, 50)):
        store.append(positions[begin:end])
    pieces = list(store.pieces())
    assert len(pieces) == {10**9: 1, 4: 3, 0: 11}[particles]
    for some, path in pieces:
        np.testing.assert_array_equal(path, positions[:, some])
    np.testing.assert_array_equal(np.concatenate([path for _, path in store.pieces()], axis=1), positions)
    whole = store.whole()
    store.close()
    np.testing.assert_array_equal(whole, positions)
    whole[0] = 0.0  # results may be written to, wherever they are


def resident() -> int:
    """MB in memory, of files too."""
    found = re.search(r"VmRSS:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found.group(1)) // 1024


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="tells how much is in memory")
def test_pieces_of_a_map_do_not_stay_in_memory(tmp_path: Path) -> None:
    whole = np.memmap(tmp_path / "map", np.float64, "w+", shape=(200, 125_000))  # 200 MB, of zeros
    before, most = resident(), 0
    for begin, part in frames_in_pieces(whole[:, None, :], 20):
        part += begin
        most = max(most, resident() - before)
    assert 15 < most < 60
    assert resident() - before < 20
    np.testing.assert_array_equal(whole[:, 7], np.repeat(np.arange(0, 200, 20), 20))
    own = np.memmap(tmp_path / "map", np.float64, "c", shape=(200, 125_000))
    for begin, part in frames_in_pieces(own, 100):
        part[:, :5] = 1000.0 + begin
    np.testing.assert_array_equal(own[:, 3], np.repeat([1000.0, 1100.0], 100))  # is nowhere else


def test_groups_stay_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path_store, "PATH_NUMBERS", 3 * 2 * 5)
    store = PathStore(2, 16, together=[2, 3, 4, 6, 1])
    store.append(np.zeros((2, 16, 3)))
    assert [(some.start, some.stop) for some, _ in store.pieces()] == [(0, 5), (5, 9), (9, 15), (15, 16)]
    store.close()


@pytest.mark.parametrize(
    ("quantity", "options"),
    [
        (MeanSquaredDisplacement, {"tensor": True}),
        (NonGaussianParameter, {}),
        (VanHoveSelf, {"lags": [0.1, 1.0]}),
    ],
)
def test_results_do_not_depend_on_where_paths_are(
    monkeypatch: pytest.MonkeyPatch, quantity: Any, options: dict[str, Any]
) -> None:
    walk = np.cumsum(np.random.default_rng(1).normal(size=(60, 10, 3)) * 0.3, axis=0)
    universe = mda.Universe.empty(10, trajectory=True)
    universe.load_new(walk, dt=0.1)
    in_memory = quantity(universe.atoms, None, **options).run().data
    monkeypatch.setattr(path_store, "PATH_NUMBERS", 3 * 60 * 4)
    from_files = quantity(universe.atoms, None, **options).run().data
    for name in in_memory:
        np.testing.assert_allclose(from_files[name], in_memory[name], rtol=1e-12, atol=1e-12)


def tumbling() -> tuple[Any, list[Anion]]:
    """Five tetrahedra, three pairs and eight cations, which come to the anions and leave them."""
    rng = np.random.default_rng(2)
    corners = np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 1.18
    turns = Rotation.from_rotvec(0.3 * rng.normal(size=(80, 3)).cumsum(axis=0)).as_matrix()
    atoms = np.concatenate([corners + 9.0 * k for k in range(5)])
    pair = np.array([[0.0, 0.0, 0.0], [1.2, 0.0, 0.0]])
    ends = np.concatenate([pair + np.array([0.0, 9.0 * k, 0.0]) for k in range(3)])
    near = np.concatenate([atoms[::5], ends[::2]]) + rng.normal(size=(8, 3))
    everything = np.concatenate([atoms, ends, near])
    noise = np.where(np.arange(39) < 31, 0.1, 1.0)[:, None] * rng.normal(size=(80, 39, 3))
    universe = mda.Universe.empty(39, trajectory=True)
    universe.load_new(everything[None] @ turns + noise, dt=0.1)
    four, one = np.arange(1, 5), np.array([1])
    anions = [
        *(Anion("PS4", np.arange(5 * k, 5 * k + 5), ("P", *"SSSS"), np.ones(5), 0, four) for k in range(5)),
        *(Anion("CN", np.array([k, k + 1]), ("C", "N"), np.ones(2), 0, one) for k in (25, 27, 29)),
    ]
    return universe, anions


def test_orientations_do_not_depend_on_where_directions_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tetrahedra and pairs, the pieces of which end between two anions."""
    universe, anions = tumbling()
    in_memory = OrientationalCorrelation(universe, anions).run().data
    monkeypatch.setattr(path_store, "PATH_NUMBERS", 3 * 80 * 9)  # two tetrahedra and a bit
    from_files = OrientationalCorrelation(universe, anions).run().data
    assert np.isfinite(in_memory.rotor.sel(kind="PS4")).all()
    for name in ("c1", "c2", "c1_error", "c2_error", "rotor", "tau"):
        np.testing.assert_allclose(from_files[name], in_memory[name], rtol=1e-9, atol=1e-12)


def test_hops_do_not_depend_on_where_paths_are(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    jumps = (rng.random((200, 10, 1)) < 0.03) * rng.choice([-3.0, 3.0], (200, 10, 3))
    universe = mda.Universe.empty(10, trajectory=True)
    universe.load_new(np.cumsum(jumps, axis=0) + 0.2 * rng.normal(size=jumps.shape), dt=0.1)
    options: dict[str, Any] = {"length": 0.01, "settle": 0.5, "above_noise": True}
    in_memory = DisplacementHops(universe.atoms, None, **options).run().data
    monkeypatch.setattr(path_store, "PATH_NUMBERS", 3 * 200 * 4)
    from_files = DisplacementHops(universe.atoms, None, **options).run().data
    assert in_memory.sizes["event"] > 20
    xr.testing.assert_identical(from_files, in_memory)


QUANTITIES: dict[str, Callable[[Any, list[Anion]], Any]] = {
    "anion motion": lambda u, anions: AnionMotion(u, anions, window=0.5),
    "rotations": lambda u, anions: RotationEvents(u, anions, settle=0.2),
    "coupling": lambda u, anions: Coupling(u.atoms[31:], anions[::-1], cutoff=2.5),
    "charge": lambda u, anions: ChargeDisplacement([(u.atoms[31:], 1.0), (anions, -3.0)], None),
}


@pytest.mark.parametrize("name", QUANTITIES)
def test_results_of_anions_do_not_depend_on_where_they_wait(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    universe, anions = tumbling()
    quantity = QUANTITIES[name]
    in_memory = quantity(universe, anions).run().data
    pieces: list[slice] = []
    monkeypatch.setattr(path_store, "PATH_NUMBERS", 3 * 80 * 3)
    monkeypatch.setattr(PathStore, "pieces", counted(PathStore.pieces, pieces))
    from_files = quantity(universe, anions).run().data
    assert len(pieces) > 3
    assert from_files.sizes == in_memory.sizes
    assert in_memory.sizes.get("event", 9) > 3
    for key in in_memory.variables:
        here, there = from_files[key], in_memory[key]
        assert here.attrs == there.attrs
        if here.dtype.kind == "f":
            np.testing.assert_allclose(here, there, rtol=1e-12, atol=1e-12)
        else:
            np.testing.assert_array_equal(here, there)


def counted(pieces: Callable[..., Any], seen: list[slice]) -> Callable[..., Any]:
    def count(store: PathStore) -> Iterator[tuple[slice, Any]]:
        for some, path in pieces(store):
            seen.append(some)
            yield some, path

    return count


def test_motion_of_many_anions_is_mapped_and_may_be_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    universe, anions = tumbling()
    monkeypatch.setattr(path_store, "PATH_NUMBERS", 80 * 4)
    analysis = AnionMotion(universe, anions).run()
    for name in ("angle", "quaternion", "displacement", "misfit"):
        values = analysis.data[name].values
        while isinstance(values, np.ndarray) and not isinstance(values, np.memmap):
            values = values.base
        assert isinstance(values, np.memmap)
    analysis.data["quaternion"][:, 2] *= -1.0
    np.testing.assert_array_equal(analysis.results.quaternion, analysis.data.quaternion)
