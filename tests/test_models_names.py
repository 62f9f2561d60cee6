"""Potentials by name: what is known, what is missing, what was meant."""

from __future__ import annotations

import sys

import pytest

from openmm_anion import models
from openmm_anion.errors import InputError


def test_names_are_known_without_their_packages() -> None:
    assert set(models.available()) | {"7net-0", "7net-l3i5"} <= set(models.names())


@pytest.mark.parametrize("name", ["7net-0", "7net-l3i5"])
def test_a_missing_package_is_named_with_its_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sevenn", None)
    monkeypatch.setitem(sys.modules, "sevenn.util", None)
    with pytest.raises(
        InputError, match=rf"potential '{name}' needs package sevenn.*install 'openmm-anion\[sevennet\]'"
    ):
        models.load(name)


def test_missing_openmm_ml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openmmml", None)
    with pytest.raises(InputError, match=r"needs package openmmml.*install 'openmm-anion\[openmmml\]'"):
        models.load("openmmml:mace-off23-small")


@pytest.mark.parametrize(
    ("given", "meant"), [("7net0", "7net-0"), ("7NET-L3I5", "7net-l3i5"), ("na3sp4", "na3ps4")]
)
def test_did_you_mean(given: str, meant: str) -> None:
    with pytest.raises(InputError, match=f"potential '{given}' is unknown; did you mean '{meant}'?"):
        models.load(given)


def test_arguments_where_none_are_taken() -> None:
    with pytest.raises(InputError, match="potential 'na3ps4' takes no arguments, but was given modelPath"):
        models.load("na3ps4", modelPath="x")


def test_what_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'from_nothing'"):
        models.from_nothing  # noqa: B018
