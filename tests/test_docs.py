"""The documentation builds, and every module of the package is in it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the documentation with warnings as errors, outside of the source tree."""
    work = tmp_path_factory.mktemp("docs")
    source = shutil.copytree(ROOT / "docs", work / "source", ignore=shutil.ignore_patterns("_build", "api"))
    # What pages link to.
    notebooks = Path("examples", "notebooks")
    shutil.copytree(ROOT / notebooks, work / notebooks, ignore=shutil.ignore_patterns(".*"))
    build = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run([*build, str(source), str(work / "html")], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return work / "html"


def test_every_module_has_a_page(html: Path) -> None:
    package = ROOT / "openmm_anion"
    for path in package.rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        assert (html / "api" / f"{name}.html").is_file(), f"no page for {name}"


@pytest.mark.parametrize("page", ["index", "install", "tutorial", "notebooks", "howto", "theory", "api"])
def test_pages_are_written(html: Path, page: str) -> None:
    assert (html / f"{page}.html").stat().st_size > 5000


def test_notebooks_can_be_downloaded(html: Path) -> None:
    written = {path.name for path in (html / "_downloads").rglob("*.ipynb")}
    assert written == {path.name for path in (ROOT / "examples" / "notebooks").glob("*.ipynb")}
