"""The lean evaluation of ANI equals torchani's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ase.calculators.singlepoint import SinglePointCalculator
from ase.neighborlist import neighbor_list
from crystals import na3ps4

from openmm_anion import models
from openmm_anion.models.ani import AniConfig, AniEnergy, build_torchani
from openmm_anion.models.batches import to_batch
from openmm_anion.models.neighbours import Pairs, minimum_image_pairs, pair_forces

ELEMENTS = ("Na", "P", "S")
CONFIGS = {
    "default": AniConfig(elements=ELEMENTS),
    "other": AniConfig(
        elements=ELEMENTS, radial_cutoff=4.7, radial_shifts=5, angular_cutoff=3.6, angular_shifts=3,
        angular_sections=8, angular_zeta=14.1, hidden=(16,),
    ),
}  # fmt: skip


@pytest.fixture(params=CONFIGS)
def config(request: pytest.FixtureRequest) -> AniConfig:
    return CONFIGS[request.param]


def structure() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    atoms = na3ps4(displacement=0.15)
    elements = torch.tensor([ELEMENTS.index(s) for s in atoms.symbols])
    return elements, torch.tensor(atoms.positions), torch.tensor(atoms.cell.array)


def test_features_equal_torchani(config: AniConfig) -> None:
    elements, positions, cell = structure()
    model = build_torchani(config)
    i, j, vectors = minimum_image_pairs(positions, cell, config.radial_cutoff)
    ours, _, _ = AniEnergy(model).features(elements, i, j, vectors.float())
    theirs = model.potentials["nnp"].aev_computer(
        elements[None], positions[None].float(), cell.float(), torch.tensor([True] * 3)
    )[0]
    assert float(theirs.abs().max()) > 1
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=2e-5)


def test_gradient_of_the_features_equals_autograd(config: AniConfig) -> None:
    elements, positions, cell = structure()
    functions = AniEnergy(build_torchani(config)).features
    i, j, vectors = minimum_image_pairs(positions, cell, config.radial_cutoff)
    vectors = vectors.float().requires_grad_()
    features, radial, angular = functions(elements, i, j, vectors)
    outer = torch.randn_like(features)
    (expected,) = torch.autograd.grad((features * outer).sum(), vectors)
    with torch.no_grad():
        found = functions.gradient(outer, vectors, radial, angular)
    assert float(expected.abs().max()) > 1
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_energy_and_forces_equal_torchani_after_folding(config: AniConfig) -> None:
    elements, positions, cell = structure()
    torch.manual_seed(1)
    model = build_torchani(config)
    ours = AniEnergy(model)
    ours.mean.copy_(torch.randn_like(ours.mean))
    ours.scale.copy_(0.5 + torch.rand_like(ours.scale))

    def evaluate() -> tuple[float, torch.Tensor]:
        i, j, vectors = minimum_image_pairs(positions, cell, config.radial_cutoff)
        energies, gradient = ours(elements, i, j, vectors)
        return float(energies.detach().sum()), pair_forces(gradient.detach(), i, j, len(elements))

    standardised = evaluate()
    ours.fold()
    folded = evaluate()
    assert folded[0] == pytest.approx(standardised[0], abs=1e-4)
    torch.testing.assert_close(folded[1], standardised[1], rtol=1e-3, atol=1e-4)

    where = positions.float().requires_grad_()
    energy = model((elements[None], where[None]), cell.float(), torch.tensor([True] * 3)).energies.sum()
    (gradient,) = torch.autograd.grad(energy, where)
    assert folded[0] == pytest.approx(float(energy.detach()), abs=1e-4)
    torch.testing.assert_close(folded[1], -gradient, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("many", [0, 1000], ids=["in cells", "of all"])
@pytest.mark.parametrize("unwrap", [0.0, 40.0])
def test_pairs_equal_ase_in_a_triclinic_cell(unwrap: float, many: int) -> None:
    rng = np.random.default_rng(3)
    atoms = na3ps4()
    atoms.set_cell(atoms.cell.array @ np.array([[1, 0, 0], [0.3, 1, 0], [-0.2, 0.4, 1]]), scale_atoms=True)
    i, j, distances = neighbor_list("ijd", atoms, 5.2)
    expected = sorted((a, b, round(d, 6)) for a, b, d in zip(i, j, distances, strict=True) if a < b)
    moved = atoms.positions + np.round(unwrap * rng.standard_normal((len(atoms), 3))) @ atoms.cell.array
    pairs = torch.jit.script(Pairs(5.2, many))
    i, j, vectors = pairs(torch.tensor(moved), torch.tensor(atoms.cell.array))
    assert bool((i[1:] * len(atoms) + j[1:] > i[:-1] * len(atoms) + j[:-1]).all())  # in order
    ends = torch.tensor(moved)[j] - torch.tensor(moved)[i] - vectors
    images = ends @ torch.linalg.inv(torch.tensor(atoms.cell.array))
    torch.testing.assert_close(images, images.round(), rtol=0, atol=1e-8)
    lengths = vectors.norm(dim=1).tolist()
    found = sorted((a, b, round(d, 6)) for a, b, d in zip(i.tolist(), j.tolist(), lengths, strict=True))
    assert [pair[:2] for pair in found] == [pair[:2] for pair in expected]
    np.testing.assert_allclose([p[2] for p in found], [p[2] for p in expected], atol=1e-5)


def test_large_crystals_are_repeated_small_ones() -> None:
    """128 atoms, all compared with all, and 1,024 of them, sorted into cells."""
    small = na3ps4()
    small.rattle(0.1, seed=1)
    large = small.repeat(2)
    potential = models.load("na3ps4")
    found = [
        potential.energy_forces(list(one.symbols), one.positions / 10, one.cell.array / 10)
        for one in (small, large)
    ]
    assert found[1][0] == pytest.approx(8 * found[0][0], rel=1e-7)
    np.testing.assert_allclose(found[1][1], np.tile(found[0][1], (8, 1)), atol=0.05)


def test_small_training_cells_see_their_own_images() -> None:
    """Half a cell listed with images gives the features of the doubled cell."""
    small = na3ps4((1, 1, 1))
    model = AniEnergy(build_torchani(CONFIGS["default"]))
    features = []
    for atoms in (small, small.repeat(2)):
        i = neighbor_list("i", atoms, 5.2)
        atoms.calc = SinglePointCalculator(atoms, energy=0.0, forces=np.zeros((len(atoms), 3)))
        batch = to_batch(atoms, ELEMENTS, 5.2)
        assert 2 * len(batch.i) == len(i)
        vectors = batch.positions[batch.j] - batch.positions[batch.i] + batch.shifts
        features.append(model.features(batch.elements, batch.i, batch.j, vectors)[0])
    torch.testing.assert_close(features[0].repeat(8, 1), features[1], rtol=1e-4, atol=1e-4)
