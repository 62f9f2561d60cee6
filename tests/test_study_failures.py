"""Runs that break, blow up, or leave what their potential knows: what is told, and what is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import openmm
import pytest
import torch
from openmm import unit
from short_study import KilledError, killed_after
from torch import Tensor

from openmm_anion.comparison.study_directory import SpreadRecord
from openmm_anion.comparison.trouble import Trouble
from openmm_anion.models.committee import Committee
from openmm_anion.models.force import Bound
from openmm_anion.models.potential import Potential
from openmm_anion.study.equilibration import Snapshot
from openmm_anion.study.layout import RunKey
from openmm_anion.study.prepared import PreparedStudy
from openmm_anion.study.production import produce
from openmm_anion.study.spread_watch import FILE
from openmm_anion.study.watchdog import LAST_GOOD_STATE
from openmm_anion.units import ANGSTROM, EV


def end_of_run(study: PreparedStudy, snapshot: Snapshot, folder: Path, mode: str) -> str:
    return produce(study, RunKey(850.0, 0, mode), snapshot, folder, 1, "CPU", lambda _: None)


def test_broken_anion_ends_the_run_and_says_when(
    finished: Path, study: PreparedStudy, tmp_path: Path
) -> None:
    snapshot = Snapshot.read(finished / "runs" / "T850K" / "snapshot-0" / "snapshot.npz")
    torn = snapshot.velocities.copy()
    bond = study.anions[3].bonds[0]
    ligand = next(int(i) for i in bond if study.atoms.symbols[int(i)] == "S")
    center = next(int(i) for i in bond if study.atoms.symbols[int(i)] == "P")
    direction = snapshot.positions[ligand] - snapshot.positions[center]
    torn[ligand] = 20 * direction / np.linalg.norm(direction)  # nm/ps: far above thermal
    snapshot = Snapshot(snapshot.positions, torn)
    assert end_of_run(study, snapshot, tmp_path, "free") == "broken"
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["status"] == "broken"
    first = record["broken"][0]
    assert (first["anion"], first["atom"], first["symbol"]) == (3, ligand, "S")
    assert 0 < first["time_ps"] <= 0.06


def test_blow_up_is_a_failed_run_not_a_traceback(
    finished: Path, study: PreparedStudy, tmp_path: Path
) -> None:
    snapshot = Snapshot.read(finished / "runs" / "T850K" / "snapshot-0" / "snapshot.npz")
    velocities = np.full_like(snapshot.velocities, np.nan)
    velocities[:] = 1e200  # finite, but its square is not
    snapshot = Snapshot(snapshot.positions, velocities)
    assert end_of_run(study, snapshot, tmp_path, "free") == "failed"
    assert json.loads((tmp_path / "run.json").read_text())["frames"] == 0


class Treacherous(Potential):
    """Fails when an atom is farther from its start than it should be."""

    kinds = ("python",)

    def __init__(self, sound: Potential, atom: int, deed: Callable[[Tensor], Tensor]) -> None:
        super().__init__({"name": "treacherous", "elements": sound.elements})
        self.sound, self.atom, self.deed = sound, atom, deed

    def bind(self, symbols: Sequence[str]) -> Bound:
        sound, start = self.sound.bind(symbols), None

        def evaluate(positions: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
            nonlocal start
            if start is None:
                start = positions[self.atom].clone()
            energy, forces = sound(positions, box)
            if torch.linalg.norm(positions[self.atom] - start) > 0.005:
                forces[self.atom] = self.deed(forces[self.atom])
            return energy, forces

        return evaluate


def test_a_committee_tells_where_a_run_left_its_potential(
    finished: Path, study: PreparedStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two potentials that disagree about one atom once it has moved: looked at, at each checkpoint."""
    monkeypatch.setattr("openmm_anion.study.spread_watch.STEPS_PER_MEMBER", 1)
    atom = 40
    doubtful = Treacherous(study.potential, atom, lambda force: force + 200.0)
    strict = study.settings.potential.model_copy(update={"largest_spread": 0.05})
    watched = replace(
        study,
        committee=Committee([study.potential, doubtful]),
        settings=study.settings.model_copy(update={"potential": strict}),
    )
    snapshot = Snapshot.read(finished / "runs" / "T850K" / "snapshot-0" / "snapshot.npz")
    key, seed = RunKey(850.0, 0, "free"), 1

    with pytest.raises(KilledError):
        produce(watched, key, snapshot, tmp_path, seed, "CPU", killed_after(50))
    late = "0.12,9.9,7\n0.14,9"  # later than the checkpoint, and half a row
    (tmp_path / FILE).write_text((tmp_path / FILE).read_text() + late)
    assert produce(watched, key, snapshot, tmp_path, seed, "CPU", lambda _: None) == "finished"
    spread = SpreadRecord.model_validate(json.loads((tmp_path / "run.json").read_text())["spread"])
    assert spread.frames == 4  # 0, 0.04, 0.08 and 0.12 ps
    assert 1 <= spread.outside <= 3
    assert spread.first is not None
    assert spread.first["atom"] == atom
    # The same deviation of 100 kJ/(mol nm) from the mean in each component.
    assert spread.largest_ev_per_angstrom == pytest.approx(100.0 * ANGSTROM / EV, rel=1e-3)
    assert "outside of what the potential was trained on" in str(spread)


def _raise(force: Tensor) -> Tensor:
    raise RuntimeError("the model has no answer")


@pytest.mark.parametrize(
    ("deed", "what"),
    [
        (lambda force: force * torch.nan, "a force that is not finite"),
        (lambda force: force + 1e6, "a force of 1.73e+06 kJ/mol/nm"),
        (_raise, "the model has no answer"),
    ],
    ids=["nan", "absurd", "raises"],
)
def test_a_potential_that_fails_stops_the_run(
    finished: Path, study: PreparedStudy, tmp_path: Path, deed: Callable[[Tensor], Tensor], what: str
) -> None:
    """With the step, the atom, and the last good state."""
    atom = 40
    snapshot = Snapshot.read(finished / "runs" / "T850K" / "snapshot-0" / "snapshot.npz")
    bad = replace(study, potential=Treacherous(study.potential, atom, deed))
    assert end_of_run(bad, snapshot, tmp_path, "R") == "failed"
    record = json.loads((tmp_path / "run.json").read_text())
    trouble = Trouble.model_validate(record["trouble"])
    assert what in str(trouble)
    if deed is not _raise:
        assert (trouble.atom, trouble.symbol) == (atom, study.atoms.symbols[atom])
    interval = round(record["frame_interval_ps"] / record["timestep_ps"])
    last = (record["frames"] - 1) * interval
    assert last < trouble.step <= last + interval
    state = openmm.XmlSerializer.deserialize((tmp_path / LAST_GOOD_STATE).read_text())
    assert state.getTime().value_in_unit(unit.picosecond) == pytest.approx(last * record["timestep_ps"])
    there = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
    assert np.linalg.norm(there[atom] - snapshot.positions[atom]) <= 0.005
