"""Anybody's trajectory: who is who, continuity, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import MDAnalysis as mda
import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from MDAnalysis.lib.mdamath import triclinic_vectors
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from openmm_anion.analysis.ions import elements_of, find_ions
from openmm_anion.analysis.msd import MeanSquaredDisplacement
from openmm_anion.analysis.quantity import from_json
from openmm_anion.analysis.trajectory import open_trajectory
from openmm_anion.analysis.unwrapping import Unwrapper
from openmm_anion.errors import InputError
from openmm_anion.periodic import cell_vectors

Array = NDArray[np.float64]

DIMENSIONS = [9.0, 10.0, 11.0, 70.0, 80.0, 100.0]
CELL = triclinic_vectors(DIMENSIONS).astype(float)
PS4 = 2.05 / np.sqrt(3.0) * np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
SYMBOLS = ["Na", "P", "S", "S", "S", "S", "Na"]
N_FRAMES = 40


def path(rng: np.random.Generator) -> Array:
    """Two cations that walk, a PS4 across a corner that trembles, (frame, atom, 3) in A."""
    walk = np.cumsum(rng.normal(0.0, 0.4, (N_FRAMES, 7, 3)), axis=0)
    walk[:, 1:6] = rng.normal(0.0, 0.05, (N_FRAMES, 5, 3))
    start = np.vstack([[4.5, 4.5, 4.5], PS4 + 0.1, [1.0, 5.0, 6.0]])
    return np.asarray(start + walk)


def wrapped(positions: Array, cell: Array = CELL) -> Array:
    return np.asarray(positions - np.floor(positions @ np.linalg.inv(cell)) @ cell)


def frames_of(positions: Array) -> list[Atoms]:
    return [Atoms(SYMBOLS, x, cell=CELL, pbc=True) for x in wrapped(positions)]


def universe_of(positions: Array) -> Any:
    universe = mda.Universe.empty(7, trajectory=True)
    universe.add_TopologyAttr("names", SYMBOLS)
    universe.load_new(positions.astype(np.float32), dimensions=np.tile(DIMENSIONS, (N_FRAMES, 1)), dt=0.1)
    return universe


@pytest.fixture
def positions() -> Array:
    return path(np.random.default_rng(3))


def msd_of(universe: Any) -> Array:
    ions = find_ions(universe, "Na", "PS4")
    anions = [anion.indices for anion in ions.anions]
    if not hasattr(universe.atoms, "masses"):
        universe.add_TopologyAttr("masses", Atoms(SYMBOLS).get_masses())
    found: Array = (
        MeanSquaredDisplacement(universe.atoms[ions.cations], anions, frame_interval=0.1).run().results.msd
    )
    return found


def test_atoms_do_not_breathe_with_the_cells_that_they_crossed() -> None:
    """A barostat scales positions in the cell; what an atom has walked before is not scaled."""
    rng = np.random.default_rng(5)
    edges = 10.0 + 0.3 * np.sin(np.arange(400))
    steps = rng.normal(0.4, 0.3, (400, 20, 3))
    raw = np.empty((400, 20, 3))
    raw[0] = rng.uniform(0.0, edges[0], (20, 3))
    for k in range(1, 400):
        raw[k] = np.mod(raw[k - 1] * edges[k] / edges[k - 1] + steps[k], edges[k])
    boxes = edges[:, None, None] * np.eye(3)
    unwrapped = Unwrapper(np.arange(20))(np.arange(400), raw.copy(), boxes)
    walked = steps[1:].sum(axis=0)
    assert walked.mean() > 15 * 10.0
    # The part within the cell does follow it, by 0.3 A of 10 and step; 400 of them add up like noise.
    assert np.abs(unwrapped[-1] - unwrapped[0] - walked).max() < 10.0
    images = np.round((unwrapped - raw) / edges[:, None, None])
    assert (
        np.abs(np.diff(raw + images * edges[:, None, None], axis=0) - steps[1:]).max() > 4.0
    )  # the naive way
    assert np.abs(np.diff(unwrapped, axis=0) - steps[1:]).max() < 0.4


def test_molecules_stay_what_they_are_in_cells_that_breathe() -> None:
    """Atoms that cross a face in different frames, in different cells, keep their distances."""
    rng = np.random.default_rng(6)
    edges = 10.0 + 0.5 * np.sin(np.arange(300))
    boxes = edges[:, None, None] * np.eye(3)
    center = np.cumsum(rng.normal(0.1, 0.2, (300, 1, 3)), axis=0)
    turns = Rotation.from_rotvec(0.05 * np.arange(300)[:, None] * [1.0, 2.0, 3.0]).as_matrix()
    truth = center + np.einsum("fij,aj->fai", turns, PS4)
    truth = np.stack([truth, 3.0 - truth], axis=2).reshape(300, 10, 3)  # two, whose atoms alternate
    raw = truth - np.floor(truth / edges[:, None, None]) * edges[:, None, None]
    molecules = [np.arange(0, 10, 2)[::-1], np.arange(1, 10, 2)]
    found = Unwrapper(np.arange(10), molecules)(np.arange(300), raw.copy(), boxes)
    bonds = np.linalg.norm(found[:, 2:] - np.tile(found[:, :2], (1, 4, 1)), axis=-1)
    np.testing.assert_allclose(bonds, 2.05, rtol=1e-9)
    alone = Unwrapper(np.arange(10))(np.arange(300), raw.copy(), boxes)
    assert np.abs(np.linalg.norm(alone[:, 2] - alone[:, 0], axis=-1) - 2.05).max() > 0.1


def test_cells_are_those_of_mdanalysis() -> None:
    """Many at once, right angles exact, and zeros where lengths and angles make none."""
    rng = np.random.default_rng(7)
    dimensions = np.column_stack([rng.uniform(5.0, 20.0, (300, 3)), rng.uniform(40.0, 140.0, (300, 3))])
    dimensions[::3, 3:] = 90.0
    dimensions[1::5, 5] = 90.0
    dimensions[7, 0], dimensions[8, 4], dimensions[10, 3:] = 0.0, 180.0, [30.0, 30.0, 120.0]
    with np.errstate(invalid="ignore"):
        theirs = np.array([triclinic_vectors(row, dtype=np.float64) for row in dimensions])
    ours = cell_vectors(dimensions)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(ours == 0.0, theirs == 0.0)


def test_atoms_in_any_order_are_the_same_atoms(positions: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are copied section by section, or one by one where there are many sections."""
    universe = universe_of(positions)

    def of(order: list[int]) -> Array:
        atoms = universe.atoms[order]
        found: Array = MeanSquaredDisplacement(atoms, None, frame_interval=0.1).run().results.msd_by_particle
        return found

    order = [5, 6, 0, 3, 2, 1, 4]
    straight, mixed = of([0, 1, 2, 3, 4, 5, 6]), of(order)
    np.testing.assert_allclose(mixed, straight[:, order], rtol=1e-12)
    monkeypatch.setattr("openmm_anion.analysis.continuous._SECTIONS", 1)
    np.testing.assert_array_equal(of(order), mixed)


