"""Molecular dynamics of solid electrolytes with chosen motions of the polyanions frozen exactly.

Examples
--------
>>> from openmm_anion import find_polyanions, freeze
"""

import os as _os

# torchani warns at every import that its optional CUDA extensions are not built; nothing here uses them.
_os.environ.setdefault("TORCHANI_NO_WARN_EXTENSIONS", "1")

from openmm_anion.anions import Polyanion, Polyanions, find_polyanions
from openmm_anion.errors import InputError
from openmm_anion.freezing import FrozenSystem, MeanReference, freeze
from openmm_anion.relaxation import relax

__version__ = "0.1.0"

__all__ = [
    "FrozenSystem",
    "InputError",
    "MeanReference",
    "Polyanion",
    "Polyanions",
    "__version__",
    "find_polyanions",
    "freeze",
    "relax",
]
