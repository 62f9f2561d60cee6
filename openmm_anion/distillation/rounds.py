"""Explore, pick, label, retrain: rounds until nothing gets better, then the final models."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from tqdm import tqdm

from openmm_anion import models
from openmm_anion.anions import find_polyanions
from openmm_anion.atomic_file import make_directory, read_json, write_json
from openmm_anion.distillation.explore import Condition, conditions, explored, teacher_frames, test_conditions
from openmm_anion.distillation.frames import read_frames, write_frames
from openmm_anion.distillation.labelling import label
from openmm_anion.distillation.members import train_members
from openmm_anion.distillation.picking import pick
from openmm_anion.distillation.settings import DistillSettings
from openmm_anion.errors import InputError
from openmm_anion.models.accuracy import accuracy
from openmm_anion.models.ani import AniConfig
from openmm_anion.models.card_page import write_card_page
from openmm_anion.models.committee import Committee
from openmm_anion.models.potential import Potential
from openmm_anion.models.probe import probe_crystal
from openmm_anion.models.recipe import Recipe
from openmm_anion.periodic import heights
from openmm_anion.processes import exclusive
from openmm_anion.structure import ions_together, read_structure
from openmm_anion.units import ANGSTROM

HOPELESS = 2.0
"""A run ends where the spread exceeds so many times the root mean square force: no such frame is physical."""


@dataclass(frozen=True)
class Round:
    """What a round found.

    Attributes
    ----------
    number : int
        From 1.
    trained_on : int
        Frames that its committee was trained on.
    force_rmse_percent, energy_rmse_mev_per_atom : float
        Error on runs of this round that are never trained on.
    spread : float
        Median over all frames of its runs of the largest disagreement about an atom, eV/angstrom.
    explored_ps : float
        Length of its runs together; less than planned where some ended early.
    """

    number: int
    trained_on: int
    force_rmse_percent: float
    energy_rmse_mev_per_atom: float
    spread: float
    explored_ps: float

    def __str__(self) -> str:
        return (
            f"round {self.number}: {self.trained_on} frames, "
            f"held-out forces {self.force_rmse_percent:.1f} %, "
            f"energies {self.energy_rmse_mev_per_atom:.2f} meV/atom, "
            f"spread {1e3 * self.spread:.0f} meV/A, {self.explored_ps:.0f} ps explored"
        )


def distill(settings: DistillSettings, directory: Path, *, quiet: bool = False) -> dict[str, Any]:
    """Teach a small potential what a large one knows, for one crystal and its study.

    Whatever is finished is kept: the same call goes on where it was interrupted.

    Parameters
    ----------
    settings : DistillSettings
        From `read_distill_settings`.
    directory : Path
        Where everything is written: ``NAME.pt``, its card as ``NAME.md`` with a figure, the final committee
        in ``final``, and a folder per round.
    quiet : bool, optional
        Show no progress.

    Returns
    -------
    dict
        The card of the potential.

    Raises
    ------
    InputError
        If the crystal or the teacher cannot be used, or `directory` holds another distillation or is in use.
    """
    make_directory(directory, "directory")
    with exclusive(directory / "distillation.lock"):
        return _Distillation(settings, directory, quiet).run()


class _Distillation:
    """The stages of a distillation, each of which is skipped where its file is there."""

    def __init__(self, settings: DistillSettings, directory: Path, quiet: bool) -> None:
        self.settings, self.directory, self.quiet = settings, directory, quiet
        structure = settings.structure
        atoms = read_structure(structure.file, structure.supercell, structure.choice)
        self.formulas = list(structure.anion)
        self.crystal = ions_together(atoms, find_polyanions(atoms, self.formulas))
        self.teacher = models.load(settings.teacher.name)
        self.teacher.check(list(self.crystal.symbols), self.crystal.cell.array * ANGSTROM)
        self._check_width()
        probe_crystal(
            self.teacher,
            list(self.crystal.symbols),
            self.crystal.positions * ANGSTROM,
            self.crystal.cell.array * ANGSTROM,
        )
        self._claim()

    def _check_width(self) -> None:
        """Refuse a cell that is too narrow for the model at one of the strains, before the teacher runs."""
        needed = 2 * AniConfig(elements=("H",), **self.settings.ani).radial_cutoff
        strain = min(self.settings.explore.strains)
        width = float(heights(self.crystal.cell.array * (1.0 + strain)).min())
        if width < needed:
            raise InputError(
                f"the cell is {width:.2f} A wide at a strain of {strain:g}, but a radial_cutoff of "
                f"{needed / 2:g} A needs {needed:g} A; use a larger supercell, or a smaller cutoff in [ani]"
            )

    def _claim(self) -> None:
        """Write the settings, or compare them with those that are there."""
        file = self.directory / "distillation.json"
        content = json.loads(self.settings.model_dump_json())
        content["structure"]["file"] = self.settings.structure.file.name
        if file.is_file():
            there = read_json(file, "choose another --out, or delete that directory")
            different = [key for key in content if content[key] != there.get(key)]
            if different:
                raise InputError(
                    f"{self.directory} holds a distillation with another {', '.join(different)}; choose "
                    "another --out, or the settings that it was begun with"
                )
            return
        write_json(file, content)

    def run(self) -> dict[str, Any]:
        """All rounds, then the final models; return the card of the best."""
        start = self.folder(0) / "start.extxyz"
        if not start.is_file():
            frames = self.kept(self.folder(0) / "frames.extxyz", self.begin)
            label(frames, self.teacher, start, quiet=self.quiet)
        training, held_out = [start], []
        history: list[Round] = []
        for number in range(1, self.settings.rounds.most + 1):
            files = [self.folder(number) / f"member-{k}.pt" for k in range(self.settings.rounds.committee)]
            epochs = self.settings.rounds.epochs
            train_members(self.recipes(epochs), training, [], files, quiet=self.quiet)
            outcome, picked, tested = self.round(number, files, training)
            training.append(picked)
            held_out.append(tested)
            history.append(outcome)
            if not self.quiet:
                tqdm.write(str(outcome))
            if self.enough(history):
                break
        return self.finish(training, held_out, history)

    def folder(self, number: int) -> Path:
        """The folder of a round."""
        folder = self.directory / f"round-{number}"
        folder.mkdir(exist_ok=True)
        return folder

    def recipes(self, epochs: int) -> list[Recipe]:
        """One recipe per member."""
        settings = self.settings
        schedule = settings.training.model_dump() | {"epochs": epochs}
        common = {
            "name": settings.name,
            "labels": settings.teacher.description or settings.teacher.name,
            "ani": {"elements": sorted(set(self.crystal.symbols)), **settings.ani},
        }
        return [
            Recipe.model_validate({**common, "training": schedule | {"seed": settings.seed + k}})
            for k in range(settings.rounds.committee)
        ]

    def begin(self) -> list[Atoms]:
        """Frames of the teacher's own run."""
        return teacher_frames(self.teacher, self.crystal, self.settings, quiet=self.quiet)

    def kept(self, path: Path, make: Any) -> list[Atoms]:
        """Frames of a file, which is made if it is not there."""
        if not path.is_file():
            write_frames(path, make())
        return read_frames(path)

    def round(self, number: int, files: list[Path], training: list[Path]) -> tuple[Round, Path, Path]:
        """Explore and test with the committee of a round, and label what it found."""
        folder, rounds = self.folder(number), self.settings.rounds
        picked, tested, record = folder / "picked.extxyz", folder / "held-out.extxyz", folder / "round.json"
        if record.is_file():
            return Round(**json.loads(record.read_text())), picked, tested
        members: list[Potential] = [models.load(file) for file in files]
        committee = Committee(members)
        known = [atoms for path in training for atoms in read_frames(path)]
        largest = hopeless_spread(known)
        candidates = self.explore(folder, conditions(self.settings, number), committee, largest, "exploring")
        chosen = self.kept(folder / "chosen.extxyz", lambda: pick(candidates, rounds.picks))
        label(chosen, self.teacher, picked, quiet=self.quiet)
        runs = self.explore(folder, test_conditions(self.settings, number), committee, largest, "testing")
        tests = label(evenly(runs, rounds.held_out), self.teacher, tested, quiet=self.quiet)
        error = errors_of(members[0], tests)
        outcome = Round(
            number=number,
            trained_on=len(known),
            spread=float(np.median([atoms.info["spread"] for atoms in candidates])),
            explored_ps=round(self.settings.explore.interval * len(candidates), 3),
            **error,
        )
        write_json(record, asdict(outcome))
        return outcome, picked, tested

    def explore(
        self, folder: Path, runs: list[Condition], committee: Committee, largest: float, what: str
    ) -> list[Atoms]:
        """All runs of a round, each kept in a file."""
        frames: list[Atoms] = []
        bar = tqdm(runs, unit="run", desc=f"{what} in {folder.name}", disable=self.quiet)
        for condition in bar:
            bar.set_postfix_str(str(condition))
            file = folder / f"{what}-{condition}.extxyz"

            def make(condition: Condition = condition) -> list[Atoms]:
                settings, crystal = self.settings.explore, self.crystal
                model = committee.members[0]
                return explored(model, committee, crystal, self.formulas, settings, condition, largest)

            frames += self.kept(file, make)
        if not frames:
            raise InputError(
                f"no run of {folder.name} got anywhere: the first models are too poor; raise rounds.start or "
                "rounds.epochs"
            )
        return frames

    def enough(self, history: list[Round]) -> bool:
        """Whether neither the held-out error nor the spread fell in the last round."""
        if len(history) < 2:
            return False
        before, after = history[-2:]
        falls = 1.0 - self.settings.rounds.enough
        complete = after.explored_ps >= before.explored_ps
        error, spread = falls * before.force_rmse_percent, falls * before.spread
        return complete and after.force_rmse_percent >= error and after.spread >= spread

    def finish(self, training: list[Path], held_out: list[Path], history: list[Round]) -> dict[str, Any]:
        """Train the final models, and write the best one with its card."""
        settings = self.settings
        folder = self.directory / "final"
        folder.mkdir(exist_ok=True)
        files = [folder / f"member-{k}.pt" for k in range(settings.rounds.committee)]
        recipes = self.recipes(settings.training.epochs)
        cards = train_members(recipes, training, held_out[-1:], files, quiet=self.quiet)
        score = [card["errors"]["validation"]["force_rmse_mev_per_angstrom"] for card in cards]
        best = int(np.argmin(score))
        committee = Committee([models.load(file) for file in files])
        number = settings.rounds.most + 1
        largest = hopeless_spread([atoms for path in training for atoms in read_frames(path)])
        committee.members.insert(0, committee.members.pop(best))
        runs = self.explore(folder, test_conditions(settings, number), committee, largest, "testing")
        chosen = evenly(runs, 2 * settings.rounds.held_out)
        tests = label(chosen, self.teacher, folder / "held-out.extxyz", quiet=self.quiet)
        return write_card_page(
            models.load(files[best]),
            accuracy(committee.members[0], tests),
            self.directory / f"{settings.name}.pt",
            extra={
                "held_out": "frames of this model's own runs, free and frozen, never trained on",
                "distillation": json.loads((self.directory / "distillation.json").read_text()),
                "rounds": [asdict(outcome) for outcome in history],
                "spread_ev_per_angstrom": float(np.quantile([atoms.info["spread"] for atoms in runs], 0.95)),
            },
        )


