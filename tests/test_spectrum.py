from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import MDAnalysis as mda
import numpy as np
import pytest
from MDAnalysis.lib.mdamath import triclinic_vectors
from numpy.typing import NDArray
from scipy.signal import welch
from scipy.spatial.transform import Rotation
from synthetic_study import TETRAHEDRON

from openmm_anion.analysis.ions import Anion
from openmm_anion.analysis.spectrum import PARTS, VibrationalSpectrum
from openmm_anion.analysis.velocity_split import split_velocities
from openmm_anion.analysis.welch import Welch
from openmm_anion.errors import InputError
from openmm_anion.units import MOLAR_GAS_CONSTANT

Array = NDArray[np.float64]

DT = 0.01
PS4 = np.vstack([np.zeros(3), 2.05 * TETRAHEDRON])
PS4_MASSES = np.array([30.974, 32.06, 32.06, 32.06, 32.06])
PLANAR = 1.28 * np.array([[0, 0, 0], [1, 0, 0], [-0.5, np.sqrt(0.75), 0], [-0.5, -np.sqrt(0.75), 0]])
PLANAR_MASSES = np.array([12.011, 15.999, 15.999, 15.999])
LINEAR = np.array([[-1.65, 0, 0], [0, 0, 0], [1.17, 0, 0]])
LINEAR_MASSES = np.array([32.06, 12.011, 14.007])
SHAPES = {
    "PS4": (PS4, PS4_MASSES),
    "CO3": (PLANAR, PLANAR_MASSES),
    "SCN": (LINEAR, LINEAR_MASSES),
    "CN": (LINEAR[1:], LINEAR_MASSES[1:]),
}
CELL = [16.0, 17.0, 18.0, 70.0, 75.0, 80.0]


def anion_of(formula: str, first: int) -> Anion:
    masses = SHAPES[formula][1]
    n = len(masses)
    return Anion(formula, np.arange(first, first + n), ("X",) * n, masses, None, np.arange(n))


def universe_of(
    positions: Array, velocities: Array | None, masses: Sequence[float] | Array, cell: Any = CELL
) -> Any:
    has = velocities is not None
    universe = mda.Universe.empty(positions.shape[1], trajectory=True, velocities=has)
    universe.add_TopologyAttr("masses", masses)
    universe.load_new(
        positions.astype(np.float32),
        velocities=velocities.astype(np.float32) if velocities is not None else None,
        dimensions=None if cell is None else np.tile(cell, (len(positions), 1)),
        dt=DT,
    )
    return universe


def one_anion(formula: str, atoms: Array, velocities: Array) -> Any:
    """A resting cation, and an anion that moves as it is told about the corner of a triclinic cell."""
    vectors = triclinic_vectors(CELL)
    still = np.full((len(atoms), 1, 3), 5.0)
    positions = np.concatenate([still, atoms], axis=1)
    wrapped = positions - np.floor(positions @ np.linalg.inv(vectors)) @ vectors
    moving = np.concatenate([np.zeros_like(still), velocities], axis=1)
    universe = universe_of(wrapped, moving, [22.99, *SHAPES[formula][1]])
    return VibrationalSpectrum(universe.atoms[:1], [anion_of(formula, 1)]).run(), universe


def integral(spectrum: Any) -> Any:
    return spectrum.sum("frequency") * float(spectrum.frequency[1])


def peak(analysis: Any, part: str) -> float:
    return float(analysis.data.spectrum.sel(part=part).idxmax())


def shares(analysis: Any) -> dict[str, float]:
    """Part of the kinetic energy in each part, from the integrals."""
    energies = integral(analysis.data.spectrum)
    return {part: float(energies.sel(part=part) / energies.sum()) for part in PARTS}


def random_molecules(
    formula: str, n_frames: int, rng: np.random.Generator, bend: float = 0.0
) -> tuple[Array, Array]:
    """Positions about the centre of mass, turned at random, and random velocities."""
    shape, masses = SHAPES[formula]
    shape = shape - masses @ shape / masses.sum()
    turned = Rotation.random(n_frames, random_state=7).as_matrix() @ shape.T
    atoms = np.swapaxes(turned, 1, 2) + bend * rng.normal(size=(n_frames, *shape.shape))
    atoms -= np.einsum("i,fik->fk", masses / masses.sum(), atoms)[:, None]
    return np.ascontiguousarray(atoms), rng.normal(size=atoms.shape)


