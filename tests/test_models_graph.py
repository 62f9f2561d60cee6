"""Edges of periodic structures, found inside TorchScript."""

from __future__ import annotations

import ase
import numpy as np
import pytest
import torch
from ase.neighborlist import neighbor_list
from crystals import na3ps4
from scripted_models import graph_potential, pair_reference

from openmm_anion.errors import InputError
from openmm_anion.models.edges import PeriodicEdges
from openmm_anion.units import EV

SHEAR = np.array([[1, 0, 0], [0.3, 1, 0], [-0.2, 0.4, 1]])


def sheared(repeat: tuple[int, int, int]) -> ase.Atoms:
    atoms = na3ps4(repeat)
    atoms.set_cell(atoms.cell.array @ SHEAR, scale_atoms=True)
    return atoms


@pytest.mark.parametrize(
    "repeat", [(2, 2, 2), (1, 1, 1)], ids=["128 atoms", "16 atoms, smaller than the cutoff"]
)
@pytest.mark.parametrize("cutoff", [3.0, 7.5])
def test_edges_equal_ase(repeat: tuple[int, int, int], cutoff: float) -> None:
    atoms = sheared(repeat)
    positions, cell = torch.tensor(atoms.positions), torch.tensor(atoms.cell.array)
    pairs, shifts = torch.jit.script(PeriodicEdges(cutoff))(positions, cell)
    vectors = positions[pairs[1]] - positions[pairs[0]] + shifts @ cell
    found = sorted(zip(*pairs.tolist(), vectors.numpy().round(6).tolist(), strict=True))
    i, j, reference = neighbor_list("ijD", atoms, cutoff)
    expected = sorted(zip(i.tolist(), j.tolist(), reference.round(6).tolist(), strict=True))
    assert [edge[:2] for edge in found] == [edge[:2] for edge in expected]
    np.testing.assert_allclose([e[2] for e in found], [e[2] for e in expected], atol=1.1e-6)
    assert (pairs[0].diff() >= 0).all()


def test_small_cells_and_images_change_nothing() -> None:
    small = sheared((1, 1, 1))
    potential = graph_potential()
    symbols = list(small.symbols)
    energy, forces = potential.energy_forces(symbols, small.positions / 10, small.cell.array / 10)
    reference = pair_reference(small)
    assert energy == pytest.approx(EV * reference[0], rel=2e-6)
    np.testing.assert_allclose(forces / (10 * EV), reference[1], atol=3e-6 * np.abs(reference[1]).max())
    doubled = small.repeat(2)
    twice = potential.energy_forces(list(doubled.symbols), doubled.positions / 10, doubled.cell.array / 10)
    assert twice[0] == pytest.approx(8 * energy, rel=2e-6)


def test_atoms_far_outside_of_the_box_lose_no_precision() -> None:
    """Differences of positions in single precision would be off by 1e-4 of the forces at 100 images."""
    atoms = na3ps4()
    box = atoms.cell.array / 10
    potential = graph_potential()
    symbols = list(atoms.symbols)
    _, near = potential.energy_forces(symbols, atoms.positions / 10, box)
    images = np.random.default_rng(1).integers(-100, 101, (len(atoms), 3))
    _, far = potential.energy_forces(symbols, atoms.positions / 10 + images @ box, box)
    np.testing.assert_allclose(far, near, atol=1e-6 * np.abs(near).max())


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_positions_that_blew_up_give_no_number(bad: float) -> None:
    potential = graph_potential()
    positions = torch.tensor([[0.0, 0.0, 0.0], [bad, 0.0, 0.0]], dtype=torch.float64)
    energy, forces = potential.bind(["Na", "S"])(positions, torch.eye(3, dtype=torch.float64))
    assert not np.isfinite(float(energy))
    assert forces.isnan().all()


def test_what_a_graph_model_cannot_describe() -> None:
    potential = graph_potential()
    potential.check(["Na"], np.eye(3) * 0.3)  # smaller than the cutoff: images are neighbours
    with pytest.raises(InputError, match=r"does not know element Li .atom 0.; it knows Na, P, S"):
        potential.check(["Li"], np.eye(3))
    with pytest.raises(InputError, match="needs a periodic box; give the structure a cell"):
        potential.check(["Na"], None)
