"""Trained potentials: find one by name or path, put it into an OpenMM System."""

from __future__ import annotations

from pathlib import Path

from openmm_anion.errors import InputError, did_you_mean
from openmm_anion.models.potential import Potential

__all__ = ["Potential", "available", "load"]

SHIPPED = Path(__file__).parent / "shipped"


def available() -> list[str]:
    """Names of the potentials that come with the package.

    Examples
    --------
    >>> available()
    ['na3ps4']
    """
    return sorted(path.stem for path in SHIPPED.glob("*.pt"))


def load(name_or_path: str | Path) -> Potential:
    """Load a potential by the name of a shipped one, or from a model file.

    Parameters
    ----------
    name_or_path : str or Path
        A name that `available` lists, or the path of a file that ``openmm-anion train`` wrote.

    Raises
    ------
    InputError
        If there is no such name or file, or the file is not a model.

    Examples
    --------
    >>> load("na3ps4").name
    'na3ps4'
    """
    given = str(name_or_path)
    if given in available():
        return Potential.read(SHIPPED / f"{given}.pt")
    if Path(given).suffix or Path(given).exists() or len(Path(given).parts) > 1:
        return Potential.read(given)
    raise InputError(f"potential {given!r} is unknown{did_you_mean(given, available())}")
