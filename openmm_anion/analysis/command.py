"""``openmm-anion analyze TOPOLOGY TRAJECTORY --cation Na --anion PS4 -o DIR``."""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path

from openmm_anion import __version__
from openmm_anion.analysis.ions import find_ions
from openmm_anion.analysis.suite import QUANTITIES, Choices, Suite
from openmm_anion.analysis.trajectory import open_trajectory
from openmm_anion.analysis.verdict import rule_sentence
from openmm_anion.atomic_file import make_directory, write_bytes, write_json
from openmm_anion.errors import InputError, did_you_mean


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Changed in place.
    """
    parser.add_argument("topology", type=Path, metavar="TOPOLOGY", help="PDB, GRO, LAMMPS data, extxyz ...")
    parser.add_argument(
        "trajectory", type=Path, metavar="TRAJECTORY", nargs="?", help="DCD, XTC, TRR, dump, XDATCAR ..."
    )
    parser.add_argument("--cation", required=True, metavar="ELEMENT", help="mobile cation, e.g. Na")
    parser.add_argument(
        "--anion", required=True, action="append", metavar="FORMULA", help="polyanion, e.g. PS4; repeatable"
    )
    parser.add_argument("-o", "--out", required=True, type=Path, metavar="DIR", help="where results go")
    parser.add_argument(
        "--only", metavar="NAMES", help=f"some of {', '.join(QUANTITIES)}; separated by commas"
    )
    parser.add_argument(
        "--dt", type=float, metavar="PS", help="time between frames, if the file does not say"
    )
    parser.add_argument("--begin", type=int, default=0, metavar="N", help="first frame (default: 0)")
    parser.add_argument("--end", type=int, metavar="N", help="frame to stop before")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="use every Nth frame")
    parser.add_argument("--lags", metavar="PS", help="lag times of van Hove functions, separated by commas")
    parser.add_argument("--settle", type=float, metavar="PS", help="how long a hop or a rotation must last")
    parser.add_argument("--hop-length", type=float, metavar="A", help="shortest hop")
    parser.add_argument("--cutoff", type=float, metavar="A", help="radius of the shell of an anion")
    parser.add_argument("--temperature", type=float, metavar="K", help="for conductivities")
    parser.add_argument("--charge", type=float, default=1.0, metavar="E", help="of a cation (default: 1)")
    parser.add_argument(
        "--velocities", type=Path, metavar="FILE", help="velocities.dcd of a study that writes them"
    )
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes that read frames (default: 1)"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(args: argparse.Namespace) -> int:
    """Compute, write and print the quantities of a trajectory.

    Parameters
    ----------
    args : argparse.Namespace
        Parsed arguments.

    Returns
    -------
    int
        Exit status: 0, or 1 if not everything could be computed.
    """
    choices, names = _choices(args), _names(args.only)
    universe = open_trajectory(
        args.topology, args.trajectory, frame_interval=args.dt, velocities=args.velocities
    )
    ions = find_ions(universe, args.cation, args.anion)
    kinds = ", ".join(sorted({anion.formula for anion in ions.anions}))
    suite = Suite(ions, choices)
    make_directory(args.out, "results directory")
    print(
        f"{suite.n_frames} frames, {suite.interval:g} ps apart; {len(ions.cations)} {args.cation}, "
        f"{len(ions.anions)} anions ({kinds})",
        flush=True,
    )
    numbers: dict[str, float] = {}
    told: dict[str, str] = {}
    for outcome in suite.run(names):
        print(f"{outcome.name:24}{outcome.headline}", flush=True)
        told[outcome.name] = outcome.headline
        numbers |= outcome.numbers
        if outcome.quantity is not None:
            outcome.quantity.to_json(args.out / f"{outcome.name}.json")
            drawn = io.BytesIO()
            outcome.quantity.plot().figure.savefig(drawn, format="png", dpi=150)
            write_bytes(args.out / f"{outcome.name}.png", drawn.getvalue())
    rule = rule_sentence(numbers)
    if rule:
        print(rule)
    write_json(
        args.out / "summary.json",
        {
            "openmm-anion": __version__,
            "topology": str(args.topology),
            "trajectory": str(args.trajectory or args.topology),
            "frames": suite.n_frames,
            "interval_ps": suite.interval,
            "told": told,
            "numbers": json.loads(json.dumps(numbers), parse_constant=lambda _: None),
            "rule": rule,
        },
    )
    print(f"numbers (JSON) and figures (PNG) in {args.out}")
    return 1 if any(headline.startswith("not computed") for headline in told.values()) else 0


def _choices(args: argparse.Namespace) -> Choices:
    for name in ("dt", "settle", "hop_length", "cutoff", "temperature"):
        value = getattr(args, name)
        if value is not None and not 0.0 < value < float("inf"):
            raise InputError(f"--{name.replace('_', '-')} {value:g} is no number above zero")
    if not 0.0 < abs(args.charge) < float("inf"):
        raise InputError(f"--charge {args.charge:g} is no charge of an ion in e")
    if args.every < 1:
        raise InputError(f"--every {args.every} is no number of frames from 1")
    if args.workers < 1:
        raise InputError(f"--workers {args.workers} is no number of processes from 1")
    try:
        lags = tuple(float(lag) for lag in args.lags.split(",")) if args.lags is not None else ()
    except ValueError:
        raise InputError(
            f"--lags {args.lags!r}: give times in ps, separated by commas, e.g. 1,5,20"
        ) from None
    if not all(0.0 < lag < float("inf") for lag in lags):
        raise InputError(f"--lags {args.lags!r}: times in ps must be above zero")
    return Choices(
        frames=slice(args.begin, args.end, args.every),
        frame_interval=args.dt,
        lags=lags,
        settle=args.settle,
        hop_length=args.hop_length,
        cutoff=args.cutoff,
        temperature=args.temperature,
        charge=args.charge,
        verbose=not args.quiet,
        workers=args.workers,
    )


def _names(only: str | None) -> list[str] | None:
    if only is None:
        return None
    names = [name.strip() for name in only.split(",") if name.strip()]
    if not names:
        raise InputError(f"--only {only!r} names no quantity; there are {', '.join(QUANTITIES)}")
    for name in names:
        if name not in QUANTITIES:
            known = list(QUANTITIES)
            raise InputError(
                f"quantity {name!r} is unknown; there are {', '.join(known)}{did_you_mean(name, known)}"
            )
    return names
