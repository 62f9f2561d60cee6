"""Files with a TorchScript potential, whichever program wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from openmm_anion.errors import InputError
from openmm_anion.models.potential import Potential

if TYPE_CHECKING:
    from openmm_anion.models.formats.opened import Opened

__all__ = ["read_file"]


def read_file(path: str | Path) -> Potential:
    """Read a model file: of this package, or deployed by SevenNet, NequIP, Allegro, MACE or DeePMD-kit.

    Parameters
    ----------
    path : str or Path
        A TorchScript file.

    Returns
    -------
    Potential
        Of the first format that recognises it.

    Raises
    ------
    InputError
        If the file is missing, truncated, no TorchScript, made by an incompatible torch, in need of a package
        that is not installed, or no potential that is known here.

    Examples
    --------
    >>> from openmm_anion import models
    >>> read_file(models.SHIPPED / "na3ps4.pt").name
    'na3ps4'
    """
    from openmm_anion.models.formats import own
    from openmm_anion.models.formats.archive import Archive
    from openmm_anion.models.formats.opened import open_file
    from openmm_anion.models.probe import probe

    archive = Archive(path)
    opened = open_file(archive)
    potential = _read(opened)
    potential.sha256 = archive.sha256
    if not own.recognises(archive):  # ours were looked at before they were written
        probe(potential, opened.where)
    return potential


def _read(opened: Opened) -> Potential:
    """Ask each format in turn: first those that leave a record, then those known by their module."""
    from openmm_anion.models.formats import deepmd, mace, nequip, own, sevennet

    for by_record in (own, sevennet, nequip):
        if by_record.recognises(opened.archive):
            return by_record.read(opened)
    for by_module in (mace, deepmd):
        if by_module.recognises(opened):
            return by_module.read(opened)
    raise InputError(
        f"{opened.where} has no card.json of this package and is none that SevenNet, NequIP, MACE or "
        "DeePMD-kit deploys; wrap it with models.from_torchscript or models.from_graph"
    )
