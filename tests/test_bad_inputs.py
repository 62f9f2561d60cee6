"""Bad input to every command: exit status 2, one clear line, no traceback, nothing written over.

Each case is a command, what is done to a folder of good files before it, and words that its line must hold.
The folder has a crystal, a study, a distillation, labelled data, a recipe, a trained model, the results of a
small study and a trajectory of somebody's.
"""

from __future__ import annotations

import json
import os
import pickle
import shlex
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import ase.io
import numpy as np
import pytest
import torch
from ase.build import bulk
from crystals import labelled
from synthetic_study import write_study
from test_cli_errors import CRYSTAL, STUDY, complaint
from test_distill import FILE as DISTILL
from torch import Tensor

from openmm_anion import models
from openmm_anion.cli import main
from openmm_anion.comparison.study import analyze_study
from openmm_anion.processes import exclusive
from openmm_anion.study.recorder import frame_bytes
from openmm_anion.study.settings import read_settings

Preparation = Callable[[Path], object]
Case = tuple[str, Preparation, list[str]]

RUN = "run study.toml --quiet --out out"
INIT = "init crystal.cif --cation Na --anion PS4 --out new.toml"
ANALYZE = "analyze results/topology.pdb run.dcd --cation Na --anion PS4 -o out --quiet"
FRAMES = "analyze run.extxyz --cation Na --anion PS4 -o out --quiet --dt 0.1"
TRAIN = "train data.extxyz --out new.pt --recipe recipe.toml --quiet"
CHECK = "check-model mine.pt crystal.cif --supercell 2 2 2 --quiet"
FREE = "results/runs/T850K/snapshot-0/free"
RECIPE = 'name = "toy"\n[ani]\nelements = ["Na", "P", "S"]\nhidden = [8]\n[training]\nepochs = 1\n'


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    shutil.copy(CRYSTAL, folder / "crystal.cif")
    (folder / "study.toml").write_text(STUDY)
    (folder / "distill.toml").write_text(DISTILL.replace(str(CRYSTAL), "crystal.cif"))
    (folder / "recipe.toml").write_text(RECIPE)
    ase.io.write(folder / "data.extxyz", labelled(12))
    frames = labelled(4)
    for atoms in frames:
        atoms.calc = None
    ase.io.write(folder / "run.extxyz", frames)
    shutil.copy(models.SHIPPED / "na3ps4.pt", folder / "mine.pt")
    write_study(folder / "results", {"free": 0.04, "T": 0.03}, snapshots=1, n_frames=50)
    shutil.copy(folder / FREE / "trajectory.dcd", folder / "run.dcd")
    return folder


def nothing(folder: Path) -> None:
    """The command itself is bad."""


