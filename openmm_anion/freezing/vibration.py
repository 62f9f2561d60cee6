r"""V: hold the shape of each anion by OpenMM's own distance constraints.

A rigid body of n atoms needs 3n-6 independent distances (n-1 on a line). Which ones are taken matters:
OpenMM's CCMA solver (P. Eastman, V. S. Pande, J. Chem. Theory Comput. 6, 434 (2010),
doi:10.1021/ct900463w) inverts the matrix that couples them once, cuts small elements of the inverse, and
iterates. It learns the angle between two constraints only from a third that closes the triangle or from a
`HarmonicAngleForce`, takes an unknown angle as a right one, and diverges without a word when the
approximation is poor. Therefore

* the distances are chosen by QR with column pivoting of the mass-weighted rigidity matrix, which gives
  the best conditioned set;
* every open angle is told by a harmonic angle of zero strength, unless a force of the user's tells it
  already: the solver believes the first that it finds, be it off the true one;
* the spectral radius of one iteration, ``I - A B`` with A the coupling and B the cut inverse of what the
  solver believes A to be, is computed beforehand, and a shape for which it exceeds one half is left to
  `openmm_anion.freezing.rigid_shape` if other sets fare no better, as are shapes that no set of distances
  holds, and large ones, for which the solver takes longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import unit
from scipy.linalg import qr

from openmm_anion.freezing.modes import removed_degrees_of_freedom
from openmm_anion.freezing.reference import FrozenAnion

Array = NDArray[np.float64]
Pair = tuple[int, int]
Angles = Mapping[tuple[int, int, int], float]
"""Angles (rad) at the middle one of three particles, the outer ones in ascending order."""

GPU_CUT = 0.1
"""Elements of the inverse below this are dropped on GPU platforms (0.02 on Reference and CPU)."""

LARGEST_RADIUS = 0.5
"""Spectral radius of one CCMA iteration up to which a shape is accepted."""

CHOICES = 10
"""Sets of distances that are tried. Some thermal BH4 of heavy hydrogen need another than the first, and one
anion that is held in another way costs as much as all of them."""

MOST_DISTANCES = 30
"""Above it the solver takes longer than the projector of `openmm_anion.freezing.rigid_shape`: on one core of
a CPU less for an octahedron (15), more for a cage of 24 atoms (66), see `benchmarks/freeze_overhead.py`."""

INDEPENDENT = 1e-3
"""Relative size of a diagonal element of R under which a distance adds nothing new."""

DISTANCES_HOLD_FLAT = {"linear": 2, "planar": 3}
"""Atoms up to which distances hold a flat shape to first order; a larger one bends freely."""


def rigidity_matrix(positions: Array, masses: Array, pairs: Iterable[Pair]) -> Array:
    """Return the normalised mass-weighted gradients of the distances, one row per pair.

    Parameters
    ----------
    positions : (n, 3) array
        Shape, nm.
    masses : (n,) array
        Masses, Da.
    pairs : iterable of (int, int)
        Pairs of atoms.

    Returns
    -------
    array, shape (number of pairs, 3 n)
        Rows of length 1.

    Examples
    --------
    >>> rigidity_matrix(np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]]), np.ones(2), [(0, 1)]).shape
    (1, 6)
    """
    rows = []
    for i, j in pairs:
        direction = positions[i] - positions[j]
        row = np.zeros_like(positions)
        row[i], row[j] = direction / np.sqrt(masses[i]), -direction / np.sqrt(masses[j])
        rows.append(row.ravel() / np.linalg.norm(row))
    return np.array(rows)


def rigid_distances(positions: Array, masses: Array, choice: int = 0) -> list[Pair]:
    """Choose a well conditioned set of distances that makes the shape rigid.

    Parameters
    ----------
    positions : (n, 3) array
        Shape, nm.
    masses : (n,) array
        Masses, Da.
    choice : int, optional
        0 for the best conditioned set, or the number of one in which chance has a say.

    Returns
    -------
    list of (int, int)
        Independent pairs: 3n-6 for a general shape; fewer when distances cannot hold it to first order.

    Examples
    --------
    >>> tetrahedron = np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 0.1
    >>> len(rigid_distances(tetrahedron, np.array([31.0, 32.0, 32.0, 32.0, 32.0])))
    9
    """
    pairs = list(combinations(range(len(positions)), 2))
    preference = (
        1.0 - 0.5 * np.random.default_rng(choice).random(len(pairs)) if choice else np.ones(len(pairs))
    )
    gradients = rigidity_matrix(positions, masses, pairs)
    triangular, order = qr((preference[:, None] * gradients).T, mode="r", pivoting=True)
    size = np.abs(np.diag(triangular))
    return sorted(pairs[k] for k in order[: int(np.count_nonzero(size > INDEPENDENT * size[0]))])


def open_corners(pairs: Iterable[Pair]) -> Iterator[tuple[int, int, tuple[int, int, int]]]:
    """Yield the corners between distances that no third distance closes, whose angles CCMA must be told.

    Parameters
    ----------
    pairs : iterable of (int, int)
        Constrained distances.

    Yields
    ------
    (int, int, (int, int, int))
        The places of two distances in the sequence, and the corner: its middle atom between the outer ones,
        which are in ascending order.

    Examples
    --------
    >>> list(open_corners([(0, 1), (1, 2)]))
    [(0, 1, (0, 1, 2))]
    """
    known = list(pairs)
    closed = {frozenset(pair) for pair in known}
    for (p, first), (q, second) in combinations(enumerate(known), 2):
        shared = set(first) & set(second)
        ends = frozenset(first) ^ frozenset(second)
        if len(shared) == 1 and ends not in closed:
            a, c = sorted(ends)
            yield p, q, (a, shared.pop(), c)


def ccma_radius(
    positions: Array,
    masses: Array,
    pairs: list[Pair],
    angles: Angles | None = None,
    cut: float = GPU_CUT,
) -> float:
    """Return the spectral radius of one iteration of OpenMM's constraint solver.

    Parameters
    ----------
    positions : (n, 3) array
        Shape, nm.
    masses : (n,) array
        Masses, Da.
    pairs : list of (int, int)
        Constrained distances.
    angles : mapping, optional
        Angles (rad) that the solver takes from elsewhere for corners of the shape.
    cut : float, optional
        Size under which elements of the inverse are dropped.

    Returns
    -------
    float
        The factor by which the error shrinks per iteration; at 1 and above it grows.

    Examples
    --------
    >>> corners = np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 0.1
    >>> masses = np.array([31.0, 32.0, 32.0, 32.0, 32.0])
    >>> ccma_radius(corners, masses, rigid_distances(corners, masses)) < 0.5
    True
    """
    gradients = rigidity_matrix(positions, masses, pairs)
    coupling = gradients @ gradients.T
    believed = coupling.copy()
    inverse_masses = 1.0 / masses
    for p, q, corner in open_corners(pairs) if angles else ():
        if angles and corner in angles:
            middle = corner[1]
            sizes = np.sqrt([inverse_masses[list(pairs[k])].sum() for k in (p, q)])
            told = np.cos(angles[corner]) * inverse_masses[middle] / sizes.prod()
            believed[p, q] = believed[q, p] = told
    length = np.array([np.linalg.norm(positions[i] - positions[j]) for i, j in pairs])
    scale = length[None, :] / length[:, None]
    inverse = np.linalg.inv(believed) * scale
    inverse[np.abs(inverse) <= cut] = 0.0
    return float(np.abs(np.linalg.eigvals(np.eye(len(pairs)) - (coupling * scale) @ inverse)).max())


def angles_of(system: openmm.System) -> Angles:
    """Return the angles that the harmonic angles of a System would have at rest.

    Parameters
    ----------
    system : openmm.System
        The System. Of several for the same particles, OpenMM's constraint solver believes the first.

    Returns
    -------
    dict
        By the three particles.

    Examples
    --------
    >>> system, force = openmm.System(), openmm.HarmonicAngleForce()
    >>> _ = force.addAngle(2, 0, 1, 1.9, 0.0), system.addForce(force)
    >>> angles_of(system)
    {(1, 0, 2): 1.9}
    """
    angles: dict[tuple[int, int, int], float] = {}
    for force in system.getForces():
        if isinstance(force, openmm.HarmonicAngleForce):
            for index in range(force.getNumAngles()):
                a, b, c, angle, _ = force.getAngleParameters(index)
                angles.setdefault((min(a, c), b, max(a, c)), angle.value_in_unit(unit.radian))
    return angles


def shape_distances(anion: FrozenAnion, angles: Angles | None = None) -> list[Pair] | None:
    """Return the distances by which OpenMM's constraint solver can hold the shape of an anion.

    Parameters
    ----------
    anion : FrozenAnion
        The anion and its reference shape (nm).
    angles : mapping, optional
        The `angles_of` the System.

    Returns
    -------
    list of (int, int) or None
        Independent pairs; None for a shape that distances cannot hold (planar with more than three atoms,
        linear with more than two), for which the solver would not converge, or would take long.

    Examples
    --------
    >>> corners = np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 0.1
    >>> len(shape_distances(FrozenAnion(np.arange(5), np.full(5, 32.0), corners)))
    9
    """
    size = removed_degrees_of_freedom("V", len(anion.indices), anion.shape)
    if size > MOST_DISTANCES:
        return None
    if anion.shape != "general" and len(anion.indices) > DISTANCES_HOLD_FLAT[anion.shape]:
        return None
    for choice in range(CHOICES):
        pairs = rigid_distances(anion.positions, anion.masses, choice)
        if len(pairs) < size:
            return None
        told = {}
        for _, _, corner in open_corners(pairs) if angles else ():
            particles = _particles(anion, corner)
            if angles and particles in angles:
                told[corner] = angles[particles]
        if ccma_radius(anion.positions, anion.masses, pairs, told) <= LARGEST_RADIUS:
            return pairs
    return None


def add_shape_constraints(
    system: openmm.System, anions: Iterable[tuple[FrozenAnion, list[Pair]]], force_group: int
) -> None:
    """Add the distance constraints that make each anion rigid, and the angles that CCMA needs.

    Parameters
    ----------
    system : openmm.System
        Changed in place.
    anions : iterable of (FrozenAnion, pairs)
        The anions, their reference shapes (nm) and their `shape_distances`.
    force_group : int
        Group for the zero-strength angles, never evaluated, so that they cost nothing.

    Examples
    --------
    >>> system = openmm.System()
    >>> _ = [system.addParticle(1.0) for _ in range(2)]
    >>> pair = FrozenAnion(np.arange(2), np.ones(2), np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]]))
    >>> add_shape_constraints(system, [(pair, [(0, 1)])], force_group=1)
    >>> system.getNumConstraints()
    1
    """
    angles = openmm.HarmonicAngleForce()
    angles.setForceGroup(force_group)
    angles.setName("openmm-anion: angles for the constraint solver")
    for anion, pairs in anions:
        for i, j in pairs:
            length = float(np.linalg.norm(anion.positions[i] - anion.positions[j]))
            system.addConstraint(int(anion.indices[i]), int(anion.indices[j]), length)
        for _, _, corner in open_corners(pairs):
            angles.addAngle(*_particles(anion, corner), _angle(anion.positions[list(corner)]), 0.0)
    if angles.getNumAngles():
        system.addForce(angles)


def _particles(anion: FrozenAnion, corner: tuple[int, int, int]) -> tuple[int, int, int]:
    a, b, c = (int(anion.indices[k]) for k in corner)
    return min(a, c), b, max(a, c)


def _angle(corner: Array) -> float:
    first, second = corner[0] - corner[1], corner[2] - corner[1]
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    return float(np.arccos(np.clip(cosine, -1.0, 1.0)))
