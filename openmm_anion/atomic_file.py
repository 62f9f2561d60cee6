"""Files that a reader sees as they were or as they will be, never a part."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from openmm_anion.errors import InputError


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes.

    Parameters
    ----------
    path : Path
        Where to.
    content : bytes
        What.
    """
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def make_directory(path: Path, what: str) -> None:
    """Make a directory, if it is not there.

    Parameters
    ----------
    path : Path
        Where to.
    what : str
        What it is for, for the error message.

    Raises
    ------
    InputError
        If it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{what} {path} cannot be made: {error.strerror}") from None


def write_json(path: Path, content: Any) -> None:
    """Write JSON.

    Parameters
    ----------
    path : Path
        Where to.
    content : object
        Anything that `json.dumps` takes.
    """
    write_bytes(path, (json.dumps(content, indent=1) + "\n").encode())
