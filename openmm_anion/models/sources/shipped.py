"""The potentials that come with this package."""

from __future__ import annotations

import json
from pathlib import Path

from openmm_anion.models.about import About, from_card
from openmm_anion.models.potential import Potential

SHIPPED = Path(__file__).parents[1] / "shipped"


def names() -> list[str]:
    """Names of the files.

    Returns
    -------
    list of str
        Sorted.

    Examples
    --------
    >>> "na3ps4" in names()
    True
    """
    return sorted(path.stem for path in SHIPPED.glob("*.pt"))


def load(name: str) -> Potential:
    """Read a file.

    Parameters
    ----------
    name : str
        One of `names`.

    Returns
    -------
    Potential
        From the file that comes with the package.

    Examples
    --------
    >>> load("na3ps4").cutoff
    0.5
    """
    from openmm_anion.models.formats import read_file

    return read_file(SHIPPED / f"{name}.pt")


def about(name: str) -> About:
    """Read the card of a file, without loading it.

    Parameters
    ----------
    name : str
        One of `names`.

    Returns
    -------
    About
        What the card says.

    Examples
    --------
    >>> about("na3ps4").elements
    ('Na', 'P', 'S')
    """
    from openmm_anion.models.formats.archive import Archive
    from openmm_anion.models.scripted import CARD

    path = SHIPPED / f"{name}.pt"
    return from_card(name, json.loads(Archive(path).extra[CARD]), path)
