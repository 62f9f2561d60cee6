"""TOML files into pydantic models, and one clear line when a file says something else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from openmm_anion.errors import InputError, did_you_mean

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Model = TypeVar("Model", bound=BaseModel)

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""A number above zero."""


class Section(BaseModel):
    """A table of a file: frozen, and without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def as_list(value: Any) -> Any:
    """Return a lone value as a list of one, so that a file may leave the brackets out."""
    return value if isinstance(value, list | tuple) else [value]


def read_toml(path: str | Path, what: str) -> dict[str, Any]:
    """Read a TOML file.

    Parameters
    ----------
    path : str or Path
        The file.
    what : str
        What it is, for the error message, such as ``"study file"``.

    Raises
    ------
    InputError
        If it is missing or no TOML.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{what} {path} not found") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{what} {path} is no valid TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{what} {path} cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8'}"
        ) from None


def parse(model: type[Model], content: dict[str, Any], source: str) -> Model:
    """Validate the content of a file.

    Parameters
    ----------
    model : type of pydantic.BaseModel
        What it should be.
    content : dict
        Parsed TOML.
    source : str
        Name used in error messages.

    Raises
    ------
    InputError
        If a key is unknown (with the nearest known one) or missing, or a value is of the wrong type or out of
        range.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise InputError(_first_line(model, error, source)) from None


def _first_line(model: type[BaseModel], error: ValidationError, source: str) -> str:
    """The first problem as one line: where, what, and what to do."""
    problems = error.errors()
    # An unknown key often is the reason why another one is missing.
    problem = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    location = [str(part) for part in problem["loc"]]
    key = ".".join(location)
    if problem["type"] == "extra_forbidden":
        hint = did_you_mean(location[-1], _known_keys(model, location[:-1]))
        return f"unknown key {key!r} in {source}{hint}"
    if problem["type"] == "missing":
        return f"{key!r} is missing in {source}"
    cause = problem.get("ctx", {}).get("error")
    what = str(cause) if cause else problem["msg"][0].lower() + problem["msg"][1:]
    return f"{key} = {problem['input']!r} in {source}: {what}"


def _known_keys(model: type[BaseModel], location: list[str]) -> list[str]:
    for part in location:
        annotation = model.model_fields[part].annotation
        kinds = get_args(annotation) if get_origin(annotation) not in (None, tuple) else (annotation,)
        model = next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))
    return list(model.model_fields)
