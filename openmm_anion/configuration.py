"""TOML files into pydantic models, and one clear line when a file says something else."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from openmm_anion.errors import InputError, did_you_mean, reason

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Model = TypeVar("Model", bound=BaseModel)

LARGEST = 100_000
"""Bytes of a file that is read: a study file has some thousand, a device has no end."""

HOTTEST = 1e4
"""K; no solid is."""

SHORTEST_STEP, LONGEST_STEP = 1e-5, 0.1
"""ps; the shortest vibration, that of H2, takes 0.008."""

LONGEST_VALUE = 60
"""Characters of a value that an error message shows."""

WORDS = {
    "float_type": "give a number, without quotes and without a unit",
    "int_type": "give a whole number, without quotes and without a unit",
    "bool_type": "give true or false",
    "string_type": "give text in quotes",
    "path_type": "give a path in quotes",
    "tuple_type": "give a list in brackets",
    "model_type": "give a table with keys of its own",
    "dict_type": "give a table with keys of its own",
}
"""What pydantic says in words of Python, in those of a file."""


Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""A number above zero."""


def _no_plasma(kelvin: float) -> float:
    if kelvin > HOTTEST:
        raise ValueError(f"no solid is that hot; give kelvin, up to {HOTTEST:g}")
    return kelvin


def _of_dynamics(ps: float) -> float:
    if not SHORTEST_STEP <= ps <= LONGEST_STEP:
        raise ValueError(
            "that is no time step of molecular dynamics; give picoseconds, such as 0.002 for 2 fs"
        )
    return ps


Kelvin = Annotated[Positive, AfterValidator(_no_plasma)]
"""A temperature of a crystal, K."""

TimeStep = Annotated[Positive, AfterValidator(_of_dynamics)]
"""A time step, ps."""


class Section(BaseModel):
    """A table of a file: frozen, with finite numbers, and without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


def as_list(value: Any) -> Any:
    """Return a lone value as a tuple of one, so that a file may leave the brackets out.

    Parameters
    ----------
    value : object
        Of a key in a file.

    Returns
    -------
    tuple
        Of its items where it is a list or a tuple.

    Examples
    --------
    >>> as_list("R"), as_list([300, 400])
    (('R',), (300, 400))
    """
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def read_toml(path: str | Path, what: str) -> dict[str, Any]:
    """Read a TOML file.

    Parameters
    ----------
    path : str or Path
        The file.
    what : str
        What it is, for the error message, such as ``"study file"``.

    Returns
    -------
    dict
        Its tables.

    Raises
    ------
    InputError
        If it is missing, no TOML, or far too large for one.

    Examples
    --------
    >>> read_toml("nowhere.toml", "study file")
    Traceback (most recent call last):
    openmm_anion.errors.InputError: study file nowhere.toml not found
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise InputError(f"{what} {path} not found") from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise InputError(
            f"{what} {path} cannot be read: {getattr(error, 'strerror', None) or reason(error)}"
        ) from None
    if len(content) > LARGEST:
        raise InputError(f"{what} {path} is larger than {LARGEST / 1e3:g} kB; give a TOML file")
    try:
        # Editors on Windows begin a file with a mark and end its lines with a carriage return.
        return tomllib.loads(io.StringIO(content.decode("utf-8-sig"), newline=None).read())
    except UnicodeDecodeError:
        raise InputError(f"{what} {path} is not UTF-8; save it as UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{what} {path} is no valid TOML: {error}") from None
    except (RecursionError, ValueError) as error:  # brackets without end, a number of a thousand digits
        raise InputError(f"{what} {path} is no valid TOML: {reason(error)}") from None


def parse(model: type[Model], content: dict[str, Any], source: str) -> Model:
    """Validate the content of a file: a number is a number there, and no text or truth value stands for one.

    Parameters
    ----------
    model : type of pydantic.BaseModel
        What it should be.
    content : dict
        Parsed TOML.
    source : str
        Name used in error messages.

    Returns
    -------
    pydantic.BaseModel
        Of that type, with its defaults filled in.

    Raises
    ------
    InputError
        If a key is unknown (with the nearest known one) or missing, or a value is of the wrong type or out of
        range.

    Examples
    --------
    >>> class Crystal(Section):
    ...     cation: str
    >>> parse(Crystal, {"cation": "Na"}, "here").cation
    'Na'
    """
    try:
        # As JSON, whose lists and texts become tuples and paths even where types are strict.
        return model.model_validate_json(json.dumps(content, default=str), strict=True)
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
    what = str(cause) if cause else WORDS.get(problem["type"], problem["msg"][0].lower() + problem["msg"][1:])
    value = repr(problem["input"])
    shown = value if len(value) <= LONGEST_VALUE else value[: LONGEST_VALUE - 3] + "..."
    return f"{key} = {shown} in {source}: {what}"


def _known_keys(model: type[BaseModel], location: list[str]) -> list[str]:
    for part in location:
        annotation = model.model_fields[part].annotation
        kinds = get_args(annotation) if get_origin(annotation) not in (None, tuple) else (annotation,)
        model = next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))
    return list(model.model_fields)
