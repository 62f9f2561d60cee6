r"""Let the cell find its size: a barostat on the free crystal, the mean cell, and the crystal in that cell.

Freezing needs a cell that stays, since fixed centres do not scale with it. The barostat therefore acts in the
equilibration only, and what follows runs in the mean of the cells that were seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import unit

from openmm_anion.anions import Polyanion
from openmm_anion.freezing.ties import molecule_ties

Array = NDArray[np.float64]
Barostat = Literal["none", "isotropic", "anisotropic", "flexible"]

EVERY = 10
"""Steps between two trial moves of the cell: a few hundred of them in a short equilibration."""


def with_barostat(
    system: openmm.System,
    anions: Iterable[Polyanion],
    barostat: Barostat,
    pressure: float,
    temperature: float,
    seed: int,
) -> openmm.System:
    """Add a barostat to a System, and tie its anions, which the barostat then moves as wholes.

    Parameters
    ----------
    system : openmm.System
        Changed in place.
    anions : iterable of Polyanion
        Its anions.
    barostat : {"isotropic", "anisotropic", "flexible"}
        One scale for the cell, one for each of its axes, or any change of its lengths and angles.
    pressure : float
        Pressure, bar.
    temperature : float
        Temperature, K.
    seed : int
        Seed of the trial moves.

    Returns
    -------
    openmm.System
        The same System.
    """
    system.addForce(molecule_ties(anions))
    if barostat == "anisotropic":
        force = openmm.MonteCarloAnisotropicBarostat(
            openmm.Vec3(pressure, pressure, pressure), temperature, True, True, True, EVERY
        )
    elif barostat == "flexible":
        force = openmm.MonteCarloFlexibleBarostat(pressure, temperature, EVERY)
    else:
        force = openmm.MonteCarloBarostat(pressure, temperature, EVERY)
    force.setRandomNumberSeed(seed)
    system.addForce(force)
    return system


def box_of(state: openmm.State) -> Array:
    """Return the box vectors of a State as rows.

    Parameters
    ----------
    state : openmm.State
        From `Context.getState`.

    Returns
    -------
    (3, 3) array
        nm.
    """
    return np.asarray(state.getPeriodicBoxVectors(asNumpy=True).value_in_unit(unit.nanometer))


def scaled(positions: Array, anions: Iterable[Polyanion], before: Array, after: Array) -> Array:
    """Return positions in another cell: fractional coordinates stay, and anions keep shape and orientation.

    Parameters
    ----------
    positions : (N, 3) array
        Positions, anions whole, nm.
    anions : iterable of Polyanion
        The anions: indices and masses count, not their own positions.
    before, after : (3, 3) array
        Box vectors as rows, nm.

    Returns
    -------
    (N, 3) array
        nm.

    Examples
    --------
    >>> scaled(np.array([[0.5, 0.5, 0.5]]), [], np.eye(3), 1.1 * np.eye(3))
    array([[0.55, 0.55, 0.55]])
    """
    change = np.linalg.solve(before, after)
    moved = positions @ change
    for anion in anions:
        here = positions[anion.indices]
        center = anion.masses @ here / anion.masses.sum()
        moved[anion.indices] = here + (center @ change - center)
    return np.asarray(moved)
