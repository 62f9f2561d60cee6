"""What every run of a study shares: crystal, anions, potential and System, made once per process."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import openmm
from ase import Atoms
from numpy.typing import NDArray
from openmm import app

from openmm_anion import models
from openmm_anion.analysis.integrity import AnionWatch
from openmm_anion.anions import Polyanions, find_polyanions
from openmm_anion.errors import InputError, did_you_mean
from openmm_anion.models.committee import Committee
from openmm_anion.occupancy import NOTES, remove_cations
from openmm_anion.structure import build_system, build_topology, ions_together, read_structure
from openmm_anion.study.pressure import scaled
from openmm_anion.study.settings import StudySettings
from openmm_anion.study.spread_watch import SpreadWatch
from openmm_anion.units import ANGSTROM


@dataclass(frozen=True, eq=False)
class PreparedStudy:
    """The crystal of a study, ready for simulation.

    Attributes
    ----------
    settings : StudySettings
        The study file.
    atoms : ase.Atoms
        The supercell in OpenMM's orientation, angstrom.
    anions : Polyanions
        Its polyanions.
    cations : int array
        Its mobile cations.
    potential : models.Potential
        The trained potential.
    committee : Committee or None
        Judges whether frames are like what the potential was trained on.
    """

    settings: StudySettings
    atoms: Atoms
    anions: Polyanions
    cations: NDArray[np.int64]
    potential: models.Potential
    committee: Committee | None = None

    @cached_property
    def topology(self) -> app.Topology:
        """OpenMM topology: a residue per anion and per other atom."""
        return build_topology(self.atoms, self.anions)

    @cached_property
    def system(self) -> openmm.System:
        """The free crystal with its potential."""
        system = build_system(self.atoms)
        kind = self.settings.potential.kind
        self.potential.add_to(system, list(self.atoms.symbols), None if kind == "default" else kind)
        return system

    @property
    def notes(self) -> list[str]:
        """What was chosen for a disordered crystal, or taken out of it."""
        return list(self.atoms.info.get(NOTES, []))

    @property
    def box(self) -> NDArray[np.float64]:
        """Box vectors as rows, nm."""
        return np.asarray(self.atoms.cell.array * ANGSTROM)

    def in_cell(self, box: NDArray[np.float64]) -> PreparedStudy:
        """Return the same crystal in another cell; see `openmm_anion.study.pressure.scaled`.

        Parameters
        ----------
        box : (3, 3) array
            Box vectors as rows, nm.

        Returns
        -------
        PreparedStudy
            With its own System.

        Raises
        ------
        InputError
            If the potential, or a member of the committee, reaches further than that cell allows.
        """
        self.check_cell(box)
        positions = scaled(self.anions.positions, self.anions, self.box, box)
        atoms = self.atoms.copy()
        atoms.set_cell(box / ANGSTROM)
        atoms.positions = positions / ANGSTROM
        anions = tuple(replace(anion, positions=positions[anion.indices]) for anion in self.anions)
        return replace(self, atoms=atoms, anions=Polyanions(anions, positions, box))

    def check_cell(self, box: NDArray[np.float64]) -> None:
        """Refuse a cell in which the potential, or a member of the committee, would see an atom twice.

        Parameters
        ----------
        box : (3, 3) array
            Box vectors as rows, nm.
        """
        for potential in (self.potential, *(self.committee.members if self.committee else ())):
            potential.check(list(self.atoms.symbols), box)

    def spread_watch(self, folder: Path, until_ps: float) -> SpreadWatch | None:
        """Return a watch over the spread of the committee, if the study has one.

        Parameters
        ----------
        folder : Path
            Folder of the run.
        until_ps : float
            Time up to which an interrupted run is kept, ps; -1 for a new one.

        Returns
        -------
        SpreadWatch or None
            None without a committee.
        """
        if self.committee is None:
            return None
        limit = self.settings.potential.largest_spread
        return SpreadWatch(self.committee, list(self.atoms.symbols), limit, folder, until_ps)

    def anion_watch(self) -> AnionWatch:
        """Return a fresh watch over the anions, which knows bonds and places from the crystal.

        Returns
        -------
        AnionWatch
            That has seen nothing yet.
        """
        return AnionWatch(
            [anion.formula for anion in self.anions],
            [anion.bonds for anion in self.anions],
            [anion.indices for anion in self.anions],
            list(self.atoms.symbols),
            self.atoms.get_masses(),
            self.anions.positions,
            self.box,
        )

    def fingerprint(self) -> dict[str, Any]:
        """Return what decides the results, as JSON types: the settings without paths, and checksums.

        A study may move with its folder, but not go on with another structure or potential.

        Returns
        -------
        dict
            What ``study.json`` holds.
        """
        content: dict[str, Any] = json.loads(self.settings.model_dump_json(exclude={"computer"}))
        content["structure"]["file"] = self.settings.structure.file.name
        content["structure"]["sha256"] = hashlib.sha256(self.settings.structure.file.read_bytes()).hexdigest()
        content["potential"] = {"name": self.potential.name, "sha256": self.potential.sha256}
        if self.committee:
            content["potential"]["committee"] = [member.sha256 for member in self.committee.members]
            content["potential"]["largest_spread"] = self.settings.potential.largest_spread
        return content

    def try_potential(self) -> None:
        """Evaluate the potential once, and the members of the committee.

        Raises
        ------
        InputError
            If one fails on this crystal, or returns what is no energy with finite forces.
        """
        from openmm_anion.models.probe import probe_crystal  # after the threads of torch are set

        members = self.committee.members if self.committee else []
        for one in (self.potential, *members):
            probe_crystal(one, list(self.atoms.symbols), self.atoms.positions * ANGSTROM, self.box)

    def record(self) -> dict[str, Any]:
        """Return what the analysis needs to know of the structure, as JSON types.

        Returns
        -------
        dict
            What ``structure.json`` holds.
        """
        dynamics = self.settings.dynamics
        return {
            "symbols": list(self.atoms.symbols),
            "masses": self.atoms.get_masses().tolist(),
            "anions": [
                {"formula": anion.formula, "indices": anion.indices.tolist(), "bonds": anion.bonds.tolist()}
                for anion in self.anions
            ],
            "cations": self.cations.tolist(),
            "cation": self.settings.structure.cation,
            "anion": list(self.settings.structure.anion),
            "n_atoms": len(self.atoms),
            "notes": self.notes,
            "potential": self.potential.card,
            "temperatures": list(dynamics.temperatures),
            "modes": list(dynamics.mode_names),
            "snapshots": dynamics.snapshots,
            "seeds": dynamics.seeds,
        }


def prepare_study(settings: StudySettings) -> PreparedStudy:
    """Read the structure, find the ions, load the potential, and check that they fit together.

    Parameters
    ----------
    settings : StudySettings
        The study file.

    Returns
    -------
    PreparedStudy
        With all that does not change during its runs.

    Raises
    ------
    InputError
        If the structure, the ions or the potential cannot be used, or not with one another.
    """
    # Read by torch and OpenMM when they start; a study runs one small system per worker.
    threads = str(settings.computer.threads)
    os.environ.update({"OMP_NUM_THREADS": threads, "OPENMM_CPU_THREADS": threads})
    import torch

    torch.set_num_threads(settings.computer.threads)
    structure = settings.structure
    atoms = read_structure(structure.file, structure.supercell, structure.choice)
    formulas = list(structure.anion)
    atoms = ions_together(atoms, find_polyanions(atoms, formulas))
    cations = _cations(atoms, find_polyanions(atoms, formulas), structure.cation)
    if len(cations):
        atoms = remove_cations(atoms, cations, structure.vacancies, structure.occupancy_seed)
    anions = find_polyanions(atoms, formulas)
    cations = _cations(atoms, anions, structure.cation)
    others = sorted(set(atoms.symbols[np.setdiff1d(np.arange(len(atoms)), anions.indices)]))
    if not len(cations):
        raise InputError(
            f"cation {structure.cation!r} is not among the elements of {structure.file.name} "
            "outside of the anions" + did_you_mean(structure.cation, others)
        )
    potential = models.load(settings.potential.name)
    committee = Committee.load(settings.potential.committee) if settings.potential.committee else None
    study = PreparedStudy(settings, atoms, anions, cations, potential, committee)
    study.check_cell(study.box)
    return study


def _cations(atoms: Atoms, anions: Polyanions, element: str) -> NDArray[np.int64]:
    """Atoms of an element outside of the anions."""
    return np.setdiff1d(np.flatnonzero(np.array(atoms.get_chemical_symbols()) == element), anions.indices)
