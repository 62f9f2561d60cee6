from __future__ import annotations

from typing import Any

import MDAnalysis as mda
import numpy as np
import pytest
from ase.io.cube import read_cube
from MDAnalysis.lib.mdamath import triclinic_vectors
from scipy.special import erf
from synthetic_study import ANIONS, BOX, CATIONS, N_ANIONS, TETRAHEDRON, anion_centres, jiggle

from openmm_anion.analysis import continuous
from openmm_anion.analysis.density import CationDensity, count_on_grid
from openmm_anion.errors import InputError

Array = np.ndarray[Any, Any]
TRICLINIC = [BOX, 1.1 * BOX, 0.9 * BOX, 65.0, 75.0, 80.0]


def vibrating(
    n_frames: int,
    boxes: Array,
    *,
    drift: float = 0.0,
    wrapped: bool = True,
    seed: int = 3,
    sigma: float = 0.4,
) -> Any:
    """Ten cations that vibrate about random places; places scale with the cell."""
    rng = np.random.default_rng(seed)
    cells = np.array([triclinic_vectors(box, dtype=np.float64) for box in boxes.astype(np.float32)])
    anions = (anion_centres() / BOX @ cells)[:, :, None] + np.vstack([np.zeros(3), TETRAHEDRON])
    cations = rng.random((10, 3)) @ cells + jiggle(rng, (n_frames, 10, 3), sigma, 0.1)
    positions = np.concatenate([anions.reshape(n_frames, -1, 3), cations], axis=1)
    positions += drift * 0.1 * np.arange(n_frames)[:, None, None]
    if wrapped:
        positions -= np.floor(positions @ np.linalg.inv(cells)) @ cells
    universe = mda.Universe.empty(positions.shape[1], trajectory=True)
    universe.add_TopologyAttr("elements", ["P", "S", "S", "S", "S"] * N_ANIONS + ["Na"] * 10)
    universe.load_new(positions.astype(np.float32), dimensions=boxes, dt=0.1)
    return universe


def constant(n: int) -> Array:
    return np.tile(TRICLINIC, (n, 1))


def density_of(universe: Any, **options: Any) -> Any:
    return CationDensity(universe.atoms[CATIONS], ANIONS, **options).run().data


@pytest.mark.parametrize("n_frames", [1, 40, 41])
@pytest.mark.parametrize("spacing", [0.4, 3.0, 20.0])
def test_density_integrates_to_the_number_of_cations(n_frames: int, spacing: float) -> None:
    data = density_of(vibrating(n_frames, constant(n_frames)), spacing=spacing)
    volume = np.linalg.det(data.cell.values)
    assert float(data.density.mean()) * volume == pytest.approx(10.0)
    edges = np.linalg.norm(data.cell, axis=1)
    np.testing.assert_array_equal(data.density.shape, np.ceil(edges / spacing))


def test_counts_equal_a_histogram() -> None:
    fractional = np.random.default_rng(1).normal(size=(50, 7, 3))
    counts = np.zeros((6, 5, 4), dtype=np.int64)
    count_on_grid(fractional, counts)
    shift = 0.5 / np.array(counts.shape)
    expected, _ = np.histogramdd(
        (fractional.reshape(-1, 3) + shift) % 1.0, bins=counts.shape, range=[(0.0, 1.0)] * 3
    )
    np.testing.assert_array_equal(counts, expected)


def test_a_vibrating_cation_is_a_gaussian() -> None:
    rng = np.random.default_rng(4)
    cell = triclinic_vectors([6.0, 6.0, 6.0, 90.0, 90.0, 90.0])
    n, sigma, spacing = 20000, 0.3, 0.5
    universe = mda.Universe.empty(1, trajectory=True)
    # At a grid point, next to a face.
    positions = np.array([3.0, 0.0, 6.0]) + rng.normal(size=(n, 1, 3)) * sigma
    universe.load_new(
        (positions % 6.0).astype(np.float32), dimensions=np.tile([6.0] * 3 + [90.0] * 3, (n, 1)), dt=0.1
    )
    data = CationDensity(universe.atoms, None, spacing=spacing).run().data
    np.testing.assert_allclose(data.cell, cell)
    assert data.density.shape == (12, 12, 12)
    in_cube = erf(0.5 * spacing / (np.sqrt(2.0) * sigma)) ** 3
    assert float(data.density[6, 0, 0]) * spacing**3 == pytest.approx(in_cube, rel=0.05)
    assert float(data.a[6]) == 0.5