@pytest.mark.parametrize("formula", list(SHAPES))
def test_rotation_is_the_nearest_rigid_one(formula: str) -> None:
    masses = SHAPES[formula][1]
    n = len(masses)
    linear = n < 4
    atoms, velocities = random_molecules(formula, 30, np.random.default_rng(1))
    translation, rotation, vibration = split_velocities(
        atoms, velocities, np.array([0, n]), masses, np.array([linear])
    )
    root = np.sqrt(masses)[:, None]
    for f in range(30):
        fields = [np.cross(axis, atoms[f]) for axis in np.eye(3)]
        design = np.stack([(root * field).ravel() for field in fields], axis=1)
        inner = velocities[f] - masses @ velocities[f] / masses.sum()
        omega = np.linalg.lstsq(design, (root * inner).ravel(), rcond=1e-6)[0]
        np.testing.assert_allclose((root * rotation[f]).ravel(), design @ omega, atol=1e-9)
        np.testing.assert_allclose(translation[f, 0], masses @ velocities[f] / masses.sum(), atol=1e-12)
        np.testing.assert_allclose(translation[f] + rotation[f] + vibration[f], velocities[f], atol=1e-12)
    kinetic = [
        masses.sum() * (translation**2).sum(axis=(1, 2)),
        *((root * part) ** 2 for part in (rotation, vibration)),
    ]
    together = kinetic[0] + kinetic[1].sum(axis=(1, 2)) + kinetic[2].sum(axis=(1, 2))
    np.testing.assert_allclose(together, ((root * velocities) ** 2).sum(axis=(1, 2)), rtol=1e-12)
    if n == 2:
        # A single bond: what vibrates is its length.
        bond = atoms[:, 1] - atoms[:, 0]
        change = vibration[:, 1] - vibration[:, 0]
        np.testing.assert_allclose(np.cross(bond, change), 0.0, atol=1e-9)


@pytest.mark.parametrize("bend", [0.0, 0.05, 0.3])
def test_a_bent_linear_anion_does_not_turn_about_its_line(bend: float) -> None:
    atoms, velocities = random_molecules("SCN", 30, np.random.default_rng(2), bend)
    parts = split_velocities(atoms, velocities, np.array([0, 3]), LINEAR_MASSES, np.array([True]))
    for f in range(30):
        inertia = np.zeros((3, 3))
        for mass, r in zip(LINEAR_MASSES, atoms[f], strict=True):
            inertia += mass * (r @ r * np.eye(3) - np.outer(r, r))
        line = np.linalg.eigh(inertia)[1][:, 0]
        angular = (LINEAR_MASSES[:, None] * np.cross(atoms[f], parts[1][f])).sum(axis=0)
        assert abs(line @ angular) < 1e-9
        # and so is at right angles to the rest
        assert abs((LINEAR_MASSES[:, None] * parts[1][f] * parts[2][f]).sum()) < 1e-9


@pytest.mark.parametrize("size", [40, 41])
@pytest.mark.parametrize("chunk", [7, 40, 300])
def test_spectra_from_pieces_are_those_of_scipy(size: int, chunk: int) -> None:
    x = np.random.default_rng(3).normal(size=(300, 6))
    ours = Welch(size, 0.5, {"a": slice(0, 3), "b": slice(3, 6)}, ("a", "b"))
    for first in range(0, 300, chunk):
        ours(x[first : first + chunk])
    options: dict[str, Any] = {"fs": 2.0, "nperseg": size, "detrend": False, "axis": 0}
    frequencies, expected = welch(x, **options)
    both = welch(x[:, :3] + x[:, 3:], **options)[1].sum(axis=1)
    power = ours.power()
    np.testing.assert_allclose(ours.frequencies, frequencies)
    np.testing.assert_allclose(power["a"], expected[:, :3].sum(axis=1), rtol=1e-10)
    np.testing.assert_allclose(power["b"], expected[:, 3:].sum(axis=1), rtol=1e-10)
    np.testing.assert_allclose(sum(power.values()), both, rtol=1e-10)


