"""Evaluate a potential once, so that a model that cannot work says so before the dynamics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from openmm_anion.errors import InputError
from openmm_anion.models.potential import Potential

Array = NDArray[np.float64]

SPACING = 0.3
"""Distance of the two atoms (nm)."""


def probe(potential: Potential, where: str) -> None:
    """Evaluate two atoms in a cubic box, in single and in double precision, and look at what comes back.

    Parameters
    ----------
    potential : Potential
        The potential.
    where : str
        What it was read from, for the error message.

    Raises
    ------
    InputError
        If it raises, does not return one finite energy and a force per atom, or depends on the precision
        of the positions.
    """
    width = max(1.0, 1.01 * potential.smallest_width, 2.5 * potential.cutoff)
    symbols = [potential.elements[0], potential.elements[-1]]
    positions = np.array([[0.1, 0.1, 0.1], [0.1 + SPACING, 0.1, 0.1]])
    for dtype in (torch.float64, torch.float32):
        what = f"two atoms with positions of {dtype}"
        _look(potential, symbols, positions, width * np.eye(3), dtype, where, what)


def probe_crystal(potential: Potential, symbols: Sequence[str], positions: Array, box: Array) -> None:
    """Evaluate a structure once, before hours of dynamics, and look at what comes back.

    Parameters
    ----------
    potential : Potential
        The potential.
    symbols : sequence of str
        Element of every particle.
    positions, box : (N, 3) and (3, 3) array
        Positions and box vectors, nm.

    Raises
    ------
    InputError
        As `probe`.
    """
    where = f"potential {potential.name!r}"
    _look(
        potential,
        list(symbols),
        positions,
        box,
        torch.float64,
        where,
        f"the {len(positions)} atoms of the crystal",
    )


def _look(
    potential: Potential,
    symbols: list[str],
    positions: Array,
    box: Array,
    dtype: torch.dtype,
    where: str,
    what: str,
) -> None:
    n_atoms = len(symbols)
    try:
        energy, forces = potential.bind(symbols)(
            torch.tensor(positions, dtype=dtype), torch.tensor(box, dtype=dtype)
        )
    except (torch.jit.Error, RuntimeError, ValueError, KeyError, TypeError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[-1] if lines else type(error).__name__
        raise InputError(
            f"{where} fails on {what} on the CPU: {reason[:200]}; "
            "look at the dtype and the device that its code asks for"
        ) from None
    if energy.numel() != 1 or tuple(forces.shape) != (n_atoms, 3):
        raise InputError(
            f"{where} returns an energy of shape {tuple(energy.shape)} and forces of shape "
            f"{tuple(forces.shape)} for {what}; a potential returns one energy and forces ({n_atoms}, 3)"
        )
    if not (np.isfinite(float(energy)) and bool(torch.isfinite(forces).all())):
        raise InputError(f"{where} returns numbers that are not finite for {what}")
