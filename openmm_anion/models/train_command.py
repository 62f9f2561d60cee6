"""The command ``openmm-anion train``."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "train a potential on labelled structures"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``train`` to `parser`.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Changed in place.
    """
    parser.add_argument(
        "data", nargs="+", metavar="DATA", help="labelled structures (extxyz: energies in eV, forces in eV/A)"
    )
    parser.add_argument("--out", required=True, metavar="MODEL.pt", help="model file to write")
    parser.add_argument(
        "--recipe", metavar="RECIPE.toml", help="architecture and schedule; without it, the defaults"
    )
    parser.add_argument(
        "--test",
        nargs="+",
        default=[],
        metavar="DATA",
        help="structures to report errors on, never trained on",
    )
    parser.add_argument("--epochs", type=int, help="passes over the data, instead of the recipe's")
    parser.add_argument("--seed", type=int, help="of weights, split and order, instead of the recipe's")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def run(arguments: argparse.Namespace) -> int:
    """Train, write the model, print its errors; return the exit status.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed arguments.

    Returns
    -------
    int
        Exit status 0.
    """
    # imported here: torchani takes a second to import, which --help need not wait for
    from openmm_anion.models.recipe import read_recipe, with_training
    from openmm_anion.models.train import train

    recipe = read_recipe(arguments.recipe)
    recipe = with_training(recipe, epochs=arguments.epochs, seed=arguments.seed)
    card = train(arguments.data, arguments.out, recipe, test=arguments.test, progress=not arguments.quiet)
    for name, error in card["errors"].items():
        if name == "held-out":  # the last of the others, of which the page has more
            continue
        print(
            f"{name:30s} {error['frames']:5d} frames  {error['energy_rmse_mev_per_atom']:6.2f} meV/atom"
            f"  {error['force_rmse_mev_per_angstrom']:6.1f} meV/A"
        )
    print(f"wrote {arguments.out}, and its card {Path(arguments.out).with_suffix('.md')}")
    return 0
