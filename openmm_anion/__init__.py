"""Molecular dynamics of solid electrolytes with chosen motions of the polyanions frozen exactly."""

__version__ = "0.1.0"

import os as _os

# torchani warns at every import that its optional CUDA extensions are not built; nothing here uses them.
_os.environ.setdefault("TORCHANI_NO_WARN_EXTENSIONS", "1")
