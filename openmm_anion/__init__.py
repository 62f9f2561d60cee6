"""Molecular dynamics of solid electrolytes with chosen motions of the polyanions frozen exactly."""

__version__ = "0.1.0"
