"""``openmm-anion models``."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``models`` to a parser.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Changed in place.
    """
    parser.add_argument(
        "model", nargs="?", metavar="MODEL", help="name or file of a potential whose card is printed"
    )
    parser.add_argument("--json", action="store_true", help="for other programs")


def run(args: argparse.Namespace) -> int:
    """Print the list of potentials, or the card of one.

    Parameters
    ----------
    args : argparse.Namespace
        Parsed arguments.

    Returns
    -------
    int
        Exit status 0.
    """
    from openmm_anion import models
    from openmm_anion.models.about import table

    if args.model:
        print(json.dumps(models.load(args.model).card, indent=1))
        return 0
    entries = models.describe()
    if args.json:
        print(json.dumps([asdict(entry) for entry in entries], indent=1))
        return 0
    print(table(entries))
    print(
        "\nErrors: on structures that were not trained on, against the labels named.\n"
        "The card of one: openmm-anion models NAME. Files of SevenNet, NequIP, Allegro, MACE,\n"
        "DeePMD-kit and `openmm-anion train` are named by their path."
    )
    return 0
