"""``[structure]`` as every file says it: the crystal and its anions, and where files are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from openmm_anion.configuration import Positive, Section, as_list
from openmm_anion.occupancy import SiteChoice


class CrystalSettings(Section):
    """``[structure]``: the crystal and its anions.

    Examples
    --------
    >>> CrystalSettings(file="na3ps4.cif", anion=["BH4", "NH2"]).supercell
    (1, 1, 1)
    """

    file: Path
    """Crystal structure, relative to the file that names it: CIF, POSCAR, extxyz or whatever ASE reads."""
    supercell: tuple[int, int, int] = (1, 1, 1)
    """Repetitions along the lattice vectors."""
    anion: Annotated[tuple[str, ...], BeforeValidator(as_list), Field(min_length=1)]
    """Formula, or list of formulas, of the polyanions."""
    occupancy_seed: Annotated[int, Field(ge=0, lt=2**31)] = SiteChoice.seed
    """Seed by which partly occupied sites are filled and vacancies chosen, once for all runs."""
    closest_sites: Positive = SiteChoice.closest
    """Of two partly occupied sites closer than this only one is taken, angstrom."""

    @field_validator("supercell", mode="before")
    @classmethod
    def _three_repetitions(cls, supercell: Any) -> Any:
        if not isinstance(supercell, list | tuple) or len(supercell) != 3:
            raise ValueError("give three whole numbers, one per lattice vector, e.g. [2, 2, 2]")
        return tuple(supercell)

    @property
    def choice(self) -> SiteChoice:
        """How partly occupied sites are filled."""
        return SiteChoice(self.occupancy_seed, self.closest_sites)


def beside(folder: Path, name: str) -> str:
    """Return the path of a model file that a file names, or the name as it is if there is none.

    Parameters
    ----------
    folder : Path
        Folder of the file.
    name : str
        What it says: a name that `openmm_anion.models.load` takes, or a path relative to it.

    Returns
    -------
    str
        Either.

    Examples
    --------
    >>> beside(Path("nowhere"), "na3ps4")
    'na3ps4'
    """
    return str(folder / name) if (folder / name).is_file() else name
