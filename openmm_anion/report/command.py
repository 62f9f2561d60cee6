"""``openmm-anion report DIR``."""

from __future__ import annotations

import argparse
from pathlib import Path

from openmm_anion.comparison.functions import StudyFunctions
from openmm_anion.comparison.results import StudyResults
from openmm_anion.comparison.table import format_table
from openmm_anion.report.figure import check_figure, save_summary_figure
from openmm_anion.report.page import FIGURES, write_report
from openmm_anion.report.static_figures import write_figures


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``report`` to a parser.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Changed in place.
    """
    parser.add_argument(
        "directory", type=Path, metavar="DIR", help="what `openmm-anion run` wrote, finished or not"
    )
    parser.add_argument(
        "--no-figures", action="store_true", help="write no static figures (DIR/figures/, .svg and .png)"
    )
    parser.add_argument(
        "--figure", type=Path, metavar="FILE", help="also write a static figure (.svg, .png or .pdf)"
    )


def run(args: argparse.Namespace) -> int:
    """Analyse a study, write its report and figures, print the table and the paths; see `write_report`.

    Parameters
    ----------
    args : argparse.Namespace
        Parsed arguments.

    Returns
    -------
    int
        Exit status 0.
    """
    if args.figure is not None:
        check_figure(args.figure)
    path = write_report(args.directory)
    results = StudyResults.model_validate_json((path.parent / "results.json").read_text())
    if not args.no_figures:
        write_figures(results, StudyFunctions.read(path.parent), path.parent / FIGURES)
    if args.figure is not None:
        save_summary_figure(results, args.figure)
    print(format_table(results))
    if not args.no_figures:
        print(f"figures: {path.parent / FIGURES}")
    print(f"report: {path}")
    return 0
