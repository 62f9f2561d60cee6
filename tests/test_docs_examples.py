"""What the documentation shows works: Python blocks, study files, commands, and the table of keys."""

from __future__ import annotations

import argparse
import doctest
import re
import shlex
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from openmm_anion.cli import COMMANDS
from openmm_anion.configuration import parse
from openmm_anion.distillation import DistillSettings
from openmm_anion.models.recipe import validate
from openmm_anion.study.settings import StudySettings, parse_settings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language in a page."""
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", page.read_text(encoding="utf-8"), flags=re.S | re.M)


def with_line_numbers_kept(page: Path) -> str:
    """The Python sessions of a page, every other line blank."""
    lines, inside = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        fence = line.lstrip().startswith("```")
        lines.append(line if inside and not fence else "")
        inside = line.strip() == "```pycon" if fence else inside
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page, "pycon")], ids=lambda page: page.stem
)
def test_python_sessions(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    text = with_line_numbers_kept(page)
    session = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    report: list[str] = []
    result = doctest.DocTestRunner(optionflags=flags).run(session, out=report.append)
    assert result.attempted == text.count(">>> ")
    assert not result.failed, "".join(report)


def test_every_key_of_a_study_is_in_the_tutorial() -> None:
    """With the default that the code has."""
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+\.\w+)` \| [^|]+ \| ([^|]+) \|", text, flags=re.M)
    told = {key: default.strip().strip("`") for key, default in rows}
    for section, field in StudySettings.model_fields.items():
        model: Any = field.annotation
        for name, key in model.model_fields.items():
            default = told.pop(f"{section}.{name}")
            if key.is_required():
                assert default == "required", f"{section}.{name}"
            else:
                value = tomllib.loads(f"x = {default}")["x"]
                assert value == (list(key.default) if isinstance(key.default, tuple) else key.default), name
    assert not told, f"no such keys: {sorted(told)}"


REQUIRED: dict[str, dict[str, Any]] = {
    "structure": {"file": "crystal.cif", "cation": "Na", "anion": "PS4"},
    "potential": {"name": "na3ps4"},
    "dynamics": {"temperatures": 850},
}


@pytest.mark.parametrize(
    ("page", "block"), [(page, block) for page in PAGES for block in blocks(page, "toml")], ids=str
)
def test_toml_files(page: Path, block: str) -> None:
    content = tomllib.loads(block)
    if "teacher" in content:
        parse(DistillSettings, content, page.name)
    elif content.keys() <= StudySettings.model_fields.keys():  # a study file, or a part of one
        whole = {name: REQUIRED.get(name, {}) | content.get(name, {}) for name in REQUIRED | content}
        parse_settings(whole, page.name)
    else:
        validate(content, page.name)


def commands() -> list[str]:
    lines = [line for page in PAGES for block in blocks(page, "sh") for line in block.splitlines()]
    return sorted({line.split("  #")[0].strip() for line in lines if line.startswith("openmm-anion ")})


def test_every_command_is_shown() -> None:
    assert {line.split()[1] for line in commands()} >= set(COMMANDS)


@pytest.mark.parametrize("line", commands())
def test_commands_are_understood(line: str) -> None:
    _, name, *arguments = shlex.split(line)
    parser = argparse.ArgumentParser()
    if name == "--version":
        return
    import_module(COMMANDS[name][0]).add_arguments(parser)
    parser.parse_args(arguments)  # exits, and so fails, on an option that does not exist
