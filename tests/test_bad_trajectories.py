"""Bad trajectories of somebody's: exit status 2, one clear line, no traceback, nothing written over."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import ase.io
import numpy as np
from bad_input import Case, Preparation, cut, directory, nothing, one_line_test, text

ANALYZE = "analyze results/topology.pdb run.dcd --cation Na --anion PS4 -o out --quiet"
FRAMES = "analyze run.extxyz --cation Na --anion PS4 -o out --quiet --dt 0.1"


def frames(spoil: Callable[[list[ase.Atoms]], object]) -> Preparation:
    """The frames of somebody's trajectory, with something wrong."""

    def write(folder: Path) -> None:
        there = list(ase.io.iread(folder / "run.extxyz", ":"))
        spoil(there)
        ase.io.write(folder / "run.extxyz", there)

    return write


def position(value: float) -> Preparation:
    return frames(lambda there: there[0].positions.__setitem__((3, 1), value))


CASES: list[Case] = [
    (ANALYZE, cut("run.dcd", 100), ["run.dcd cannot be read by MDAnalysis", "premature EOF"]),
    (ANALYZE, cut("run.dcd", 0), ["run.dcd is empty"]),
    (ANALYZE, text("run.dcd", os.urandom(9999)), ["run.dcd cannot be read by MDAnalysis"]),
    (ANALYZE, directory("run.dcd"), ["run.dcd is a directory"]),
    (ANALYZE, text("results/topology.pdb", os.urandom(9999)), ["topology.pdb with run.dcd cannot be read"]),
    (ANALYZE.replace("run.dcd", "study.toml"), nothing, ["study.toml cannot be read by MDAnalysis"]),
    (ANALYZE.replace("-o out", "-o study.toml"), nothing, ["study.toml cannot be made: File exists"]),
    (ANALYZE + " --only ,", nothing, ["--only ',' names no quantity"]),
    (ANALYZE + " --lags 1,nan", nothing, ["--lags '1,nan'", "above zero"]),
    (ANALYZE + " --lags ''", nothing, ["--lags ''", "times in ps"]),
    (ANALYZE + " --charge inf", nothing, ["--charge inf"]),
    (ANALYZE + " --begin 1000", nothing, ["0 of the 50 frames are chosen"]),
    (ANALYZE + " --velocities results/topology.pdb", nothing, ["1 frames and the trajectory 50"]),
    (FRAMES, cut("run.extxyz", 1500), ["run.extxyz cannot be read by ASE", "expected 16"]),
    (FRAMES, text("run.extxyz", ""), ["run.extxyz is empty"]),
    (FRAMES.replace("--dt 0.1", ""), nothing, ["does not say the time between its frames"]),
    (FRAMES, position(np.nan), ["atom 3", "not finite"]),
    (FRAMES, position(np.inf), ["atom 3", "not finite"]),
    (
        FRAMES,
        frames(lambda there: [atoms.set_pbc(False) for atoms in there]),
        ["the first frame has no cell"],
    ),
    (
        FRAMES,
        frames(lambda there: there[2].cell.__setitem__((0, 0), np.nan)),
        ["frame 2", "a cell that is not"],
    ),
    (FRAMES, frames(lambda there: there[1].__delitem__(0)), ["frame 1 of run.extxyz holds other atoms"]),
]

test_one_line = one_line_test(CASES)
