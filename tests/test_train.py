"""Training: lowers the loss, repeats itself, says what is wrong with its input."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import ase
import ase.io
import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from crystals import labelled, na3ps4

from openmm_anion import models
from openmm_anion.errors import InputError
from openmm_anion.models import train_command
from openmm_anion.models.ani import AniConfig
from openmm_anion.models.recipe import Recipe, TrainConfig, read_recipe, with_training
from openmm_anion.models.train import train
from openmm_anion.units import EV

SMALL = AniConfig(
    elements=("Na", "P", "S"),
    radial_cutoff=4.5,
    radial_shifts=6,
    angular_shifts=3,
    angular_cutoff=3.5,
    hidden=(8,),
)
RECIPE = Recipe(name="toy", labels="springs", ani=SMALL, training=TrainConfig(epochs=2, batch_atoms=32))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "labelled.extxyz"
    frames = labelled(50)
    ase.io.write(path, frames[:30])
    ase.io.write(path.with_name("unseen.extxyz"), frames[30:])
    return path


def test_training_lowers_the_loss_and_repeats(data: Path, tmp_path: Path) -> None:
    unseen = data.with_name("unseen.extxyz")
    card = train([data], tmp_path / "a.pt", RECIPE, test=[unseen], progress=False)
    assert card["loss"][1] < card["loss"][0]
    assert card["elements"] == ["Na", "P", "S"]
    assert card["temperatures_K"] == [300.0]
    assert [card["errors"][part]["frames"] for part in ("training", "validation", "test")] == [24, 3, 3]
    assert card["errors"]["unseen.extxyz"]["frames"] == 20
    assert card["errors"]["held-out"]["force_rmse_mev_per_angstrom"] == pytest.approx(
        card["errors"]["unseen.extxyz"]["force_rmse_mev_per_angstrom"], rel=1e-5
    )
    assert "of the RMS force" in (tmp_path / "a.md").read_text()
    assert (tmp_path / "a.png").stat().st_size > 10_000
    # lone energies were fitted before the first step: far better than -4 eV off
    assert card["errors"]["test"]["energy_rmse_mev_per_atom"] < 200
    again = train([data], tmp_path / "b.pt", RECIPE, test=[unseen], progress=False)
    assert again["loss"] == card["loss"]
    other = train([data], tmp_path / "c.pt", with_training(RECIPE, seed=1), progress=False)
    assert other["loss"] != card["loss"]


def test_card_errors_are_those_of_the_written_model(data: Path, tmp_path: Path) -> None:
    """The doubled cells, evaluated from the file, have the errors that the card states."""
    unseen = data.with_name("unseen.extxyz")
    card = train([data], tmp_path / "model.pt", RECIPE, test=[unseen], progress=False)
    potential = models.load(tmp_path / "model.pt")
    assert potential.card == card
    assert potential.cutoff == pytest.approx(0.45)
    squares = []
    for atoms in ase.io.read(unseen, ":"):
        double = atoms.repeat(2)
        _, forces = potential.energy_forces(
            list(double.symbols), double.positions / 10, double.cell.array / 10
        )
        squares.append((forces[: len(atoms)] / (10 * EV) - atoms.get_forces()) ** 2)
    assert 1e3 * np.sqrt(np.mean(squares)) == pytest.approx(
        card["errors"]["unseen.extxyz"]["force_rmse_mev_per_angstrom"], rel=1e-3
    )


def test_command(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        'name = "toy"\n[ani]\nelements = ["Na", "P", "S"]\nhidden = [8]\n[training]\nepochs = 5\n'
    )
    parser = argparse.ArgumentParser()
    train_command.add_arguments(parser)
    out = tmp_path / "model.pt"
    arguments = parser.parse_args(
        [str(data), "--out", str(out), "--recipe", str(recipe), "--epochs", "1", "--quiet"]
    )
    assert train_command.run(arguments) == 0
    assert models.load(out).card["training"]["epochs"] == 1
    assert "meV/A" in capsys.readouterr().out


def write(path: Path, frames: Sequence[ase.Atoms]) -> Path:
    ase.io.write(path, frames)
    return path


def test_bad_data_gives_one_line(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "model.pt"

    def refused(path: Path, match: str, recipe: Recipe = RECIPE, target: Path = out) -> None:
        with pytest.raises(InputError, match=match) as caught:
            train([path], target, recipe, progress=False)
        assert "\n" not in str(caught.value)

    refused(tmp_path / "missing.extxyz", "missing.extxyz not found")
    empty = tmp_path / "empty.extxyz"
    empty.write_text("")
    refused(empty, "empty.extxyz")
    garbage = tmp_path / "garbage.extxyz"
    garbage.write_text("this is\nno extxyz\n")
    refused(garbage, "garbage.extxyz cannot be read")
    refused(write(tmp_path / "bare.extxyz", [na3ps4((1, 1, 1))]), "frame 0 of .*bare.extxyz has no energy")
    no_forces = na3ps4((1, 1, 1))
    no_forces.calc = SinglePointCalculator(no_forces, energy=1.0)
    refused(write(tmp_path / "half.extxyz", [no_forces]), "frame 0 of .*half.extxyz has no forces")
    frames = labelled(4)
    frames[2].calc.results["forces"][1, 1] = np.nan
    refused(write(tmp_path / "nan.extxyz", frames), "frame 2 of .*nan.extxyz has forces that are not finite")
    open_box = labelled(1)[0]
    open_box.pbc = (True, True, False)
    refused(write(tmp_path / "slab.extxyz", [open_box]), "not periodic")
    double = labelled(5)
    double.append(double[1].copy())
    double[-1].calc = double[1].calc
    refused(write(tmp_path / "double.extxyz", double), "frame 5 of .*double.extxyz is frame 1 of .* again")
    refused(write(tmp_path / "two.extxyz", labelled(2)), "2 labelled frames are too few")
    sodium_only = RECIPE.model_copy(update={"ani": SMALL.model_copy(update={"elements": ("Na", "S")})})
    refused(data, "element P is in the data but not among the model's", sodium_only)
    refused(data, "card.md would be overwritten by its card", target=tmp_path / "card.md")
    refused(data, "folder .* does not exist", target=tmp_path / "no" / "model.pt")
    assert not out.exists()


def test_bad_recipe_gives_one_line(tmp_path: Path) -> None:
    def refused(text: str, match: str) -> None:
        path = tmp_path / "recipe.toml"
        path.write_text(text)
        with pytest.raises(InputError, match=match) as caught:
            read_recipe(path)
        assert "\n" not in str(caught.value)

    refused("[training]\nepoch = 3\n", r"unknown key .training.epoch. in .*did you mean 'epochs'")
    refused("nam = 'x'\n", "unknown key 'nam' in .*did you mean 'name'")
    refused("[ani]\nelements = ['Na']\nradial_cutof = 5.0\n", "did you mean 'radial_cutoff'")
    refused("[training]\nepochs = 0\n", "training.epochs = 0 in .*: input should be greater")
    refused("[training\n", "is no valid TOML")
    with pytest.raises(InputError, match="not found"):
        read_recipe(tmp_path / "missing.toml")
    with pytest.raises(InputError, match=r"training.epochs = -1 in options"):
        with_training(RECIPE, epochs=-1)
