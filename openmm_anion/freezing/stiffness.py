"""The common factor of all projectors, which integrators divide out again."""

STIFFNESS = 1024
"""Projector energies are this many times the mass-weighted square of the violation.

GPU platforms add forces up in fixed point with steps of 2^-32 kJ/(mol nm): a hydrogen would come back to its
place to 2e-10 nm only, and with this factor to 2e-13 nm. A larger one would show in the forces of a State:
float positions violate a constraint by 1e-7 nm in mixed precision, here 1e-2 kJ/(mol nm).
"""
