"""``openmm-anion reproduce RUN``."""

from __future__ import annotations

import argparse
from pathlib import Path

from tqdm import tqdm

from openmm_anion.atomic_file import read_json
from openmm_anion.study.reproduce import REMEDY, reproduce


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Changed in place.
    """
    parser.add_argument("run", type=Path, metavar="RUN", help="e.g. results/runs/T900K/snapshot-0/R")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder of the new run (default: RUN with -again behind it)"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(args: argparse.Namespace) -> int:
    """Run it again, and say how alike the two are.

    Parameters
    ----------
    args : argparse.Namespace
        Parsed arguments.

    Returns
    -------
    int
        Exit status: 0 if all frames are the same, else 1.
    """
    out = args.out or args.run.resolve().with_name(args.run.resolve().name + "-again")
    record = args.run / "run.json"
    total = read_json(record, REMEDY).get("steps") if record.is_file() else None
    with tqdm(total=total, unit="step", unit_scale=True, disable=args.quiet, delay=0.5) as bar:
        found = reproduce(args.run, out, bar.update)
    print(found)
    print(f"new run: {out}")
    return 0 if found.first is None else 1
