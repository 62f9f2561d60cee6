"""Bad structures, and places to write to that are none: one clear line, nothing written over."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import ase.io
import pytest
from ase.build import bulk
from bad_input import Case, cut, directory, nothing, one_line_test, text

from openmm_anion.cli import main
from openmm_anion.study.settings import read_settings

INIT = "init crystal.cif --cation Na --anion PS4 --out new.toml"

CASES: list[Case] = [
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

test_one_line = one_line_test(CASES)


@pytest.mark.parametrize("name", ["crystal@900.cif", "crystal[1].cif", "a*b?.cif", "-crystal.cif", "ä ☃.cif"])
def test_any_name_of_a_file_will_do(name: str, folder: Path) -> None:
    shutil.copy(folder / "crystal.cif", folder / name)
    arguments = ["init", "--cation", "Na", "--anion", "PS4", f"--out={name}.toml", "--", name]
    assert main(arguments) == 0
    assert read_settings(f"{name}.toml").structure.file == (folder / name).resolve()
