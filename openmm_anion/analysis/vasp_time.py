"""The time between the structures of a vasprun.xml."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path


def vasp_time_step(path: Path) -> float | None:
    """Return the time between the structures of a vasprun.xml, ps, if it tells it.

    It is POTIM (fs) in molecular dynamics (IBRION = 0): whatever NBLOCK is for XDATCAR, every step is there.
    With a machine-learned force field (ML_LMLFF) it need not be (ML_OUTBLOCK), so these do not tell.

    Parameters
    ----------
    path : Path
        The file; one of another format does not tell.

    Returns
    -------
    float or None
        ps.

    Examples
    --------
    >>> vasp_time_step(Path("XDATCAR")) is None
    True
    """
    if "vasprun" not in path.name:
        return None
    told: dict[str, str] = {}
    try:
        for event, element in ET.iterparse(path, events=["start", "end"]):
            if event == "start" and element.tag == "calculation":  # of the first step; what is set is before
                break
            # What is left out of INCAR has its default in `parameters`, which come later.
            if event == "end" and element.tag in ("incar", "parameters"):
                told |= {i.get("name", ""): (i.text or "").strip() for i in element.iter("i")}
        step = 1e-3 * float(told.get("POTIM", "nan"))
    except (ET.ParseError, ValueError):
        return None
    learned = told.get("ML_LMLFF", "F").lstrip(".").upper().startswith("T")
    return step if told.get("IBRION") == "0" and step > 0.0 and not learned else None