def crystal(
    rng: np.random.Generator, n_frames: int, temperature: float = 600.0
) -> tuple[Array, Array, Array, list[Anion]]:
    """Two cations, PS4 and SCN across faces of a triclinic cell, and a chloride, with thermal velocities."""
    vectors = triclinic_vectors(CELL)
    masses = np.concatenate([[22.99] * 2, PS4_MASSES, [35.45], LINEAR_MASSES])
    turns = Rotation.from_rotvec(np.outer(np.arange(n_frames) * 0.02, [0.3, 0.5, 0.8])).as_matrix()
    anions = [anion_of("PS4", 2), anion_of("SCN", 8)]
    start = np.array([[3.0, 3.0, 3.0], [9.0, 3.0, 5.0], [8.0, 9.0, 10.0]])
    parts = [np.tile(start[:2], (n_frames, 1, 1)), np.swapaxes(turns @ PS4.T, 1, 2)]
    parts += [
        np.tile(start[2:], (n_frames, 1, 1)),
        np.swapaxes(turns @ LINEAR.T, 1, 2) + 0.5 * vectors.sum(axis=0),
    ]
    positions = np.concatenate(parts, axis=1)
    positions[:, 8:] += vectors[0] * 0.5
    wrapped = positions - np.floor(positions @ np.linalg.inv(vectors)) @ vectors
    speed = np.sqrt(MOLAR_GAS_CONSTANT * temperature / (0.01 * masses))
    velocities = rng.normal(size=positions.shape) * speed[:, None]
    return wrapped, velocities, masses, anions


def test_parts_add_up_to_the_spectrum_of_all_atoms() -> None:
    positions, velocities, masses, anions = crystal(np.random.default_rng(4), 500)
    universe = universe_of(positions, velocities, masses)
    analysis = VibrationalSpectrum(universe.atoms[:2], anions, segment=1.0)
    data = analysis.run().data
    assert "reaches up to 50 THz" in str(data.note.sel(part="cations").values)
    weighted = np.sqrt(masses)[:, None] * velocities.astype(np.float32)
    frequencies, power = welch(weighted, fs=1.0 / DT, nperseg=100, detrend=False, axis=0)
    power *= 0.01  # Da A^2/ps^2 to kJ/mol
    np.testing.assert_allclose(data.frequency, frequencies)
    np.testing.assert_allclose(data.wavenumber, frequencies * 33.35641, rtol=1e-6)
    np.testing.assert_allclose(data.total, power.sum(axis=(1, 2)), rtol=1e-6)
    np.testing.assert_allclose(data.spectrum.sel(part="cations"), power[:, :2].sum(axis=(1, 2)), rtol=1e-6)
    np.testing.assert_allclose(data.spectrum.sel(part="others"), power[:, 7].sum(axis=1), rtol=1e-6)
    of_anions = data.spectrum.sel(part=["translation", "rotation", "vibration", "cross"]).sum("part")
    members = np.concatenate([anion.indices for anion in anions])
    np.testing.assert_allclose(of_anions, power[:, members].sum(axis=(1, 2)), rtol=1e-6)
    centres = [anion.masses @ velocities[:, anion.indices] / np.sqrt(anion.masses.sum()) for anion in anions]
    moving = welch(np.stack(centres, axis=1), fs=1.0 / DT, nperseg=100, detrend=False, axis=0)[1]
    translation = data.spectrum.sel(part="translation")
    np.testing.assert_allclose(translation, 0.01 * moving.sum(axis=(1, 2)), rtol=1e-5)


