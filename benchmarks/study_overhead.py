"""What a study costs beyond its dynamics: writing, watching, checkpoints, over the bare steps.

    python benchmarks/study_overhead.py [--modes free R] [--intervals 12] [--committee] [--study FILE.toml]

A production run of the example study (Na3PS4, 128 atoms, the shipped potential, the output intervals of its
file) on the CPU platform, on one thread. After each frame of the run the same number of steps is done by a
second Context with the same System and integrator from the same start, which writes and watches nothing. What
counts is the time of the processor, of which other programs take no share; one checkpoint interval of the run
over the bare steps in between makes a ratio, and the median and the middle half of all of them are printed.

Below stands where the time goes, in percent of the bare steps: each part alone, as often as the run calls it.
A State with energies and forces costs an evaluation of the potential. With --committee two models look
at checkpoints, as a study has it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import openmm
from openmm import unit

from openmm_anion.analysis.integrity import AnionWatch
from openmm_anion.freezing import FrozenSystem, freeze, parse_modes
from openmm_anion.integrators import LangevinMiddleIntegrator
from openmm_anion.study.equilibration import FRICTION, Snapshot
from openmm_anion.study.layout import RunKey
from openmm_anion.study.platform import make_context
from openmm_anion.study.prepared import PreparedStudy, prepare_study
from openmm_anion.study.production import produce
from openmm_anion.study.recorder import Recorder
from openmm_anion.study.settings import StudySettings, read_settings
from openmm_anion.study.spread_watch import SpreadWatch, checkpoints_between_looks
from openmm_anion.study.thermostat import production_integrator
from openmm_anion.study.watchdog import Watchdog

EXAMPLE = Path(__file__).parents[1] / "examples" / "na3ps4" / "study.toml"
PARTS: dict[str, tuple[type, str]] = {
    "State: positions, velocities, energies, forces": (Watchdog, "_state"),
    "watchdog: finite numbers, absurd forces": (Watchdog, "_look"),
    "OpenMM's checkpoint, kept in memory": (openmm.Context, "createCheckpoint"),
    "constraint violation": (FrozenSystem, "violation"),
    "frame and record": (Recorder, "write"),
    "anions: bonds, merging, places": (AnionWatch, "__call__"),
    "checkpoint to disk": (Recorder, "checkpoint"),
    "committee": (SpreadWatch, "__call__"),
}
WARM_UP = 400
"""Steps before the snapshot: hot enough for every part to do what it does in a run."""


@contextmanager
def timed_parts() -> Iterator[dict[str, float]]:
    """Seconds of the processor in each of `PARTS`."""
    spent: dict[str, float] = defaultdict(float)

    def timed(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def measure(*arguments: Any, **options: Any) -> Any:
            begin = time.process_time()
            try:
                return call(*arguments, **options)
            finally:
                spent[name] += time.process_time() - begin

        return measure

    originals = {name: getattr(owner, method) for name, (owner, method) in PARTS.items()}
    for name, (owner, method) in PARTS.items():
        setattr(owner, method, timed(name, originals[name]))
    try:
        yield spent
    finally:
        for name, (owner, method) in PARTS.items():
            setattr(owner, method, originals[name])


def snapshot_of(study: PreparedStudy, kelvin: float) -> Snapshot:
    """A state after a short run."""
    free = freeze(study.system, study.anions, "free", positions=study.anions.positions)
    integrator = LangevinMiddleIntegrator(free, kelvin, FRICTION, study.settings.dynamics.timestep, 1)
    context = make_context(free.system, integrator, "CPU", study.settings.computer)
    free.initialize(context, kelvin, seed=1)
    integrator.step(WARM_UP)
    state = context.getState(positions=True, velocities=True)
    return Snapshot(
        state.getPositions(asNumpy=True).value_in_unit(unit.nanometer),
        state.getVelocities(asNumpy=True).value_in_unit(unit.nanometer / unit.picosecond),
    )


def bare(study: PreparedStudy, mode: str, start: Snapshot, kelvin: float) -> openmm.CustomIntegrator:
    """The integrator of a Context that nobody looks at."""
    frozen = freeze(
        study.system,
        study.anions,
        parse_modes(mode),
        positions=start.positions,
        rotation=study.settings.dynamics.rotation,
    )
    integrator = production_integrator(study.settings.dynamics, frozen, kelvin, 1)
    context = make_context(frozen.system, integrator, "CPU", study.settings.computer)
    frozen.initialize(context)
    context.setVelocities(frozen.project_velocities(start.velocities))
    integrator.step(20)
    integrator.kept_alive = context
    return integrator


def measure(study: PreparedStudy, mode: str, start: Snapshot, kelvin: float) -> None:
    """Run one mode, and print what it cost."""
    integrator = bare(study, mode, start, kelvin)
    in_run, in_steps = [], []
    mark = time.process_time()

    def on_steps(steps: int) -> None:
        nonlocal mark
        now = time.process_time()
        in_run.append(now - mark)
        integrator.step(steps)
        mark = time.process_time()
        in_steps.append(mark - now)

    with tempfile.TemporaryDirectory() as folder, timed_parts() as spent:
        key = RunKey(kelvin, 0, mode)
        status = produce(study, key, start, Path(folder) / mode, 1, "CPU", on_steps)
    assert status == "finished", status
    output = study.settings.output
    per_block = round(output.checkpoint_interval / output.frame_interval)
    if study.committee:  # from one look to the next
        steps = per_block * round(output.frame_interval / study.settings.dynamics.timestep)
        per_block *= checkpoints_between_looks(len(study.committee.members), steps)
    blocks = (len(in_run) - 1) // per_block  # without the first frame, before which the run is set up
    run, steps = (
        np.array(times[1 : 1 + blocks * per_block]).reshape(blocks, per_block).sum(axis=1)
        for times in (in_run, in_steps)
    )
    low, middle, high = 100.0 * (np.quantile(run / steps, [0.25, 0.5, 0.75]) - 1.0)
    step = (
        1e3
        * sum(in_steps)
        / (len(in_steps) * round(output.frame_interval / study.settings.dynamics.timestep))
    )
    print(
        f"{mode:5} {step:6.2f} ms/step; overhead {middle:+5.1f} % (middle half {low:+.1f} to {high:+.1f}) of "
        f"{blocks} intervals of {per_block} frames"
    )
    for name, seconds in spent.items():
        print(f"      {100 * seconds / sum(in_steps):6.2f} %  {name}")


def settings_of(arguments: argparse.Namespace) -> StudySettings:
    """The study, as long as the measurement shall be."""
    settings = read_settings(arguments.study)
    frame = settings.output.frame_interval
    per_block = round(settings.output.checkpoint_interval / frame)
    dynamics = settings.dynamics.model_copy(
        update={"production": frame * (1 + arguments.intervals * per_block)}
    )
    potential = settings.potential
    if arguments.committee:
        potential = potential.model_copy(update={"committee": (potential.name, potential.name)})
    return settings.model_copy(update={"dynamics": dynamics, "potential": potential})


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--study", type=Path, default=EXAMPLE, metavar="FILE.toml")
    parser.add_argument("--modes", nargs="+", default=["free", "R"], metavar="MODE")
    parser.add_argument("--intervals", type=int, default=12, help="checkpoint intervals (default: 12)")
    parser.add_argument("--committee", action="store_true", help="let two models look at checkpoints")
    arguments = parser.parse_args()
    study = prepare_study(settings_of(arguments))
    kelvin = max(study.settings.dynamics.temperatures)
    start = snapshot_of(study, kelvin)
    print(f"{len(study.atoms)} atoms, {study.potential.name}, {kelvin:g} K, CPU platform, one thread")
    for mode in arguments.modes:
        measure(study, mode, start, kelvin)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
