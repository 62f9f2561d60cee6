"""Which of the anions are frozen: all, some by number or formula, or those in a region."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmm_anion.errors import InputError, did_you_mean
from openmm_anion.freezing.reference import FrozenAnion

Only = str | Sequence[int] | Callable[[NDArray[np.float64]], Any] | None
"""A formula, numbers of anions, a function of the centre of mass (3,), nm, or None for all."""


def held_anions(anions: Sequence[FrozenAnion], only: Only) -> tuple[bool, ...]:
    """Tell for each anion whether it is selected.

    Parameters
    ----------
    anions : sequence of FrozenAnion
        The anions.
    only : str, sequence of int, callable or None
        A formula such as ``"PS4"`` (the anions must come from `find_polyanions`), the numbers of anions in
        their order, or a function that takes a centre of mass (nm) and returns whether to freeze there.

    Returns
    -------
    tuple of bool
        In the order of the anions.

    Raises
    ------
    InputError
        If nothing is selected, a formula is unknown, or a number out of range or given twice.

    Examples
    --------
    >>> pair = np.array([[0.0, 0.0, 0.0], [0.12, 0.0, 0.0]])
    >>> ions = [FrozenAnion(np.array([2 * k, 2 * k + 1]), np.ones(2), pair + k, "CN") for k in range(3)]
    >>> held_anions(ions, lambda center: center[2] < 1.5)
    (True, True, False)
    """
    if only is None:
        return (True,) * len(anions)
    if isinstance(only, str):
        formulas = sorted({anion.formula for anion in anions if anion.formula})
        if only not in formulas:
            hint = did_you_mean(only, formulas) if formulas else "; give anions found by find_polyanions"
            raise InputError(f"no anion has the formula {only!r}{hint}")
        return tuple(anion.formula == only for anion in anions)
    if callable(only):
        held = tuple(bool(only(anion.center)) for anion in anions)
        if not any(held):
            raise InputError("the function in `only` selects none of the anions; it gets centres in nm")
        return held
    numbers = np.asarray(only)
    if numbers.ndim != 1 or not len(numbers) or not np.issubdtype(numbers.dtype, np.integer):
        raise InputError(f"only={only!r} is no formula, function or list of anion numbers"[:300])
    for number in numbers.tolist():
        if not 0 <= number < len(anions):
            raise InputError(f"only names anion {number}, but there are {len(anions)} (counted from 0)")
    if len(set(numbers.tolist())) < len(numbers):
        raise InputError("only names an anion twice; give each number once")
    return tuple(number in set(numbers.tolist()) for number in range(len(anions)))
