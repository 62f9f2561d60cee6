"""What both parts of the van Hove function refuse, and their drawings."""

from __future__ import annotations

import numpy as np
import pytest
from gases import SKEWED, gas
from MDAnalysis.lib.mdamath import triclinic_vectors
from synthetic_study import CUBIC
from universes import universe_of

from openmm_anion.analysis.distinct_van_hove import VanHoveDistinct
from openmm_anion.analysis.pair_histogram import inscribed_radius
from openmm_anion.analysis.van_hove import VanHoveSelf, lags_in_frames
from openmm_anion.errors import InputError


@pytest.mark.parametrize(
    ("lags", "message"),
    [
        ([0.35], r"lag 0\.35 ps is no whole multiple of the 0\.1 ps .* nearest are 0\.3 and 0\.4 ps"),
        ([0.10015], r"lag 0\.10015 ps .* nearest are 0\.1 and 0\.2 ps"),
        ([5.0], r"lag 5 ps is longer than the trajectory, 4\.9 ps"),
        ([-0.1], r"lag -0\.1 ps is no lag time"),
        ([np.nan], "lag nan ps is no lag time"),
        ([], "no lag times are given"),
    ],
)
def test_odd_lags_are_refused(lags: list[float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        lags_in_frames(lags, 0.1, 50)


def test_lags_of_long_runs_may_be_off_by_single_precision() -> None:
    interval = float(np.float32(0.1)) * (1.0 + 1e-7)
    assert lags_in_frames([2000.0], interval, 30_000)[0] == 20_000


def test_odd_arguments_are_refused(rng: np.random.Generator) -> None:
    universe = universe_of(gas(rng, 5, 8, SKEWED), SKEWED)
    atoms = universe.atoms
    radius = inscribed_radius(triclinic_vectors(SKEWED).astype(float))
    assert radius < 6.0 < min(SKEWED[:3]) / 2.0 + 0.1
    with pytest.raises(InputError, match=r"longest_distance 6 A is longer than half the smallest height"):
        VanHoveDistinct(atoms, atoms, lags=[0.1], longest_distance=6.0).run()
    VanHoveDistinct(atoms, atoms, lags=[0.1], longest_distance=radius).run()
    with pytest.raises(InputError, match="group_a selection is empty"):
        VanHoveDistinct(atoms[:0], atoms, lags=[0.1])
    with pytest.raises(InputError, match="group_b selection is empty"):
        VanHoveDistinct(atoms, atoms[:0], lags=[0.1])
    with pytest.raises(InputError, match="group_b holds no anions"):
        VanHoveDistinct(atoms, [], lags=[0.1])
    with pytest.raises(InputError, match="group_a names an atom twice"):
        VanHoveDistinct(atoms[[0, 0]], atoms, lags=[0.1])
    with pytest.raises(InputError, match="no pair of two"):
        VanHoveDistinct(atoms[:1], atoms[:1], lags=[0.1])
    with pytest.raises(InputError, match="of two universes"):
        VanHoveDistinct(atoms, universe.copy().atoms, lags=[0.1])
    with pytest.raises(InputError, match="has no cell"):
        VanHoveDistinct(*[universe_of(rng.random((3, 4, 3))).atoms] * 2, lags=[0.1]).run()
    with pytest.raises(InputError, match="origins 0: give the number of frames"):
        VanHoveDistinct(atoms, atoms, lags=[0.1], origins=0)
    with pytest.raises(InputError, match="cation selection is empty"):
        VanHoveSelf(atoms[:0], None, lags=[0.1])
    with pytest.raises(InputError, match="width -1 is no distance"):
        VanHoveSelf(atoms, None, lags=[0.1], width=-1)
    with pytest.raises(InputError, match="change width"):
        VanHoveSelf(atoms, None, lags=[0.1], width=1e-9)
    with pytest.raises(InputError, match="longer than the trajectory"):
        VanHoveSelf(atoms, None, lags=[0.5]).run()
    with pytest.raises(InputError, match="at least one anion"):
        VanHoveSelf(atoms, [], lags=[0.1])


def test_both_parts_can_be_drawn(rng: np.random.Generator) -> None:
    universe = universe_of(gas(rng, 6, 8, CUBIC), CUBIC)
    lags = [0.1, 0.3]
    axes = VanHoveSelf(universe.atoms, None, lags=lags).run().plot()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["0.1 ps", "0.3 ps"]
    assert len(axes.lines) == 4
    axes = VanHoveDistinct(universe.atoms, universe.atoms, lags=lags).run().plot()
    assert axes.get_xlabel() == "distance (A)"
    assert len(axes.lines) == 2
