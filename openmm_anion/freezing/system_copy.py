"""Copy a System, forces of the TorchForce plugin included."""

from __future__ import annotations

import copy
import sys
from xml.etree import ElementTree

import openmm

from openmm_anion.errors import InputError


def copy_system(system: openmm.System) -> openmm.System:
    """Return an independent copy of a System with its forces in their order.

    OpenMM copies a System by writing and reading XML. The TorchForce plugin on PyPI (1.10) crashes when it
    reads, so that its forces are made anew around the same TorchScript module instead.

    Parameters
    ----------
    system : openmm.System
        Any System.

    Returns
    -------
    openmm.System
        With forces of its own.

    Raises
    ------
    InputError
        If a `PythonForce` calls a function that cannot be pickled.

    Examples
    --------
    >>> system = openmm.System()
    >>> _ = system.addParticle(22.99)
    >>> copy_system(system).getNumParticles()
    1
    """
    try:
        return _copy(system)
    except openmm.OpenMMException as error:
        if "could not be pickled" not in str(error):
            raise
        raise InputError(
            "the System cannot be copied, because the function of its PythonForce cannot be pickled; define "
            "the function at the top of a module, or let freeze change the System itself (in_place=True)"
        ) from None


def _copy(system: openmm.System) -> openmm.System:
    if "openmmtorch" not in sys.modules:  # nobody can have made a TorchForce
        return copy.deepcopy(system)
    from openmm_anion.models.force import copy_torch_force, is_torch_force

    if not any(is_torch_force(force) for force in system.getForces()):
        return copy.deepcopy(system)
    shell = ElementTree.fromstring(openmm.XmlSerializer.serialize(system))
    forces = shell.find("Forces")
    assert forces is not None
    forces.clear()
    result = openmm.XmlSerializer.deserialize(ElementTree.tostring(shell, encoding="unicode"))
    for force in system.getForces():
        result.addForce(copy_torch_force(force) if is_torch_force(force) else copy.deepcopy(force))
    return result
