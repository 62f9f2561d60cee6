"""Trained potentials: find one by name or path, or wrap a model of your own; put it into an OpenMM System."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from openmm_anion.models.about import About
from openmm_anion.models.potential import Potential
from openmm_anion.models.sources.shipped import SHIPPED

if TYPE_CHECKING:
    from openmm_anion.models.calculator import from_ase
    from openmm_anion.models.custom import from_graph, from_torchscript

__all__ = [
    "SHIPPED",
    "About",
    "Potential",
    "available",
    "describe",
    "from_ase",
    "from_graph",
    "from_torchscript",
    "load",
    "names",
]


def available() -> list[str]:
    """Names of the potentials that come with the package.

    Returns
    -------
    list of str
        Sorted.

    Examples
    --------
    >>> available()
    ['li6ps5cl', 'libh4', 'na3ps4', 'nacb11h12']
    """
    from openmm_anion.models.sources import shipped

    return shipped.names()


def names() -> list[str]:
    """Every name that `load` takes, also of potentials that need a further package.

    Returns
    -------
    list of str
        Of each source in turn.

    Examples
    --------
    >>> "7net-0" in names()
    True
    """
    from openmm_anion.models.sources import known_names

    return known_names()


def describe() -> list[About]:
    """What is known of each of `names`: elements, cutoff, size, what it was trained on, how good it is.

    Returns
    -------
    list of About
        In the order of `names`.

    Examples
    --------
    >>> describe()[0].elements
    ('Cl', 'Li', 'P', 'S')
    """
    from openmm_anion.models import sources

    return sources.describe()


def load(name_or_path: str | Path, **arguments: Any) -> Potential:
    """Load a potential by name, or from a file.

    Parameters
    ----------
    name_or_path : str or Path
        A name that `names` lists: a shipped one, SevenNet's ``"7net-0"`` and ``"7net-l3i5"``, or
        ``"openmmml:NAME"`` for one of openmm-ml. Or the path of a TorchScript file that
        ``openmm-anion train``, SevenNet, NequIP, Allegro, MACE or DeePMD-kit wrote.
    **arguments
        For a potential of openmm-ml, what ``openmmml.MLPotential`` takes, such as ``modelPath``; and
        ``options``, a dictionary of what its ``createSystem`` takes.

    Returns
    -------
    Potential
        Ready to become a Force, or to be evaluated.

    Raises
    ------
    InputError
        If there is no such name or file, a package is missing, or the file is no potential that can be used.

    Examples
    --------
    >>> load("na3ps4").name
    'na3ps4'
    """
    from openmm_anion.models.sources import find

    return find(name_or_path, **arguments)


def __getattr__(name: str) -> Any:
    """Import what needs torch only when it is asked for: openmm-ml imports this package at its own start."""
    if name in ("from_graph", "from_torchscript"):
        from openmm_anion.models import custom

        return getattr(custom, name)
    if name == "from_ase":
        from openmm_anion.models.calculator import from_ase

        return from_ase
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