def test_every_part_has_the_temperature_of_its_degrees_of_freedom() -> None:
    positions, velocities, masses, anions = crystal(np.random.default_rng(5), 4000)
    universe = universe_of(positions, velocities, masses)
    data = VibrationalSpectrum(universe.atoms[:2], anions).run().data
    assert [bool(note) for note in data.note.values] == [part != "cross" for part in PARTS]
    freedom = dict(zip(PARTS, (int(n) for n in data.degrees_of_freedom), strict=True))
    # PS4 has 3 + 3 + 9, SCN 3 + 2 + 4
    assert freedom == {
        "cations": 6, "translation": 6, "rotation": 5, "vibration": 13, "cross": 0, "others": 3
    }  # fmt: skip
    for part, n in freedom.items():
        if not n:
            assert np.isnan(data.temperature.sel(part=part))
            continue
        error = 600.0 * np.sqrt(2.0 / (n * 4000))
        assert abs(float(data.temperature.sel(part=part)) - 600.0) < 3.5 * error
        # Segments overlap and fade at their ends, so the integral has about twice the variance.
        area = float(integral(data.spectrum.sel(part=part)))
        assert abs(area / (n * MOLAR_GAS_CONSTANT) - 600.0) < 6.0 * error
    assert abs(float(integral(data.spectrum.sel(part="cross")))) < 0.05 * MOLAR_GAS_CONSTANT * 600.0


def test_an_oscillator_is_at_its_frequency_with_its_energy() -> None:
    nu, amplitude = 6.0, 0.2
    t = DT * np.arange(1000)
    positions, velocities, masses, anions = crystal(np.random.default_rng(6), 1000, 0.0)
    velocities[:, 0, 1] = -amplitude * 2.0 * np.pi * nu * np.sin(2.0 * np.pi * nu * t)
    universe = universe_of(positions, velocities, masses)
    analysis = VibrationalSpectrum(universe.atoms[:2], anions).run()
    assert peak(analysis, "cations") == pytest.approx(nu)
    near = analysis.data.spectrum.sel(part="cations", frequency=slice(nu - 1.0, nu + 1.0))
    twice_kinetic = 22.99 * 0.5 * (amplitude * 2.0 * np.pi * nu) ** 2 * 0.01
    area = float(near.sum()) * float(analysis.data.frequency[1])
    assert area == pytest.approx(twice_kinetic, rel=1e-3)
    assert shares(analysis)["cations"] == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("formula", list(SHAPES))
def test_a_rotor_only_rotates(formula: str) -> None:
    nu = 2.0
    shape, masses = SHAPES[formula]
    shape = shape - masses @ shape / masses.sum()
    angle = 2.0 * np.pi * nu * DT * np.arange(500)
    turns = Rotation.from_rotvec(np.outer(angle, [0.0, 0.0, 1.0])).as_matrix()
    tilted = shape @ Rotation.from_rotvec([0.0, 0.4, 0.0]).as_matrix().T
    atoms = np.swapaxes(turns @ tilted.T, 1, 2)
    analysis, _ = one_anion(formula, atoms, 2.0 * np.pi * nu * np.cross([0.0, 0.0, 1.0], atoms))
    assert shares(analysis)["rotation"] == pytest.approx(1.0, abs=1e-6)
    assert shares(analysis)["vibration"] == pytest.approx(0.0, abs=1e-9)
    assert peak(analysis, "rotation") == pytest.approx(nu)
    assert float(analysis.data.temperature.sel(part="vibration")) < 1e-6


@pytest.mark.parametrize("formula", list(SHAPES))
def test_a_moving_anion_only_translates(formula: str) -> None:
    nu = 3.0
    shape, masses = SHAPES[formula]
    along, phase = np.array([1.0, 2.0, -0.5]), 2.0 * np.pi * nu * DT * np.arange(500)
    path = np.outer(0.1 * np.sin(phase), along)
    velocities = np.outer(0.1 * 2.0 * np.pi * nu * np.cos(phase), along)[:, None] * np.ones((len(masses), 1))
    analysis, _ = one_anion(formula, shape + path[:, None], velocities)
    assert shares(analysis)["translation"] == pytest.approx(1.0, abs=1e-6)
    assert peak(analysis, "translation") == pytest.approx(nu)


def test_a_breathing_anion_only_vibrates() -> None:
    nu = 12.0
    phase = 2.0 * np.pi * nu * DT * np.arange(500)
    atoms = PS4 * (1.0 + 0.03 * np.sin(phase))[:, None, None]
    velocities = PS4 * (0.03 * 2.0 * np.pi * nu * np.cos(phase))[:, None, None]
    analysis, _ = one_anion("PS4", atoms, velocities)
    assert shares(analysis)["vibration"] == pytest.approx(1.0, abs=1e-6)
    assert peak(analysis, "vibration") == pytest.approx(nu)


