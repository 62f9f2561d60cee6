"""Import a package that only some potentials need, or name the extra that brings it."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from openmm_anion.errors import InputError, reason


def need(module: str, extra: str, what: str) -> ModuleType:
    """Import a module of an optional package.

    Parameters
    ----------
    module : str
        Name of the module.
    extra : str
        The extra of this package that installs it.
    what : str
        What needs it, for the error message.

    Returns
    -------
    module
        Imported.

    Raises
    ------
    InputError
        If it is not installed, with the command that installs it, or cannot be imported, with the reason.

    Examples
    --------
    >>> need("sevenn_of_the_future", "sevennet", "potential '7net-0'")
    Traceback (most recent call last):
    ...
    openmm_anion.errors.InputError: potential '7net-0' needs package sevenn_of_the_future, which is not ...
    """
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or package
        raise InputError(
            f"{what} needs package {missing}, which is not installed; install it with: "
            f"python -m pip install 'openmm-anion[{extra}]'"
        ) from None
    except (ImportError, OSError, RuntimeError) as error:  # the latter two: a library that fits no such torch
        raise InputError(
            f"{what} needs package {package}, which cannot be imported: {reason(error)}"
        ) from None
