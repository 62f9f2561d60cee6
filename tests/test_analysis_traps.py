"""What other codes get wrong without a word: every trap is a case that we get right or refuse."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import MDAnalysis as mda
import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from numpy.typing import NDArray
from peer_run import DT, LAG, LONGEST, WIDTH, peer_run
from synthetic_conductor import TETRAHEDRON, conductor

from openmm_anion.analysis.diffusion import FitWindow, run_diffusion
from openmm_anion.analysis.distinct_van_hove import VanHoveDistinct
from openmm_anion.analysis.ions import find_ions
from openmm_anion.analysis.msd import MeanSquaredDisplacement
from openmm_anion.analysis.trajectory import open_trajectory
from openmm_anion.analysis.van_hove import VanHoveSelf
from openmm_anion.errors import InputError

Array = NDArray[np.float64]

TRAPS = {
    "wrapped positions": "test_msd.py::test_wrapped_positions_are_unwrapped",
    "steps too long": "test_msd.py::test_wrapped_positions_that_are_too_far_apart_are_refused",
    "single precision far from the origin": "test_msd.py::test_keeps_its_digits_far_from_the_origin",
    "lags cut to whole numbers": "test_analysis_traps.py::test_no_lag_becomes_its_neighbour",
    "odd lengths of transforms": "test_orientation.py::test_equals_the_definition_for_odd_and_even_lengths",
    "cells that do not begin along x": "test_sites.py::test_a_turned_cell_gives_the_same_hops",
    "the first four ligands": "test_analysis_traps.py::test_ligands_of_anions_that_nearly_touch",
    "files that changed": "test_analysis_traps.py::test_a_file_that_changed_is_read_anew",
    "same numbers of two species": "test_analysis_traps.py::test_no_pair_of_two_species_is_left_out",
    "errors of a fitted line": "test_analysis_traps.py::test_the_error_of_d_is_not_that_of_a_line",
    "vibrations in D": "test_diffusion.py::test_the_slope_is_exact_and_the_offset_is_not_counted",
    "time steps of DCD": "test_formats.py::test_the_same_run_in_every_format",
    "elements in another case": "test_trajectories.py::test_what_cannot_be_used_is_said_in_one_line",
    "shells of all anions together": "test_residence.py::test_a_cation_that_goes_to_another_anion_has_left",
    "drift": "test_msd.py::test_drift_of_the_framework_does_not_count",
    "ligands as the frame": "test_msd.py::test_a_turning_anion_does_not_move_the_frame",
    "cells that change": "test_trajectories.py::test_atoms_do_not_breathe_with_the_cells_that_they_crossed",
    "cells that flip": "test_hops.py::test_a_cell_that_flips_or_is_missing_is_refused",
    "chords for angles": "test_rotation_events.py::test_angles_are_true_angles_and_the_threshold_is_one",
    "steps of a LAMMPS dump": "test_formats.py::test_a_dump_tells_times_and_uneven_steps",
}
"""Trap: the test that holds it."""


@pytest.mark.parametrize("trap", TRAPS)
def test_every_trap_has_its_test(trap: str) -> None:
    file, name = TRAPS[trap].split("::")
    tree = ast.parse((Path(__file__).parent / file).read_text())
    assert name in [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]


def test_no_lag_becomes_its_neighbour() -> None:
    """0.29 / 0.01 is 28.999...; every lag is found where it is, and half a lag is refused."""
    n = 500
    universe = mda.Universe.empty(1, trajectory=True)
    line = np.arange(n)[:, None, None] * np.array([1.0, 0.0, 0.0])
    universe.load_new(line.astype(np.float32), dt=0.01)
    frames = np.arange(1, n)
    assert (np.floor(frames * 0.01 / 0.01) != frames).any()  # the trap is there
    for times in (frames * 0.01, np.cumsum(np.full(n - 1, 0.01)), frames / 100.0):
        analysis = VanHoveSelf(universe.atoms, None, lags=times, width=5.0, longest_distance=10.0, origins=50)
        np.testing.assert_allclose(analysis.run().data.msd, frames**2, rtol=1e-12)
    with pytest.raises(InputError, match="no whole multiple"):
        VanHoveSelf(universe.atoms, None, lags=[0.295]).run()


@pytest.mark.parametrize("shift", [6.0, 19.5])
def test_ligands_of_anions_that_nearly_touch(shift: float) -> None:
    """Two PS4 face to face, also across a face of the cell: S of the other one come first within 3.7 A."""
    between = np.full(3, (2.0 * 2.05 / 3.0 + 2.4) / np.sqrt(3.0))
    other, mine, alone = TETRAHEDRON + between, -TETRAHEDRON, np.full((1, 3), 10.0)
    positions = np.vstack([other, mine, np.zeros((1, 3)), between, alone])
    near = np.flatnonzero(np.linalg.norm(positions[:8] - positions[8], axis=1) < 3.7)
    assert near[:4].tolist() != [4, 5, 6, 7]  # the trap is there
    universe = mda.Universe.empty(11, trajectory=True)
    universe.add_TopologyAttr("elements", ["S"] * 8 + ["P"] * 2 + ["Na"])
    inside = np.mod(positions + shift, 20.0).astype(np.float32)
    universe.load_new(inside[None], dimensions=[[20.0] * 3 + [90.0] * 3])
    found = [sorted(anion.indices.tolist()) for anion in find_ions(universe, "Na", "PS4").anions]
    assert sorted(found) == [[0, 1, 2, 3, 9], [4, 5, 6, 7, 8]]


def write_xtc(path: Path, positions: Array, box: Array) -> None:
    universe = mda.Universe.empty(positions.shape[1], trajectory=True)
    cells = np.tile([*np.diag(box), 90.0, 90.0, 90.0], (len(positions), 1))
    universe.load_new(positions.astype(np.float32), dimensions=cells, dt=DT)
    with mda.Writer(str(path), positions.shape[1]) as writer:
        for _ in universe.trajectory:
            writer.write(universe.atoms)


def test_a_file_that_changed_is_read_anew(tmp_path: Path) -> None:
    """Of the same name and length, with the offsets of the old one beside it."""
    found, right = [], []
    for seed in (1, 2):
        made = conductor(30, seed=seed, anion_grid=(2, 2, 2), interval=DT)
        symbols = ["P", "S", "S", "S", "S"] * 8 + ["Li"] * 24
        write(tmp_path / "first.pdb", Atoms(symbols, made.wrapped()[0], cell=made.boxes[0], pbc=True))
        write_xtc(tmp_path / "run.xtc", made.wrapped(), made.boxes[0])
        universe = open_trajectory(tmp_path / "first.pdb", tmp_path / "run.xtc")
        data = MeanSquaredDisplacement(universe.select_atoms("element Li"), None).run().data
        found.append(data.msd.values[1])
        right.append(((made.positions[1:, 40:] - made.positions[:-1, 40:]) ** 2).sum(axis=-1).mean())
    np.testing.assert_allclose(found, right, rtol=1e-3)
    assert abs(right[1] / right[0] - 1.0) > 0.01


def test_no_pair_of_two_species_is_left_out() -> None:
    """The fifth P and the fifth Li are two atoms; of one species an atom does not meet itself."""
    run = peer_run(tilted=False)
    li, p = run.universe.atoms[run.cations], run.universe.atoms[run.centers]
    bins: dict[str, Any] = {"width": WIDTH, "longest_distance": LONGEST}
    for a, b in ((p, li), (li, li)):
        inside, n = 0, 0
        for t in range(0, len(run.positions) - LAG, 40):
            d = run.positions[t + LAG, b.indices][None] - run.positions[t, a.indices][:, None]
            d -= np.round(d @ np.linalg.inv(run.box)) @ run.box
            near = np.linalg.norm(d, axis=-1) < LONGEST
            inside += int((near & (a.indices[:, None] != b.indices[None])).sum())
            n += len(a)
        data = VanHoveDistinct(a, b, lags=[LAG * DT], origins=40, **bins).run().data
        found = data.radial.values[0].sum() * WIDTH
        assert found == pytest.approx(inside / n, rel=1e-6)


def test_the_error_of_d_is_not_that_of_a_line() -> None:
    """Points of one curve are correlated: the scatter about the line says nothing."""
    run = peer_run(tilted=False)
    data = MeanSquaredDisplacement(run.universe.atoms[run.cations], run.framework).run().data
    window = FitWindow(0.5, 5.0)
    lags, curves = data.lag_times.values, data.msd_by_particle.values
    found = run_diffusion(lags, curves, hop_length=3.0, window=window)
    inside = (lags >= window.begin_ps) & (lags <= window.end_ps)
    (slope, _), covariance = np.polyfit(lags[inside], curves[inside].mean(axis=1), 1, cov=True)
    assert found.d == pytest.approx(slope / 6.0, rel=1e-6)
    assert found.particle_error > 10.0 * np.sqrt(covariance[0, 0]) / 6.0
    rng = np.random.default_rng(1)
    drawn = [
        run_diffusion(lags, curves[:, rng.integers(0, 81, 81)], hop_length=3.0, window=window).d
        for _ in range(200)
    ]
    assert found.particle_error == pytest.approx(np.std(drawn), rel=0.2)
