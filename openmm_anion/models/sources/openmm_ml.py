"""Every potential that openmm-ml knows, as ``openmmml:NAME``."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

from openmm_anion.errors import InputError, did_you_mean
from openmm_anion.models.about import About
from openmm_anion.models.packages import need
from openmm_anion.models.potential import Potential

PREFIX = "openmmml:"
GROUP = "openmmml.potentials"
"""Entry point group in which openmm-ml finds potentials."""


def names() -> list[str]:
    """Names of all that is registered, but for what this package registers itself.

    Returns
    -------
    list of str
        With the prefix ``openmmml:``; empty without openmm-ml.
    """
    registered = entry_points(group=GROUP)
    return sorted({f"{PREFIX}{e.name}" for e in registered if not e.value.startswith("openmm_anion.")})


def load(name: str, options: dict[str, Any] | None = None, **arguments: Any) -> Potential:
    """A potential of openmm-ml.

    Parameters
    ----------
    name : str
        One of `names`; the prefix may be left out.
    options : dict, optional
        Handed to openmm-ml where the forces are made, as ``MLPotential.createSystem`` takes them.
    **arguments
        Handed to ``openmmml.MLPotential``, such as ``modelPath``.

    Returns
    -------
    Potential
        That adds forces by ``MLPotential.createSystem``.

    Raises
    ------
    InputError
        If openmm-ml is not installed, does not know the name, or misses an argument or a package.
    """
    need("openmmml", "openmmml", f"potential {name!r}")
    from openmm_anion.models.openmm_ml_potential import OpenmmMlPotential

    short = name.removeprefix(PREFIX)
    if f"{PREFIX}{short}" not in names():
        raise InputError(f"openmm-ml knows no potential {short!r}{did_you_mean(f'{PREFIX}{short}', names())}")
    return OpenmmMlPotential(short, arguments, options or {})


def about(name: str) -> About:
    """All that openmm-ml tells of a potential is its name.

    Parameters
    ----------
    name : str
        ``"openmmml:NAME"``.

    Returns
    -------
    About
        With nothing but the name.

    Examples
    --------
    >>> about("openmmml:mace-off23-small").conditions
    'see openmm-ml'
    """
    return About(name=name, conditions="see openmm-ml")
