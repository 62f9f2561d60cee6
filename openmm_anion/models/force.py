"""The one place that turns a scripted module into an OpenMM Force."""

from __future__ import annotations

import openmm
import torch

from openmm_anion.installation import check_installation


def torch_force(module: torch.jit.ScriptModule) -> openmm.Force:
    """A ``TorchForce`` that evaluates ``module(positions, box)`` with periodic boundaries.

    Parameters
    ----------
    module : torch.jit.ScriptModule
        Takes positions (N, 3) and box vectors (3, 3) in nm, returns the potential energy in kJ/mol,
        differentiable in the positions.

    Raises
    ------
    InputError
        If the TorchForce plugin is missing or installed twice.
    """
    check_installation()
    from openmmtorch import TorchForce  # after the check: importing loads the plugin

    force = TorchForce(module)
    force.setUsesPeriodicBoundaryConditions(True)
    return force
