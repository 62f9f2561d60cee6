"""Evaluate a potential once, so that a model that cannot work says so before the dynamics."""

from __future__ import annotations

import numpy as np
import torch

from openmm_anion.errors import InputError
from openmm_anion.models.potential import Potential

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
    for dtype in (torch.float64, torch.float32):
        positions = torch.tensor([[0.1, 0.1, 0.1], [0.1 + SPACING, 0.1, 0.1]], dtype=dtype)
        try:
            energy, forces = potential.bind(symbols)(positions, width * torch.eye(3, dtype=dtype))
        except (RuntimeError, ValueError, KeyError) as error:  # torch.jit.Error is a RuntimeError
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            reason = lines[-1] if lines else type(error).__name__
            raise InputError(
                f"{where} fails on two atoms with positions of {dtype} on the CPU: {reason[:200]}; "
                "look at the dtype and the device that its code asks for"
            ) from None
        if energy.numel() != 1 or tuple(forces.shape) != (2, 3):
            raise InputError(
                f"{where} returns an energy of shape {tuple(energy.shape)} and forces of shape "
                f"{tuple(forces.shape)} for two atoms; a potential returns one energy and forces (2, 3)"
            )
        if not (np.isfinite(float(energy)) and bool(torch.isfinite(forces).all())):
            raise InputError(f"{where} returns numbers that are not finite for two atoms {SPACING} nm apart")
