"""What happens around hops and rotations: anions that turn when a cation hops by, and others that do not."""

from __future__ import annotations

from typing import Any

import MDAnalysis as mda
import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from openmm_anion.analysis import at_hops, event_windows, path_store
from openmm_anion.analysis.anion_motion import AnionMotion
from openmm_anion.analysis.at_hops import AnionsAtHops
from openmm_anion.analysis.displacement_hops import DisplacementHops
from openmm_anion.analysis.distinct_van_hove import VanHoveDistinct
from openmm_anion.analysis.event_average import EventAverage
from openmm_anion.analysis.ions import Ions, find_ions
from openmm_anion.analysis.rotation_events import RotationEvents
from openmm_anion.analysis.van_hove_at_events import VanHoveAtEvents
from openmm_anion.errors import InputError

Array = NDArray[np.float64]

EDGE, N_FRAMES, SETTLE = 12.0, 2400, 1.0
TETRAHEDRON = 2.05 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3.0)
"""A PS4."""
DT = 0.1
NEAR, FAR = np.array([3.5, 0.3, 0.0]), np.array([6.0, 0.3, 0.0])
"""Where a cation sits by its anion, and where it goes."""


def crystal(turn: float, seed: int = 0) -> Ions:
    """Eight anions, a cation at each, that hop to and fro; each hop turns the anion by an angle (rad).

    The whole is wrapped, with the box tilted, and drifts.
    """
    rng = np.random.default_rng(seed)
    box = np.array([[2 * EDGE, 0, 0], [4.0, 2 * EDGE, 0], [0, 0, 2 * EDGE]])
    centers = np.array(list(np.ndindex(2, 2, 2))) / 2.0 @ box
    away = np.zeros((N_FRAMES, 8), dtype=bool)
    turned = np.zeros((N_FRAMES, 8))
    for anion in range(8):
        for frame in np.cumsum(rng.integers(60, 140, N_FRAMES // 60)):
            if frame < N_FRAMES:
                away[frame:, anion] = ~away[frame:, anion]
                turned[frame:, anion] += turn
    libration = Rotation.from_rotvec(0.05 * rng.normal(size=(N_FRAMES * 8, 3)))
    turns = (libration * Rotation.from_rotvec(np.outer(turned.ravel(), [0, 0.6, 0.8]))).as_matrix()
    atoms = np.concatenate([np.zeros((1, 3)), TETRAHEDRON])
    anions = centers[:, None] + np.einsum("fij,aj->fai", turns, atoms).reshape(N_FRAMES, 8, 5, 3)
    anions += 0.02 * rng.normal(size=anions.shape)
    cations = centers + np.where(away[..., None], FAR, NEAR) + 0.05 * rng.normal(size=(N_FRAMES, 8, 3))
    positions = np.concatenate([anions.reshape(N_FRAMES, 40, 3), cations], axis=1)
    positions += np.linspace(0, 5.0, N_FRAMES)[:, None, None]
    fractional = positions @ np.linalg.inv(box)
    universe = mda.Universe.empty(48, trajectory=True)
    universe.add_TopologyAttr("elements", ["P", "S", "S", "S", "S"] * 8 + ["Na"] * 8)
    universe.add_TopologyAttr("masses", [30.974, *[32.06] * 4] * 8 + [22.99] * 8)
    dimensions = mda.lib.mdamath.triclinic_box(*box.astype(np.float32))
    wrapped = (fractional - np.floor(fractional)) @ box
    universe.load_new(wrapped.astype(np.float32), dimensions=np.tile(dimensions, (N_FRAMES, 1)), dt=DT)
    return find_ions(universe, "Na", "PS4")


def around_hops(ions: Ions, window: float = 2.0) -> Any:
    cations = ions.universe.atoms[ions.cations]
    hops = DisplacementHops(cations, ions.anions, length=1.2, settle=SETTLE).run().data
    motion = AnionMotion(ions.universe, ions.anions).run().data
    assert hops.sizes["event"] > 100
    return AnionsAtHops(ions.universe, ions.anions, hops, motion, window=window, n_controls=100).run()


def test_anions_that_turn_with_a_hop_are_seen_to() -> None:
    """By 1 rad from one frame to the next, at the hop and not before."""
    data = around_hops(crystal(1.0)).data.sel(control="shifted")
    before, after = data.rotation.where(data.lag_times < -0.15), data.rotation.where(data.lag_times > 0.15)
    assert float(before.max()) < 0.25
    np.testing.assert_allclose(after.dropna("lag_times"), 1.0, atol=0.1)
    assert float(data.rotation_p_value) < 0.02
    assert float(data.translation_p_value) > 0.02
    assert float(data.shape_p_value) > 0.02


def test_anions_that_do_not_care_about_hops_do_as_always() -> None:
    average = around_hops(crystal(0.0, seed=1))  # of twelve seeds, p values are spread evenly over 0 to 1
    data = average.data.sel(control="shifted")
    for name in ("translation", "rotation", "shape"):
        assert float(data[f"{name}_p_value"]) > 0.02
        low, high = data[f"{name}_band"]
        inside = (data[name] >= low) & (data[name] <= high)
        assert float(inside.mean()) > 0.7
    drawn = average.plot()
    assert drawn.get_ylabel() == "around hops / at other times"


def test_a_part_of_the_frames_is_counted_from_its_begin() -> None:
    ions = crystal(1.0)
    cations, part = ions.universe.atoms[ions.cations], (400, 2000, 2)
    hops = DisplacementHops(cations, ions.anions, length=1.2, settle=SETTLE).run(*part).data
    motion = AnionMotion(ions.universe, ions.anions).run(*part).data
    average = AnionsAtHops(ions.universe, ions.anions, hops, motion, window=2.0, n_controls=20)
    data = average.run(*part).data
    np.testing.assert_allclose(data.rotation.where(data.lag_times > 0.3).dropna("lag_times"), 1.0, atol=0.1)
    with pytest.raises(InputError, match="motion is of 800 frames, but 2400 are given"):
        average.run()


def test_motion_that_is_in_files_is_averaged_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    ions = crystal(1.0)
    expected = around_hops(ions).data
    monkeypatch.setattr(path_store, "PATH_NUMBERS", 3 * N_FRAMES)
    monkeypatch.setattr(event_windows, "PIECE_NUMBERS", 20_000)
    assert isinstance(AnionMotion(ions.universe, ions.anions).run().data.misfit.values.base, np.memmap)
    for name, values in around_hops(ions).data.items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-9, atol=1e-12, err_msg=str(name))


def test_hops_are_at_the_anions_that_are_nearest_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of cations that stay at their own anion, in a cell across whose faces all of it goes."""
    ions = crystal(0.0)
    motion = AnionMotion(ions.universe, ions.anions).run().data
    rng = np.random.default_rng(2)
    frames, which = rng.integers(100, N_FRAMES - 100, 60), rng.integers(0, 8, 60)
    frames[7] = frames[40]
    hops = xr.Dataset(
        {"time": ("event", DT * frames), "cation": ("event", ions.cations[which])},
    ).assign(jump=(("event", "xyz"), np.tile(FAR - NEAR, (60, 1))))
    seen: list[Array] = []

    def average(events: Array, *args: Any, **options: Any) -> EventAverage:
        seen.append(events)
        return EventAverage(events, *args, **options)

    monkeypatch.setattr(at_hops, "EventAverage", average)
    AnionsAtHops(ions.universe, ions.anions, hops, motion, window=2.0, n_controls=2).run()
    np.testing.assert_array_equal(seen[0], np.column_stack([frames, which]))


def test_what_cannot_be_averaged() -> None:
    ions = crystal(0.0)
    cations = ions.universe.atoms[ions.cations]
    hops = DisplacementHops(cations, ions.anions, length=1.2, settle=SETTLE).run().data
    motion = AnionMotion(ions.universe, ions.anions).run().data
    with pytest.raises(InputError, match="of other anions"):
        AnionsAtHops(ions.universe, ions.anions[:3], hops, motion, window=2.0)
    with pytest.raises(InputError, match="0 of 0 events"):
        AnionsAtHops(ions.universe, ions.anions, hops.isel(event=[]), motion, window=2.0).run()


def turns_of(ions: Ions) -> Array:
    turns = RotationEvents(ions.universe, ions.anions, settle=SETTLE).run().data
    frames = np.round(turns.event_time.values / DT).astype(np.int64)
    return np.column_stack([frames, turns.event_anion.values])


def test_cations_leave_and_come_when_anions_turn() -> None:
    """Half of the turns go with a hop away, half with one back, so that g at both places does not change
    on average; taken apart by where the cation was, it does, at time zero."""
    ions = crystal(1.2)
    cations = ions.universe.atoms[ions.cations]
    hops = DisplacementHops(cations, ions.anions, length=1.2, settle=SETTLE).run().data
    away = hops.jump.values[:, 0] > 0.0
    frames = np.round(hops.time.values / DT).astype(np.int64)[away]
    which = np.searchsorted(ions.cations, hops.cation.values[away])  # cation k belongs to anion k
    events = np.column_stack([frames, which])
    assert len(events) > 40
    found = VanHoveAtEvents(cations, ions.anions, events, window=2.0, n_controls=40).run()
    near = found.data.sel(distance=slice(3.0, 4.0))
    before, after = near.lag_times < -0.15, near.lag_times > 0.15
    # one cation in the shell of a volume before, and none after
    assert float(near.g.where(before).max("distance").mean()) > 10.0
    assert float(near.g.where(after).max()) == 0.0
    far_off = (found.data.g < found.data.g_band[0]) | (found.data.g > found.data.g_band[1])
    assert bool(far_off.sel(distance=slice(3.0, 4.0)).where(after).any())
    assert found.plot().get_xlabel() == "distance (A)"


def test_without_an_effect_it_is_the_van_hove_function() -> None:
    """Events at all anions and frames: the distinct van Hove function of cations around anions."""
    ions = crystal(0.0)
    cations = ions.universe.atoms[ions.cations]
    frames = np.arange(20, N_FRAMES - 20, 7)
    events = np.stack(np.meshgrid(frames, np.arange(8), indexing="ij"), axis=-1).reshape(-1, 2)
    found = VanHoveAtEvents(cations, ions.anions, events, window=1.0, n_controls=1).run().data
    other = VanHoveDistinct(cations, ions.anions, lags=[0.0], width=0.2, origins=1, relative_to=ions.anions)
    expected = other.run().data.g.values[0]
    at_zero = found.g.sel(lag_times=0.0, method="nearest").values
    np.testing.assert_allclose(at_zero, expected, atol=0.02 * expected.max())


def test_rotations_that_are_found_can_be_events() -> None:
    ions = crystal(1.2)
    events = turns_of(ions)
    assert len(events) > 50
    found = VanHoveAtEvents(ions.universe.atoms[ions.cations], ions.anions, events, window=1.0).run().data
    assert int(found.n_events) + int(found.n_left_out) == len(events)
    # to and fro: the mean of both ways is what it is at other times, but at the hop itself
    inside = (found.g >= found.g_band[0]) & (found.g <= found.g_band[1])
    assert float(inside.mean()) > 0.8


@pytest.mark.parametrize(
    ("events", "options", "message"),
    [
        ([[3, 8]], {}, "an event is at anion 8, but there are 8"),
        ([[N_FRAMES, 0]], {}, f"an event is at frame {N_FRAMES}, but there are {N_FRAMES}"),
        ([], {}, "0 of 0 events"),
        ([[5, 0], [7, 1]], {}, "0 of 2 events have a window of 21 frames"),
        ([[50, 0], [70, 1]], {"window": np.nan}, "window nan is no time"),
        ([[50, 0], [70, 1]], {"n_controls": 0}, "n_controls 0"),
        ([[50, 0], [70, 1]], {"width": -1.0}, "width -1"),
    ],
)
def test_what_is_no_event(events: Any, options: dict[str, Any], message: str) -> None:
    ions = crystal(0.0)
    with pytest.raises(InputError, match=message):
        VanHoveAtEvents(
            ions.universe.atoms[ions.cations], ions.anions, events, **({"window": 1.0} | options)
        ).run()
