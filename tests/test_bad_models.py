"""Bad files of potentials: exit status 2, one clear line, no traceback, nothing written over."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch
from bad_input import RUN, Case, Preparation, Short, cut, module, nothing, one_line_test, text
from torch import Tensor

from openmm_anion import models

CHECK = "check-model mine.pt crystal.cif --supercell 2 2 2 --quiet"


def model(change_part: Callable[[str, bytes], bytes]) -> Preparation:
    """The trained model with other bytes in its parts."""

    def write(folder: Path) -> None:
        with (
            zipfile.ZipFile(models.SHIPPED / "na3ps4.pt") as old,
            zipfile.ZipFile(folder / "mine.pt", "w") as new,
        ):
            for name in old.namelist():
                new.writestr(name, change_part(name, old.read(name)))

    return write


def archive(*parts: tuple[str, bytes], packed: int = zipfile.ZIP_DEFLATED) -> Preparation:
    def write(folder: Path) -> None:
        with zipfile.ZipFile(folder / "mine.pt", "w", packed) as new:
            for name, content in parts:
                new.writestr(name, content)

    return write


def in_code(added: str) -> Preparation:
    """A line at the beginning of what the model computes."""

    def add(name: str, content: bytes) -> bytes:
        head, colon, body = content.partition(b"Tuple[Tensor, Tensor]:\n")
        return head + colon + f"    {added}\n".encode() + body if name.endswith(".py") and colon else content

    return model(add)


class Evil:
    """Makes a file when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return (os.mkdir, ("executed",))


class Stubborn(torch.nn.Module):
    """Knows no crystal of more than two atoms."""

    def forward(self, elements: Tensor, positions: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        if positions.shape[0] > 2:
            raise ValueError("two atoms only")
        return positions.sum(), positions


def evil_parts(name: str, content: bytes) -> bytes:
    return pickle.dumps(Evil(), 2) if name.endswith(".pkl") else content


def not_a_number(name: str, content: bytes) -> bytes:
    return b"\xff" * len(content) if "/data/" in name else content


CASES: list[Case] = [
    ("models nope", nothing, ["potential 'nope' is unknown"]),
    ("models results", nothing, ["model file results is a directory"]),
    ("models mine.pt", cut("mine.pt", 9999), ["mine.pt is truncated"]),
    (
        "models mine.pt",
        text("mine.pt", pickle.dumps(Evil())),
        ["mine.pt is truncated or no TorchScript file"],
    ),
    ("models mine.pt", lambda folder: torch.save(Evil(), folder / "mine.pt"), ["looks like a checkpoint"]),
    ("models mine.pt", model(evil_parts), ["mine.pt needs operators of a package", "mkdir"]),
    ("models mine.pt", in_code('torch.save(positions, "executed")'), ["calls torch.save", "do not use it"]),
    ("models mine.pt", in_code('ops.aten . save(positions, "executed")'), ["calls torch.save"]),
    ("models mine.pt", in_code('getattr(torch, "save")(positions, "executed")'), ["calls torch.save"]),
    ("models mine.pt", in_code('x = torch.from_file("/etc/passwd", None, 9)'), ["calls torch.from_file"]),
    ("models mine.pt", archive(("m/code/a.py", bytes(110_000_000))), ["unpacks to 110 MB"]),
    (
        "models mine.pt",
        archive(("m/code/a.py", b"\xff\xfe")),
        ["mine.pt is truncated or no TorchScript file"],
    ),
    ("models mine.pt", archive(("m/code/a.py", b""), ("m/CODE/a.py", b"")), ["two parts of one name"]),
    (RUN, module(Short), ["forces of shape (1, 3) for the 128 atoms", "(128, 3)"]),
    ("plan study.toml", module(Stubborn), ["potential 'mine' fails on the 128 atoms", "two atoms only"]),
    (CHECK, module(Short), ["forces of shape (1, 3) for the 128 atoms"]),
    (CHECK, model(not_a_number), ["fails on the 128 atoms of the crystal"]),
    (CHECK + " --temperature inf", nothing, ["--temperature inf"]),
    (CHECK + " --timestep nan", nothing, ["--timestep nan"]),
    (CHECK + " --steps 99999999999", nothing, ["--steps 99999999999", "between"]),
    (CHECK + " --seed -1", nothing, ["--seed -1", "between"]),
    (
        CHECK + " --kind cuda",
        nothing,
        ["cannot become a force of kind 'cuda'", "'torch' or 'python' or 'torch"],
    ),
    (CHECK + " --platform gpu", nothing, ["--platform: invalid choice: 'gpu'"]),
    (CHECK + " --json results", nothing, ["file results is a directory"]),
    (CHECK + " --teacher crystal.cif", nothing, ["crystal.cif is truncated or no TorchScript file"]),
]

test_one_line = one_line_test(CASES)
