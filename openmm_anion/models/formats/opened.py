"""Open a TorchScript file with torch, or say in one line why that does not work."""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch

from openmm_anion.errors import InputError
from openmm_anion.models.formats.archive import Archive
from openmm_anion.models.packages import need

PROVIDERS = {"deepmd": ("deepmd.pt.cxx_op", "deepmd"), "vesin": ("vesin_torch", "deepmd")}
"""Namespace of operators to the module that registers them and the extra that brings it."""


@dataclass(frozen=True)
class Opened:
    """A model file that is open.

    Attributes
    ----------
    archive : Archive
        What is written beside the model.
    module : torch.jit.ScriptModule
        The model.
    device : str
        Where it is, if its weights were frozen into constants that cannot be moved any more; else empty.
    """

    archive: Archive
    module: torch.jit.ScriptModule
    device: str

    @property
    def where(self) -> str:
        """The file, for error messages."""
        return f"model file {self.archive.path}"


def open_file(archive: Archive) -> Opened:
    """Load the module of a file; a frozen one on the first CUDA device if there is any.

    Parameters
    ----------
    archive : Archive
        The file.

    Returns
    -------
    Opened
        The module with its archive.

    Raises
    ------
    InputError
        If torch cannot load it: truncated, made by a newer torch, or with operators that are missing.
    """
    for space in sorted(archive.namespaces & PROVIDERS.keys()):
        module, extra = PROVIDERS[space]
        need(module, extra, f"model file {archive.path}")
    loaded = _load(archive, "cpu")
    frozen = next(loaded.parameters(), None) is None and next(loaded.buffers(), None) is None
    if frozen and torch.cuda.is_available():
        return Opened(archive, _load(archive, "cuda"), "cuda")
    return Opened(archive, loaded, "cpu" if frozen else "")


def _load(archive: Archive, device: str) -> torch.jit.ScriptModule:
    try:
        return torch.jit.load(str(archive.path), map_location=device)
    # What libtorch raises for whatever is wrong with an archive, and for what its code does on being loaded.
    except (torch.jit.Error, RuntimeError, ValueError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = re.sub(r"^\[enforce fail [^]]*\][ .]*", "", lines[0] if lines else "no reason given")
    newer = ("maximum supported version", "newer", "Unknown builtin op: aten::", "Unknown builtin op: prim::")
    if any(word in reason for word in newer):
        raise InputError(
            f"model file {archive.path} was made by a torch that is incompatible with torch "
            f"{torch.__version__} ({reason[:200]}); deploy it again with that version"
        )
    if "Unknown builtin op" in reason or "torch.classes" in reason or archive.namespaces:
        needs = ", ".join(sorted(archive.namespaces - PROVIDERS.keys())) or "a package"
        raise InputError(
            f"model file {archive.path} needs operators of {needs} that are not loaded ({reason[:200]}); "
            "import the package that made it first"
        )
    raise InputError(
        f"model file {archive.path} is truncated or no TorchScript file ({reason[:200]}); copy or train it "
        "again"
    )
