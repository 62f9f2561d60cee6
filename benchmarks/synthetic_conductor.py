"""A synthetic trajectory with known truth: cations that hop among librating and jumping XY4 anions.

1,024 atoms: 384 cations hop at random on 768 sites, no two on one site; 128 PS4 vibrate, librate, and turn by
120 degrees about a bond at a known rate. Cells: orthorhombic; triclinic; triclinic in another orientation;
one that breathes while the crystal drifts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]

ANION_GRID = (4, 4, 8)
SITES_PER_ANION = 6
CATIONS_PER_ANION = 3
EDGE = 7.2
"""Distance between anions, A."""
INTERVAL = 0.01
"""Time between frames, ps."""
HOP_RATE = 0.5
"""Tries per cation and ps; some are refused because the site is taken."""
JUMP_RATE = 0.05
"""Turns by 120 degrees per anion and ps."""
BOND = 2.05
TETRAHEDRON = BOND / np.sqrt(3.0) * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1.0]])
OFFSETS = np.array([[0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5]])
"""Sites of the cell of an anion, fractional."""
TILT = np.array([[1.0, 0, 0], [0.25, 0.95, 0], [-0.2, 0.3, 0.9]])


@dataclass(frozen=True)
class Conductor:
    """What was made.

    Attributes
    ----------
    positions : array, shape (frames, 8 * anions, 3)
        Continuous positions, A: PS4 after PS4, P first; then the cations.
    boxes : array, shape (frames, 3, 3)
        Cells, A.
    sites : array, shape (6 * anions, 3)
        Places between which cations hop, A.
    hops : int
        Hops in all.
    jumps : int
        Turns of anions in all.
    breathing : bool
        Whether the cell changes.
    n_anions : int
        How many PS4.
    """

    positions: Array
    boxes: Array
    sites: Array
    hops: int
    jumps: int
    breathing: bool
    n_anions: int

    @property
    def cations(self) -> NDArray[np.int64]:
        """Atoms that hop."""
        return np.arange(5 * self.n_anions, self.positions.shape[1])

    def wrapped(self) -> Array:
        """Positions in the cell."""
        fractional = self.positions @ np.linalg.inv(self.boxes)
        return np.asarray((fractional - np.floor(fractional)) @ self.boxes)


def conductor(
    n_frames: int,
    *,
    tilted: bool = False,
    breathing: bool = False,
    seed: int = 1,
    anion_grid: tuple[int, int, int] = ANION_GRID,
    interval: float = INTERVAL,
) -> Conductor:
    """Make a trajectory.

    Parameters
    ----------
    n_frames : int
        Frames.
    tilted : bool, optional
        In a triclinic cell.
    breathing : bool, optional
        The cell changes by 1 percent and the crystal drifts by 1 A/ps.
    seed : int, optional
        Seed.
    anion_grid : tuple of int, optional
        Anions along each cell vector.
    interval : float, optional
        Time between frames, ps.
    """
    rng = np.random.default_rng(seed)
    shape = (TILT if tilted else np.eye(3)) * EDGE
    grid = np.stack(np.meshgrid(*map(np.arange, anion_grid), indexing="ij"), axis=-1).reshape(-1, 3)
    centers = grid @ shape
    sites = ((grid[:, None] + OFFSETS) @ shape).reshape(-1, 3)
    box = np.array(anion_grid)[:, None] * shape
    walks, hops = _walks(rng, sites, box, n_frames, CATIONS_PER_ANION * len(grid), interval)
    cations = walks + _noise(rng, walks.shape, 0.25, 0.05, interval)
    anions, jumps = _anions(rng, centers, n_frames, interval)
    positions = np.concatenate([anions.reshape(n_frames, -1, 3), cations], axis=1)
    boxes = np.tile(box, (n_frames, 1, 1))
    if breathing:
        scale = 1.0 + 0.01 * np.sin(2 * np.pi * np.arange(n_frames) * interval / 5.0)
        positions = positions * scale[:, None, None] + interval * np.arange(n_frames)[:, None, None]
        boxes = boxes * scale[:, None, None]
    return Conductor(positions, boxes, sites, hops, jumps, breathing, len(grid))


def _noise(
    rng: np.random.Generator, shape: tuple[int, ...], amplitude: float, tau: float, interval: float
) -> Array:
    """Noise with a memory, along the first axis."""
    memory = np.exp(-interval / tau)
    noise = rng.normal(size=(shape[0] + 100, *shape[1:])) * amplitude * np.sqrt(1.0 - memory**2)
    return np.asarray(lfilter([1.0], [1.0, -memory], noise, axis=0)[100:])


def _walks(
    rng: np.random.Generator, sites: Array, box: Array, n_frames: int, n_cations: int, interval: float
) -> tuple[Array, int]:
    """Hops to one of the six nearest sites, refused where it is taken."""
    between = sites[None] - sites[:, None]
    between -= np.round(between @ np.linalg.inv(box)) @ box
    neighbours = np.argsort(np.linalg.norm(between, axis=-1), axis=1)[:, 1:7]
    at = rng.permutation(len(sites))[:n_cations]
    taken = np.zeros(len(sites), dtype=bool)
    taken[at] = True
    here = sites[at].copy()
    walks = np.empty((n_frames, n_cations, 3))
    hops = 0
    for frame in range(n_frames):
        walks[frame] = here
        for ion in np.flatnonzero(rng.random(n_cations) < HOP_RATE * interval):
            old, new = at[ion], neighbours[at[ion], rng.integers(6)]
            if not taken[new]:
                taken[old], taken[new], at[ion] = False, True, new
                here[ion] += between[old, new]
                hops += 1
    return walks, hops


def _anions(rng: np.random.Generator, centers: Array, n_frames: int, interval: float) -> tuple[Array, int]:
    """PS4 that vibrate, librate and jump; each turns about a bond when it jumps."""
    n = len(centers)
    orientations = np.empty((n_frames, n, 3, 3))
    now = Rotation.random(n, random_state=int(rng.integers(2**31))).as_matrix()
    jumps = 0
    for frame in range(n_frames):
        orientations[frame] = now
        for anion in np.flatnonzero(rng.random(n) < JUMP_RATE * interval):
            axis = now[anion] @ TETRAHEDRON[rng.integers(4)] / BOND
            turn = Rotation.from_rotvec(axis * rng.choice([-1, 1]) * 2 * np.pi / 3)
            now = now.copy()
            now[anion] = turn.as_matrix() @ now[anion]
            jumps += 1
    libration = Rotation.from_rotvec(
        _noise(rng, (n_frames, n, 3), 0.12, 0.1, interval).reshape(-1, 3)
    ).as_matrix()
    turned = libration.reshape(n_frames, n, 3, 3) @ orientations
    ligands = np.einsum("faij,kj->faki", turned, TETRAHEDRON)
    atoms = np.concatenate([np.zeros((n_frames, n, 1, 3)), ligands], axis=2)
    atoms += _noise(rng, atoms.shape, 0.04, 0.03, interval)
    return atoms + centers[:, None] + _noise(rng, (n_frames, n, 1, 3), 0.1, 0.1, interval), jumps
