"""The shipped potentials are as accurate as they claim, on frames of runs they were not trained on."""

from __future__ import annotations

from pathlib import Path

import pytest

from openmm_anion import models
from openmm_anion.models.accuracy import accuracy
from openmm_anion.models.data import read_labelled
from openmm_anion.models.recipe import read_recipe
from openmm_anion.models.train import describe

RECIPE = Path(__file__).parents[1] / "recipes" / "na3ps4"
FRAMES = Path(__file__).parent / "data"
HELD_OUT = {
    "na3ps4": (20, {700.0, 800.0, 900.0}),
    "li6ps5cl": (12, {600.0, 800.0}),
    "libh4": (8, {500.0, 600.0}),
    "nacb11h12": (8, {500.0, 700.0}),
}
"""Frames of each potential, and their temperatures, K."""
LARGEST_FORCE_ERROR = 8.0
"""Percent."""


@pytest.mark.parametrize("name", models.available())
def test_accuracy_on_held_out_frames(name: str) -> None:
    frames = read_labelled(FRAMES / f"{name}_test.extxyz")
    count, temperatures = HELD_OUT[name]
    assert len(frames) == count
    assert {float(atoms.info["T"]) for atoms in frames} == temperatures
    found = accuracy(models.load(name), frames)
    assert found.force_rmse_percent < LARGEST_FORCE_ERROR
    assert found.energy_rmse_mev_per_atom < 2.0
    assert found.forces.std() > 0.3  # eV/A: labels that are worth fitting


def test_the_card_states_what_was_measured() -> None:
    card = models.load("na3ps4").card
    held_out = card["errors"]["test.extxyz.xz"]
    assert held_out["force_rmse_mev_per_angstrom"] == pytest.approx(40, abs=5)
    assert held_out["energy_rmse_mev_per_atom"] < 2
    assert "SevenNet-0" in card["labels"]
    assert card["elements"] == ["Na", "P", "S"]
    data = RECIPE / "data" / "training.extxyz.xz"
    assert card["data"] == [describe(data)]
    recipe = read_recipe(RECIPE / "recipe.toml")
    assert recipe.ani is not None
    assert card["ani"] == recipe.ani.model_dump(mode="json")
    assert card["training"] == recipe.training.model_dump(mode="json")
