"""Freeze motions of the anions: modes, projectors, constraints, velocities and diagnostics."""

from openmm_anion.freezing.freeze import freeze
from openmm_anion.freezing.frozen_system import FrozenSystem
from openmm_anion.freezing.mean_reference import MeanReference
from openmm_anion.freezing.modes import MODES, mode_name, parse_modes
from openmm_anion.freezing.violation import Diagnosis, Violation

__all__ = [
    "MODES",
    "Diagnosis",
    "FrozenSystem",
    "MeanReference",
    "Violation",
    "freeze",
    "mode_name",
    "parse_modes",
]
