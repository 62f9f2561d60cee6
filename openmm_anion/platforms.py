"""Which OpenMM platforms work here, why the others do not, and how one device is asked for."""

from __future__ import annotations

import openmm

from openmm_anion.errors import reason


def problem_with(platform: str, properties: dict[str, str] | None = None) -> str:
    """Return why no Context can be made on a platform; empty if one can.

    Parameters
    ----------
    platform : str
        Name of an OpenMM platform.
    properties : dict of str to str, optional
        As `openmm.Context` takes them, to ask for a device.

    Returns
    -------
    str
        What OpenMM says.

    Examples
    --------
    >>> problem_with("Reference")
    ''
    """
    try:
        _smallest_context(platform, properties or {})
    except openmm.OpenMMException as error:
        return reason(error)
    return ""


def same_device(context: openmm.Context) -> dict[str, str]:
    """Return properties that put another Context on the device of this one, at its precision.

    Parameters
    ----------
    context : openmm.Context
        On any platform.

    Returns
    -------
    dict of str to str
        As `openmm.Context` takes them.

    Examples
    --------
    >>> system = openmm.System()
    >>> _ = system.addParticle(1.0)
    >>> cpu = openmm.Platform.getPlatform("CPU")
    >>> same_device(openmm.Context(system, openmm.VerletIntegrator(0.001), cpu, {"Threads": "1"}))
    {'Threads': '1'}
    """
    platform = context.getPlatform()
    names = set(platform.getPropertyNames()) & {"Precision", "Threads", "DeviceIndex", "OpenCLPlatformIndex"}
    return {name: platform.getPropertyValue(context, name) for name in sorted(names)}


def device_properties(platform: str, device: int) -> dict[str, str]:
    """Return properties that ask for one device of a GPU platform.

    Where OpenCL has several implementations OpenMM wants to be told which one; it is the one that OpenMM
    takes unasked.

    Parameters
    ----------
    platform : str
        Name of an OpenMM platform that works here.
    device : int
        Its number, from 0.

    Returns
    -------
    dict of str to str
        As `openmm.Context` takes them.

    Examples
    --------
    >>> device_properties("CUDA", 1)
    {'DeviceIndex': '1'}
    """
    properties = {"DeviceIndex": str(device)}
    if platform == "OpenCL":
        unasked = same_device(_smallest_context(platform, {}))
        properties["OpenCLPlatformIndex"] = unasked["OpenCLPlatformIndex"]
    return properties


def _smallest_context(platform: str, properties: dict[str, str]) -> openmm.Context:
    system = openmm.System()
    system.addParticle(1.0)
    where = openmm.Platform.getPlatformByName(platform)
    return openmm.Context(system, openmm.VerletIntegrator(0.001), where, properties)
