"""Test a potential on a structure: gradient, symmetry, smoothness, conservation, speed."""

from openmm_anion.models.checking.result import CheckResult
from openmm_anion.models.checking.suite import check_model

__all__ = ["CheckResult", "check_model"]
