"""Shared fixtures: one thread per process, and the OpenMM platform that a physics test runs on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

# Before OpenMM, torch and PoCL are imported: the systems are small, and threads only cost time.
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENMM_CPU_THREADS", "POCL_MAX_PTHREAD_COUNT"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("TORCHANI_NO_WARN_EXTENSIONS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np  # noqa: E402
import openmm  # noqa: E402
import pytest  # noqa: E402
from bad_input import write_good_files  # noqa: E402
from platforms import PLATFORMS, PlatformCase  # noqa: E402
from short_study import settings  # noqa: E402

from openmm_anion.study.prepared import PreparedStudy, prepare_study  # noqa: E402
from openmm_anion.study.schedule import run_study  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-opencl", action="store_true", help="leave out the tests on the OpenCL platform")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "platform" in metafunc.fixturenames:
        left_out = "OpenCL" if metafunc.config.getoption("--no-opencl") else None
        cases = [case for case in PLATFORMS if case.name != left_out]
        metafunc.parametrize("platform", cases, ids=[case.label for case in cases], indirect=True)


@pytest.fixture(scope="session")
def opencl_available() -> bool:
    """Tell whether OpenMM can make a Context on an OpenCL device."""
    system = openmm.System()
    system.addParticle(1.0)
    try:
        openmm.Context(system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("OpenCL"))
    except openmm.OpenMMException:
        return False
    return True


@pytest.fixture
def platform(request: pytest.FixtureRequest) -> PlatformCase:
    """Run the test on each platform: Reference, CPU, OpenCL and CUDA in mixed and in double precision."""
    case: PlatformCase = request.param
    if case.name == "OpenCL" and not request.getfixturevalue("opencl_available"):
        pytest.fail(
            "no OpenCL device: install one (Debian: apt-get install ocl-icd-libopencl1 pocl-opencl-icd) "
            "or use --no-opencl",
            pytrace=False,
        )
    return case


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.fixture(scope="session")
def study() -> PreparedStudy:
    """The study of `short_study`, before its runs."""
    return prepare_study(settings())


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the study of `short_study` after its runs."""
    directory = tmp_path_factory.mktemp("study")
    outcome = run_study(settings(), directory, quiet=True)
    assert {str(key): status for key, status in outcome.statuses.items()} == {
        "850 K, snapshot 0, free": "finished",
        "850 K, snapshot 0, R": "finished",
    }
    return directory


@pytest.fixture(scope="session")
def good_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that tests of bad input spoil copies of."""
    made = tmp_path_factory.mktemp("good")
    write_good_files(made)
    return made


@pytest.fixture
def folder(good_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `good_files` with an awkward name, as the working directory."""
    work = tmp_path / "a folder with 'quotes', ü and\na new line"
    shutil.copytree(good_files, work)
    monkeypatch.chdir(work)
    return work
