"""A study file to begin with: every key with its default and what it means, from the settings themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import numpy as np
from ase import Atoms
from pydantic import BaseModel

from openmm_anion import models
from openmm_anion.anions import find_polyanions
from openmm_anion.configuration import parse
from openmm_anion.errors import InputError, did_you_mean
from openmm_anion.models.about import About
from openmm_anion.occupancy import SiteChoice
from openmm_anion.periodic import heights
from openmm_anion.structure import read_structure
from openmm_anion.study.settings import StudySettings
from openmm_anion.units import ANGSTROM

TEMPERATURE = 800.0
"""Suggested, K; below it most solids need longer runs than a first look."""
HYDROGEN_STEP = 0.001
"""Time step with hydrogen in the crystal, ps: a B-H stretch takes 14 fs."""


def study_template(structure: Path, cation: str, anions: list[str], folder: Path) -> str:
    """Write a commented study file for a crystal.

    The potential is a shipped one that knows all the elements, if there is one, and the supercell the
    smallest one that is wide enough for it.

    Parameters
    ----------
    structure : Path
        Crystal structure.
    cation : str
        Element of the mobile cation.
    anions : list of str
        Formulas of the polyanions.
    folder : Path
        Where the study file will be.

    Returns
    -------
    str
        TOML.

    Raises
    ------
    InputError
        If the structure cannot be read, or an ion is not in it.
    """
    atoms = read_structure(structure, choice=SiteChoice())
    bound = find_polyanions(atoms, anions).indices
    left = np.delete(np.array(atoms.get_chemical_symbols()), bound)
    if cation not in left:
        elements = sorted(set(left.tolist()))
        raise InputError(
            f"cation {cation!r} is not among the elements of {structure} outside of the anions"
            + did_you_mean(cation, elements)
        )
    potential = _potential_for(atoms)
    supercell = _supercell(atoms, potential)
    hydrogen = "H" in atoms.get_chemical_symbols()
    content = {
        "structure": {
            "file": _relative(structure, folder),
            "supercell": supercell,
            "cation": cation,
            "anion": anions if len(anions) > 1 else anions[0],
        },
        "potential": {"name": potential.name if potential else "7net-0"},
        "dynamics": {"temperatures": TEMPERATURE} | ({"timestep": HYDROGEN_STEP} if hydrogen else {}),
    }
    settings = parse(StudySettings, content, "the template")
    n_atoms = len(read_structure(structure, supercell, SiteChoice()))
    head = [
        f"# Which motion of {' and '.join(anions)} carries {cation} in {structure.name}? {n_atoms} atoms.",
        "# Times in ps, temperatures in K. Lines may be left out: the values below are the",
        "# defaults, except for what was found in the structure. Run `openmm-anion plan` on this file first.",
    ]
    if potential is None:
        head.append(
            "# No shipped potential knows these elements: 7net-0 does (pip install 'openmm-anion[sevennet]'),"
        )
        head.append("# but is slow; `openmm-anion distill` makes a fast one from it.")
    return "\n".join([*head, *_tables(settings, content)]) + "\n"


def schema() -> str:
    """The JSON schema of a study file, for editors that check TOML.

    Returns
    -------
    str
        JSON.

    Examples
    --------
    >>> import json
    >>> sorted(json.loads(schema())["required"])
    ['dynamics', 'potential', 'structure']
    """
    return json.dumps(StudySettings.model_json_schema(), indent=1)


def _potential_for(atoms: Atoms) -> About | None:
    elements = set(atoms.get_chemical_symbols())
    known = [about for about in models.describe() if about.size and elements <= set(about.elements)]
    return min(known, key=lambda about: len(about.elements), default=None)


def _supercell(atoms: Atoms, potential: About | None) -> list[int]:
    """The smallest one that is twice as wide as the potential reaches, in every direction."""
    reach = potential.cutoff if potential and potential.cutoff else 0.5
    widths = heights(atoms.cell.array * ANGSTROM)
    return [int(repeat) for repeat in np.ceil(2.0 * reach / widths - 1e-9)]


def _relative(structure: Path, folder: Path) -> str:
    try:
        return structure.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return str(structure.resolve())


def _tables(settings: StudySettings, content: dict[str, Any]) -> list[str]:
    lines = []
    for name in StudySettings.model_fields:
        section: BaseModel = getattr(settings, name)
        lines += ["", f"[{name}]"]
        dumped = json.loads(section.model_dump_json())
        for key, info in type(section).model_fields.items():
            value = content.get(name, {}).get(key, dumped[key])
            meaning = " ".join((info.description or "").split())
            choices = _choices(info.annotation)
            lines.append(f"# {meaning}{choices}")
            lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
    return lines


def _choices(annotation: Any) -> str:
    """What a key may be, where it is one of a few words."""
    if get_origin(annotation) is not Literal:
        return ""
    return " One of " + ", ".join(map(str, get_args(annotation))) + "."
