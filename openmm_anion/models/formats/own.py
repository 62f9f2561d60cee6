"""The model files of this package: a module in OpenMM's units, with its card inside."""

from __future__ import annotations

import json

from openmm_anion.errors import InputError
from openmm_anion.models.formats.archive import Archive
from openmm_anion.models.formats.opened import Opened
from openmm_anion.models.scripted import CARD, ScriptedPotential


def recognises(archive: Archive) -> bool:
    """Tell whether a file has a card.

    Parameters
    ----------
    archive : Archive
        The file, not unpickled.

    Returns
    -------
    bool
        Whether `read` can read it.

    Examples
    --------
    >>> from openmm_anion.models import SHIPPED
    >>> recognises(Archive(SHIPPED / "na3ps4.pt"))
    True
    """
    return CARD in archive.extra


def read(opened: Opened) -> ScriptedPotential:
    """The potential of a file that `ScriptedPotential.write` wrote.

    Parameters
    ----------
    opened : Opened
        The module and the archive it was in.

    Returns
    -------
    ScriptedPotential
        With a card of what the file says of itself.

    Raises
    ------
    InputError
        If the card is no card.
    """
    try:
        card = json.loads(opened.archive.extra[CARD])
        return ScriptedPotential(
            opened.module, card, float(card.get("smallest_width_nm", 2 * card["cutoff_nm"]))
        )
    except (AttributeError, KeyError, TypeError, ValueError):  # no JSON, no table, or not all is in it
        raise InputError(
            f"{opened.where} has no {CARD} of this package; write it with `openmm-anion train`"
        ) from None
