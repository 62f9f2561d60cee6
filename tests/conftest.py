"""Shared fixtures: one thread per process, and the OpenMM platform that a physics test runs on."""

from __future__ import annotations

import os

# Before OpenMM, torch and PoCL are imported: the systems are small, and threads only cost time.
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENMM_CPU_THREADS", "POCL_MAX_PTHREAD_COUNT"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("TORCHANI_NO_WARN_EXTENSIONS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import openmm  # noqa: E402
import pytest  # noqa: E402
from platforms import PLATFORMS, PlatformCase  # noqa: E402


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
