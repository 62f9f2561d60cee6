from __future__ import annotations

import MDAnalysis as mda
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from openmm_anion.analysis.ions import Anion
from openmm_anion.analysis.surroundings import CationsAroundAnion
from openmm_anion.errors import InputError

ARMS = 2.0 / np.sqrt(3.0) * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
BOX = 24.0
FRAMES = 5


def crystal(beyond: float) -> tuple[mda.Universe, list[Anion]]:
    """Two XY4 turned at random, atoms in another order, each with a cation beyond one of its arms."""
    rng = np.random.default_rng(4)
    orders = [[0, 1, 2, 3, 4], [3, 1, 0, 4, 2]]
    symbols = np.array(["P", "S", "S", "S", "S"])
    anions, frames = [], np.empty((FRAMES, 12, 3))
    for a, order in enumerate(orders):
        shape = np.vstack([np.zeros(3), ARMS])[order]
        kinds = symbols[order]
        masses = np.where(kinds == "P", 31.0, 32.0)
        anions.append(Anion("PS4", np.arange(5 * a, 5 * a + 5), tuple(kinds), masses, None, np.arange(5)))
        centre = np.array([6.0, 6.0, 6.0]) + 12.0 * a
        for f, turn in enumerate(Rotation.random(FRAMES, random_state=rng)):
            frames[f, 5 * a : 5 * a + 5] = centre + turn.apply(shape)
            frames[f, 10 + a] = centre + turn.apply(beyond * ARMS[a] / 2.0) + BOX * a  # any image will do
    universe = mda.Universe.empty(12, trajectory=True)
    universe.load_new(frames, dimensions=[[BOX, BOX, BOX, 90.0, 90.0, 90.0]] * FRAMES, dt=1.0)
    return universe, anions


def test_equal_places_of_equal_anions_are_one_however_they_are_turned_and_numbered() -> None:
    universe, anions = crystal(4.0)
    data = CationsAroundAnion(universe.atoms[10:], anions, radius=6.0, spacing=0.5).run().data
    volume = 0.5**3
    assert float(data.density.sum()) * volume == pytest.approx(1.0)  # each anion has one
    arms = data["shape"].values[data.symbol.values == "S"]
    assert np.linalg.norm(arms, axis=1) == pytest.approx(2.0)
    for arm in arms:
        near = data.density.sel(
            {axis: slice(2.0 * x - 0.6, 2.0 * x + 0.6) for axis, x in zip("xyz", arm, strict=True)}
        )
        assert float(near.sum()) * volume == pytest.approx(0.25)
    assert float(data.mean_density) == pytest.approx(2 / BOX**3)


def test_a_cell_that_changes_and_a_crystal_that_drifts_across_its_faces_alter_nothing() -> None:
    universe, anions = crystal(3.0)
    expected = CationsAroundAnion(universe.atoms[10:], anions, radius=6.0, spacing=0.5).run().data
    boxes = BOX * (1.0 + 0.03 * np.arange(FRAMES))
    frames = universe.trajectory.timeseries(order="fac").astype(np.float64)
    frames[:, 11] -= BOX  # beside its anion
    frames += 4.0 + 2.0 * np.arange(FRAMES)[:, None, None]
    frames -= np.floor(frames / boxes[:, None, None]) * boxes[:, None, None]
    universe.load_new(frames, dimensions=[[box] * 3 + [90.0] * 3 for box in boxes], dt=1.0)
    data = CationsAroundAnion(universe.atoms[10:], anions, radius=6.0, spacing=0.5).run().data
    assert (np.abs(np.diff(frames, axis=0)) > 15.0).any()
    np.testing.assert_allclose(data.density, expected.density, atol=1e-12)


def test_what_is_beyond_the_sphere_does_not_count() -> None:
    universe, anions = crystal(4.0)
    data = CationsAroundAnion(universe.atoms[10:], anions, radius=3.9, spacing=0.3).run().data
    assert not data.density.values.any()


@pytest.mark.parametrize(
    ("radius", "spacing", "message"), [(-1.0, 0.4, "radius -1"), (5.0, 0.0, "spacing 0")]
)
def test_lengths_that_are_none_are_refused(radius: float, spacing: float, message: str) -> None:
    universe, anions = crystal(4.0)
    with pytest.raises(InputError, match=message):
        CationsAroundAnion(universe.atoms[10:], anions, radius=radius, spacing=spacing)


def test_anions_of_several_kinds_or_on_a_line_are_refused() -> None:
    universe, anions = crystal(4.0)
    rods = [Anion("PS", np.array([0, 1]), ("P", "S"), np.array([31.0, 32.0]), None, np.array([0, 1]))]
    with pytest.raises(InputError, match="several kinds"):
        CationsAroundAnion(universe.atoms[10:], [*anions, *rods], radius=5.0)
    with pytest.raises(InputError, match="PS is linear"):
        CationsAroundAnion(universe.atoms[10:], rods, radius=5.0).run()
