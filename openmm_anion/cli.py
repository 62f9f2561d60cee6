"""The command line: one subcommand per module, and one clear line for input that cannot be used."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from openmm_anion import __version__
from openmm_anion.errors import InputError

COMMANDS = {
    "init": ("openmm_anion.study.init_command", "write a commented study file for a crystal"),
    "plan": ("openmm_anion.study.plan_command", "say how long a study takes here, before it is run"),
    "run": ("openmm_anion.study.command", "run a study, or go on with one that was interrupted"),
    "status": ("openmm_anion.comparison.status_command", "show how far every run of a study is"),
    "report": ("openmm_anion.report.command", "analyse a study: table and report.html"),
    "analyze": ("openmm_anion.analysis.command", "all quantities of one trajectory, of anybody's"),
    "reproduce": ("openmm_anion.study.reproduce_command", "run one run of a study again, and compare"),
    "train": ("openmm_anion.models.train_command", "train a potential on labelled frames"),
    "distill": (
        "openmm_anion.distillation.command",
        "train a potential on what another one says, for one crystal and its study",
    ),
    "models": ("openmm_anion.models.models_command", "list the potentials, or print the card of one"),
    "check-model": ("openmm_anion.models.checking.command", "test a potential on a structure"),
}
"""Subcommand: module with ``add_arguments(parser)`` and ``run(args) -> int``, and its help."""


class _Parser(argparse.ArgumentParser):
    """Errors in one line, like all others."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Instead of those of the process.

    Returns
    -------
    int
        Exit status: 0 when all is well, 1 when a run failed, 2 for input that cannot be used, 130 when
        interrupted.
    """
    parser = _Parser(prog="openmm-anion", description="Which motion of the polyanions carries the cations?")
    parser.add_argument("--version", action="version", version=f"openmm-anion {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    given = list(sys.argv[1:] if arguments is None else arguments)
    for name, (module, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if name in given[:1]:  # only the wanted one: torch and MDAnalysis take seconds to import
            import_module(module).add_arguments(command)
    args = parser.parse_args(given)
    try:
        status: int = import_module(COMMANDS[args.command][0]).run(args)
    except InputError as error:
        print(f"openmm-anion: {_one_line(str(error))}", file=sys.stderr)
        return 2
    except OSError as error:  # a full disk, a folder without permission, a name that is too long
        where = f"{error.filename}: " if error.filename else ""
        print(f"openmm-anion: {_one_line(f'{where}{error.strerror or error}')}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            "\nopenmm-anion: interrupted; the same command goes on from the last checkpoint", file=sys.stderr
        )
        return 130
    return status


def _one_line(message: str) -> str:
    """Escape what would break the line, or command the terminal: a name of a file may hold anything."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in message)


if __name__ == "__main__":
    sys.exit(main())
