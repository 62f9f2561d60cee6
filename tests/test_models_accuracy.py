"""The shipped potential is as accurate as it claims, on frames of runs it was not trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from openmm_anion import models
from openmm_anion.models.data import read_labelled
from openmm_anion.models.recipe import read_recipe
from openmm_anion.models.train import describe
from openmm_anion.units import EV

RECIPE = Path(__file__).parents[1] / "recipes" / "na3ps4"
FRAMES = Path(__file__).parent / "data" / "na3ps4_test.extxyz"


def test_accuracy_on_held_out_frames_at_700_to_900_kelvin() -> None:
    potential = models.load("na3ps4")
    frames = read_labelled(FRAMES)
    assert len(frames) == 20
    assert {float(atoms.info["T"]) for atoms in frames} == {700.0, 800.0, 900.0}
    energy_errors, force_errors, forces = [], [], []
    for atoms in frames:
        energy, force = potential.energy_forces(
            list(atoms.symbols), atoms.positions / 10, atoms.cell.array / 10
        )
        energy_errors.append((energy / EV - atoms.get_potential_energy()) / len(atoms))
        force_errors.append(force / (10 * EV) - atoms.get_forces())
        forces.append(atoms.get_forces())
    assert 1e3 * np.sqrt(np.mean(np.square(energy_errors))) < 2.0  # meV/atom
    assert 1e3 * np.sqrt(np.mean(np.square(force_errors))) < 45.0  # meV/A
    # against labels that are worth fitting
    assert 1e3 * np.sqrt(np.mean(np.square(forces))) > 500.0


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
