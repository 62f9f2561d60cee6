"""Files that a reader sees as they were or as they will be, never a part."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from openmm_anion.errors import InputError, reason


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes; where that fails, what was there stays, and no part is left.

    Parameters
    ----------
    path : Path
        Where to.
    content : bytes
        What.

    Raises
    ------
    OSError
        If it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "one"
    >>> write_bytes(path, b"whole")
    >>> path.read_bytes()
    b'whole'
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        if part.is_file():  # a disk that is full has better use for it
            part.unlink()
        raise


def check_writable(path: Path, what: str) -> None:
    """Say now that a file could not be written, and not after the hours that its content takes.

    Parameters
    ----------
    path : Path
        The file; if it is there, it stays as it is.
    what : str
        What it is, for the error message.

    Raises
    ------
    InputError
        If it is a directory, or its folder does not exist or cannot be written to.

    Examples
    --------
    >>> check_writable(Path("nowhere/model.pt"), "model file")
    Traceback (most recent call last):
    ...
    openmm_anion.errors.InputError: folder nowhere of model file model.pt does not exist; create it first
    """
    if path.is_dir():
        raise InputError(f"{what} {path} is a directory; give a file")
    if not path.parent.is_dir():
        raise InputError(f"folder {path.parent} of {what} {path.name} does not exist; create it first")
    _try_writing(path.parent, f"{what} {path}")


def make_directory(path: Path, what: str) -> None:
    """Make a directory, if it is not there, and see whether files can be written there.

    Parameters
    ----------
    path : Path
        Where to.
    what : str
        What it is for, for the error message.

    Raises
    ------
    InputError
        If it cannot be made, or not be written to.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "results" / "one"
    >>> make_directory(path, "output directory")
    >>> path.is_dir()
    True
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{what} {path} cannot be made: {error.strerror}; choose another --out") from None
    _try_writing(path, f"files of {what} {path}")


def _try_writing(folder: Path, what: str) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"{what} cannot be written: {error.strerror}") from None


def write_json(path: Path, content: Any) -> None:
    """Write JSON.

    Parameters
    ----------
    path : Path
        Where to.
    content : object
        Anything that `json.dumps` takes.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "one.json"
    >>> write_json(path, {"frames": 2})
    >>> read_json(path, "repeat the run")["frames"]
    2
    """
    write_bytes(path, (json.dumps(content, indent=1) + "\n").encode())


def read_json(path: Path, remedy: str) -> dict[str, Any]:
    """Read a JSON file that one of these functions wrote.

    Parameters
    ----------
    path : Path
        The file.
    remedy : str
        What to do if it is damaged, for the error message.

    Returns
    -------
    dict
        Its content.

    Raises
    ------
    InputError
        If it is not there, no JSON, or no table.

    Examples
    --------
    >>> read_json(Path("nowhere.json"), "start the study again")
    Traceback (most recent call last):
    ...
    openmm_anion.errors.InputError: nowhere.json cannot be read (No such file or directory); ...
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); {remedy}") from None
    except (ValueError, RecursionError) as error:  # no JSON, no Unicode, brackets without end
        raise InputError(f"{path} is damaged ({reason(error)}); {remedy}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path} is damaged (it holds no table); {remedy}")
    return content
