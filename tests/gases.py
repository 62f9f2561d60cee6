"""Gases in cells of every form, and the distances in them by brute force."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from MDAnalysis.lib.mdamath import triclinic_vectors

Array = np.ndarray[Any, Any]

ORTHORHOMBIC = [12.0, 14.0, 17.0, 90.0, 90.0, 90.0]
SKEWED = [12.0, 14.0, 15.0, 55.0, 60.0, 50.0]


def gas(rng: np.random.Generator, n_frames: int, n: int, dimensions: Sequence[float]) -> Array:
    """Particles that stay within 1 A of where they were, anywhere in the cell."""
    vectors = triclinic_vectors(dimensions)
    start = rng.random((n, 3)) @ vectors
    return np.asarray(start + rng.uniform(-0.5, 0.5, (n_frames, n, 3)))


def image_distances(a: Array, b: Array, vectors: Array, reach: int = 2) -> Array:
    """Shortest distance of each a from each b among (2 reach + 1)^3 images."""
    shifts = np.array(list(itertools.product(range(-reach, reach + 1), repeat=3))) @ vectors
    d = b[None, :] - a[:, None]
    return np.asarray(np.linalg.norm(d[:, :, None] + shifts, axis=-1).min(axis=-1))
