"""``openmm-anion plan STUDY.toml``."""

from __future__ import annotations

import argparse

from openmm_anion.errors import InputError
from openmm_anion.study.plan import plan_study
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
        "--measure", type=float, default=2.0, metavar="S", help="seconds to time each mode (default: 2)"
    )


def run(args: argparse.Namespace) -> int:
    """Print what the study will cost.

    Parameters
    ----------
    args : argparse.Namespace
        Parsed arguments.

    Returns
    -------
    int
        Exit status 0.

    Raises
    ------
    InputError
        If the time to measure is none.
    """
    if not 0.0 < args.measure < float("inf"):
        raise InputError(f"--measure {args.measure:g} is no number of seconds above zero")
    settings = read_settings(args.study)
    print(plan_study(settings, args.measure))
    print(f"next: openmm-anion run {args.study}")
    return 0