def text(name: str, content: str | bytes) -> Preparation:
    def write(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return write


def change(name: str, old: str, new: str) -> Preparation:
    def edit(folder: Path) -> None:
        content = (folder / name).read_text()
        assert old in content
        (folder / name).write_text(content.replace(old, new))

    return edit


def study(old: str, new: str) -> Preparation:
    return change("study.toml", old, new)


def computer(line: str) -> Preparation:
    return study("[dynamics]", f"[computer]\n{line}\n[dynamics]")


def output(line: str) -> Preparation:
    return study("[dynamics]", f"[output]\n{line}\n[dynamics]")


def cut(name: str, size: int) -> Preparation:
    """Keep the first bytes of a file; beyond its end are zeros, which take no room on the disk."""

    def truncate(folder: Path) -> None:
        (folder / name).touch()
        os.truncate(folder / name, size)

    return truncate


def directory(name: str) -> Preparation:
    """A directory where a file is expected."""

    def make(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).mkdir(parents=True)

    return make


def copied(name: str, to: str) -> Preparation:
    return lambda folder: shutil.copy(folder / name, folder / to)


def frames(spoil: Callable[[list[ase.Atoms]], object]) -> Preparation:
    """The frames of somebody's trajectory, with something wrong."""

    def write(folder: Path) -> None:
        there = list(ase.io.iread(folder / "run.extxyz", ":"))
        spoil(there)
        ase.io.write(folder / "run.extxyz", there)

    return write


def position(value: float) -> Preparation:
    return frames(lambda there: there[0].positions.__setitem__((3, 1), value))


def model(change_part: Callable[[str, bytes], bytes]) -> Preparation:
    """The trained model with other bytes in its parts."""

    def write(folder: Path) -> None:
        with (
            zipfile.ZipFile(models.SHIPPED / "na3ps4.pt") as old,
            zipfile.ZipFile(folder / "mine.pt", "w") as new,
        ):
            for name in old.namelist():
                new.writestr(name, change_part(name, old.read(name)))

    return write


def archive(*parts: tuple[str, bytes], packed: int = zipfile.ZIP_DEFLATED) -> Preparation:
    def write(folder: Path) -> None:
        with zipfile.ZipFile(folder / "mine.pt", "w", packed) as new:
            for name, content in parts:
                new.writestr(name, content)

    return write


def in_code(added: str) -> Preparation:
    """A line at the beginning of what the model computes."""

    def add(name: str, content: bytes) -> bytes:
        head, colon, body = content.partition(b"Tuple[Tensor, Tensor]:\n")
        return head + colon + f"    {added}\n".encode() + body if name.endswith(".py") and colon else content

    return model(add)


class Evil:
    """Makes a file when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return (os.mkdir, ("executed",))


class Short(torch.nn.Module):
    """One force for all atoms."""

    def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        return positions.sum(), positions[:1]


class Stubborn(torch.nn.Module):
    """Knows no crystal of more than two atoms."""

    def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        if positions.shape[0] > 2:
            raise ValueError("two atoms only")
        return positions.sum(), positions


def module(kind: type[torch.nn.Module]) -> Preparation:
    def write(folder: Path) -> None:
        card = {"name": "mine", "elements": ["Na", "P", "S"], "cutoff_nm": 0.5}
        file = str(folder / "mine.pt")
        torch.jit.save(torch.jit.script(kind()), file, _extra_files={"card.json": json.dumps(card)})
        study('name = "na3ps4"', 'name = "mine.pt"')(folder)

    return write


def evil_parts(name: str, content: bytes) -> bytes:
    return pickle.dumps(Evil(), 2) if name.endswith(".pkl") else content


def not_a_number(name: str, content: bytes) -> bytes:
    return b"\xff" * len(content) if "/data/" in name else content


STUDY_FILES: list[Case] = [
    (RUN, text("study.toml", STUDY.encode("utf-16")), ["study.toml is not UTF-8", "save it as UTF-8"]),
    (RUN, text("study.toml", ("# ä\n" + STUDY).encode("latin-1")), ["study.toml is not UTF-8"]),
    (RUN, text("study.toml", STUDY + "\x00"), ["no valid TOML", "line 18"]),
    (RUN, text("study.toml", ""), ["'structure' is missing in study.toml"]),
    (RUN, text("study.toml", '{"structure": 1}'), ["no valid TOML"]),
    (RUN, text("study.toml", "structure = 3"), ["structure = 3", "give a table"]),
    (RUN, text("study.toml", "a = " + 5000 * "["), ["no valid TOML", "recursion"]),
    (RUN, cut("study.toml", 300_000_000), ["study.toml is larger than 100 kB"]),
    ("run /dev/zero --quiet", nothing, ["/dev/zero is larger than 100 kB"]),
    ("run mine.pt --quiet", nothing, ["mine.pt is larger than 100 kB"]),
    ("run crystal.cif --quiet", nothing, ["crystal.cif is no valid TOML"]),
    (RUN, study("[structure]", "[[structure]]"), ["structure = [", "give a table"]),
    (RUN, study("snapshots = 1", "snapshots = 1\nsnapshots = 2"), ["no valid TOML", "overwrite"]),
    (RUN, study("snapshots = 1", "snapshots = " + 5000 * "9"), ["no valid TOML", "4300 digits"]),
    (
        RUN,
        study("snapshots = 1", "snapshots = 10000000000"),
        ["dynamics.snapshots", "less than or equal to 1000"],
    ),
    (RUN, study("snapshots = 1", "snapshots = 1.5"), ["dynamics.snapshots = 1.5", "whole number"]),
    (RUN, study("snapshots = 1", "snapshots = true"), ["dynamics.snapshots = True", "whole number"]),
    (RUN, study("snapshots = 1", 'snapshots = "1"'), ["dynamics.snapshots = '1'", "without quotes"]),
    (RUN, study("= 850", '= "850 K"'), ["'850 K'", "without a unit"]),
    (RUN, study("= 850", "= true"), ["temperatures.0 = True", "give a number"]),
    (RUN, study("= 850", "= inf"), ["temperatures.0 = inf", "finite"]),
    (RUN, study("= 850", "= 1e400"), ["temperatures.0 = inf", "finite"]),
    (RUN, study("= 850", "= 1e9"), ["1000000000.0", "no solid is that hot"]),
    (RUN, study("= 850", "= [[850]]"), ["temperatures.0 = [850]", "give a number"]),
    (RUN, study("= 850", "= {K = 850}"), ["{'K': 850}", "give a number"]),
    (RUN, study("= 850", "= 2024-01-01"), ["'2024-01-01'", "give a number"]),
    (RUN, study("timestep = 0.002", "timestep = 2"), ["timestep = 2", "picoseconds", "0.002 for 2 fs"]),
    (RUN, study("timestep = 0.002", 'timestep = "2 fs"'), ["'2 fs'", "without a unit"]),
    (RUN, study("timestep = 0.002", "timestep = 1e-300"), ["timestep = 1e-300", "picoseconds"]),
    (RUN, study("production = 0.1", "production = 1e15"), ["production = 1e+15 ps is", "times", "take less"]),
    (RUN, study("production = 0.1", "production = 0.0001"), ["production = 0.0001 ps is no whole multiple"]),
    (RUN, study('["free", "T"]', "[]"), ["dynamics.modes = []", "at least 1"]),
    (RUN, study('["free", "T"]', '[""]'), ["dynamics.modes", "an empty name is no mode"]),
    (RUN, study('["free", "T"]', "[1]"), ["dynamics.modes.0 = 1", "text in quotes"]),
    (RUN, study('cation = "Na"', 'cation = "S"'), ["cation 'S'", "outside of the anions; known: Na"]),
    (RUN, study('cation = "Na"', 'cation = "Na+"'), ["cation 'Na+'", "did you mean 'Na'?"]),
    (RUN, study('cation = "Na"', "cation = 11"), ["structure.cation = 11", "text in quotes"]),
    (RUN, study('"PS4"', '"PS4 3-"'), ["'PS4 3-' cannot be read", "write it like PS4"]),
    (RUN, study('"PS4"', '"Na"'), ["'Na' is a single atom"]),
    (RUN, study('"PS4"', "[]"), ["structure.anion = []", "at least 1"]),
    (RUN, study("[2, 2, 2]", "[2000, 2000, 2000]"), ["1.3e+11 atoms", "take a smaller one"]),
    (RUN, study("[2, 2, 2]", '["2", "2", "2"]'), ["supercell.0 = '2'", "whole number"]),
    (RUN, study("[2, 2, 2]", "[2.5, 2, 2]"), ["supercell.0 = 2.5", "whole number"]),
    (RUN, study('"crystal.cif"', '"."'), ["structure file", "is a directory"]),
    (RUN, study('"crystal.cif"', '"mine.pt"'), ["mine.pt cannot be read by ASE"]),
    (RUN, study('"na3ps4"', '""'), ["potential.name = ''", "at least 1 character"]),
    (RUN, study('"na3ps4"', '"."'), ["model file . is a directory"]),
    (RUN, study('"na3ps4"', '"crystal.cif"'), ["crystal.cif is truncated or no TorchScript file"]),
    (RUN, study('"na3ps4"', '"na3ps4"\ncommittee = ["na3ps4"]'), ["one potential cannot disagree"]),
    (RUN, computer('platform = "CUDA"\nthreads = 100000'), ["computer.threads = 100000"]),
    (RUN, computer('precision = "half"'), ["computer.precision = 'half'", "'mixed'"]),
    (RUN, output("checkpoint_interval = -1"), ["checkpoint_interval = -1", "greater than 0"]),
    (RUN, output("velocities = 1"), ["output.velocities = 1", "true or false"]),
    (RUN, output('frame_intervall = "1"'), ["unknown key 'output.frame_intervall'", "'frame_interval'"]),
]

STRUCTURES: list[Case] = [
    (INIT, cut("crystal.cif", 0), ["crystal.cif cannot be read by ASE", "Empty file"]),
    (INIT, cut("crystal.cif", 600), ["crystal.cif cannot be read by ASE"]),
    (INIT, text("crystal.cif", os.urandom(5000)), ["crystal.cif cannot be read by ASE"]),
    (INIT, directory("crystal.cif"), ["crystal.cif is a directory"]),
    (
        INIT.replace("crystal.cif", "zeros.extxyz"),
        cut("zeros.extxyz", 2_000_000),
        ["zeros.extxyz cannot be read by ASE", "invalid literal"],
    ),
    (
        INIT.replace("crystal.cif", "evil.py"),
        text("evil.py", "import os; os.mkdir('executed')"),
        ["evil.py cannot be read by ASE"],
    ),
    (
        INIT.replace("crystal.cif", "POSCAR"),
        lambda folder: ase.io.write(folder / "POSCAR", bulk("NaCl", "rocksalt", a=5.6)),
        ["anion element P is not in the structure, which holds Cl, Na"],
    ),
    (INIT.replace("--cation Na", "--cation P"), nothing, ["cation 'P'", "known: Na"]),
    (INIT.replace("new.toml", "results"), nothing, ["results is already there"]),
    (INIT.replace("new.toml", "no/new.toml"), nothing, ["no/new.toml cannot be written: No such file"]),
    (INIT.replace("new.toml", "crystal.cif/x"), nothing, ["cannot be written: Not a directory"]),
    (INIT.replace("new.toml", "/proc/new.toml"), nothing, ["/proc/new.toml cannot be written"]),
]

STUDIES: list[Case] = [
    ("plan study.toml --measure nan", nothing, ["--measure nan"]),
    ("plan study.toml --measure inf", nothing, ["--measure inf"]),
    ("plan study.toml --measure -1", nothing, ["--measure -1"]),
    ("plan study.toml --measure soon", nothing, ["invalid float value: 'soon'"]),
    (RUN.replace("--out out", "--out /proc/out"), nothing, ["/proc/out cannot be made"]),
    (RUN.replace("--out out", "--out crystal.cif/out"), nothing, ["cannot be made: Not a directory"]),
    (RUN, text("out/study.json", '{"a'), ["out/study.json is damaged", "choose another --out"]),
    (RUN, text("out/study.json", "[]"), ["out/study.json is damaged (it holds no table)"]),
    (RUN, text("out/study.json", '{"structure": [1]}'), ["out holds a study with structure.file = None"]),
    (RUN.replace("--out out", "--out results"), nothing, ["results holds a study with structure.file"]),
    ("status none", nothing, ["there is no directory none"]),
    ("status results", cut("results/structure.json", 300), ["structure.json is damaged"]),
    (
        "status results",
        text("results/structure.json", "[]"),
        ["structure.json is damaged (it holds no table)"],
    ),
    ("status results", cut(f"{FREE}/run.json", 50), ["run.json is damaged"]),
    (
        "status results",
        change(f"{FREE}/run.json", '"finished"', '"done"'),
        ["status", "'finished', 'waiting'"],
    ),
    ("status results", change(f"{FREE}/run.json", "850.0", "NaN"), ["temperature_K", "finite number"]),
    (
        "status results",
        change(f"{FREE}/run.json", "0.1,", "Infinity,"),
        ["frame_interval_ps", "finite number"],
    ),
    ("status results", text(f"{FREE}/thermodynamics.csv", b"\xff\xfe\x00"), ["has no column time_ps"]),
    ("status results --watch nan", nothing, ["--watch nan"]),
    ("report study.toml", nothing, ["there is no directory study.toml"]),
    ("report out", directory("out"), ["out is not a study directory"]),
    ("report results", cut("results/topology.pdb", 400), ["topology.pdb cannot be read", "writes it anew"]),
    ("report results", text("results/topology.pdb", os.urandom(99)), ["topology.pdb cannot be read"]),
    (
        "report results",
        cut(f"{FREE}/trajectory.dcd", 100),
        ["trajectory.dcd cannot be read", "repeat the run"],
    ),
    ("report results", text(f"{FREE}/trajectory.dcd", os.urandom(9999)), ["trajectory.dcd cannot be read"]),
    ("report results --figure a.docx", nothing, ["cannot be written as 'a.docx'", ".svg"]),
    ("report results --figure no/a.png", nothing, ["folder no of figure a.png does not exist"]),
    (f"reproduce {FREE}", text(f"{FREE}/run.json", "{"), ["run.json is damaged", "cannot be made again"]),
    (f"reproduce {FREE}", text(f"{FREE}/run.json", "[]"), ["run.json is damaged (it holds no table)"]),
    (f"reproduce {FREE}", text("results/study.json", "{"), ["study.json is damaged"]),
    (f"reproduce {FREE}", text("results/study.json", '{"structure": [], "potential": 3}'), ["is damaged"]),
    ("reproduce results", nothing, ["results is no run of a study"]),
]

TRAJECTORIES: list[Case] = [
    (ANALYZE, cut("run.dcd", 100), ["run.dcd cannot be read by MDAnalysis", "premature EOF"]),
    (ANALYZE, cut("run.dcd", 0), ["run.dcd is empty"]),
    (ANALYZE, text("run.dcd", os.urandom(9999)), ["run.dcd cannot be read by MDAnalysis"]),
    (ANALYZE, directory("run.dcd"), ["run.dcd is a directory"]),
    (ANALYZE, text("results/topology.pdb", os.urandom(9999)), ["topology.pdb with run.dcd cannot be read"]),
    (ANALYZE.replace("run.dcd", "study.toml"), nothing, ["study.toml cannot be read by MDAnalysis"]),
    (ANALYZE.replace("-o out", "-o study.toml"), nothing, ["study.toml cannot be made: File exists"]),
    (ANALYZE + " --only ,", nothing, ["--only ',' names no quantity"]),
    (ANALYZE + " --lags 1,nan", nothing, ["--lags '1,nan'", "above zero"]),
    (ANALYZE + " --lags ''", nothing, ["--lags ''", "times in ps"]),
    (ANALYZE + " --charge inf", nothing, ["--charge inf"]),
    (ANALYZE + " --begin 1000", nothing, ["0 of the 50 frames are chosen"]),
    (ANALYZE + " --velocities results/topology.pdb", nothing, ["1 frames and the trajectory 50"]),
    (FRAMES, cut("run.extxyz", 1500), ["run.extxyz cannot be read by ASE", "expected 16"]),
    (FRAMES, text("run.extxyz", ""), ["run.extxyz is empty"]),
    (FRAMES.replace("--dt 0.1", ""), nothing, ["does not say the time between its frames"]),
    (FRAMES, position(np.nan), ["atom 3", "not finite"]),
    (FRAMES, position(np.inf), ["atom 3", "not finite"]),
    (
        FRAMES,
        frames(lambda there: [atoms.set_pbc(False) for atoms in there]),
        ["the first frame has no cell"],
    ),
    (
        FRAMES,
        frames(lambda there: there[2].cell.__setitem__((0, 0), np.nan)),
        ["frame 2", "a cell that is not"],
    ),
    (FRAMES, frames(lambda there: there[1].__delitem__(0)), ["frame 1 of run.extxyz holds other atoms"]),
]

MODELS: list[Case] = [
    ("models nope", nothing, ["potential 'nope' is unknown"]),
    ("models results", nothing, ["model file results is a directory"]),
    ("models mine.pt", cut("mine.pt", 9999), ["mine.pt is truncated"]),
    (
        "models mine.pt",
        text("mine.pt", pickle.dumps(Evil())),
        ["mine.pt is truncated or no TorchScript file"],
    ),
    ("models mine.pt", lambda folder: torch.save(Evil(), folder / "mine.pt"), ["looks like a checkpoint"]),
    ("models mine.pt", model(evil_parts), ["mine.pt needs operators of a package", "mkdir"]),
    ("models mine.pt", in_code('torch.save(positions, "executed")'), ["calls torch.save", "do not use it"]),
    ("models mine.pt", in_code('ops.aten . save(positions, "executed")'), ["calls torch.save"]),
    ("models mine.pt", in_code('getattr(torch, "save")(positions, "executed")'), ["calls torch.save"]),
    ("models mine.pt", in_code('x = torch.from_file("/etc/passwd", None, 9)'), ["calls torch.from_file"]),
    ("models mine.pt", archive(("m/code/a.py", bytes(110_000_000))), ["unpacks to 110 MB"]),
    (
        "models mine.pt",
        archive(("m/code/a.py", b"\xff\xfe")),
        ["mine.pt is truncated or no TorchScript file"],
    ),
    ("models mine.pt", archive(("m/code/a.py", b""), ("m/CODE/a.py", b"")), ["two parts of one name"]),
    (RUN, module(Short), ["forces of shape (1, 3) for the 128 atoms", "(128, 3)"]),
    ("plan study.toml", module(Stubborn), ["potential 'mine' fails on the 128 atoms", "two atoms only"]),
    (CHECK, module(Short), ["forces of shape (1, 3) for the 128 atoms"]),
    (CHECK, model(not_a_number), ["fails on the 128 atoms of the crystal"]),
    (CHECK + " --temperature inf", nothing, ["--temperature inf"]),
    (CHECK + " --timestep nan", nothing, ["--timestep nan"]),
    (CHECK + " --steps 99999999999", nothing, ["--steps 99999999999", "between"]),
    (CHECK + " --seed -1", nothing, ["--seed -1", "between"]),
    (
        CHECK + " --kind cuda",
        nothing,
        ["cannot become a force of kind 'cuda'", "'torch' or 'python' or 'torch"],
    ),
    (CHECK + " --platform gpu", nothing, ["--platform: invalid choice: 'gpu'"]),
    (CHECK + " --json results", nothing, ["file results is a directory"]),
    (CHECK + " --teacher crystal.cif", nothing, ["crystal.cif is truncated or no TorchScript file"]),
]

TRAINING: list[Case] = [
    (TRAIN, text("recipe.toml", b"# \xe4"), ["recipe.toml is not UTF-8"]),
    (TRAIN, change("recipe.toml", "[8]", "8"), ["ani.hidden = 8", "give a list"]),
    (TRAIN, change("recipe.toml", "[8]", "[0]"), ["ani.hidden.0 = 0", "greater than or equal to 1"]),
    (TRAIN, change("recipe.toml", '"S"', '"Xx"'), ["ani.elements", "'Xx' is no chemical symbol"]),
    (TRAIN, change("recipe.toml", '"S"', '"Na"'), ["ani.elements", "Na stands twice"]),
    (TRAIN, change("recipe.toml", "hidden = [8]", "radial_cutoff = 1e9"), ["ani.radial_cutoff"]),
    (
        TRAIN,
        change("recipe.toml", "hidden = [8]", "radial_cutoff = 3.0"),
        ["angular_cutoff must not be larger"],
    ),
    (TRAIN, change("recipe.toml", "epochs = 1", "learning_rate = nan"), ["training.learning_rate = nan"]),
    (TRAIN, change("recipe.toml", "epochs = 1", "energy_weight = inf"), ["energy_weight = inf", "finite"]),
    (TRAIN + " --epochs 0", nothing, ["training.epochs = 0"]),
    (TRAIN + " --seed -1", nothing, ["training.seed = -1"]),
    (TRAIN, text("data.extxyz", os.urandom(5000)), ["data.extxyz cannot be read as structures"]),
    (TRAIN, cut("data.extxyz", 3000), ["data.extxyz cannot be read as structures"]),
    (TRAIN.replace("data.extxyz", "run.extxyz"), nothing, ["frame 0 of run.extxyz has no energy"]),
    (TRAIN.replace("new.pt", "data.extxyz"), nothing, ["data.extxyz is one of the data"]),
    (TRAIN.replace("new.pt", "results"), nothing, ["model file results is a directory"]),
    (TRAIN.replace("new.pt", "''"), nothing, ["model file . is a directory"]),
    (TRAIN.replace("new.pt", "/proc/new.pt"), nothing, ["model file /proc/new.pt cannot be written"]),
    ("distill study.toml --out out", nothing, ["unknown key 'structure.cation'"]),
    ("distill distill.toml --out out", text("out/distillation.json", "[]"), ["it holds no table"]),
    (
        "distill distill.toml --out out",
        change("distill.toml", "[0.0, 0.01]", "[nan]"),
        ["strains.0 = nan", "finite"],
    ),
    (
        "distill distill.toml --out out",
        change("distill.toml", "length = 0.1", "length = 0.001"),
        ["explore.length = 0.001 ps", "shorter than explore.interval"],
    ),
    (
        "distill distill.toml --out out",
        change("distill.toml", "seed = 3", "seed = true"),
        ["seed = True", "whole"],
    ),
    (
        "distill distill.toml --out out",
        lambda folder: (module(Short)(folder), change("distill.toml", '"na3ps4"', '"mine.pt"')(folder)),
        ["forces of shape (1, 3) for the 128 atoms"],
    ),
]

CASES = [*STUDY_FILES, *STRUCTURES, *STUDIES, *TRAJECTORIES, *MODELS, *TRAINING]


@pytest.fixture
def folder(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    work = tmp_path / "a folder with 'quotes', ü and\na new line"
    shutil.copytree(good, work)
    monkeypatch.chdir(work)
    return work


@pytest.mark.parametrize(("command", "prepare", "words"), CASES)
def test_one_line(
    command: str, prepare: Preparation, words: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(folder)
    line = complaint(capsys, *shlex.split(command))
    for word in words:
        assert word in line
    assert len(line) < 500
    assert not (folder / "executed").exists()
    assert not list(folder.rglob("*.part"))


def test_two_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "out").mkdir()
    with exclusive(folder / "out" / "study.lock"):
        assert "out is in use by another process" in complaint(capsys, *shlex.split(RUN))


@pytest.mark.parametrize("name", ["crystal@900.cif", "crystal[1].cif", "a*b?.cif", "-crystal.cif", "ä ☃.cif"])
def test_any_name_of_a_file_will_do(name: str, folder: Path) -> None:
    shutil.copy(folder / "crystal.cif", folder / name)
    arguments = ["init", "--cation", "Na", "--anion", "PS4", f"--out={name}.toml", "--", name]
    assert main(arguments) == 0
    assert read_settings(f"{name}.toml").structure.file == (folder / name).resolve()


@pytest.mark.parametrize(
    "content", ["\ufeff" + STUDY, STUDY.replace("\n", "\r\n"), STUDY.replace("\n", "\r")]
)
def test_what_editors_do_to_a_file_is_no_mistake(content: str, folder: Path) -> None:
    (folder / "study.toml").write_bytes(content.encode())
    assert read_settings("study.toml").dynamics.temperatures == (850.0,)


def test_one_mode_needs_no_brackets(folder: Path) -> None:
    change("study.toml", '["free", "T"]', '"T"')(folder)
    assert read_settings("study.toml").dynamics.modes == ("free", "T")


def test_no_part_of_a_trajectory_is_lost_unseen(folder: Path) -> None:
    """Two frames and a half of a finished run are gone: the report says so."""
    file = folder / FREE / "trajectory.dcd"
    os.truncate(file, file.stat().st_size - 2 * frame_bytes(128) - 700)
    note = next(run for run in analyze_study("results").runs if run.mode == "free").warning
    assert "of the 50 frames that it wrote, 3 are gone" in note
    file.unlink()
    note = next(run for run in analyze_study("results").runs if run.mode == "free").note
    assert note == "its trajectory is gone"
