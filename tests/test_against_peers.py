"""What other codes find in the same run, from files that `make peers-reference` writes; see `tests/peers`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from peer_run import Array, assert_equal, checksum, ours, peer_run

DATA = Path(__file__).parent / "data" / "peers"


@cache
def found(*, tilted: bool) -> dict[str, Array]:
    return ours(peer_run(tilted=tilted))


@pytest.mark.parametrize("tilted", [False, True])
@pytest.mark.parametrize("peer", ["dynasor", "freud", "gemdat", "kinisi", "pymatgen"])
def test_the_numbers_of_a_peer_are_ours(peer: str, tilted: bool) -> None:
    theirs = json.loads((DATA / f"{peer}.json").read_text())["triclinic" if tilted else "orthorhombic"]
    # Else random numbers are others than they were: make peers-reference
    assert theirs.pop("checksum") == pytest.approx(checksum(peer_run(tilted=tilted)), rel=1e-12)
    assert len(theirs) >= 2
    assert_equal(found(tilted=tilted), theirs)
