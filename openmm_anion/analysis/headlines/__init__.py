"""Each quantity in one line, with its most important numbers.

Every function takes the `Suite` and the ``data`` of a quantity, and returns the line, and numbers by name
with their units in the name.
"""

from openmm_anion.analysis.headlines.anions import anion_motion, orientation, rotations, spectrum
from openmm_anion.analysis.headlines.cations import (
    charge,
    density,
    hops,
    msd,
    non_gaussian,
    site_hops,
    van_hove_self,
)
from openmm_anion.analysis.headlines.together import (
    at_hops,
    at_rotations,
    coupling,
    residence,
    van_hove_distinct,
)

__all__ = [
    "anion_motion",
    "at_hops",
    "at_rotations",
    "charge",
    "coupling",
    "density",
    "hops",
    "msd",
    "non_gaussian",
    "orientation",
    "residence",
    "rotations",
    "site_hops",
    "spectrum",
    "van_hove_distinct",
    "van_hove_self",
]
