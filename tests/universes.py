"""MDAnalysis Universes in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import MDAnalysis as mda
import numpy as np

Array = np.ndarray[Any, Any]


def universe_of(positions: Array, dimensions: Sequence[float] | Array | None = None, dt: float = 0.1) -> Any:
    """Positions (frames, atoms, 3) in A; one cell, or one of each frame (A, degrees); `dt` in ps."""
    universe = mda.Universe.empty(positions.shape[1], trajectory=True)
    boxes = None if dimensions is None else np.broadcast_to(dimensions, (len(positions), 6)).copy()
    universe.load_new(positions.astype(np.float32), dimensions=boxes, dt=dt)
    return universe


def wrapped(positions: Array, vectors: Array) -> Array:
    """Positions in the cell with these vectors."""
    return np.asarray(positions - np.floor(positions @ np.linalg.inv(vectors)) @ vectors)
