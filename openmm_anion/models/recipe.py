"""What to train and how, from a TOML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from openmm_anion.configuration import Section, parse, read_toml
from openmm_anion.models.ani import AniConfig


class TrainConfig(Section):
    """How to train: Adam with a cosine schedule on ``energy_weight * mean (dE/N)^2 + mean dF^2``.

    Energies in eV, forces in eV/A. `average` is the decay of the running average of the weights, which
    is what is kept. The data are cut into blocks of `block` neighbouring frames, and whole blocks go to
    validation and test, because neighbouring frames of a trajectory are nearly the same frame.

    Examples
    --------
    >>> TrainConfig(epochs=20).epochs
    20
    """

    epochs: int = Field(100, ge=1)
    batch_atoms: int = Field(256, ge=1)
    learning_rate: float = Field(2e-3, gt=0, le=1)
    final_learning_rate: float = Field(2e-5, gt=0, le=1)
    energy_weight: float = Field(100.0, ge=0)
    average: float = Field(0.99, ge=0, lt=1)
    validation: float = Field(0.05, gt=0, lt=0.5)
    test: float = Field(0.05, gt=0, lt=0.5)
    block: int = Field(10, ge=1)
    seed: int = Field(0, ge=0, lt=2**31)


class Recipe(Section):
    """A training recipe; elements left out are those of the data.

    Examples
    --------
    >>> Recipe(name="x", training={"epochs": 5}).training.epochs
    5
    """

    name: str = "model"
    labels: str = "unknown"
    ani: AniConfig | None = None
    training: TrainConfig = TrainConfig()


def read_recipe(path: str | Path | None) -> Recipe:
    """Read a recipe: ``name``, ``labels`` (where the labels come from), tables ``[ani]`` and ``[training]``.

    Parameters
    ----------
    path : str or Path or None
        TOML file; None for the defaults.

    Returns
    -------
    Recipe
        With its defaults filled in.

    Raises
    ------
    InputError
        If the file is missing or no TOML, or a key is unknown or has a bad value.

    Examples
    --------
    >>> read_recipe(None).training.epochs > 0
    True
    """
    if path is None:
        return Recipe()
    return validate(read_toml(path, "recipe"), f"recipe {path}")


def with_training(recipe: Recipe, epochs: int | None = None, seed: int | None = None) -> Recipe:
    """The recipe with other epochs or another seed, where given.

    Parameters
    ----------
    recipe : Recipe
        Left as it is.
    epochs : int, optional
        Passes over the data.
    seed : int, optional
        Of weights, split and order.

    Returns
    -------
    Recipe
        A copy.

    Raises
    ------
    InputError
        If a number cannot be used.

    Examples
    --------
    >>> recipe = validate({"name": "mine", "ani": {"elements": ["Na"]}}, "here")
    >>> with_training(recipe, epochs=3).training.epochs
    3
    """
    changes = {key: value for key, value in {"epochs": epochs, "seed": seed}.items() if value is not None}
    content = recipe.model_dump()
    content["training"].update(changes)
    return validate(content, "options")


def validate(content: dict[str, Any], where: str) -> Recipe:
    """Turn tables into a recipe, or say in one line which key is wrong.

    Parameters
    ----------
    content : dict
        Tables, as of a TOML file.
    where : str
        Name of the file in what is said.

    Returns
    -------
    Recipe
        With its defaults filled in.

    Raises
    ------
    InputError
        If a key is unknown, missing or of a wrong value.

    Examples
    --------
    >>> validate({"name": "mine", "ani": {"elements": ["Na", "Cl"]}}, "here").ani.elements
    ('Na', 'Cl')
    """
    return parse(Recipe, content, where)
