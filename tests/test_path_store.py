"""Paths that are too large for memory give the same results from files."""

from __future__ import annotations

from typing import Any

import MDAnalysis as mda
import numpy as np
import pytest

from openmm_anion.analysis import path_store
from openmm_anion.analysis.msd import MeanSquaredDisplacement
from openmm_anion.analysis.non_gaussian import NonGaussianParameter
from openmm_anion.analysis.path_store import PathStore
from openmm_anion.analysis.van_hove import VanHoveSelf


@pytest.mark.parametrize("numbers", [10**9, 3 * 50 * 4, 1])
def test_what_is_given_comes_back(monkeypatch: pytest.MonkeyPatch, numbers: int) -> None:
    monkeypatch.setattr(path_store, "PATH_NUMBERS", numbers)
    positions = np.random.default_rng(0).normal(size=(50, 11, 3))
    store = PathStore(50, 11)
    for begin, end in ((0, 7), (7, 40), (40, 50)):
        store.append(positions[begin:end])
    pieces = list(store.pieces())
    assert len(pieces) == {10**9: 1, 3 * 50 * 4: 3, 1: 11}[numbers]
    for some, path in pieces:
        np.testing.assert_array_equal(path, positions[:, some])
    np.testing.assert_array_equal(np.concatenate([path for _, path in store.pieces()], axis=1), positions)
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
