"""The file that says what to distill: crystal, teacher, and the conditions of the study that will follow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from openmm_anion.configuration import Kelvin, Positive, Section, TimeStep, as_list, parse, read_toml
from openmm_anion.crystal_settings import CrystalSettings, beside
from openmm_anion.errors import InputError
from openmm_anion.freezing import mode_name, parse_modes
from openmm_anion.models.ani import AniConfig
from openmm_anion.models.recipe import TrainConfig


class TeacherSettings(Section):
    """``[teacher]``: the potential to learn from."""

    name: str
    """Any name or file that `openmm_anion.models.load` takes."""
    description: str = ""
    """What the card calls its labels; by default the name."""


class ExploreSettings(Section):
    """``[explore]``: where structures come from. Give the conditions of the study that will follow."""

    temperatures: Annotated[tuple[Kelvin, ...], BeforeValidator(as_list), Field(min_length=1)]
    """Temperatures, K. Include one above those of the study."""
    strains: Annotated[tuple[float, ...], BeforeValidator(as_list), Field(min_length=1)] = (-0.01, 0.0, 0.02)
    """Relative changes of all lengths of the cell."""
    modes: Annotated[tuple[str, ...], BeforeValidator(as_list), Field(min_length=1)] = ("free", "T", "R", "V")
    """Frozen motions of the anions."""
    timestep: TimeStep = 0.002
    """Time step, ps."""
    settling: Positive = 0.5
    """Free run before motions are frozen, ps."""
    length: Positive = 2.0
    """Length of each run, ps; one per temperature, strain and mode in each round."""
    interval: Positive = 0.02
    """Time between the frames that are looked at, ps."""
    friction: Positive = 5.0
    """Friction, 1/ps."""


class RoundSettings(Section):
    """``[rounds]``: how much is labelled, and when it is enough."""

    most: Annotated[int, Field(ge=1)] = 6
    """Rounds at most."""
    committee: Annotated[int, Field(ge=2)] = 3
    """Models whose disagreement tells what they do not know."""
    start: Annotated[int, Field(ge=10)] = 60
    """Frames of the teacher's own run that begin it."""
    picks: Annotated[int, Field(ge=1)] = 60
    """Frames labelled in each round for training."""
    held_out: Annotated[int, Field(ge=4)] = 24
    """Frames labelled in each round for testing, of runs that are never trained on."""
    epochs: Annotated[int, Field(ge=1)] = 20
    """Passes over the data for the committee of a round; the final models take those of ``[training]``."""
    enough: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """It is enough when neither the held-out error nor the spread falls by this share in a round."""


class DistillSettings(Section):
    """A whole file."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    """Name of the potential and of its files: letters, digits, dots and dashes."""
    structure: CrystalSettings
    teacher: TeacherSettings
    explore: ExploreSettings
    rounds: RoundSettings = RoundSettings()
    ani: dict[str, Any] = Field(default_factory=dict)
    """Architecture, as in a recipe for ``openmm-anion train``; the elements are those of the crystal."""
    training: TrainConfig = TrainConfig()
    """Schedule of the final models."""
    seed: Annotated[int, Field(ge=0, lt=2**30)] = 1
    """Seed of all random numbers."""

    @field_validator("ani")
    @classmethod
    def _known_architecture(cls, ani: dict[str, Any]) -> dict[str, Any]:
        parse(AniConfig, {"elements": ["H"], **ani}, "table [ani]")
        return ani


def read_distill_settings(path: str | Path) -> DistillSettings:
    """Read and validate a file.

    Parameters
    ----------
    path : str or Path
        TOML file.

    Returns
    -------
    DistillSettings
        Settings with all defaults filled in and file names made absolute.

    Raises
    ------
    InputError
        If the file is missing or no TOML, or a key or a value cannot be used.
    """
    settings = parse(DistillSettings, read_toml(path, "distillation file"), str(path))
    for mode in settings.explore.modes:
        parse_modes(mode)
    if min(settings.explore.strains) <= -0.2 or max(settings.explore.strains) >= 0.2:
        raise InputError(f"explore.strains in {path} are relative changes, such as 0.02; 0.2 is too large")
    explore = settings.explore
    for name, value in (("settling", explore.settling), ("length", explore.length)):
        if value < explore.interval:
            raise InputError(
                f"explore.{name} = {value:g} ps in {path} is shorter than explore.interval = "
                f"{explore.interval:g} ps, so that no frame is looked at; make it longer"
            )
    folder = Path(path).resolve().parent
    structure = settings.structure.model_copy(update={"file": folder / settings.structure.file})
    modes = tuple(dict.fromkeys(mode_name(parse_modes(mode)) for mode in settings.explore.modes))
    explore = explore.model_copy(update={"modes": modes})
    teacher = settings.teacher.model_copy(update={"name": beside(folder, settings.teacher.name)})
    return settings.model_copy(update={"structure": structure, "explore": explore, "teacher": teacher})
