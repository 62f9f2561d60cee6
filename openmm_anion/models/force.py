"""The one place that turns a scripted module into an OpenMM Force."""

from __future__ import annotations

import openmm
import torch


def torch_force(module: torch.jit.ScriptModule) -> openmm.Force:
    """A ``TorchForce`` that evaluates ``module(positions, box)`` (nm in, kJ/mol out) with periodic boundaries.

    Parameters
    ----------
    module : torch.jit.ScriptModule
        Takes positions (N, 3) and box vectors (3, 3), returns the potential energy.
    """
    from openmmtorch import TorchForce  # loads libtorch and the plugin, only where a force is wanted

    force = TorchForce(module)
    force.setUsesPeriodicBoundaryConditions(True)
    return force
