"""Bad study files: exit status 2, one clear line, no traceback, nothing written over."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_input import RUN, Case, Preparation, change, cut, nothing, one_line_test, study, text
from study_files import STUDY

from openmm_anion.study.settings import read_settings


def computer(line: str) -> Preparation:
    return study("[dynamics]", f"[computer]\n{line}\n[dynamics]")


def output(line: str) -> Preparation:
    return study("[dynamics]", f"[output]\n{line}\n[dynamics]")


CASES: list[Case] = [
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

test_one_line = one_line_test(CASES)


@pytest.mark.parametrize(
    "content", ["\ufeff" + STUDY, STUDY.replace("\n", "\r\n"), STUDY.replace("\n", "\r")]
)
def test_what_editors_do_to_a_file_is_no_mistake(content: str, folder: Path) -> None:
    (folder / "study.toml").write_bytes(content.encode())
    assert read_settings("study.toml").dynamics.temperatures == (850.0,)


def test_one_mode_needs_no_brackets(folder: Path) -> None:
    change("study.toml", '["free", "T"]', '"T"')(folder)
    assert read_settings("study.toml").dynamics.modes == ("free", "T")
