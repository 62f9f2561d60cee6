"""Divide labelled frames into training, validation and test frames."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

from openmm_anion.errors import InputError

T = TypeVar("T")


def split(
    frames: Sequence[T], validation: float, test: float, block: int, seed: int
) -> tuple[list[T], list[T], list[T]]:
    """Deal out whole blocks of neighbouring frames at random.

    Parameters
    ----------
    frames : sequence
        In the order of the trajectories.
    validation, test : float
        Fractions, at least one block each.
    block : int
        Frames per block; fewer where there are too few frames for ten blocks.
    seed : int
        Of the random order.

    Returns
    -------
    tuple of list
        Training, validation and test frames.

    Raises
    ------
    InputError
        If there are fewer than three frames.

    Examples
    --------
    >>> [len(part) for part in split(range(100), 0.1, 0.2, 5, seed=1)]
    [70, 10, 20]
    """
    if len(frames) < 3:
        raise InputError(
            f"{len(frames)} labelled frames are too few to train, validate and test; give at least 3"
        )
    block = max(1, min(block, len(frames) // 10))
    blocks = [list(frames[start : start + block]) for start in range(0, len(frames), block)]
    random.Random(seed).shuffle(blocks)
    n_test = max(1, round(test * len(blocks)))
    n_validation = max(1, round(validation * len(blocks)))
    parts = blocks[n_test + n_validation :], blocks[n_test : n_test + n_validation], blocks[:n_test]
    training, validating, testing = ([frame for part in parts_ for frame in part] for parts_ in parts)
    return training, validating, testing
