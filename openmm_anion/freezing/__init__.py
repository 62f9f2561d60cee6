"""Freeze motions of the anions: modes, projectors, constraints, velocities and diagnostics."""

from openmm_anion.freezing.freeze import freeze
from openmm_anion.freezing.frozen_system import FrozenSystem
from openmm_anion.freezing.modes import MODES, mode_name, parse_modes
from openmm_anion.freezing.violation import Violation

__all__ = ["MODES", "FrozenSystem", "Violation", "freeze", "mode_name", "parse_modes"]
