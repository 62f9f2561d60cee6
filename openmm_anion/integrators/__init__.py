"""CustomIntegrator programs that hold the frozen motions: one module per ensemble."""

from openmm_anion.integrators.langevin_middle import LangevinMiddleIntegrator
from openmm_anion.integrators.verlet import VerletIntegrator

__all__ = ["LangevinMiddleIntegrator", "VerletIntegrator"]
