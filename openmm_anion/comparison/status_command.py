"""``openmm-anion status DIR``."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from openmm_anion.comparison.progress import progress_table, study_progress
from openmm_anion.comparison.study_directory import StudyDirectory
from openmm_anion.errors import InputError

CLEAR = "\x1b[H\x1b[2J"
"""Puts the cursor in the corner of an empty terminal."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Changed in place.
    """
    parser.add_argument("directory", type=Path, metavar="DIR", help="what `openmm-anion run` writes")
    parser.add_argument(
        "--watch", type=float, metavar="S", help="look again every so many seconds, until all runs have ended"
    )


def run(args: argparse.Namespace) -> int:
    """Print how far every run is.

    Parameters
    ----------
    args : argparse.Namespace
        Parsed arguments.

    Returns
    -------
    int
        Exit status: 0, or 1 when a run broke an anion or failed.

    Raises
    ------
    InputError
        If the time between looks is none, or there is no study.
    """
    if args.watch is not None and not 0.0 < args.watch < float("inf"):
        raise InputError(f"--watch {args.watch:g} is no number of seconds above zero")
    while True:
        rows = study_progress(StudyDirectory.read(args.directory))
        table = progress_table(rows)
        if args.watch is None:
            print(table)
            break
        print((CLEAR if sys.stdout.isatty() else "") + table, flush=True)
        if not any(row.state in ("running", "waiting", "not started", "interrupted") for row in rows):
            break
        time.sleep(args.watch)
    return 1 if any(row.state in ("broken", "failed") for row in rows) else 0
