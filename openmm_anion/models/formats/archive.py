"""Look into a TorchScript file before torch opens it: what is written beside the model, and what it needs."""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from pathlib import Path

from openmm_anion.errors import InputError

BUILT_IN = {"aten", "prim", "quantized", "prepacked", "cuda", "mkldnn", "inductor"}
"""Namespaces of operators that torch itself has."""

FORBIDDEN = re.compile(r"""[."']\s*(save|from_file)\b""")
"""TorchScript's operators that write and read files of the user's; loading alone can run them."""

LARGEST, DENSEST = 100_000_000, 20
"""Bytes that a file may unpack to; more only up to so many times its own size, for weights are not packed."""


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
        If the file is missing, truncated, or no TorchScript; if it unpacks to far more than a model has; or
        if its code writes or reads files.

    Notes
    -----
    This is no sandbox, see "Whose models to run" in the documentation of potentials.

    Examples
    --------
    >>> from openmm_anion.models import SHIPPED
    >>> sorted(Archive(SHIPPED / "na3ps4.pt").extra)
    ['card.json']
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if self.path.is_dir():
            raise InputError(f"model file {path} is a directory; give a file")
        if not self.path.is_file():
            raise InputError(f"model file {path} not found; give its path or the name of a shipped model")
        try:
            with zipfile.ZipFile(self.path) as archive:
                names = archive.namelist()
                if len({name.lower() for name in names}) < len(names):
                    raise InputError(f"model file {path} holds two parts of one name; it was tampered with")
                unpacked, packed = sum(i.file_size for i in archive.infolist()), self.path.stat().st_size
                if unpacked > max(LARGEST, DENSEST * packed):
                    raise InputError(
                        f"model file {path} of {packed / 1e6:.3g} MB unpacks to {unpacked / 1e6:.0f} MB; "
                        "it is no potential"
                    )
                if not any("/code/" in name for name in names):
                    raise InputError(f"model file {path} is no TorchScript file; {_hint(names)}")
                self.extra = {
                    name.split("/extra/", 1)[1]: archive.read(name).decode("utf-8", "replace")
                    for name in names
                    if "/extra/" in name
                }
                code = [archive.read(name).decode() for name in names if _is_code(name)]
        # What Python's zipfile raises for bytes that are not as they should be.
        except (zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError, RuntimeError, OSError):
            raise InputError(
                f"model file {path} is truncated or no TorchScript file; copy or train it again"
            ) from None
        for found in filter(None, map(FORBIDDEN.search, code)):
            raise InputError(
                f"model file {path} calls torch.{found[1]}, which reaches for files on this computer; "
                "no potential needs that, do not use it"
            )
        spaces = re.compile(r"\bops\.(\w+)\.\w+\(|__torch__\.torch\.classes\.(\w+)\.")
        used = {space for text in code for found in spaces.findall(text) for space in found if space}
        self.namespaces = used - BUILT_IN

    @property
    def sha256(self) -> str:
        """Checksum of the whole file."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def _is_code(name: str) -> bool:
    return name.lower().endswith(".py")  # torch finds parts by name, whatever the case


def _hint(names: list[str]) -> str:
    if any(name.endswith("data.pkl") for name in names):
        return (
            "it looks like a checkpoint: deploy it with the program that trained it (`sevenn get_model`, "
            "`mace_create_lammps_model`, `dp --pt freeze`)"
        )
    return "give one that was deployed or trained as TorchScript"
