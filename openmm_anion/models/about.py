"""What is known of a potential before it is loaded: elements, range, origin, accuracy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openmm_anion.text_table import columns
from openmm_anion.units import ANGSTROM

TRAINED_ON = ("training", "validation")
"""Sets of a card whose errors say little, because the training has seen them."""


@dataclass(frozen=True)
class About:
    """One line of `openmm_anion.models.describe`.

    Attributes
    ----------
    name : str
        What `load` takes.
    elements : tuple of str
        Symbols of the elements that it knows; empty where that is not told.
    cutoff : float or None
        Range of its symmetry functions or messages, nm.
    size : int or None
        Bytes of its file.
    conditions : str
        What it was trained on.
    accuracy : str
        Errors on structures that it was not trained on, against the labels.

    Examples
    --------
    >>> About(name="mine", elements=("Na", "Cl"), cutoff=0.5).cutoff_text
    '5.0 A'
    """

    name: str
    elements: tuple[str, ...] = ()
    cutoff: float | None = None
    size: int | None = None
    conditions: str = ""
    accuracy: str = ""

    @property
    def elements_text(self) -> str:
        """The elements in a few characters."""
        if len(self.elements) > 8:
            return f"{len(self.elements)} elements"
        return " ".join(self.elements) or "-"

    @property
    def cutoff_text(self) -> str:
        """The cutoff in angstrom."""
        return "-" if self.cutoff is None else f"{self.cutoff / ANGSTROM:.1f} A"

    @property
    def size_text(self) -> str:
        """The size in megabytes."""
        return "-" if self.size is None else f"{self.size / 1e6:.1f} MB"


def from_card(name: str, card: dict[str, Any], path: Path) -> About:
    """Read a card of this package.

    Parameters
    ----------
    name : str
        What `load` takes.
    card : dict
        As `openmm_anion.models.train.train` returns it.
    path : Path
        The model file.

    Returns
    -------
    About
        Blank where the card says nothing.
    """
    kelvin = [f"{temperature:g}" for temperature in card.get("temperatures_K", [])]
    conditions = [str(card.get("labels", "")), f"{kelvin[0]} to {kelvin[-1]} K" if kelvin else ""]
    return About(
        name=name,
        elements=tuple(card["elements"]),
        cutoff=float(card["cutoff_nm"]),
        size=path.stat().st_size,
        conditions=", ".join(filter(None, conditions)),
        accuracy=accuracy(card.get("errors", {})),
    )


def accuracy(errors: dict[str, dict[str, Any]]) -> str:
    """Return the errors of the last set of a card that the training has not seen.

    Parameters
    ----------
    errors : dict
        Errors of each set, as in a card.

    Returns
    -------
    str
        "" where it has none.

    Examples
    --------
    >>> sets = {"test": {"force_rmse_mev_per_angstrom": 40.0, "energy_rmse_mev_per_atom": 0.5}}
    >>> accuracy(sets)
    '40 meV/A, 0.5 meV/atom'
    """
    for name, error in reversed(errors.items()):
        if name not in TRAINED_ON:
            relative = error.get("force_rmse_percent")
            share = f" ({relative:.1f} %)" if relative else ""
            return (
                f"{error['force_rmse_mev_per_angstrom']:.0f} meV/A{share}, "
                f"{error['energy_rmse_mev_per_atom']:.1f} meV/atom"
            )
    return ""


def table(entries: Iterable[About]) -> str:
    """Return a table for the terminal.

    Parameters
    ----------
    entries : iterable of About
        The lines.

    Returns
    -------
    str
        Several lines.

    Examples
    --------
    >>> print(table([About(name="mine")]).splitlines()[0])
    name ...
    """
    rows = [("name", "elements", "cutoff", "size", "trained on", "error")]
    rows += [
        (e.name, e.elements_text, e.cutoff_text, e.size_text, e.conditions or "-", e.accuracy or "-")
        for e in entries
    ]
    lines = columns(rows)
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])
