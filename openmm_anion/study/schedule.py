"""Run everything that a study needs, in the right order, with progress, skipping what is done."""

from __future__ import annotations

import io
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from openmm import app
from pydantic_core import to_jsonable_python
from tqdm import tqdm

from openmm_anion.atomic_file import make_directory, read_json, write_bytes, write_json
from openmm_anion.comparison.stopping import relative_uncertainties
from openmm_anion.errors import InputError
from openmm_anion.freezing import MODES
from openmm_anion.freezing.modes import ROTATIONS, split_mode_name
from openmm_anion.processes import exclusive
from openmm_anion.study.layout import RunKey, StudyLayout
from openmm_anion.study.platform import choose_platform, worker_count
from openmm_anion.study.prepared import PreparedStudy, prepare_study
from openmm_anion.study.seats import seats
from openmm_anion.study.settings import StudySettings
from openmm_anion.study.stages import StudyRound, stages
from openmm_anion.study.task import Task
from openmm_anion.study.workers import Workers, dask_workers, local_workers

MOST_STEPS = 2**31 - 1
"""Between two frames, and frames of a run: OpenMM and its trajectories count with 32 bits."""

ENDED = ("finished", "broken", "failed")


@dataclass
class Outcome:
    """How the runs of a study ended.

    Attributes
    ----------
    statuses : dict
        ``"finished"``, ``"broken"`` or ``"failed"`` for every run.
    """

    statuses: dict[RunKey, str] = field(default_factory=dict)

    @property
    def troubled(self) -> dict[RunKey, str]:
        """Runs that did not finish in good order."""
        return {key: status for key, status in self.statuses.items() if status != "finished"}


def run_study(
    settings: StudySettings, directory: Path, *, dask: str | None = None, quiet: bool = False
) -> Outcome:
    """Equilibrate the snapshots of a study and run every mode from each of them.

    What is finished is skipped and what was interrupted goes on from its last checkpoint, so that the same
    call completes a study that was killed.

    Parameters
    ----------
    settings : StudySettings
        The study file.
    directory : Path
        Where everything is written; made if needed.
    dask : str, optional
        Address of a Dask scheduler whose workers see the same files; by default workers of this machine.
    quiet : bool, optional
        Show no progress.

    Returns
    -------
    Outcome
        How every run ended.

    Raises
    ------
    InputError
        If the study cannot be prepared, `directory` holds another study or is in use, a worker died, or an
        equilibration breaks an anion, or nobody answers at the address.
    """
    layout = StudyLayout(directory)
    check_intervals(settings)
    study = prepare_study(settings)
    platform = choose_platform(settings.computer)
    study.try_potential()
    make_directory(directory, "results directory")
    with exclusive(layout.lock):
        _write_study(layout, study)
        return _Scheduler(study, layout, platform, dask, quiet).run()


def check_intervals(settings: StudySettings) -> None:
    """Refuse lengths that are no whole number of steps or frames.

    Parameters
    ----------
    settings : StudySettings
        The study file.

    Raises
    ------
    InputError
        If one is none; its key is named.

    Examples
    --------
    >>> from openmm_anion.study.settings import parse_settings
    >>> crystal = {"file": "na3ps4.cif", "cation": "Na", "anion": "PS4"}
    >>> dynamics = {"temperatures": 850, "production": 0.12}
    >>> content = {"structure": crystal, "potential": {"name": "na3ps4"}, "dynamics": dynamics}
    >>> check_intervals(parse_settings(content, "here"))
    Traceback (most recent call last):
    openmm_anion.errors.InputError: dynamics.production = 0.12 ps is no whole multiple of ...
    """
    output, dynamics = settings.output, settings.dynamics
    pairs = [
        ("dynamics.equilibration", dynamics.equilibration, "dynamics.timestep", dynamics.timestep),
        ("output.frame_interval", output.frame_interval, "dynamics.timestep", dynamics.timestep),
        ("dynamics.production", dynamics.production, "output.frame_interval", output.frame_interval),
    ]
    if dynamics.reference == "mean":
        pairs.append(("dynamics.window", dynamics.window, "dynamics.timestep", dynamics.timestep))
    for name, value, unit_name, unit in pairs:
        ratio = value / unit
        if ratio > MOST_STEPS:
            raise InputError(
                f"{name} = {value:g} ps is {ratio:.2g} times {unit_name} = {unit:g} ps; take less"
            )
        if round(ratio) < 1 or abs(ratio - round(ratio)) > 1e-6 * ratio:
            raise InputError(f"{name} = {value:g} ps is no whole multiple of {unit_name} = {unit:g} ps")


