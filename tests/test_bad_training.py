"""Bad recipes, data and distillations: exit status 2, one clear line, no traceback, nothing written over."""

from __future__ import annotations

import os

from bad_input import Case, Short, change, cut, module, nothing, one_line_test, text

TRAIN = "train data.extxyz --out new.pt --recipe recipe.toml --quiet"

CASES: list[Case] = [
    (TRAIN, text("recipe.toml", b"# \xe4"), ["recipe.toml is not UTF-8"]),
    (TRAIN, change("recipe.toml", "[8]", "8"), ["ani.hidden = 8", "give a list"]),
    (TRAIN, change("recipe.toml", "[8]", "[0]"), ["ani.hidden.0 = 0", "greater than or equal to 1"]),
    (TRAIN, change("recipe.toml", '"S"', '"Xx"'), ["ani.elements", "'Xx' is no chemical symbol"]),
    (TRAIN, change("recipe.toml", '"S"', '"Na"'), ["ani.elements", "Na stands twice"]),
    (TRAIN, change("recipe.toml", "hidden = [8]", "radial_cutoff = 1e9"), ["ani.radial_cutoff"]),
    (
        TRAIN,
        change("recipe.toml", "hidden = [8]", "radial_cutoff = 3.0"),
        ["angular_cutoff must not be larger"],
    ),
    (TRAIN, change("recipe.toml", "epochs = 1", "learning_rate = nan"), ["training.learning_rate = nan"]),
    (TRAIN, change("recipe.toml", "epochs = 1", "energy_weight = inf"), ["energy_weight = inf", "finite"]),
    (TRAIN + " --epochs 0", nothing, ["training.epochs = 0"]),
    (TRAIN + " --seed -1", nothing, ["training.seed = -1"]),
    (TRAIN, text("data.extxyz", os.urandom(5000)), ["data.extxyz cannot be read as structures"]),
    (TRAIN, cut("data.extxyz", 3000), ["data.extxyz cannot be read as structures"]),
    (TRAIN.replace("data.extxyz", "run.extxyz"), nothing, ["frame 0 of run.extxyz has no energy"]),
    (TRAIN.replace("new.pt", "data.extxyz"), nothing, ["data.extxyz is one of the data"]),
    (TRAIN.replace("new.pt", "results"), nothing, ["model file results is a directory"]),
    (TRAIN.replace("new.pt", "''"), nothing, ["model file . is a directory"]),
    (TRAIN.replace("new.pt", "/proc/new.pt"), nothing, ["model file /proc/new.pt cannot be written"]),
    ("distill study.toml --out out", nothing, ["unknown key 'structure.cation'"]),
    ("distill distill.toml --out out", text("out/distillation.json", "[]"), ["it holds no table"]),
    (
        "distill distill.toml --out out",
        change("distill.toml", "[0.0, 0.01]", "[nan]"),
        ["strains.0 = nan", "finite"],
    ),
    (
        "distill distill.toml --out out",
        change("distill.toml", "length = 0.1", "length = 0.001"),
        ["explore.length = 0.001 ps", "shorter than explore.interval"],
    ),
    (
        "distill distill.toml --out out",
        change("distill.toml", "seed = 3", "seed = true"),
        ["seed = True", "whole"],
    ),
    (
        "distill distill.toml --out out",
        lambda folder: (module(Short)(folder), change("distill.toml", '"na3ps4"', '"mine.pt"')(folder)),
        ["forces of shape (1, 3) for the 128 atoms"],
    ),
]

test_one_line = one_line_test(CASES)
