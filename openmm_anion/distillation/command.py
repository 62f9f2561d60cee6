"""``openmm-anion distill FILE.toml``."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``distill`` to a parser.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Changed in place.
    """
    parser.add_argument("settings", metavar="FILE.toml", help="crystal, teacher and conditions")
    parser.add_argument("--out", metavar="DIR", help="where to (default: the file's name beside it)")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(args: argparse.Namespace) -> int:
    """Distill, or go on with a distillation that was interrupted; print the errors.

    Parameters
    ----------
    args : argparse.Namespace
        Parsed arguments.

    Returns
    -------
    int
        Exit status 0.
    """
    from openmm_anion.distillation.rounds import distill
    from openmm_anion.distillation.settings import read_distill_settings

    settings = read_distill_settings(args.settings)
    directory = Path(args.out) if args.out else Path(args.settings).with_suffix("")
    card = distill(settings, directory, quiet=args.quiet)
    error = card["errors"]["held-out"]
    print(
        f"held-out: {error['frames']} frames, forces {error['force_rmse_mev_per_angstrom']:.1f} meV/A "
        f"({error['force_rmse_percent']:.1f} %), energies {error['energy_rmse_mev_per_atom']:.2f} meV/atom"
    )
    print(f"wrote {directory / settings.name}.pt and its card {settings.name}.md")
    return 0
