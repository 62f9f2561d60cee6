"""Choose the OpenMM platform of a study, and say which it is."""

from __future__ import annotations

import openmm

from openmm_anion.errors import InputError
from openmm_anion.platforms import device_properties, problem_with
from openmm_anion.study.seats import GPU_PLATFORMS, usable_cores
from openmm_anion.study.settings import ComputerSettings


def choose_platform(computer: ComputerSettings) -> str:
    """Return the name of the platform that works here.

    Parameters
    ----------
    computer : ComputerSettings
        With ``platform = "auto"``, CUDA is taken where there is a device and CPU elsewhere.

    Returns
    -------
    str
        Its name.

    Raises
    ------
    InputError
        If the platform or a device that the study file asks for does not work here.

    Examples
    --------
    >>> choose_platform(ComputerSettings(platform="Reference"))
    'Reference'
    """
    platform = computer.platform
    if platform == "auto":
        platform = "CPU" if problem_with("CUDA") else "CUDA"
    else:
        problem = problem_with(platform)
        if problem:
            raise InputError(
                f"platform {platform} does not work here: {problem}; choose another or install it"
            )
    for device in computer.devices if platform in GPU_PLATFORMS else ():
        problem = problem_with(platform, device_properties(platform, device))
        if problem:
            raise InputError(
                f"computer.devices: device {device} does not work on {platform}: {problem}; "
                "devices are counted from 0"
            )
    return platform


def make_context(
    system: openmm.System, integrator: openmm.Integrator, platform: str, computer: ComputerSettings
) -> openmm.Context:
    """Return a Context on a platform with the precision, threads and device of the study.

    Parameters
    ----------
    system : openmm.System
        What to simulate.
    integrator : openmm.Integrator
        With what.
    platform : str
        Result of `choose_platform`.
    computer : ComputerSettings
        Precision, threads and device.

    Returns
    -------
    openmm.Context
        Without positions.
    """
    properties: dict[str, str] = {}
    if platform == "CPU":
        properties = {"Threads": str(computer.threads)}
    elif platform in GPU_PLATFORMS:
        properties = {"Precision": computer.precision}
        if computer.devices:
            properties |= device_properties(platform, computer.devices[0])
    return openmm.Context(system, integrator, openmm.Platform.getPlatformByName(platform), properties)


def precision_of(platform: str, computer: ComputerSettings) -> str:
    """Return the precision in which positions and velocities are kept.

    Parameters
    ----------
    platform : str
        Name of the platform.
    computer : ComputerSettings
        The study's choice for GPU platforms.

    Returns
    -------
    str
        "single", "mixed" or "double".

    Examples
    --------
    >>> precision_of("Reference", ComputerSettings())
    'double'
    """
    return computer.precision if platform in GPU_PLATFORMS else "double"


def worker_count(computer: ComputerSettings, platform: str) -> int:
    """Return how many runs go at the same time.

    Parameters
    ----------
    computer : ComputerSettings
        The study's choice; 0 asks for one worker per core, or one per GPU.
    platform : str
        Name of the platform.

    Returns
    -------
    int
        At least 1.

    Examples
    --------
    >>> worker_count(ComputerSettings(workers=3), "CPU")
    3
    """
    if computer.workers:
        return computer.workers
    if platform in GPU_PLATFORMS:
        return max(1, len(computer.devices))
    return max(1, len(usable_cores()) // computer.threads)
