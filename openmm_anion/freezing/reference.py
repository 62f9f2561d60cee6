"""Where an anion is frozen: its centre, its orientation and its shape, taken from given positions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import unit
from scipy.spatial.distance import pdist, squareform

from openmm_anion import shape
from openmm_anion.anions import Polyanion
from openmm_anion.errors import InputError
from openmm_anion.periodic import make_whole, minimum_image
from openmm_anion.shape import Shape

Array = NDArray[np.float64]

COINCIDENT = 1e-6
"""Distance (nm) under which two particles are taken to be at one place."""


@dataclass(frozen=True, eq=False)
class FrozenAnion:
    """One anion at the moment of freezing.

    Attributes
    ----------
    indices : (n,) int array
        Its particles in the System.
    masses : (n,) array
        Their masses in the System, Da.
    positions : (n, 3) array
        Whole reference positions, nm.
    formula : str
        Its composition if it is known, e.g. ``"PS4"``.

    Examples
    --------
    >>> pair = FrozenAnion(np.array([0, 1]), np.ones(2), np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]]))
    >>> pair.shape, pair.center
    ('linear', array([0.1, 0. , 0. ]))
    """

    indices: NDArray[np.int64]
    masses: Array
    positions: Array
    formula: str = ""

    @cached_property
    def shape(self) -> Shape:
        """``"linear"``, ``"planar"`` or ``"general"``."""
        return shape.classify(self.positions, self.masses)

    @cached_property
    def center(self) -> Array:
        """Reference centre of mass, (3,), nm."""
        return shape.center_of_mass(self.positions, self.masses)

    @cached_property
    def displacements(self) -> Array:
        """Reference shape d: positions relative to the centre of mass, (n, 3), nm."""
        return self.positions - self.center

    @cached_property
    def inverse_inertia(self) -> tuple[Array, Array]:
        """Inverse moments of inertia (3,), 1/(Da nm^2), and the principal axes they belong to, as columns.

        The inverse is zero about the axis of a linear anion, which has no rotation there. This follows
        from its shape and from no cut-off on the moments: masses make those of a bent ion look large.
        """
        moments, axes = shape.principal_axes(self.positions, self.masses)
        inverse = np.zeros(3)
        rotations = slice(1, 3) if self.shape == "linear" else slice(0, 3)
        inverse[rotations] = 1.0 / (moments.sum() - moments)[rotations]
        return inverse, axes

    def at(self, positions: Array) -> FrozenAnion:
        """Return the same anion with another reference.

        Parameters
        ----------
        positions : (n, 3) array
            Whole reference positions, nm.

        Returns
        -------
        FrozenAnion
            With a new centre and new displacements.
        """
        return replace(self, positions=positions)

    def turned_onto(self, positions: Array) -> FrozenAnion:
        """Return the anion with its shape put where given positions fit it best.

        These obey the Eckart condition of the result, ``sum m d x (x - c) = 0``, exactly.

        Parameters
        ----------
        positions : (n, 3) array
            Whole positions, nm.

        Returns
        -------
        FrozenAnion
            Centre and orientation of the positions, shape of this one.
        """
        center = shape.center_of_mass(positions, self.masses)
        turn = shape.best_rotation(self.displacements, positions - center, self.masses)
        return self.at(center + self.displacements @ turn.T)


def between(here: FrozenAnion, there: FrozenAnion, modes: str, box: Array | None) -> FrozenAnion:
    """Return an anion that is there in what is frozen, and here in what is not.

    Parameters
    ----------
    here, there : FrozenAnion
        The same anion where it is and where it is to be frozen.
    modes : str
        Frozen motions: of T the centre is there, of R the orientation; the shape always is.
    box : (3, 3) array or None
        Box vectors as rows, nm, of a periodic System: the nearest image of a centre is taken.

    Returns
    -------
    FrozenAnion
        Its reference for these modes.

    Examples
    --------
    >>> pair = FrozenAnion(np.array([0, 1]), np.ones(2), np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]]))
    >>> between(pair, pair.at(pair.positions + 1.0), "T", None).center
    array([1.1, 1. , 1. ])
    """
    shift = there.center - here.center
    center = here.center + (shift if box is None else minimum_image(shift, box)) * ("T" in modes)
    displacements = there.displacements
    if "R" not in modes:
        turn = shape.best_rotation(displacements, here.displacements, here.masses)
        displacements = displacements @ turn.T
    return here.at(center + displacements)


def reference_anions(
    system: openmm.System, anions: Iterable[Polyanion | Sequence[int]], positions: Array, box: Array | None
) -> tuple[FrozenAnion, ...]:
    """Take each anion's reference from `positions`, made whole, with the masses of the System.

    Parameters
    ----------
    system : openmm.System
        The System whose particles the anions are.
    anions : iterable of Polyanion or of index sequences
        Anions found by `find_polyanions`, or plain particle indices.
    positions : (N, 3) array
        Positions of all particles, nm.
    box : (3, 3) array or None
        Box vectors as rows, nm; None if the System is not periodic, and positions are whole as they are.

    Returns
    -------
    tuple of FrozenAnion
        In the order of `anions`.

    Raises
    ------
    InputError
        If an index is not a whole number, out of range or claimed twice, if a particle is massless or a
        virtual site, or if two particles of an anion are at one place.

    Examples
    --------
    >>> system = openmm.System()
    >>> particles = [system.addParticle(mass) for mass in (12.0, 14.0)]
    >>> anions = reference_anions(system, [particles], np.array([[0.0, 0.0, 0.0], [0.12, 0.0, 0.0]]), None)
    >>> anions[0].masses
    array([12., 14.])
    """
    taken: dict[int, int] = {}
    result = []
    for number, anion in enumerate(anions):
        indices = np.array(anion.indices if isinstance(anion, Polyanion) else anion)
        if indices.size and not np.issubdtype(indices.dtype, np.integer):
            raise InputError(f"anion {number} is {anion!r}; give the indices of its particles"[:300])
        if indices.ndim != 1 or len(indices) < 2:
            raise InputError(
                f"anion {number} has {indices.size} atom(s); a polyanion needs two or more particle indices"
            )
        for index in indices.tolist():
            if not 0 <= index < system.getNumParticles():
                raise InputError(
                    f"anion {number} names particle {index}, but the System has "
                    f"{system.getNumParticles()} particles"
                )
            if index in taken:
                raise InputError(
                    f"particle {index} belongs to anion {taken[index]} and to anion {number}; give each once"
                )
            if system.isVirtualSite(index):
                raise InputError(
                    f"particle {index} of anion {number} is a virtual site, which cannot be frozen"
                )
            taken[index] = number
        masses = np.array([system.getParticleMass(int(i)).value_in_unit(unit.dalton) for i in indices])
        if (masses <= 0).any():
            index = int(indices[np.argmin(masses)])
            raise InputError(
                f"particle {index} of anion {number} has no mass; a massless particle does not move at all"
            )
        whole = positions[indices] if box is None else make_whole(positions[indices], box)
        distance = squareform(pdist(whole)) + np.eye(len(whole))
        first, second = np.unravel_index(np.argmin(distance), distance.shape)
        if distance[first, second] < COINCIDENT:
            raise InputError(
                f"particles {indices[first]} and {indices[second]} of anion {number} are at the same place; "
                "check the positions"
            )
        formula = anion.formula if isinstance(anion, Polyanion) else ""
        result.append(FrozenAnion(indices.astype(np.int64), masses, whole, formula))
    return tuple(result)
