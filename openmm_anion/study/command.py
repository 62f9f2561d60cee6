"""``openmm-anion run STUDY.toml``."""

from __future__ import annotations

import argparse
from pathlib import Path

from openmm_anion.study.schedule import run_study
from openmm_anion.study.settings import read_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Changed in place.
    """
    parser.add_argument("study", metavar="STUDY.toml", help="study file")
    parser.add_argument(
        "--out", metavar="DIR", help="results directory (default: the study's name beside it)"
    )
    parser.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="run on the workers of a Dask scheduler, e.g. tcp://10.0.0.1:8786, which see the same files",
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(args: argparse.Namespace) -> int:
    """Run the study, or complete one that was interrupted.

    Parameters
    ----------
    args : argparse.Namespace
        Parsed arguments.

    Returns
    -------
    int
        Exit status: 0, or 1 when a run broke an anion or failed.
    """
    settings = read_settings(args.study)
    directory = Path(args.out) if args.out else Path(args.study).with_suffix("")
    outcome = run_study(settings, directory, dask=args.dask, quiet=args.quiet)
    for key, status in outcome.troubled.items():
        print(f"{key}: {status}")
    print(f"{len(outcome.statuses)} runs in {directory}; next: openmm-anion report {directory}")
    return 1 if outcome.troubled else 0
