"""Model files that cannot be used, and why, in one line."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from openmm_anion import models
from openmm_anion.errors import InputError
from openmm_anion.models.formats.archive import Archive

SHIPPED = models.SHIPPED / "na3ps4.pt"


def rewritten(path: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """The shipped model with some of its parts changed."""
    with zipfile.ZipFile(SHIPPED) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return path


def in_code(old: bytes, new: bytes) -> Callable[[str, bytes], bytes]:
    return lambda name, content: content.replace(old, new) if name.endswith(".py") else content


def unchanged(name: str, content: bytes) -> bytes:
    return content


def fails(match: str) -> pytest.RaisesExc[InputError]:
    return pytest.raises(InputError, match=match)


def test_rewriting_alone_breaks_nothing(tmp_path: Path) -> None:
    assert models.load(rewritten(tmp_path / "x.pt", unchanged)).name == "na3ps4"
    assert Archive(SHIPPED).namespaces == {"vesin"}


def test_made_by_a_newer_torch(tmp_path: Path) -> None:
    version = rewritten(
        tmp_path / "version.pt", lambda name, content: b"99\n" if name.endswith("/version") else content
    )
    with fails(r"version.pt was made by a torch that is incompatible with torch .*deploy it again") as caught:
        models.load(version)
    assert "\n" not in str(caught.value)
    operator = rewritten(tmp_path / "operator.pt", in_code(b"torch.round(", b"torch.round_of_tomorrow("))
    with fails(r"was made by a torch that is incompatible .*aten::round_of_tomorrow"):
        models.load(operator)


def test_operators_of_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = rewritten(tmp_path / "mine.pt", in_code(b"torch.round(", b"ops.mine.round("))
    assert Archive(unknown).namespaces == {"mine", "vesin"}
    with fails(r"mine.pt needs operators of mine that are not loaded .*import the package"):
        models.load(unknown)
    monkeypatch.setitem(sys.modules, "deepmd", None)
    known = rewritten(tmp_path / "dp.pth", in_code(b"torch.round(", b"ops.deepmd.round("))
    with fails(
        r"dp.pth needs package deepmd.*, which is not installed; .*pip install 'openmm-anion\[deepmd\]'"
    ):
        models.load(known)


def test_checkpoints_and_strangers(tmp_path: Path) -> None:
    torch.save({"weights": torch.ones(3)}, tmp_path / "checkpoint.pth")
    with fails(r"checkpoint.pth is no TorchScript file; it looks like a checkpoint: deploy it"):
        models.load(tmp_path / "checkpoint.pth")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with fails("other.zip is no TorchScript file; give one that was deployed"):
        models.load(tmp_path / "other.zip")
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), str(tmp_path / "linear.pt"))
    with fails(
        "none that SevenNet, NequIP, MACE or DeePMD-kit deploys; wrap it with models.from_torchscript"
    ):
        models.load(tmp_path / "linear.pt")


def test_part_of_a_parallel_sevennet_model(tmp_path: Path) -> None:
    path = tmp_path / "part.pt"
    extra = {"chemical_symbols_to_index": "Na P S", "cutoff": "5.0", "comm_size": "128"}
    with zipfile.ZipFile(SHIPPED) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            if not name.endswith("card.json"):
                new.writestr(name, old.read(name))
        for name, text in extra.items():
            new.writestr(f"na3ps4/extra/{name}", text)
    with fails("part.pt is one part of a SevenNet model deployed in parallel"):
        models.load(path)


@pytest.mark.parametrize("text", ["[]", "{", '{"name": "x"}'])
def test_a_card_that_is_none(tmp_path: Path, text: str) -> None:
    def with_card(name: str, content: bytes) -> bytes:
        return text.encode() if name.endswith("card.json") else content

    with fails("has no card.json of this package"):
        models.load(rewritten(tmp_path / "x.pt", with_card))
