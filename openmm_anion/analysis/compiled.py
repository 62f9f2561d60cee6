"""Loops over frames and particles as machine code: numba, in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile a function when it is first called, and keep the result on disk.

    The global interpreter lock is released while it runs. The functions use one thread: a study has a
    run on each of the others.

    Parameters
    ----------
    function : callable
        Of numbers and NumPy arrays only.

    Returns
    -------
    callable
        Of the same arguments.
    """
    return cast(Function, njit(cache=True, nogil=True, error_model="numpy")(function))
