"""The one place that turns a bound model into an OpenMM Force.

``"torch"`` is the ``TorchForce`` of the plugin, ``"torch-graphs"`` the same with its kernels replayed as a
CUDA graph, ``"python"`` the ``PythonForce`` of OpenMM itself. A further kind (upstream's
``PythonTorchForce``, once it is on PyPI) is one function and one line of `KINDS`.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from types import ModuleType
from typing import TypeAlias

import openmm
import torch
from torch import Tensor

from openmm_anion.errors import InputError, did_you_mean
from openmm_anion.installation import check_installation
from openmm_anion.models.computation import Computation
from openmm_anion.models.replay import refuse_replay

Bound: TypeAlias = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Positions (N, 3) and box (3, 3) in nm to energy (kJ/mol) and forces (N, 3) (kJ/mol/nm)."""


def make_force(bound: Bound, kind: str, name: str) -> openmm.Force:
    """The Force of a kind that calls a bound model.

    Parameters
    ----------
    bound : callable
        What `Potential.bind` returns.
    kind : {"torch", "torch-graphs", "python"}
        A key of `KINDS`.
    name : str
        Of the potential, for what is refused.

    Returns
    -------
    openmm.Force
        With periodic boundaries; to be added to a System of the particles that `bound` was made for.

    Raises
    ------
    InputError
        If there is no such kind, the TorchForce plugin is missing or installed twice, or the model cannot be
        replayed as a CUDA graph.

    Examples
    --------
    >>> from openmm_anion import models
    >>> make_force(models.load("na3ps4").bind(["Na", "Na"]), "python", "na3ps4").getName()
    'PythonForce'
    """
    if kind not in KINDS:
        raise InputError(f"there is no kind of force {kind!r}{did_you_mean(kind, KINDS)}")
    if kind == "torch-graphs":
        refuse_replay(bound, name)
    return KINDS[kind](bound)


def torch_force(module: Bound) -> openmm.Force:
    """A ``TorchForce`` that calls ``module(positions, box)`` with periodic boundaries.

    Parameters
    ----------
    module : torch.jit.ScriptModule
        Takes positions (N, 3) and box vectors (3, 3) in nm, returns the potential energy (kJ/mol) and
        the forces (N, 3) (kJ/mol/nm), contiguous in memory.

    Returns
    -------
    openmm.Force
        A ``TorchForce``.

    Raises
    ------
    InputError
        If the TorchForce plugin is missing or installed twice.

    Examples
    --------
    >>> from openmm_anion import models
    >>> torch_force(models.load("na3ps4").bind(["Na", "Na"])).getName()
    'TorchForce'
    """
    force = _plugin().TorchForce(module)
    force.setUsesPeriodicBoundaryConditions(True)
    force.setOutputsForces(True)
    return force


def graphs_force(module: Bound) -> openmm.Force:
    """A ``TorchForce`` whose kernels are recorded once, as a CUDA graph, and replayed in each step.

    Saves the time in which the host launches kernels one by one, which is most of a step of a small system.
    Platforms other than CUDA run it as `torch_force` does.

    Parameters
    ----------
    module : torch.jit.ScriptModule
        As `torch_force` takes it, with tensors whose shapes do not depend on the positions
        (`openmm_anion.models.replay.refuse_replay`).

    Returns
    -------
    openmm.Force
        As `torch_force`.

    Raises
    ------
    InputError
        As `torch_force`.
    """
    force = torch_force(module)
    _plugin().TorchForce.cast(force).setProperty("useCUDAGraphs", "true")
    return force


def python_force(bound: Bound) -> openmm.Force:
    """An ``openmm.PythonForce`` that calls ``bound(positions, box)`` with periodic boundaries.

    A scripted model is copied and frozen, as TorchForce does it, and runs on the first CUDA device where
    torch finds one.

    Parameters
    ----------
    bound : callable
        Takes positions (N, 3) and box vectors (3, 3) in nm, returns energy (kJ/mol) and forces (N, 3)
        (kJ/mol/nm).

    Returns
    -------
    openmm.Force
        A ``PythonForce``.

    Examples
    --------
    >>> python_force(lambda positions, box: (positions.square().sum(), -2 * positions)).getName()
    'PythonForce'
    """
    device = torch.device("cpu")
    if isinstance(bound, torch.jit.ScriptModule):
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        bound = torch.jit.freeze(copy.deepcopy(bound).to(device).eval())
    force = openmm.PythonForce(Computation(bound, device))
    force.setUsesPeriodicBoundaryConditions(True)
    return force


KINDS: dict[str, Callable[[Bound], openmm.Force]] = {
    "torch": torch_force,
    "torch-graphs": graphs_force,
    "python": python_force,
}
"""Every kind of Force, with the function that makes it."""


def phase_force(module: torch.jit.ScriptModule, parameter: str) -> openmm.Force:
    """A ``TorchForce`` that calls ``module(positions, parameter)`` without a box.

    Parameters
    ----------
    module : torch.jit.ScriptModule
        Takes positions (N, 3) in nm and the value of a context parameter as a tensor of one number, returns
        an energy (kJ/mol) and forces (N, 3) (kJ/mol/nm).
    parameter : str
        Name of the context parameter; it starts as 0.

    Returns
    -------
    openmm.Force
        A ``TorchForce``.

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

    Returns
    -------
    bool
        False of every force of OpenMM itself.

    Examples
    --------
    >>> is_torch_force(openmm.HarmonicBondForce())
    False
    """
    return bool(_plugin().TorchForce.isinstance(force))


def copy_torch_force(force: openmm.Force) -> openmm.Force:
    """Return a new ``TorchForce`` with the module and the settings of another.

    Parameters
    ----------
    force : openmm.Force
        One for which `is_torch_force` holds.

    Returns
    -------
    openmm.Force
        A ``TorchForce`` of its own, not in any System yet.
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
