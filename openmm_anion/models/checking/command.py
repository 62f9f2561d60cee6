"""``openmm-anion check-model MODEL STRUCTURE``."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``check-model`` to a parser.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Changed in place.
    """
    parser.add_argument("model", metavar="MODEL", help="name or file of the potential")
    parser.add_argument("structure", metavar="STRUCTURE", help="crystal: any file that ASE reads")
    parser.add_argument("--supercell", type=int, nargs=3, default=(1, 1, 1), metavar="N", help="repetitions")
    parser.add_argument("--temperature", type=float, default=300.0, help="of the runs, K (300)")
    parser.add_argument("--timestep", type=float, default=1.0, help="of the runs, fs (1)")
    parser.add_argument("--steps", type=int, default=500, help="of the run at constant energy (500)")
    parser.add_argument(
        "--platform",
        default="CPU",
        choices=("Reference", "CPU", "OpenCL", "CUDA"),
        help="OpenMM platform of the runs (CPU)",
    )
    parser.add_argument("--kind", help="kind of OpenMM Force: torch, python or torch-graphs")
    parser.add_argument("--teacher", metavar="MODEL", help="potential to compare energies and forces with")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers to a file")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def run(args: argparse.Namespace) -> int:
    """Check, print the table; 1 if a check fails.

    Parameters
    ----------
    args : argparse.Namespace
        Parsed arguments.

    Returns
    -------
    int
        Exit status: 0, or 1 if a check fails.

    Raises
    ------
    InputError
        If a number of the command line cannot be used, or the platform does not work here.
    """
    from openmm_anion import models
    from openmm_anion.atomic_file import check_writable, write_json
    from openmm_anion.errors import InputError
    from openmm_anion.models.checking.dynamics import Run
    from openmm_anion.models.checking.result import table
    from openmm_anion.models.checking.suite import check_model
    from openmm_anion.platforms import problem_with
    from openmm_anion.structure import read_structure

    for name, value in (("--temperature", args.temperature), ("--timestep", args.timestep)):
        if not 0 < value < float("inf"):
            raise InputError(f"{name} {value:g} must be positive")
    if args.steps < 50:
        raise InputError(f"--steps {args.steps} are too few to see a drift; give 50 or more")
    for name, value in (("--steps", args.steps), ("--seed", args.seed)):
        if not 0 <= value < 2**31:
            raise InputError(f"{name} {value} must be between 0 and {2**31 - 1}")
    if args.json:
        check_writable(args.json, "file")
    problem = problem_with(args.platform)
    if problem:
        raise InputError(f"platform {args.platform} does not work here: {problem}; choose another")
    atoms = read_structure(args.structure, args.supercell)
    how = Run(
        temperature=args.temperature,
        timestep=1e-3 * args.timestep,
        length=args.steps,
        platform=args.platform,
        kind=args.kind,
        seed=args.seed,
    )
    results = check_model(
        models.load(args.model),
        atoms,
        run=how,
        teacher=models.load(args.teacher) if args.teacher else None,
        progress=not args.quiet,
    )
    print(table(results))
    if args.json:
        write_json(args.json, [asdict(r) | {"passed": r.passed} for r in results])
    failed = sum(not result.passed for result in results)
    print(f"{failed} of {len(results)} failed" if failed else "all passed")
    return 1 if failed else 0
