"""Where potentials come from by name: each module here knows some names and loads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from openmm_anion.errors import InputError, did_you_mean
from openmm_anion.models.about import About
from openmm_anion.models.potential import Potential
from openmm_anion.models.sources import openmm_ml, sevennet, shipped

__all__ = ["Source", "describe", "find", "known_names"]


class Source(Protocol):
    """A module that loads potentials by name."""

    def names(self) -> list[str]:
        """Names that it loads, also of potentials whose package is not installed.

        Returns
        -------
        list of str
            Those that `load` takes.
        """

    def load(self, name: str) -> Potential:
        """The potential of one of its names.

        Parameters
        ----------
        name : str
            One of `names`.

        Returns
        -------
        Potential
            Ready to be bound.
        """

    def about(self, name: str) -> About:
        """What is known of one of its names without loading it.

        Parameters
        ----------
        name : str
            One of `names`.

        Returns
        -------
        About
            Blank where nothing is known.
        """


SOURCES: tuple[Source, ...] = (shipped, sevennet, openmm_ml)
"""In the order in which they are asked."""


def known_names() -> list[str]:
    """Every name that `find` takes.

    Returns
    -------
    list of str
        Of each source in turn.

    Examples
    --------
    >>> {"na3ps4", "7net-0", "7net-l3i5"} <= set(known_names())
    True
    """
    return sorted(name for source in SOURCES for name in source.names())


def describe() -> list[About]:
    """What is known of each name, in the order of the sources.

    Returns
    -------
    list of About
        Blank where nothing is known without loading.

    Examples
    --------
    >>> "na3ps4" in [about.name for about in describe()]
    True
    """
    return [source.about(name) for source in SOURCES for name in source.names()]


def find(name_or_path: str | Path, **arguments: Any) -> Potential:
    """The potential of a name, or of a file.

    Parameters
    ----------
    name_or_path : str or Path
        A name of `known_names`, or a path.
    **arguments
        For a potential of openmm-ml.

    Returns
    -------
    Potential
        Ready to be bound.

    Raises
    ------
    InputError
        If there is no such name or file, or it cannot be loaded.

    Examples
    --------
    >>> find("na3ps4").name
    'na3ps4'
    """
    given = str(name_or_path)
    if given.startswith(openmm_ml.PREFIX):
        return openmm_ml.load(given, **arguments)
    if arguments:
        raise InputError(f"potential {given!r} takes no arguments, but was given {', '.join(arguments)}")
    for source in SOURCES:
        if given in source.names():
            return source.load(given)
    if Path(given).suffix or Path(given).exists() or len(Path(given).parts) > 1:
        from openmm_anion.models.formats import read_file

        return read_file(given)
    raise InputError(f"potential {given!r} is unknown{did_you_mean(given, known_names())}")
