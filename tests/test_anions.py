"""Finding polyanions: whole ions through periodic boundaries, their numbers against ASE, clear refusals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import read
from ion_crystals import CUBIC, IONS, TRICLINIC, Array, ion_crystal

from openmm_anion.anions import Polyanions, find_polyanions
from openmm_anion.errors import InputError
from openmm_anion.periodic import heights, make_whole, minimum_image
from openmm_anion.shape import center_of_mass, principal_axes

EXAMPLE = Path(__file__).parents[1] / "examples" / "na3ps4" / "na3ps4.cif"
SHAPES = {
    "CN": "linear",
    "SCN": "linear",
    "ICl2": "linear",
    "NO2": "planar",
    "NO3": "planar",
    "BH4": "general",
    "PF6": "general",
    "P2S6": "general",
}


def ions_as_sets(anions: Polyanions) -> set[tuple[str, frozenset[int]]]:
    return {(anion.formula, frozenset(anion.indices.tolist())) for anion in anions}


def distances(points: Array) -> Array:
    return np.linalg.norm(points[:, None] - points[None], axis=2)


def test_thiophosphate_of_the_example() -> None:
    atoms = read(EXAMPLE)
    assert isinstance(atoms, Atoms)
    anions = find_polyanions(atoms, "PS4")
    assert repr(anions) == "<Polyanions: 2 PS4 (general)>"
    for anion in anions:
        assert sorted(anion.symbols) == ["P", "S", "S", "S", "S"]
        phosphorus = anion.symbols.index("P")
        others = np.delete(distances(anion.positions)[phosphorus], phosphorus)
        assert others == pytest.approx(0.205, abs=1e-4)
        assert len(anion.bonds) == 4
    # The first sits on the origin: the file's positions cut it at the border.
    assert np.abs(anions.centers_of_mass[0] - anions[0].positions[anions[0].symbols.index("P")]).max() < 1e-12


@pytest.mark.parametrize("box", [CUBIC, TRICLINIC], ids=["cubic", "triclinic"])
def test_every_shape_through_the_border(box: Array) -> None:
    crystal = ion_crystal(list(SHAPES), box)
    anions = find_polyanions(crystal.atoms, list(SHAPES))
    assert {anion.formula: anion.shape for anion in anions} == SHAPES
    cut = 0
    for anion, indices, name in zip(anions, crystal.anions, SHAPES, strict=True):
        assert anion.indices.tolist() == indices
        assert len(anion) == len(IONS[name][0])
        assert anion.symbols == tuple(IONS[name][0])
        true = crystal.positions[indices]
        shift = anion.positions - true
        assert np.abs(shift - shift[0]).max() < 1e-12  # the same ion, whole, perhaps one period away
        assert minimum_image(shift[0], box) == pytest.approx(np.zeros(3), abs=1e-12)
        assert np.array_equal(anions.positions[indices], anion.positions)
        cut += int(np.abs(crystal.wrapped[indices] - anion.positions).max() > 0.1)
    assert cut >= 3
    cations = [i for i, symbol in enumerate(crystal.symbols) if symbol == "Na"]
    assert np.allclose(anions.positions[cations], crystal.wrapped[cations], atol=1e-13)
    assert anions.indices.tolist() == [i for indices in crystal.anions for i in indices]
    assert np.allclose(anions.box, box)


@pytest.mark.parametrize("box", [CUBIC, TRICLINIC], ids=["cubic", "triclinic"])
def test_order_and_wrapping_do_not_matter(box: Array) -> None:
    crystal = ion_crystal(list(SHAPES), box)
    wanted = ions_as_sets(find_polyanions(crystal.atoms, list(SHAPES)))
    random = np.random.default_rng(3)
    for _ in range(5):
        order = random.permutation(len(crystal.symbols))
        images = random.integers(-2, 3, size=(len(order), 3)) @ box
        shuffled = Atoms(
            [crystal.symbols[i] for i in order],
            (crystal.positions + images)[order] * 10,
            cell=box * 10,
            pbc=True,
        )
        found = find_polyanions(shuffled, list(SHAPES))
        assert {(f, frozenset(int(order[i]) for i in ion)) for f, ion in ions_as_sets(found)} == wanted
        for anion in found:
            assert list(anion.indices) == sorted(anion.indices)
            true = crystal.positions[order[anion.indices]]
            assert np.allclose(distances(anion.positions), distances(true), atol=1e-12)
        assert [int(anion.indices[0]) for anion in found] == sorted(int(anion.indices[0]) for anion in found)


def test_some_of_several_formulas() -> None:
    crystal = ion_crystal(["BH4", "NO3", "BH4", "CN"])
    anions = find_polyanions(crystal.atoms, ["CN", "BH4"])
    assert [anion.formula for anion in anions] == ["BH4", "BH4", "CN"]
    assert repr(anions) == "<Polyanions: 2 BH4 (general), 1 CN (linear)>"
    part = anions[1:]
    assert isinstance(part, Polyanions)
    assert [anion.formula for anion in part] == ["BH4", "CN"]
    assert find_polyanions(crystal.atoms, "H4B")[0].formula == "H4B"


def test_cage() -> None:
    crystal = ion_crystal(["B12H12"], TRICLINIC)
    (anion,) = find_polyanions(crystal.atoms, "B12H12")
    assert anion.shape == "general"
    assert len(anion) == 24
    assert len(anion.bonds) == 30 + 12  # edges of the icosahedron and B-H


@pytest.mark.parametrize("name", list(SHAPES))
def test_masses_centres_and_inertia_are_those_of_ase(name: str) -> None:
    crystal = ion_crystal([name, name], TRICLINIC)
    atoms = crystal.atoms
    for anion in find_polyanions(atoms, name):
        alone = Atoms(anion.symbols, anion.positions * 10)
        assert anion.masses == pytest.approx(alone.get_masses())
        assert anion.center_of_mass == pytest.approx(alone.get_center_of_mass() / 10, abs=1e-12)
        moments = np.linalg.eigvalsh(anion.inertia)
        assert moments == pytest.approx(alone.get_moments_of_inertia() / 100, abs=1e-9)
        seconds, axes = principal_axes(anion.positions, anion.masses)
        assert np.linalg.det(axes) == pytest.approx(1.0)
        assert sorted(seconds.sum() - seconds) == pytest.approx(moments, abs=1e-9)
        assert center_of_mass(anion.positions, anion.masses) == pytest.approx(anion.center_of_mass)


def test_isotopes_keep_their_masses() -> None:
    atoms = ion_crystal(["BH4"]).atoms
    atoms.set_masses(
        [
            2.014 if symbol == "H" else mass
            for symbol, mass in zip(atoms.symbols, atoms.get_masses(), strict=True)
        ]
    )
    assert find_polyanions(atoms, "BH4")[0].masses[1:] == pytest.approx(2.014)


def test_hydrogen_sulfate_is_no_sulfate() -> None:
    tetrahedron = 1.47 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
    sulfate = np.concatenate([np.zeros((1, 3)), tetrahedron])
    proton = tetrahedron[:1] * (1 + 0.97 / 1.47)
    atoms = (
        Atoms("SO4", sulfate)
        + Atoms("SO4H", np.concatenate([sulfate, proton]) + 5.0)
        + Atoms("Na", [[8, 2, 2]])
    )
    atoms.set_cell([10, 10, 10])
    atoms.pbc = True
    atoms.wrap()
    assert [anion.indices.tolist() for anion in find_polyanions(atoms, "SO4")] == [[0, 1, 2, 3, 4]]
    assert len(find_polyanions(atoms, ["SO4", "HSO4"])) == 2
    del atoms[[0, 1, 2, 3, 4]]
    with pytest.raises(InputError, match=r"^no isolated SO4 in the structure; its elements form: 1 x \w+ "):
        find_polyanions(atoms, "SO4")


def test_cations_do_not_bind_unless_named() -> None:
    """Li-H in LiBH4 is shorter than the sum of the radii allows; Al in AlCl4 is part of the ion."""
    borohydride = ion_crystal(["BH4"]).atoms
    borohydride += Atoms("Li", [borohydride.positions[1] + [1.0, 0.6, 0.6]])
    assert len(find_polyanions(borohydride, "BH4")) == 1
    chloride = 2.13 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
    aluminate = Atoms("AlCl4", np.concatenate([np.zeros((1, 3)), chloride]), cell=[9] * 3, pbc=True)
    assert len(find_polyanions(aluminate, "AlCl4")) == 1


CYANIDE = Atoms("KCN", [[0, 0, 0], [3.2, 2.6, 3.2], [3.2, 3.8, 3.2]], cell=[6.5] * 3, pbc=True)


@pytest.mark.parametrize(
    ("formulas", "message"),
    [
        ("PS4", r"^anion element P is not in the structure, which holds C, K, N$"),
        ("C2N", r"^no isolated C2N in the structure; its elements form: 1 x CN \(bond_scale 1.25\)$"),
        ("ps4", r"^anion formula 'ps4' cannot be read; write it like PS4, BH4 or B12H12$"),
        ("CN-", r"^anion formula 'CN-' cannot be read"),
        ("Xx2", r"^anion formula 'Xx2' names 'Xx', which is no element$"),
        ("C", r"^anion formula 'C' is a single atom, which cannot rotate or vibrate"),
        (["CN", "NC"], r"^anion formulas 'CN' and 'NC' claim the same atoms; give each composition once$"),
        ([], r"^no anion formula given; name at least one, e.g. PS4$"),
    ],
)
def test_formulas_that_cannot_be_used(formulas: str | Sequence[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        find_polyanions(CYANIDE, formulas)


def test_networks_are_no_ions() -> None:
    chain = Atoms("CN", [[0, 0, 0], [1.3, 0, 0]], cell=[2.6, 8, 8], pbc=True)
    with pytest.raises(InputError, match=r"^a cluster of composition CN is bonded to its own periodic image"):
        find_polyanions(chain, "CN")
    with pytest.raises(
        InputError, match=r"^no isolated CN: the bonded network of C-N runs through the whole"
    ):
        find_polyanions(chain.repeat((3, 1, 1)), "CN")


def test_a_network_beside_the_ions_is_left_alone() -> None:
    chain = Atoms("SiO", [[0, 6, 6], [1.6, 6, 6]], cell=[3.2, 12, 12], pbc=True).repeat((2, 1, 1))
    both = chain + Atoms("CN", [[1, 1, 1], [1, 2.2, 1]])
    assert len(find_polyanions(both, "CN")) == 1


def broken_cyanide(what: str) -> Atoms:
    atoms = CYANIDE.copy()
    if what == "position":
        atoms.positions[1, 2] = np.nan
    elif what == "vector":
        atoms.cell[2, 2] = np.inf
    elif what == "slab":
        atoms.pbc = [True, True, False]
    else:
        atoms.set_cell([6.5, 6.5, 0])
    return atoms


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("position", r"^atom 1 of the structure has a coordinate that is not finite; check the file$"),
        ("vector", r"^a cell vector of the structure is not finite; check the file$"),
        ("slab", r"^the structure is not periodic in three directions; give one with a cell"),
        ("flat", r"^the structure is not periodic in three directions; give one with a cell"),
    ],
)
def test_structures_that_cannot_be_used(what: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        find_polyanions(broken_cyanide(what), "CN")


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_bond_scale_is_a_positive_number(scale: float) -> None:
    with pytest.raises(InputError, match=r"^bond_scale \S+ is not a positive number; a usual one is 1.25$"):
        find_polyanions(CYANIDE, "CN", bond_scale=scale)


def test_bond_scale_decides() -> None:
    with pytest.raises(InputError, match=r"its elements form: none \(bond_scale 0.5\)$"):
        find_polyanions(CYANIDE, "CN", bond_scale=0.5)


@pytest.mark.parametrize(
    "box", [CUBIC, TRICLINIC, np.diag([1.5, 0.4, 0.5])], ids=["cubic", "triclinic", "narrow"]
)
def test_make_whole_follows_chains_longer_than_half_the_box(box: Array) -> None:
    chain = np.cumsum(np.tile([0.12, 0.05, 0.01], (8, 1)), axis=0)
    random = np.random.default_rng(1)
    cut = chain + random.integers(-3, 4, size=(8, 3)) @ box
    whole = make_whole(cut, box)
    assert np.array_equal(whole[0], cut[0])
    assert np.allclose(whole - whole[0], chain - chain[0], atol=1e-12)


def test_heights_of_a_skewed_box() -> None:
    volume = np.linalg.det(TRICLINIC)
    areas = [np.linalg.norm(np.cross(TRICLINIC[(k + 1) % 3], TRICLINIC[(k + 2) % 3])) for k in range(3)]
    assert heights(TRICLINIC) == pytest.approx(volume / np.array(areas))