def test_a_turning_and_breathing_anion_has_a_cross_term_without_area() -> None:
    t = DT * np.arange(2000)
    size = 1.0 + 0.2 * np.sin(2.0 * np.pi * 4.0 * t)
    turns = Rotation.from_rotvec(np.outer(2.0 * np.pi * 4.0 * t, [0.0, 0.0, 1.0])).as_matrix()
    atoms = np.swapaxes(turns @ PS4.T, 1, 2) * size[:, None, None]
    velocities = 2.0 * np.pi * 4.0 * np.cross([0.0, 0.0, 1.0], atoms)
    velocities += atoms * (0.2 * 2.0 * np.pi * 4.0 * np.cos(2.0 * np.pi * 4.0 * t) / size)[:, None, None]
    analysis, _ = one_anion("PS4", atoms, velocities)
    cross = analysis.data.spectrum.sel(part="cross")
    assert np.abs(cross).max() > 1e-3 * analysis.data.total.max()
    assert abs(float(integral(cross))) < 1e-6 * float(integral(analysis.data.total))


def test_the_interval_is_that_between_analysed_frames() -> None:
    nu = 2.0
    phase = 2.0 * np.pi * nu * DT * np.arange(1000)
    velocities = np.outer(np.cos(phase), [1.0, 0.0, 0.0])[:, None] * np.ones((5, 1))
    _, universe = one_anion("PS4", PS4 + np.zeros((1000, 1, 1)), velocities)
    analysis = VibrationalSpectrum(universe.atoms[:1], [anion_of("PS4", 1)]).run(step=3)
    assert peak(analysis, "translation") == pytest.approx(nu, abs=0.1)
    assert float(analysis.data.frequency[-1]) == pytest.approx(0.5 / (3 * DT), rel=0.01)


@pytest.mark.parametrize("segment", [0.05, 10.1, -1.0])
def test_segments_that_do_not_fit_are_refused(segment: float) -> None:
    positions, velocities, masses, anions = crystal(np.random.default_rng(4), 1000)
    universe = universe_of(positions, velocities, masses)
    with pytest.raises(InputError, match=r"segment .*(no time|give one between 8 and the 1000 frames)"):
        VibrationalSpectrum(universe.atoms[:2], anions, segment=segment).run()


def test_what_is_missing_is_refused() -> None:
    positions, velocities, masses, anions = crystal(np.random.default_rng(4), 20)
    without = universe_of(positions, None, masses)
    with pytest.raises(InputError, match="frame 0 has no velocities"):
        VibrationalSpectrum(without.atoms[:2], anions).run()
    universe = universe_of(positions, velocities, masses)
    with pytest.raises(InputError, match="atom 2 is a cation and in an anion"):
        VibrationalSpectrum(universe.atoms[:3], anions)
    with pytest.raises(InputError, match="there are no anions"):
        VibrationalSpectrum(universe.atoms[:2], [])
    with pytest.raises(InputError, match="needs at least 8 frames, got 5"):
        VibrationalSpectrum(universe.atoms[:2], anions).run(stop=5)
    velocities[7, 3, 0] = np.nan
    with pytest.raises(InputError, match="frame 7: the velocity of atom 3 is not finite"):
        VibrationalSpectrum(universe_of(positions, velocities, masses).atoms[:2], anions).run()
    masses[7] = 0.0
    with pytest.raises(InputError, match="atom 7 has no mass"):
        VibrationalSpectrum(universe_of(positions, velocities, masses).atoms[:2], anions)


def test_the_parts_that_are_there_are_drawn() -> None:
    phase = 2.0 * np.pi * DT * np.arange(500)
    velocities = np.outer(np.cos(phase), [1.0, 0.0, 0.0])[:, None] * np.ones((5, 1))
    analysis, _ = one_anion("PS4", PS4 + np.zeros((500, 1, 1)), velocities)
    axes = analysis.plot()
    assert "translation" in [text.get_text() for text in axes.get_legend().get_texts()]
    assert "others" not in [text.get_text() for text in axes.get_legend().get_texts()]
    assert axes.get_xlabel() == "frequency (THz)"
