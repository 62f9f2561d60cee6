"""Files of a study and of a distillation, of a crystal that is small and runs that are short."""

from __future__ import annotations

from pathlib import Path

from crystals import CRYSTAL

STUDY = """
[structure]
file = "crystal.cif"
supercell = [2, 2, 2]
cation = "Na"
anion = "PS4"

[potential]
name = "na3ps4"

[dynamics]
temperatures = 850
modes = ["free", "T"]
timestep = 0.002
snapshots = 1
equilibration = 0.01
production = 0.1
"""

DISTILLATION = f"""
name = "pupil"
seed = 3

[structure]
file = "{CRYSTAL}"
supercell = [2, 2, 2]
anion = "PS4"

[teacher]
name = "na3ps4"

[explore]
temperatures = 700
strains = [0.0, 0.01]
modes = ["free", "V"]
settling = 0.1
length = 0.1

[rounds]
most = 2
committee = 2
start = 20
picks = 6
held_out = 4
epochs = 2

[training]
epochs = 3

[ani]
hidden = [16]
"""


def write_study(folder: Path, *changes: tuple[str, str]) -> Path:
    text = STUDY
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    crystal = folder / "crystal.cif"
    if not crystal.exists():
        crystal.write_text(CRYSTAL.read_text())
    path = folder / "study.toml"
    path.write_text(text)
    return path
