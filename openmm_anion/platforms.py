"""Which OpenMM platforms work here, and why the others do not."""

from __future__ import annotations

import openmm

from openmm_anion.errors import reason


def problem_with(platform: str) -> str:
    """Return why no Context can be made on a platform; empty if one can.

    Parameters
    ----------
    platform : str
        Name of an OpenMM platform.

    Returns
    -------
    str
        What OpenMM says.

    Examples
    --------
    >>> problem_with("Reference")
    ''
    """
    system = openmm.System()
    system.addParticle(1.0)
    try:
        openmm.Context(system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName(platform))
    except openmm.OpenMMException as error:
        return reason(error)
    return ""
