"""A short run at constant energy: the drift of the energy, and the time of a step."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import openmm
from ase import Atoms
from openmm import unit
from scipy.stats import linregress

from openmm_anion.errors import InputError, reason
from openmm_anion.models.checking.probe import Array
from openmm_anion.models.checking.result import CheckResult
from openmm_anion.models.potential import Potential
from openmm_anion.structure import build_system
from openmm_anion.units import ANGSTROM, EV, MOLAR_GAS_CONSTANT

FRICTION = 20.0
"""Of the run that heats the crystal, 1/ps."""
TIMED = 50
"""Steps over which the time of one is taken."""
TOO_HOT = 5.0
"""Times the temperature that was asked for: the crystal explodes."""
DRIFT_LIMIT = 1.0
"""Of the total energy, meV per atom and picosecond: a hundredth of the kinetic energy at 900 K."""


@dataclass(frozen=True)
class Run:
    """Where and how to run.

    Attributes
    ----------
    temperature : float
        Temperature, K.
    timestep : float
        Time step, ps.
    heating, length : int
        Steps of the run that heats the crystal and of the run at constant energy.
    platform : str
        OpenMM platform.
    kind : str or None
        Kind of Force.
    seed : int
        Of velocities and noise.
    """

    temperature: float = 300.0
    timestep: float = 0.001
    heating: int = 200
    length: int = 500
    platform: str = "CPU"
    kind: str | None = None
    seed: int = 1


def heated(potential: Potential, atoms: Atoms, run: Run) -> tuple[openmm.Context, Array]:
    """A Context at constant energy after a short Langevin run, and its positions (angstrom).

    Parameters
    ----------
    potential : Potential
        The potential.
    atoms : ase.Atoms
        The structure.
    run : Run
        Where and how.

    Returns
    -------
    context : openmm.Context
        At constant energy.
    positions : array, shape (N, 3)
        angstrom.

    Raises
    ------
    InputError
        If the crystal explodes.
    """
    system = build_system(atoms)
    potential.add_to(system, list(atoms.symbols), run.kind)
    both = openmm.CompoundIntegrator()
    langevin = openmm.LangevinMiddleIntegrator(run.temperature, FRICTION, run.timestep)
    langevin.setRandomNumberSeed(run.seed)
    both.addIntegrator(langevin)
    both.addIntegrator(openmm.VerletIntegrator(run.timestep))
    context = openmm.Context(system, both, openmm.Platform.getPlatformByName(run.platform))
    context.setPositions(atoms.positions * ANGSTROM)
    context.setVelocitiesToTemperature(run.temperature, run.seed)
    advance(context, run.heating, run)
    both.setCurrentIntegrator(1)
    return context, positions_of(context)


def advance(context: openmm.Context, steps: int, run: Run) -> None:
    """Run some steps.

    Parameters
    ----------
    context : openmm.Context
        Made by `heated`.
    steps : int
        How many.
    run : Run
        Where and how.

    Raises
    ------
    InputError
        If the crystal explodes.
    """
    trouble = ""
    try:
        context.getIntegrator().step(steps)
        kinetic = context.getState(energy=True).getKineticEnergy().value_in_unit(unit.kilojoule_per_mole)
        kelvin = 2 * kinetic / (3 * context.getSystem().getNumParticles() * MOLAR_GAS_CONSTANT)
        if not kelvin < TOO_HOT * run.temperature:
            trouble = f"it is {kelvin:.3g} K hot"
    except openmm.OpenMMException as error:  # an exception in a PythonForce, or particles that are nowhere
        trouble = reason(error)
    if trouble:
        raise InputError(
            f"the crystal blows up after {context.getTime().value_in_unit(unit.picosecond):.3g} ps at "
            f"{run.temperature:g} K with steps of {1e3 * run.timestep:g} fs: {trouble}"
        )


def positions_of(context: openmm.Context) -> Array:
    """Positions (N, 3), angstrom.

    Parameters
    ----------
    context : openmm.Context
        With positions.

    Returns
    -------
    array, shape (N, 3)
        angstrom.
    """
    state = context.getState(positions=True)
    return np.asarray(state.getPositions(asNumpy=True).value_in_unit(unit.angstrom))


def energy_stays(context: openmm.Context, run: Run) -> list[CheckResult]:
    """Slope and scatter of the total energy at constant energy, and the time of a step.

    Parameters
    ----------
    context : openmm.Context
        From `heated`.
    run : Run
        Where and how.

    Returns
    -------
    list of CheckResult
        In this order.
    """
    n_atoms = context.getSystem().getNumParticles()
    block = max(1, run.length // 50)
    times, energies = [], []
    for k in range(run.length // block):
        advance(context, block, run)
        state = context.getState(energy=True)
        total = state.getKineticEnergy() + state.getPotentialEnergy()
        energies.append(1e3 * total.value_in_unit(unit.kilojoule_per_mole) / EV / n_atoms)
        times.append((k + 1) * block * run.timestep)
    fit = linregress(times, energies)
    # A slope is not told from the noise that a leapfrog has anyway.
    drift = max(0.0, abs(float(fit.slope)) - 3 * float(fit.stderr))
    scatter = float(np.std(np.array(energies) - fit.slope * np.array(times)))
    begin = time.perf_counter()
    context.getIntegrator().step(TIMED)
    positions_of(context)  # waits for a device
    milliseconds = 1e3 * (time.perf_counter() - begin) / TIMED
    note = f"{run.length * run.timestep:g} ps at {run.temperature:g} K, {1e3 * run.timestep:g} fs"
    return [
        CheckResult("drift of the energy", drift, "meV/atom/ps", DRIFT_LIMIT, note),
        CheckResult("scatter of the energy", scatter, "meV/atom", None, "the same run"),
        CheckResult("time per step", milliseconds, "ms", None, f"{n_atoms} atoms, {run.platform}"),
    ]
