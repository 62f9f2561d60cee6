"""CustomIntegrator programs that hold the frozen motions: one module per ensemble."""

from openmm_anion.integrators.bussi import BussiIntegrator
from openmm_anion.integrators.langevin_middle import LangevinMiddleIntegrator
from openmm_anion.integrators.nose_hoover import NoseHooverIntegrator
from openmm_anion.integrators.verlet import VerletIntegrator

__all__ = ["BussiIntegrator", "LangevinMiddleIntegrator", "NoseHooverIntegrator", "VerletIntegrator"]