def _write_study(layout: StudyLayout, study: PreparedStudy) -> None:
    """Write what describes the study, or check that the directory already belongs to it."""
    now = study.fingerprint()
    if layout.study_file.is_file():
        before = read_json(layout.study_file, "choose another --out, or delete that directory")
        for section, content in now.items():
            there = before.get(section)
            for key, value in content.items():
                default = _default(section, key)
                old = there.get(key, default) if isinstance(there, dict) else default
                if old != value:
                    raise InputError(
                        f"{layout.root} holds a study with {section}.{key} = {old}, but now it is {value}; "
                        "choose another directory, or delete that one"
                    )
    layout.study_file.parent.mkdir(parents=True, exist_ok=True)
    _keep_inputs(layout, study.settings)
    write_json(layout.structure, study.record())
    topology = io.StringIO()
    app.PDBFile.writeFile(study.topology, study.anions.positions * 10.0, topology)
    write_bytes(layout.topology, topology.getvalue().encode())
    write_json(layout.study_file, now)


def _default(section: str, key: str) -> Any:
    """What a key meant when there was none, so that a study goes on with a version that has more keys."""
    model: Any = StudySettings.model_fields[section].annotation
    field = model.model_fields.get(key)
    return None if field is None or field.is_required() else to_jsonable_python(field.default)


def _keep_inputs(layout: StudyLayout, settings: StudySettings) -> None:
    """Copy the files that decide the results, so that any run can be made again from the directory alone."""
    layout.inputs.mkdir(exist_ok=True)
    for file in (settings.structure.file, Path(settings.potential.name)):
        if file.is_file() and not (layout.inputs / file.name).is_file():
            write_bytes(layout.inputs / file.name, file.read_bytes())


def run_seed(base: int, key: RunKey, *, equilibrate: bool = False) -> int:
    """Return a seed of its own for every run, never zero (which OpenMM takes as: any).

    Parameters
    ----------
    base : int
        Seed of the study.
    key : RunKey
        The run.
    equilibrate : bool, optional
        For the equilibration of its snapshot, instead.

    Returns
    -------
    int
        From 1 to 2^31 - 1.

    Examples
    --------
    >>> run_seed(1, RunKey(900.0, 0, "R")), run_seed(1, RunKey(900.0, 0, "R", repeat=1))
    (1625189422, 2109502946)
    """
    letters, rotation = split_mode_name(key.mode)
    purpose = 0 if equilibrate else 1 + MODES.index(letters)
    entropy = [base, round(1000 * key.temperature), key.snapshot, purpose]
    # Only where there is something to tell apart: runs of older studies keep their seeds.
    if rotation or key.repeat:
        entropy += [key.repeat, ROTATIONS.index(rotation) + 1 if rotation else 0]
    sequence = np.random.SeedSequence(entropy)
    return int(sequence.generate_state(1)[0] % (2**31 - 2)) + 1