def test_blocks_make_no_difference(positions: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    universe = universe_of(wrapped(positions))
    before = msd_of(universe)
    monkeypatch.setattr("openmm_anion.analysis.continuous.BLOCK_NUMBERS", 7 * 21)
    np.testing.assert_allclose(msd_of(universe), before, rtol=1e-12)


def test_anions_are_found_in_the_first_frame(positions: Array) -> None:
    ions = find_ions(universe_of(wrapped(positions)), "Na", "PS4")
    (anion,) = ions.anions
    assert ions.cations.tolist() == [0, 6]
    assert anion.indices.tolist() == [1, 2, 3, 4, 5]
    assert anion.center == 0
    assert anion.ligands.tolist() == [1, 2, 3, 4]


def test_cages_have_no_centre_and_turn_with_their_hydrogens() -> None:
    golden = (1 + np.sqrt(5)) / 2
    corners = [np.roll([0, a, b * golden], k) for k in range(3) for a in (1, -1) for b in (1, -1)]
    unit = np.array(corners) / np.linalg.norm(corners[0])
    universe = mda.Universe.empty(24, trajectory=True)
    universe.add_TopologyAttr("elements", ["B"] * 12 + ["H"] * 12)
    universe.load_new(np.vstack([1.69 * unit, 2.88 * unit])[None], dimensions=[[12.0] * 3 + [90.0] * 3])
    with pytest.raises(InputError, match=r"no atom is a 'Na'; the elements are B, H"):
        find_ions(universe, "Na", "B12H12")
    universe.atoms.elements = ["B"] * 12 + ["H"] * 12
    (anion,) = find_ions(universe, "H", "B12H12").anions
    assert anion.center is None
    assert anion.ligands.tolist() == list(range(12, 24))


def test_results_are_written_and_read(positions: Array, tmp_path: Path) -> None:
    universe = universe_of(positions)
    analysis = MeanSquaredDisplacement(universe.select_atoms("name Na"), None)
    with pytest.raises(InputError, match="no results yet"):
        _ = analysis.data
    analysis.run().to_json(tmp_path / "msd.json")
    data = from_json(tmp_path / "msd.json")
    assert data.msd.attrs["units"] == "A^2"
    np.testing.assert_allclose(data.msd, analysis.results.msd)
    axes = analysis.plot()
    assert axes.get_xlabel() == "lag time (ps)"
    (tmp_path / "other.json").write_text("[1]")
    with pytest.raises(InputError, match=r"other\.json holds no quantity"):
        from_json(tmp_path / "other.json")


# MDAnalysis' reader stumbles over itself when it is closed after a failed opening.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_cannot_be_used_is_said_in_one_line(positions: Array, tmp_path: Path) -> None:
    file = tmp_path / "run.extxyz"
    frames = frames_of(positions)
    write(file, frames)
    with pytest.raises(InputError, match="does not say the time between its frames"):
        open_trajectory(file)
    with pytest.raises(InputError, match=r"nothing\.dcd not found"):
        open_trajectory(file, tmp_path / "nothing.dcd")
    other = tmp_path / "other.extxyz"
    write(other, [frames[0], frames[1][:-1]])
    with pytest.raises(InputError, match=r"frame 1 of .* holds other atoms"):
        open_trajectory(other, frame_interval=0.1)
    bad = tmp_path / "bad.dcd"
    bad.write_bytes(b"nonsense" * 20)
    with pytest.raises(InputError, match=r"bad\.dcd cannot be read by MDAnalysis"):
        open_trajectory(file, bad)
    universe = universe_of(positions)
    with pytest.raises(InputError, match="no atom is a 'NA'"):
        find_ions(universe, "NA", "PS4")
    changing = universe.select_atoms("name Na and prop x > 0", updating=True)
    with pytest.raises(InputError, match="changes from frame to frame"):
        MeanSquaredDisplacement(changing, None)
    universe.trajectory[5].positions[2] = np.nan
    with pytest.raises(InputError, match="frame 5: the position of atom 2 is not finite"):
        MeanSquaredDisplacement(universe.atoms, None).run()
    nameless = mda.Universe.empty(2)
    with pytest.raises(InputError, match="nothing tells the elements"):
        elements_of(nameless)
