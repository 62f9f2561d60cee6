"""The distribution's metadata, and the check of what is installed beside it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import openmm_anion
from openmm_anion import installation
from openmm_anion.errors import InputError
from openmm_anion.installation import check_installation

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
TORCH_RANGE = "torch<2.13,>=2.10"


class Site:
    """A folder of faked installed distributions, laid out as pip does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, release: str, *requires: str, module: str | None = None) -> Site:
        info = self.folder / f"{name.replace('-', '_')}-{release}.dist-info"
        info.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {release}"]
        lines += [f"Requires-Dist: {requirement}" for requirement in requires]
        (info / "METADATA").write_text("\n".join(lines) + "\n")
        if module:
            (self.folder / f"{module}.py").touch()
        return self

    def check(self) -> None:
        check_installation([str(self.folder)])


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_this_environment_is_in_order() -> None:
    check_installation()


@pytest.mark.parametrize("torch", ["2.10.0", "2.12.1", "2.12.1+cpu", "2.11.0+cu130"])
def test_default_installation_is_accepted(site: Site, torch: str) -> None:
    site.add("torch", torch).add(
        "acellera-openmmtorch-cpu", "1.10", TORCH_RANGE, module="openmmtorch"
    ).check()


def test_cuda_plugin_beside_the_default_core_is_accepted(site: Site) -> None:
    site.add("torch", "2.12.1").add("OpenMM-CUDA-13", "8.6.1").add("acellera-openmm-torch-cuda-13", "1.7")
    site.add("acellera-openmmtorch-cpu", "1.10", "openmm", TORCH_RANGE, module="openmmtorch").check()


def test_plugin_without_metadata_is_accepted(site: Site) -> None:
    """A plugin from conda or built from source leaves a module, but no distribution."""
    (site.folder / "openmmtorch.py").touch()
    site.check()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("acellera-openmmtorch-cpu", "acellera-openmmtorch"),
        ("acellera-openmmtorch-cpu", "openmmtorch"),
        ("acellera-openmm-torch-cuda-12", "acellera-openmm-torch-cuda-13"),
        ("openmm-cuda-12", "openmm-cuda-13"),
    ],
)
def test_two_distributions_with_the_same_files(site: Site, first: str, second: str) -> None:
    site.add("torch", "2.12.1").add(first, "1.10", module="openmmtorch").add(second, "1.6")
    with pytest.raises(InputError, match="install the same files") as caught:
        site.check()
    message = str(caught.value)
    assert f"python -m pip uninstall -y {first} {second} && python -m pip install {first}" in message
    assert "\n" not in message


def test_names_are_compared_in_normal_form(site: Site) -> None:
    site.add("OpenMM-CUDA-12", "8.6.1").add("OpenMM.CUDA_13", "8.6.1")
    with pytest.raises(InputError, match="openmm-cuda-12 and openmm-cuda-13"):
        site.check()


def test_missing_plugin(site: Site) -> None:
    site.add("torch", "2.12.1")
    with pytest.raises(InputError, match=r"not installed.*pip install .*acellera-openmmtorch-cpu"):
        site.check()


def test_metadata_left_behind_without_the_module(site: Site) -> None:
    """What remains when one of two rival distributions has been removed."""
    site.add("torch", "2.12.1").add("acellera-openmmtorch-cpu", "1.10", TORCH_RANGE)
    with pytest.raises(InputError, match="--force-reinstall --no-deps acellera-openmmtorch-cpu"):
        site.check()


@pytest.mark.parametrize("torch", ["2.9.1", "2.13.0", "2.13.0+cpu"])
def test_torch_outside_of_the_plugin_range(site: Site, torch: str) -> None:
    site.add("torch", torch).add("acellera-openmmtorch-cpu", "1.10", TORCH_RANGE, module="openmmtorch")
    with pytest.raises(InputError) as caught:
        site.check()
    message = str(caught.value)
    assert f"torch {torch} is installed" in message
    assert message.endswith("mend with: python -m pip install 'torch<2.13,>=2.10'")


def test_torch_missing(site: Site) -> None:
    site.add("acellera-openmmtorch-cpu", "1.10", TORCH_RANGE, module="openmmtorch")
    with pytest.raises(InputError, match="torch is not installed"):
        site.check()


def metadata() -> dict[str, list[str]]:
    """Return the requirements of each extra; those of the plain installation under ""."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {"": project["dependencies"], **project["optional-dependencies"]}


@pytest.mark.parametrize("cuda", ["cuda12", "cuda13"])
def test_cuda_extras_only_add_to_the_default(cuda: str) -> None:
    """Together with the default, an extra must not name two distributions that share files."""
    extras = metadata()
    default = [Requirement(text) for text in extras[""]]
    assert [r.marker for r in default if r.name == installation.DEFAULT_CORE] == [None]
    names = set()
    for requirement in [*default, *(Requirement(text) for text in extras[cuda])]:
        names.add(requirement.name.lower())
        names |= {f"{requirement.name}-{extra[:4]}-{extra[4:]}" for extra in requirement.extras}
    assert {f"openmm-{cuda[:4]}-{cuda[4:]}", f"acellera-openmm-torch-{cuda[:4]}-{cuda[4:]}"} <= names
    for rivals in installation.SAME_FILES:
        assert len(names.intersection(rivals)) <= 1


def test_torch_range_is_the_plugins() -> None:
    ours = next(Requirement(text) for text in metadata()[""] if text.startswith("torch>"))
    assert ours.specifier == Requirement(TORCH_RANGE).specifier
    assert ours.specifier.contains(version("torch"))


def test_no_requirement_points_outside_of_the_package_index() -> None:
    assert not [text for texts in metadata().values() for text in texts if Requirement(text).url]


def test_wheel_holds_the_package_and_its_data(tmp_path: Path) -> None:
    """What setup.py builds: every module, every shipped model, the typing marker, nothing of the tests."""
    source = tmp_path / "source"
    source.mkdir()
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(
        ROOT / "openmm_anion", source / "openmm_anion", ignore=shutil.ignore_patterns("__pycache__")
    )
    build = [sys.executable, "setup.py", "-q", "build", "--build-lib", str(tmp_path / "lib")]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    expected = {path.relative_to(source) for path in (source / "openmm_anion").rglob("*") if path.is_file()}
    built = {path.relative_to(tmp_path / "lib") for path in (tmp_path / "lib").rglob("*") if path.is_file()}
    assert built == expected
    assert Path("openmm_anion/py.typed") in built


def test_version_is_the_packages() -> None:
    told = subprocess.run(
        [sys.executable, "setup.py", "--version"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert told.stdout.split()[-1] == openmm_anion.__version__
