"""``openmm-anion init STRUCTURE --cation Na --anion PS4``."""

from __future__ import annotations

import argparse
from pathlib import Path

from openmm_anion.atomic_file import write_bytes
from openmm_anion.errors import InputError
from openmm_anion.study.template import schema, study_template


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Changed in place.
    """
    parser.add_argument(
        "structure", metavar="STRUCTURE", nargs="?", help="CIF, POSCAR, extxyz or whatever ASE reads"
    )
    parser.add_argument("--cation", metavar="ELEMENT", help="mobile cation, e.g. Na")
    parser.add_argument("--anion", metavar="FORMULA", action="append", help="polyanion; repeatable")
    parser.add_argument("--out", metavar="FILE", default="study.toml", help="default: study.toml")
    parser.add_argument("--schema", action="store_true", help="print the JSON schema of a study file instead")


def run(args: argparse.Namespace) -> int:
    """Write a commented study file, or print its schema.

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
        If an argument is missing, the file exists already or cannot be written, or the structure cannot be
        used.
    """
    if args.schema:
        print(schema())
        return 0
    for name, value in (("STRUCTURE", args.structure), ("--cation", args.cation), ("--anion", args.anion)):
        if not value:
            raise InputError(f"{name} is missing; e.g. openmm-anion init na3ps4.cif --cation Na --anion PS4")
    path = Path(args.out)
    if path.exists():
        raise InputError(f"{path} is already there; choose another --out, or delete it")
    text = study_template(Path(args.structure), args.cation, args.anion, path.parent)
    try:
        write_bytes(path, text.encode())
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None
    print(f"{path} written; read it, then: openmm-anion plan {path}")
    return 0