class _Scheduler:
    def __init__(
        self, study: PreparedStudy, layout: StudyLayout, platform: str, dask: str | None, quiet: bool
    ) -> None:
        self.study, self.layout, self.platform, self.quiet = study, layout, platform, quiet
        self.settings, self.dask = study.settings, dask
        self.outcome = Outcome()
        self.rounds: dict[float, StudyRound] = {}
        self.told: dict[RunKey, int] = {}

    def run(self) -> Outcome:
        dynamics = self.settings.dynamics
        starts = [(t, s) for t in dynamics.temperatures for s in range(dynamics.snapshots)]
        waiting = [start for start in starts if not self._snapshot(start).is_file()]
        runs = [key for start in starts for key in self._open_runs(start)]
        if not waiting and not runs:
            return self.outcome
        steps = len(waiting) * dynamics.before_production + len(runs) * dynamics.production
        total = round(steps / dynamics.timestep)
        with self._workers(max(len(runs), len(waiting))) as workers:
            if not self.quiet:
                for note in self.study.notes:
                    print(note)
                print(
                    f"{len(waiting)} equilibrations and {len(runs)} runs of {len(self.study.atoms)} "
                    f"atoms, {total} steps in all, on {self.platform}, {workers.count} at a time",
                    flush=True,
                )
            with tqdm(total=total, unit="step", unit_scale=True, disable=self.quiet, smoothing=0.05) as bar:
                self._work_off(workers, bar, waiting, runs)
        return self.outcome

    def _workers(self, tasks: int) -> AbstractContextManager[Workers]:
        if self.dask is not None:
            return dask_workers(self.settings, self.dask)
        computer = self.settings.computer
        count = min(worker_count(computer, self.platform), tasks)
        return local_workers(self.settings, seats(computer, self.platform, count))

    def _snapshot(self, start: tuple[float, int]) -> Path:
        return self.layout.snapshot_file(*start)

    def _open_runs(self, start: tuple[float, int]) -> list[RunKey]:
        """Runs from one snapshot that have not ended yet; note those that have."""
        left = []
        dynamics = self.settings.dynamics
        for key in (RunKey(*start, m, r) for m in dynamics.mode_names for r in range(dynamics.seeds)):
            status = self._record(key).get("status", "open")
            if status in ENDED:
                self.outcome.statuses[key] = status
            else:
                left.append(key)
        return left

    def _record(self, key: RunKey) -> dict[str, Any]:
        file = self.layout.run(key) / "run.json"
        return read_json(file, f"delete {file.parent} to repeat that run") if file.is_file() else {}

    def _work_off(
        self,
        workers: Workers,
        bar: Any,
        waiting: list[tuple[float, int]],
        runs: list[RunKey],
    ) -> None:
        running: dict[Future[str], Task] = {}

        def submit(key: RunKey, *, equilibrate: bool) -> None:
            seed = run_seed(self.settings.dynamics.seed, key, equilibrate=equilibrate)
            until = None if equilibrate else self.rounds[key.temperature].until
            task = Task(
                key,
                self.layout.root.resolve(),
                self.platform,
                seed,
                equilibrate,
                until,
                self.told.get(key, 0),
            )
            running[workers.submit(task)] = task

        def next_stage(temperature: float) -> None:
            """Send on the runs that are there when all of them are, unless they need not go on."""
            ours = self.rounds[temperature]
            while not ours.missing and ours.there:
                if self._known_enough(ours):
                    self._stop(ours)
                    return
                for key in ours.go_on():
                    submit(key, equilibrate=False)

        for start in waiting:
            submit(RunKey(*start, "free"), equilibrate=True)
        for temperature in self.settings.dynamics.temperatures:
            ours = [key for key in runs if key.temperature == temperature]
            self.rounds[temperature] = StudyRound.resumed(
                temperature,
                stages(self.settings),
                {key: self._record(key) for key in self._all(temperature)},
                ours,
            )
            for key in self.rounds[temperature].missing:
                if (key.temperature, key.snapshot) not in waiting:
                    submit(key, equilibrate=False)
            next_stage(temperature)
        while running:
            done, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in done:
                task = running.pop(future)
                status = future.result()
                key = task.key
                if task.equilibrate:
                    for run in self._open_runs((key.temperature, key.snapshot)):
                        submit(run, equilibrate=False)
                    continue
                ours_now = self.rounds[key.temperature]
                ours_now.arrived(key, waits=status == "waiting")
                if status == "waiting":
                    self.told[key] = ours_now.until
                else:
                    self.outcome.statuses[key] = status
                next_stage(key.temperature)
            bar.update(workers.steps())

    def _all(self, temperature: float) -> list[RunKey]:
        dynamics = self.settings.dynamics
        return [
            RunKey(temperature, snapshot, mode, repeat)
            for snapshot in range(dynamics.snapshots)
            for mode in dynamics.mode_names
            for repeat in range(dynamics.seeds)
        ]

    def _known_enough(self, ours: StudyRound) -> bool:
        found = relative_uncertainties(self.layout.root, ours.temperature)
        return all(value <= self.settings.dynamics.target_uncertainty for value in found.values())

    def _stop(self, ours: StudyRound) -> None:
        """Let the runs that wait end where they are."""
        length = ours.until * self.settings.output.frame_interval
        dynamics = self.settings.dynamics
        reached = (
            f"all runs ended at {length:g} ps of {dynamics.production:g} ps, where D of every mode was known "
            f"to {100 * dynamics.target_uncertainty:g} % (68 % half width)"
        )
        for key in sorted(ours.there):
            record = self._record(key)
            steps = round(length / dynamics.timestep)
            record |= {"status": "finished", "steps": steps, "stopped": reached}
            write_json(self.layout.run(key) / "run.json", record)
            self.outcome.statuses[key] = "finished"
