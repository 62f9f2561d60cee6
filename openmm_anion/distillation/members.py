"""Train the members of a committee, each on a core of its own."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from tqdm import tqdm

from openmm_anion.atomic_file import write_json
from openmm_anion.errors import InputError
from openmm_anion.models.recipe import Recipe
from openmm_anion.processes import end_with_parent


def cores() -> int:
    """Processors that this process may use.

    Returns
    -------
    int
        At least 1.

    Examples
    --------
    >>> cores() >= 1
    True
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def train_members(
    recipes: Sequence[Recipe],
    data: Sequence[Path],
    test: Sequence[Path],
    files: Sequence[Path],
    *,
    quiet: bool,
) -> list[dict[str, Any]]:
    """Train models that are not there yet.

    Parameters
    ----------
    recipes : sequence of Recipe
        One per member; they differ in their seeds.
    data, test : sequence of Path
        Labelled frames to train on, and to state errors for.
    files : sequence of Path
        Model file of each member; its card is written beside it as JSON.
    quiet : bool
        Show no progress.

    Returns
    -------
    list of dict
        The cards.

    Raises
    ------
    InputError
        If a process dies, or the frames cannot be trained on.
    """
    missing = [k for k, file in enumerate(files) if not file.is_file()]
    cards: dict[int, dict[str, Any]] = {}
    with tqdm(total=len(files), initial=len(files) - len(missing), unit="model", disable=quiet) as bar:
        bar.set_description(f"training for {files[0].parent.name}")
        # Fresh processes: torch keeps the threads that it started with.
        context = multiprocessing.get_context("spawn")
        workers = max(1, min(cores(), len(missing)))
        with ProcessPoolExecutor(workers, context, end_with_parent, (os.getpid(),)) as pool:
            jobs = {
                pool.submit(_train, recipes[k].model_dump(), list(data), list(test), files[k]): k
                for k in missing
            }
            try:
                for job in as_completed(jobs):
                    cards[jobs[job]] = job.result()
                    bar.update()
            except BrokenProcessPool:
                raise InputError(
                    "a process that trained a model died (out of memory?); the same command goes on"
                ) from None
    from openmm_anion import models

    return [cards.get(k) or models.load(file).card for k, file in enumerate(files)]


def _train(recipe: dict[str, Any], data: list[Path], test: list[Path], out: Path) -> dict[str, Any]:
    import torch

    from openmm_anion.models.train import train

    torch.set_num_threads(1)
    part = out.with_name(out.name + ".part")
    card = train(data, part, Recipe.model_validate(recipe), test=test, progress=False, page=False)
    write_json(out.with_suffix(".json"), card)
    part.replace(out)
    return card
