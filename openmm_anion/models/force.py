"""The one place that turns a scripted module into an OpenMM Force."""

from __future__ import annotations

import sys
from types import ModuleType

import openmm
import torch

from openmm_anion.installation import check_installation


def torch_force(module: torch.jit.ScriptModule) -> openmm.Force:
    """A ``TorchForce`` that calls ``module(positions, box)`` with periodic boundaries.

    Parameters
    ----------
    module : torch.jit.ScriptModule
        Takes positions (N, 3) and box vectors (3, 3) in nm, returns the potential energy (kJ/mol) and
        the forces (N, 3) (kJ/mol/nm).

    Raises
    ------
    InputError
        If the TorchForce plugin is missing or installed twice.
    """
    force = _plugin().TorchForce(module)
    force.setUsesPeriodicBoundaryConditions(True)
    force.setOutputsForces(True)
    return force


def phase_force(module: torch.jit.ScriptModule, parameter: str) -> openmm.Force:
    """A ``TorchForce`` that calls ``module(positions, parameter)`` without a box.

    Parameters
    ----------
    module : torch.jit.ScriptModule
        Takes positions (N, 3) in nm and the value of a context parameter as a tensor of one number, returns
        an energy (kJ/mol) and forces (N, 3) (kJ/mol/nm).
    parameter : str
        Name of the context parameter; it starts as 0.

    Raises
    ------
    InputError
        If the TorchForce plugin is missing or installed twice.
    """
    force = _plugin().TorchForce(module)
    force.setOutputsForces(True)
    force.addGlobalParameter(parameter, 0.0)
    return force


def is_torch_force(force: openmm.Force) -> bool:
    """Tell whether a Force, as a System hands it out, is a ``TorchForce``.

    Parameters
    ----------
    force : openmm.Force
        Any force.
    """
    return bool(_plugin().TorchForce.isinstance(force))


def copy_torch_force(force: openmm.Force) -> openmm.Force:
    """Return a new ``TorchForce`` with the module and the settings of another.

    Parameters
    ----------
    force : openmm.Force
        One for which `is_torch_force` holds.
    """
    plugin = _plugin()
    old = plugin.TorchForce.cast(force)
    new = plugin.TorchForce(old.getModule())
    for name, value in dict(old.getProperties()).items():
        new.setProperty(name, value)
    new.setUsesPeriodicBoundaryConditions(old.usesPeriodicBoundaryConditions())
    new.setOutputsForces(old.getOutputsForces())
    for index in range(old.getNumGlobalParameters()):
        new.addGlobalParameter(old.getGlobalParameterName(index), old.getGlobalParameterDefaultValue(index))
    for index in range(old.getNumEnergyParameterDerivatives()):
        new.addEnergyParameterDerivative(old.getEnergyParameterDerivativeName(index))
    new.setForceGroup(old.getForceGroup())
    new.setName(old.getName())
    return new


def _plugin() -> ModuleType:
    """Return the TorchForce plugin, loaded (with libtorch) only where a force is wanted."""
    check_installation()
    # The plugin imports OpenMM by its old name, which prints a warning unless that is there already.
    sys.modules.setdefault("simtk.openmm", openmm)
    import openmmtorch

    return openmmtorch
