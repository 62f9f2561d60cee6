"""``openmm-anion report DIR``."""

from __future__ import annotations

import argparse
from pathlib import Path

from openmm_anion.comparison.results import StudyResults
from openmm_anion.comparison.table import format_table
from openmm_anion.report.figure import check_figure, save_summary_figure
from openmm_anion.report.page import write_report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``report`` to a parser."""
    parser.add_argument(
        "directory", type=Path, metavar="DIR", help="what `openmm-anion run` wrote, finished or not"
    )
    parser.add_argument(
        "--figure", type=Path, metavar="FILE", help="also write a static figure (.svg, .png or .pdf)"
    )


def run(args: argparse.Namespace) -> int:
    """Analyse a study, write its report, print the table and the path; see `write_report`."""
    if args.figure is not None:
        check_figure(args.figure)
    path = write_report(args.directory)
    results = StudyResults.model_validate_json((path.parent / "results.json").read_text())
    if args.figure is not None:
        save_summary_figure(results, args.figure)
    print(format_table(results))
    print(f"report: {path}")
    return 0