def hopeless_spread(frames: list[Atoms]) -> float:
    """Spread at which a run ends, eV/angstrom, from labelled frames.

    Parameters
    ----------
    frames : list of ase.Atoms
        With forces, eV/angstrom.

    Returns
    -------
    float
        `HOPELESS` times the root mean square component of the forces, eV/angstrom.

    Examples
    --------
    >>> from ase.calculators.singlepoint import SinglePointCalculator
    >>> atoms = Atoms("Na2")
    >>> atoms.calc = SinglePointCalculator(atoms, forces=np.ones((2, 3)))
    >>> hopeless_spread([atoms]) == HOPELESS
    True
    """
    forces = np.concatenate([atoms.get_forces() for atoms in frames])
    return HOPELESS * float(np.sqrt((forces**2).mean()))


def evenly(frames: list[Atoms], count: int) -> list[Atoms]:
    """Some of the frames, evenly over all of them.

    Parameters
    ----------
    frames : list of ase.Atoms
        In the order of time.
    count : int
        How many, if there are as many.

    Returns
    -------
    list of ase.Atoms
        The first and the last among them.

    Examples
    --------
    >>> [len(atoms) for atoms in evenly([Atoms("H" * n) for n in range(1, 6)], 3)]
    [1, 3, 5]
    """
    return [frames[k] for k in np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int)]


def errors_of(model: Potential, frames: list[Atoms]) -> dict[str, float]:
    """Errors of a model on labelled frames: percent of the root mean square force, and meV/atom.

    Parameters
    ----------
    model : Potential
        What is judged.
    frames : list of ase.Atoms
        With energies (eV) and forces (eV/angstrom).

    Returns
    -------
    dict of str to float
        ``force_rmse_percent`` and ``energy_rmse_mev_per_atom``.
    """
    found = accuracy(model, frames)
    return {
        "force_rmse_percent": found.force_rmse_percent,
        "energy_rmse_mev_per_atom": found.energy_rmse_mev_per_atom,
    }
