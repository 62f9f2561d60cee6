"""Runs with the current model under the conditions of the study, frozen modes included."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import openmm
from ase import Atoms
from numpy.typing import NDArray
from openmm import unit
from tqdm import tqdm

from openmm_anion.anions import find_polyanions
from openmm_anion.distillation.frames import frame, strained
from openmm_anion.distillation.settings import DistillSettings, ExploreSettings
from openmm_anion.errors import InputError
from openmm_anion.freezing import freeze
from openmm_anion.integrators import LangevinMiddleIntegrator
from openmm_anion.models.committee import Committee
from openmm_anion.models.potential import Potential
from openmm_anion.structure import build_system
from openmm_anion.units import ANGSTROM

Array = NDArray[np.float64]
Look = Callable[[Array, Array], Array]

SETTLING_FRICTION = 20.0
"""While the crystal warms up, 1/ps."""

STRIDE = 8
"""Steps between two frames of the teacher's own run: it is slow."""

SHAKEN = 0.12
"""Displacement of the atoms of some first frames, angstrom: bonds shorter and longer than in any run."""


@dataclass(frozen=True)
class Condition:
    """What a run is like.

    Attributes
    ----------
    temperature : float
        Temperature, K.
    strain : float
        Relative change of lengths.
    mode : str
        Frozen motions.
    seed : int
        Of velocities and noise.
    """

    temperature: float
    strain: float
    mode: str
    seed: int

    def __str__(self) -> str:
        return f"{self.temperature:g}K{self.strain:+g}{self.mode}"


def conditions(settings: DistillSettings, round_number: int) -> list[Condition]:
    """Every temperature, strain and mode once, with seeds of this round.

    Parameters
    ----------
    settings : DistillSettings
        With temperatures (K), strains and modes to explore at.
    round_number : int
        From 0; each round has seeds of its own.

    Returns
    -------
    list of Condition
        Temperature first, mode last.

    Examples
    --------
    >>> content = {
    ...     "name": "mine",
    ...     "structure": {"file": "na3ps4.cif", "anion": "PS4"},
    ...     "teacher": {"name": "7net-0"},
    ...     "explore": {"temperatures": 700, "modes": ["free", "R"], "strains": 0.0},
    ... }
    >>> [condition.mode for condition in conditions(DistillSettings.model_validate(content), 0)]
    ['free', 'R']
    """
    explore = settings.explore
    first = settings.seed + 10_000 * round_number
    every = product(explore.temperatures, explore.strains, explore.modes)
    return [Condition(t, strain, mode, first + k) for k, (t, strain, mode) in enumerate(every)]


def test_conditions(settings: DistillSettings, round_number: int) -> list[Condition]:
    """The unstrained runs of a study, with seeds that no run has that is trained on.

    Parameters
    ----------
    settings : DistillSettings
        With temperatures (K) and modes to explore at.
    round_number : int
        From 0.

    Returns
    -------
    list of Condition
        Temperature first, mode last; strain 0.
    """
    explore = settings.explore
    first = settings.seed + 10_000 * round_number + 5_000
    every = product(explore.temperatures, explore.modes)
    return [Condition(temperature, 0.0, mode, first + k) for k, (temperature, mode) in enumerate(every)]


