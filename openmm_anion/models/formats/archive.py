"""Look into a TorchScript file before torch opens it: what is written beside the model, and what it needs."""

from __future__ import annotations

import hashlib
import re
import zipfile
from pathlib import Path

from openmm_anion.errors import InputError

BUILT_IN = {"aten", "prim", "quantized", "prepacked", "cuda", "mkldnn", "inductor"}
"""Namespaces of operators that torch itself has."""


class Archive:
    """The parts of a TorchScript file (a zip archive) that tell which program wrote it.

    Parameters
    ----------
    path : str or Path
        The file.

    Attributes
    ----------
    extra : dict
        Text that was saved beside the model, by name.
    namespaces : set of str
        Namespaces of operators and classes that are not torch's own; some package must register them.

    Raises
    ------
    InputError
        If the file is missing, truncated, or no TorchScript.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise InputError(f"model file {path} not found; give its path or the name of a shipped model")
        try:
            with zipfile.ZipFile(self.path) as archive:
                names = archive.namelist()
                if not any("/code/" in name for name in names):
                    raise InputError(f"model file {path} is no TorchScript file; {_hint(names)}")
                self.extra = {
                    name.split("/extra/", 1)[1]: archive.read(name).decode("utf-8", "replace")
                    for name in names
                    if "/extra/" in name
                }
                code = [archive.read(name).decode() for name in names if re.search(r"/code/.*\.py$", name)]
        except zipfile.BadZipFile:
            raise InputError(
                f"model file {path} is truncated or no TorchScript file; copy or train it again"
            ) from None
        spaces = re.compile(r"\bops\.(\w+)\.\w+\(|__torch__\.torch\.classes\.(\w+)\.")
        used = {space for text in code for found in spaces.findall(text) for space in found if space}
        self.namespaces = used - BUILT_IN

    @property
    def sha256(self) -> str:
        """Checksum of the whole file."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def _hint(names: list[str]) -> str:
    if any(name.endswith("data.pkl") for name in names):
        return (
            "it looks like a checkpoint: deploy it with the program that trained it (`sevenn get_model`, "
            "`mace_create_lammps_model`, `dp --pt freeze`)"
        )
    return "give one that was deployed or trained as TorchScript"