def test_drift_and_wrapping_change_nothing() -> None:
    n = 300
    right = density_of(vibrating(n, constant(n), wrapped=False))
    for universe in (vibrating(n, constant(n)), vibrating(n, constant(n), drift=3.0)):
        moved = np.abs(density_of(universe).density - right.density).sum() / right.density.sum()
        assert moved < 1e-3  # points at a border between voxels, in single precision
    drifting = vibrating(n, constant(n), drift=3.0)
    lab = CationDensity(drifting.atoms[CATIONS], None).run().data
    assert np.abs(lab.density - right.density).sum() > 0.5 * right.density.sum()


def test_a_cell_that_changes_is_scaled_to_its_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    n = 300
    swing = 1.0 + 0.03 * np.sin(np.arange(n)[:, None] / np.array([7.0, 11.0, 13.0, 19.0, 23.0, 29.0]))
    boxes = constant(n) * swing
    universe = vibrating(n, boxes, drift=3.0, sigma=0.0)
    monkeypatch.setattr(continuous, "BLOCK_NUMBERS", 3 * universe.atoms.n_atoms * 11)
    data = density_of(universe, spacing=1.0)
    # Cations that only move with the cell stay at one point each, or at two if on a border.
    assert 10 <= int((data.density > 0).sum()) <= 20
    np.testing.assert_allclose(data.cell, np.mean([triclinic_vectors(box) for box in boxes], 0), rtol=1e-5)
    assert float(data.density.mean()) * np.linalg.det(data.cell) == pytest.approx(10.0)


def test_the_cube_file_holds_density_and_anions(tmp_path: Any) -> None:
    universe = vibrating(50, constant(50))
    quantity = CationDensity(universe.atoms[CATIONS], ANIONS, spacing=0.7).run()
    quantity.to_cube(tmp_path / "density.cube")
    assert "1/A^3" in (tmp_path / "density.cube").read_text().splitlines()[0]
    with (tmp_path / "density.cube").open() as file:
        read = read_cube(file, read_data=True)
    data = quantity.data
    np.testing.assert_allclose(read["data"], data.density, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(read["atoms"].cell, data.cell, atol=1e-3)
    assert list(read["atoms"].symbols) == ["P", "S", "S", "S", "S"] * N_ANIONS
    distances = read["atoms"].get_distances(0, [1, 2, 3, 4])
    np.testing.assert_allclose(distances, np.linalg.norm(TETRAHEDRON, axis=1), atol=1e-3)
    bare = CationDensity(universe.atoms[CATIONS], None, spacing=2.0).run()
    bare.to_cube(tmp_path / "bare.cube")
    with (tmp_path / "bare.cube").open() as file:
        assert read_cube(file, read_data=True)["data"].sum() == pytest.approx(float(bare.data.density.sum()))
    assert quantity.plot().get_xlabel() == "fractional coordinate a"


def test_wrong_input_is_refused() -> None:
    universe = vibrating(5, constant(5))
    with pytest.raises(InputError, match="spacing 0"):
        CationDensity(universe.atoms[CATIONS], ANIONS, spacing=0.0)
    with pytest.raises(InputError, match=r"a spacing of 0.01 A makes a grid of 3e\+09 points"):
        density_of(universe, spacing=0.01)
    with pytest.raises(InputError, match="cation selection is empty"):
        CationDensity(universe.atoms[:0], ANIONS)
    bare = mda.Universe.empty(1, trajectory=True)
    bare.load_new(np.zeros((5, 1, 3)), dt=0.1)
    with pytest.raises(InputError, match="no cell, which CationDensity needs"):
        CationDensity(bare.atoms, None).run()