def explored(
    model: Potential,
    committee: Committee,
    crystal: Atoms,
    formulas: Sequence[str],
    settings: ExploreSettings,
    condition: Condition,
    largest_spread: float,
) -> list[Atoms]:
    """Frames of one run, up to where the committee has no idea any more.

    Parameters
    ----------
    model : Potential
        Drives the run.
    committee : Committee
        Judges the frames.
    crystal : ase.Atoms
        The crystal.
    formulas : sequence of str
        Of the anions.
    settings : ExploreSettings
        Lengths and time step.
    condition : Condition
        Temperature, strain, mode and seed.
    largest_spread : float
        Spread at which the run ends, eV/angstrom.

    Returns
    -------
    list of ase.Atoms
        Frames with ``run``, ``T``, ``time_ps`` and ``spread`` (eV/angstrom) in their info.
    """
    atoms = strained(crystal, condition.strain)
    box = atoms.cell.array * ANGSTROM
    system = build_system(atoms)
    model.add_to(system, list(atoms.symbols))
    look = committee.bind(list(atoms.symbols))
    anions = [anion.indices.tolist() for anion in find_polyanions(atoms, list(formulas))]
    frames: list[Atoms] = []
    positions = atoms.positions * ANGSTROM
    time = 0.0
    stages = (
        ("free", settings.settling, SETTLING_FRICTION),
        (condition.mode, settings.length, settings.friction),
    )
    for mode, length, friction in stages:
        frozen = freeze(system, anions, mode, positions=positions)
        integrator = LangevinMiddleIntegrator(
            frozen, condition.temperature, friction, settings.timestep, condition.seed + 1
        )
        platform = openmm.Platform.getPlatformByName("CPU")
        context = openmm.Context(frozen.system, integrator, platform, {"Threads": "1"})
        frozen.initialize(context, condition.temperature, seed=condition.seed + 1)
        steps = max(1, round(settings.interval / settings.timestep))
        for _ in range(round(length / (steps * settings.timestep))):
            positions = _advance(context, steps)
            time += steps * settings.timestep
            spread = float(look(positions, box).max()) if positions is not None else np.inf
            if positions is None or not spread <= largest_spread:
                return frames
            frames.append(
                frame(
                    atoms,
                    positions / ANGSTROM,
                    run=str(condition),
                    T=condition.temperature,
                    time_ps=round(time, 6),
                    spread=spread,
                )
            )
    return frames


def _advance(context: openmm.Context, steps: int) -> Array | None:
    """Positions (nm) after some steps; None where the run blew up."""
    try:
        context.getIntegrator().step(steps)
    except openmm.OpenMMException:
        return None
    state = context.getState(positions=True)
    positions = np.asarray(state.getPositions(asNumpy=True).value_in_unit(unit.nanometer))
    return positions if np.isfinite(positions).all() else None


def teacher_frames(
    teacher: Potential, crystal: Atoms, settings: DistillSettings, *, quiet: bool = True
) -> list[Atoms]:
    """Frames that begin it: of a run of the teacher's, also strained, and shaken ones.

    Parameters
    ----------
    teacher : Potential
        Drives the run, at the highest temperature.
    crystal : ase.Atoms
        The crystal.
    settings : DistillSettings
        How many.
    quiet : bool, optional
        Show no progress.

    Returns
    -------
    list of ase.Atoms
        Without labels.

    Raises
    ------
    InputError
        If the crystal explodes.
    """
    explore, wanted = settings.explore, settings.rounds.start
    temperature = max(explore.temperatures)
    random = np.random.default_rng(settings.seed)
    system = build_system(crystal)
    teacher.add_to(system, list(crystal.symbols))
    integrator = openmm.LangevinMiddleIntegrator(temperature, SETTLING_FRICTION, explore.timestep)
    integrator.setRandomNumberSeed(settings.seed)
    context = openmm.Context(system, integrator, openmm.Platform.getPlatformByName("CPU"))
    context.setPositions(crystal.positions * ANGSTROM)
    context.setVelocitiesToTemperature(temperature, settings.seed)
    frames = [
        frame(crystal, crystal.positions + SHAKEN * random.normal(size=crystal.positions.shape), run="shaken")
        for _ in range(wanted // 6)
    ]
    strains = [strain for strain in explore.strains if strain]
    each = 2 if strains else 1  # the same frame twice would be refused by the training
    strides = range(-(-(wanted - len(frames)) // each))
    for _ in tqdm(strides, unit="frame", desc="the teacher's run", disable=quiet):
        positions = _advance(context, STRIDE)
        if positions is None:
            raise InputError(f"the teacher's own run blows up at {temperature:g} K; try a smaller timestep")
        there = frame(crystal, positions / ANGSTROM, T=temperature, run="teacher")
        frames.append(there)
        if strains:
            frames.append(strained(there, float(random.choice(strains))))
    return frames[:wanted]
