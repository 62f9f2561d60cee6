"""A crystal with hops of known times between known sites, in cells that may be skewed or change."""

from __future__ import annotations

from typing import Any

import MDAnalysis as mda
import numpy as np
from MDAnalysis.lib.mdamath import triclinic_vectors
from synthetic_study import TETRAHEDRON, jiggle, ps4

from openmm_anion.analysis.sites import Sites

Array = np.ndarray[Any, Any]

DT = 0.1

SITES = 4

N_CATIONS = 24

CUBIC = [14.0, 14.0, 14.0, 90.0, 90.0, 90.0]

TRICLINIC = [14.0, 15.0, 16.0, 65.0, 75.0, 80.0]

GRID = np.stack(np.meshgrid(*[np.arange(SITES)] * 3, indexing="ij"), -1).reshape(-1, 3)

CENTRES = (GRID[GRID.sum(axis=1) % SITES == 0] + 0.5) / SITES

N_ANIONS = len(CENTRES)

ANIONS = [ps4(5 * a) for a in range(N_ANIONS)]

TWO = Sites(np.array([[0.0, 0.0, 0.0], [0.5, 0.0, 0.0]]), 8.0 * np.eye(3), ("a", "b"))


def breathing(dimensions: list[float], n: int) -> Array:
    """Lengths and angles that change by several percent, each in its own time."""
    time = np.arange(n)[:, None]
    return np.array(dimensions) * (1.0 + 0.02 * np.sin(time / np.array([31.0, 17.0, 23.0, 41.0, 29.0, 37.0])))


def walk(rng: np.random.Generator, n_frames: int, rate: float) -> Array:
    """Random walks on the grid of sites, at most one step in a frame: (frames, cations, 3), whole numbers."""
    hops = rng.random((n_frames, N_CATIONS)) < 1.0 - np.exp(-rate * DT)
    hops[0] = False
    steps = np.zeros((n_frames, N_CATIONS, 3), dtype=int)
    along = rng.integers(0, 3, (n_frames, N_CATIONS, 1))
    np.put_along_axis(steps, along, (hops * rng.choice([-1, 1], hops.shape))[..., None], axis=2)
    return np.asarray(GRID[rng.permutation(len(GRID))[:N_CATIONS]] + np.cumsum(steps, axis=0))


def crystal(
    rng: np.random.Generator,
    path: Array,
    dimensions: Array | list[float],
    *,
    amplitude: float = 0.15,
    drift: float = 0.0,
    wrapped: bool = True,
) -> Any:
    """Anions and vibrating cations on the sites of `path`, all of it scaled with the cell of each frame."""
    n = len(path)
    boxes = np.broadcast_to(np.asarray(dimensions, dtype=float), (n, 6)).astype(np.float32)
    cells = np.array([triclinic_vectors(box, dtype=np.float64) for box in boxes])
    anions = (CENTRES @ cells)[:, :, None] + np.vstack([np.zeros(3), TETRAHEDRON])
    anions = anions + jiggle(rng, anions.shape, 0.05, DT)
    cations = path / SITES @ cells + jiggle(rng, path.shape, amplitude, DT)
    positions = np.concatenate([anions.reshape(n, -1, 3), cations], axis=1)
    positions += drift * DT * np.arange(n)[:, None, None] * np.array([1.0, 0.4, -0.7])
    if wrapped:
        positions -= np.floor(positions @ np.linalg.inv(cells)) @ cells
    universe = mda.Universe.empty(positions.shape[1], trajectory=True)
    universe.load_new(positions.astype(np.float32), dimensions=boxes, dt=DT)
    return universe


def cations_of(universe: Any) -> Any:
    return universe.atoms[5 * N_ANIONS :]


def number(cells: Array) -> Array:
    """Number of the site at whole-numbered coordinates."""
    return np.asarray(np.ravel_multi_index(tuple(np.moveaxis(cells % SITES, -1, 0)), (SITES,) * 3))


def steps_of(path: Array) -> list[tuple[int, int, int, int]]:
    """Hops put in: frame, cation, from, to."""
    frame, cation = np.nonzero((np.diff(path, axis=0) != 0).any(axis=-1))
    origin, goal = number(path[frame, cation]), number(path[frame + 1, cation])
    return list(zip((frame + 1).tolist(), cation.tolist(), origin.tolist(), goal.tolist(), strict=True))


def lasting_steps_of(path: Array, settle: int) -> list[tuple[int, int, int, int]]:
    """The same for hops that last, one cation and one frame at a time."""
    found = []
    for cation in range(path.shape[1]):
        stays: list[list[Any]] = []
        for frame, site in enumerate(path[:, cation].tolist()):
            if not stays or stays[-1][0] != site:
                stays.append([site, frame, 0])
            stays[-1][2] += 1
        here = stays[0][0]
        for site, begin, length in stays[1:]:
            if length < settle or site == here:
                continue
            if settle <= begin <= len(path) - settle:
                found.append((begin, cation, int(number(np.array(here))), int(number(np.array(site)))))
            here = site
    return sorted(found)


def table(data: Any, name: str = "") -> list[tuple[int, int, int, int]]:
    columns = [
        np.round(data[f"{name}time"].values / DT).astype(int),
        data[f"{name}cation"].values - 5 * N_ANIONS,
        data[f"{name}from_site"].values,
        data[f"{name}to_site"].values,
    ]
    return [tuple(row) for row in np.column_stack(columns).tolist()]


def sites_in(dimensions: list[float]) -> Sites:
    return Sites(GRID / SITES, np.asarray(dimensions))


def line(x: list[float], edge: float = 8.0) -> Any:
    """One cation on a line, 0.5 ps a frame."""
    universe = mda.Universe.empty(1, trajectory=True)
    positions = np.zeros((len(x), 1, 3))
    positions[:, 0, 0] = x
    universe.load_new(positions, dimensions=np.tile([edge] * 3 + [90.0] * 3, (len(x), 1)), dt=0.5)
    return universe.atoms


CELLS = [np.array(CUBIC), np.array(TRICLINIC), breathing(TRICLINIC, 600)]
