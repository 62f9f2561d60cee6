"""The potentials that come with this package."""

from __future__ import annotations

from pathlib import Path

from openmm_anion.models.potential import Potential

SHIPPED = Path(__file__).parents[1] / "shipped"


def names() -> list[str]:
    """Names of the files."""
    return sorted(path.stem for path in SHIPPED.glob("*.pt"))


def load(name: str) -> Potential:
    """Read a file."""
    from openmm_anion.models.formats import read_file

    return read_file(SHIPPED / f"{name}.pt")
