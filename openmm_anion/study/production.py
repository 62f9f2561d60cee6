"""One production run: a mode, from a snapshot, at a temperature; recorded, watched and resumable."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import openmm
from openmm import unit

from openmm_anion import __version__
from openmm_anion.analysis.damage import Damage
from openmm_anion.atomic_file import write_json
from openmm_anion.errors import InputError
from openmm_anion.freezing import FrozenSystem, freeze
from openmm_anion.freezing.velocities import remove_drift
from openmm_anion.relaxation import relax
from openmm_anion.study.equilibration import Snapshot
from openmm_anion.study.layout import RunKey
from openmm_anion.study.platform import make_context, precision_of
from openmm_anion.study.prepared import PreparedStudy
from openmm_anion.study.recorder import Recorder
from openmm_anion.study.spread_watch import checkpoints_between_looks
from openmm_anion.study.thermostat import production_integrator
from openmm_anion.study.watchdog import Watchdog

ENERGY_STEPS = 100
"""Steps between two looks at energies and forces, at least. Each costs as much as a step."""

WARM_UP = 5
"""Evaluations of the forces before a run starts; TorchScript profiles one or two and then compiles."""


def produce(
    study: PreparedStudy,
    key: RunKey,
    snapshot: Snapshot,
    folder: Path,
    seed: int,
    platform: str,
    on_steps: Callable[[int], None],
    *,
    until: int | None = None,
    told: int = 0,
) -> str:
    """Run one mode from a snapshot, or go on with it, and return how it ended.

    Parameters
    ----------
    study : PreparedStudy
        The crystal.
    key : RunKey
        Temperature, snapshot, mode and which repeat of it.
    snapshot : Snapshot
        Where it starts; velocities of frozen motions are projected out, and repeats draw all of them anew.
    folder : Path
        Where its files go.
    seed : int
        Seed of the thermostat.
    platform : str
        OpenMM platform.
    on_steps : callable
        Told the number of steps done since the last call.
    until : int, optional
        Frame at which to pause; by default the last one.
    told : int, optional
        Frame up to which steps have been told of before.

    Returns
    -------
    str
        ``"finished"``, ``"waiting"`` when it paused, ``"broken"`` when an anion lost a ligand, bound another
        one or left its place, or ``"failed"`` when something was not finite or a force absurd. What, when
        and on which atom is in ``run.json`` then, and the last good state beside it.
    """
    if snapshot.box is not None:
        study = study.in_cell(snapshot.box)
    settings = study.settings
    dynamics, output = settings.dynamics, settings.output
    letters, rotation = dynamics.frozen_motions(key.mode)
    frozen = freeze(
        study.system,
        study.anions,
        letters,
        positions=snapshot.positions,
        rotation=rotation,
        reference="current" if snapshot.reference is None else snapshot.reference,
    )
    integrator = production_integrator(dynamics, frozen, key.temperature, seed)
    context = make_context(frozen.system, integrator, platform, settings.computer)
    # Langevin noise brings a drift of the whole back; everything else conserves what it starts with.
    driftless = frozen.conserves_momentum and dynamics.thermostat != "langevin-middle"
    context.setPositions(frozen.positions)
    _warm_up(context)

    interval = round(output.frame_interval / dynamics.timestep)
    per_checkpoint = max(1, round(output.checkpoint_interval / output.frame_interval))
    last = round(dynamics.production / output.frame_interval)
    end = last if until is None else min(until, last)
    # Without a thermostat the energies are what tells whether a run is sound.
    per_energy = 1 if dynamics.thermostat == "none" else -(-ENERGY_STEPS // interval)
    precision = precision_of(platform, settings.computer)
    record: dict[str, Any] = {
        "mode": key.mode if frozen.modes else "",
        "rotation": rotation,
        "temperature_K": key.temperature,
        "snapshot": key.snapshot,
        "repeat": key.repeat,
        "status": "running",
        "timestep_ps": dynamics.timestep,
        "steps": last * interval,
        "until_frame": end,
        "frame_interval_ps": interval * dynamics.timestep,
        "energy_interval_ps": per_energy * interval * dynamics.timestep,
        "box_nm": study.box.tolist(),
        "degrees_of_freedom": frozen.degrees_of_freedom - 3 * driftless,
        "thermostat": dynamics.thermostat,
        "reference": dynamics.reference,
        "seed": seed,
        "platform": platform,
        "precision": precision,
        "computer": settings.computer.model_dump(),
        "versions": versions(),
        "broken": [],
    }
    fingerprint = f"{key} on {platform} in {precision} precision"
    started = time.perf_counter()
    with Recorder(
        folder, study.topology, dynamics.timestep, interval, fingerprint, velocities=output.velocities
    ) as recorder:
        first = recorder.frames
        if recorder.state is None:
            _start(frozen, context, snapshot, key, driftless, seed)
        else:
            _load(context, recorder.state, folder)
            on_steps((first - 1 - told) * interval)
        write_json(folder / "run.json", record)
        watch = study.anion_watch()
        spread = study.spread_watch(folder, (first - 1) * record["frame_interval_ps"])
        per_look = per_checkpoint * (
            checkpoints_between_looks(spread.members, per_checkpoint * interval) if spread else 1
        )
        dog = Watchdog(context, study.atoms.symbols, frozen.integration_groups, dynamics.timestep, interval)
        status = "finished" if end == last else "waiting"
        if first:
            dog.resume((first - 1) * interval)
        for frame in range(first, end + 1):
            # Not at the end of a stage: a look takes random numbers, and a run in stages is one in one go.
            energies = frame % per_energy == 0 or frame == last
            state = dog.advance(frame * interval, energies=energies)
            if state is None:
                break
            if frame:
                on_steps(interval)
            time_ps = frame * record["frame_interval_ps"]
            broken = _record_frame(study, frozen, driftless, state, energies, recorder, watch, time_ps)
            if broken and not energies and dog.find_cause(frame * interval):
                break
            if broken:
                status = "broken"
                record["broken"] = [damage.model_dump() for damage in broken]
                break
            if spread and frame % per_look == 0:
                spread(state.getPositions(asNumpy=True).value_in_unit(unit.nanometer), study.box, time_ps)
            if frame % per_checkpoint == 0 or frame == end:
                recorder.checkpoint(context.createCheckpoint())
        if dog.trouble:
            status = "failed"
            record["trouble"] = dog.trouble.model_dump()
            dog.write_last_good_state(folder)
            recorder.keep(-(-dog.trouble.step // interval))
        done, frames = (recorder.frames - first) * interval, recorder.frames
    if spread:
        record["spread"] = spread.record()
    seconds = time.perf_counter() - started
    record |= {"status": status, "frames": frames, "wall_s": seconds, "steps_per_s": done / seconds}
    write_json(folder / "run.json", record)
    return status


def _start(
    frozen: FrozenSystem,
    context: openmm.Context,
    snapshot: Snapshot,
    key: RunKey,
    driftless: bool,
    seed: int,
) -> None:
    """Start from the snapshot, or bring the anions to their mean positions first."""
    if snapshot.reference is not None and frozen.modes:
        relax(frozen, context, key.temperature, seed=seed)
        frozen.check(context)
        return
    frozen.initialize(context)
    frozen.check(context)
    # The first run goes on from the snapshot. Velocities of equilibrium do not depend on positions, so that
    # fresh ones for its repeats are as good.
    velocities = (
        frozen.draw_velocities(key.temperature, seed)
        if key.repeat
        else frozen.project_velocities(snapshot.velocities)
    )
    context.setVelocities(remove_drift(frozen.masses, velocities) if driftless else velocities)


def _record_frame(
    study: PreparedStudy,
    frozen: FrozenSystem,
    driftless: bool,
    state: openmm.State,
    energies: bool,
    recorder: Recorder,
    watch: Callable[..., list[Damage]],
    time_ps: float,
) -> list[Damage]:
    """Write one frame; return what happened to anions.

    Without energies the potential energy is not known, the kinetic energy is that of the velocities, as
    integrators with a thermostat define it, and the constraints are not measured: what is held by
    construction does not slip within some frames.
    """
    positions = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
    velocities = state.getVelocities(asNumpy=True).value_in_unit(unit.nanometer / unit.picosecond)
    if energies:
        potential = state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole)
        kinetic = state.getKineticEnergy().value_in_unit(unit.kilojoule_per_mole)
    else:
        potential, kinetic = np.nan, 0.5 * float(frozen.masses @ (velocities**2).sum(axis=1))
    slip = 0.0 if not frozen.modes else frozen.violation(positions).displacement if energies else np.nan
    values = (
        time_ps,
        potential,
        kinetic,
        frozen.temperature(kinetic, drift_removed=driftless),
        slip,
    )
    recorder.write(positions, velocities, study.box, values)
    return watch(positions, study.box, time_ps)


def _warm_up(context: openmm.Context) -> None:
    """Let TorchScript finish optimising itself, which changes the rounding of its first evaluations.

    A run that goes on from a checkpoint then computes what the uninterrupted run did, to the last bit.
    """
    for _ in range(WARM_UP):
        context.getState(getForces=True)


def _load(context: openmm.Context, state: bytes, folder: Path) -> None:
    try:
        context.loadCheckpoint(state)
    except openmm.OpenMMException:
        raise InputError(
            f"the checkpoint in {folder} was made by another version of OpenMM or another device; "
            "delete that folder to "
            "repeat the run"
        ) from None


def versions() -> dict[str, str]:
    """Return the versions of what decides a trajectory.

    Returns
    -------
    dict of str to str
        By the name of the package.

    Examples
    --------
    >>> sorted(versions())
    ['numpy', 'openmm', 'openmm-anion', 'torch', 'torchani']
    """
    return {"openmm-anion": __version__} | {
        name: version(name) for name in ("openmm", "torch", "torchani", "numpy")
    }
