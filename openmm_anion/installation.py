"""Check that the TorchForce plugin is installed, once, and with a torch that it was built for.

Several distributions on PyPI install the same plugin files. Installed together, the one that came
last wins without a word, and removing either breaks the other. pip cannot prevent that, so it is
checked here, before the first TorchForce is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.machinery import PathFinder
from importlib.metadata import Distribution, distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from openmm_anion.errors import InputError

DEFAULT_CORE = "acellera-openmmtorch-cpu"
"""The distribution with the TorchForce plugin that this package depends on."""

SAME_FILES: tuple[tuple[str, ...], ...] = (
    (DEFAULT_CORE, "acellera-openmmtorch", "openmmtorch"),
    (
        "acellera-openmm-torch-cuda-12",
        "acellera-openmm-torch-cuda-13",
        "openmm-torch-cuda-12",
        "openmm-torch-cuda-13",
    ),
    ("openmm-cuda-12", "openmm-cuda-13"),
)
"""Distributions of each row install files of the same names: at most one of a row may be there."""

PIP = "python -m pip"


def check_installation(path: Sequence[str] | None = None) -> None:
    """Refuse an environment in which TorchForce is missing, doubled or beside the wrong torch.

    Parameters
    ----------
    path : sequence of str, optional
        The folders that hold the installed distributions; ``sys.path`` when left out, and then the
        answer is remembered: what is installed does not change while the program runs.

    Raises
    ------
    InputError
        With the commands that mend it, if two distributions that install the same files are there,
        the plugin is missing, or torch is outside of the range that the plugin's own metadata name.

    Examples
    --------
    >>> from openmm_anion.installation import check_installation
    >>> check_installation()  # returns nothing when all is well
    """
    if path is None:
        _check_sys_path()
    else:
        _check(path)


@cache
def _check_sys_path() -> None:
    _check(None)


def _check(path: Sequence[str] | None) -> None:
    found = distributions() if path is None else distributions(path=list(path))
    installed: dict[str, Distribution] = {}
    for distribution in found:  # the first on the path is the one that Python imports
        installed.setdefault(canonicalize_name(distribution.name), distribution)
    for rivals in SAME_FILES:
        _refuse_collision([name for name in rivals if name in installed])
    if PathFinder.find_spec("openmmtorch", path) is None:
        raise InputError(
            "OpenMM's TorchForce plugin (module openmmtorch) is not installed; mend with: "
            f"{PIP} install --force-reinstall --no-deps {DEFAULT_CORE}"
        )
    for core in SAME_FILES[0]:
        if core in installed:
            _refuse_torch(installed[core], installed.get("torch"))


def _refuse_collision(present: Sequence[str]) -> None:
    if len(present) > 1:
        names = " ".join(present)
        raise InputError(
            f"{' and '.join(present)} install the same files and overwrite each other; mend by removing "
            f"all and installing one: {PIP} uninstall -y {names} && {PIP} install {present[0]}"
        )


def _refuse_torch(core: Distribution, torch: Distribution | None) -> None:
    """Refuse a torch outside of the plugin's range: it loads, and then fails with an internal assertion."""
    for text in core.requires or ():
        requirement = Requirement(text)
        if canonicalize_name(requirement.name) != "torch" or not requirement.specifier:
            continue
        if torch is None or not requirement.specifier.contains(torch.version, prereleases=True):
            have = "torch is not installed" if torch is None else f"torch {torch.version} is installed"
            raise InputError(
                f"{core.name} {core.version} needs torch{requirement.specifier}, but {have}; "
                f"mend with: {PIP} install 'torch{requirement.specifier}'"
            )
