"""A potential in the units of labels and of ASE: eV and angstrom."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from openmm_anion.models.potential import Potential
from openmm_anion.units import ANGSTROM, EV

Array = NDArray[np.float64]


def in_electronvolts(
    potential: Potential, symbols: Sequence[str]
) -> Callable[[Array, Array], tuple[float, Array]]:
    """Fix the particles: a function of positions and cell that returns energy and forces.

    Parameters
    ----------
    potential : Potential
        The potential.
    symbols : sequence of str
        Element of every particle.

    Returns
    -------
    callable
        Positions (N, 3) and cell (3, 3), angstrom, to energy (eV) and forces (N, 3), eV/angstrom.

    Examples
    --------
    >>> from openmm_anion import models
    >>> far_apart = in_electronvolts(models.load("na3ps4"), ["Na", "Na"])
    >>> energy, forces = far_apart(np.array([[0.0, 0, 0], [8.0, 0, 0]]), 16 * np.eye(3))
    >>> forces.tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    import torch

    bound = potential.bind(list(symbols))

    def evaluate(positions: Array, cell: Array) -> tuple[float, Array]:
        where = torch.tensor(np.asarray(positions) * ANGSTROM, dtype=torch.float64)
        energy, forces = bound(where, torch.tensor(np.asarray(cell) * ANGSTROM, dtype=torch.float64))
        plain = forces.detach().cpu().double().numpy()
        return float(energy.detach()) / EV, plain * (ANGSTROM / EV)

    return evaluate
