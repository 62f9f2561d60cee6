"""What other codes find in the same run, from files that `make peers-reference` writes; see `tests/peers`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from MDAnalysis.analysis.msd import EinsteinMSD
from MDAnalysis.lib.correlations import autocorrelation, correct_intermittency
from MDAnalysis.lib.distances import distance_array
from peer_run import DT, Array, PeerRun, assert_equal, checksum, ours, peer_run

from openmm_anion.analysis.msd import MeanSquaredDisplacement
from openmm_anion.analysis.residence import ResidenceCorrelation

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


def test_mdanalysis_takes_wrapped_positions_and_we_follow_them() -> None:
    run = peer_run(tilted=True)
    li = run.universe.atoms[run.cations]
    theirs = EinsteinMSD(li, fft=False).run(stop=101).results.timeseries[-1]
    right = ((run.continuous[100, li.indices] - run.continuous[0, li.indices]) ** 2).sum(axis=1).mean()
    data = MeanSquaredDisplacement(li, None).run(stop=101).data
    assert theirs > 1.5 * right
    assert data.msd.values[-1] == pytest.approx(right, rel=1e-6)


@pytest.mark.parametrize("gap", [0, 2])
def test_residence_is_that_of_mdanalysis(gap: int) -> None:
    """Of pairs, by sets: it averages ratios over origins, which are counts here again."""
    run = peer_run(tilted=True)
    n, cutoff, longest = 60, 4.2, 20
    box = run.universe.dimensions
    pairs = []
    for x in run.positions[:n]:
        distances = distance_array(x[run.cations], center_of(x[: 5 * run.made.n_anions], run), box=box)
        pairs.append(set(map(tuple, np.argwhere(distances <= cutoff).tolist())))
    pairs = correct_intermittency(pairs, gap)
    _, _, ratios = autocorrelation(pairs, longest)
    sizes = np.array([len(some) for some in pairs])
    theirs = [np.dot(ratio, sizes[: n - k]) / (n - k) for k, ratio in enumerate(ratios, start=1)]
    li = run.universe.atoms[run.cations]
    tolerance = (gap + 0.5) * DT if gap else 0.0  # excursions that are shorter do not count
    options: dict[str, Any] = {"cutoff": cutoff, "kind": "continuous", "tolerance": tolerance}
    analysis = ResidenceCorrelation(li, run.anions, **options).run(stop=n)
    found = analysis.data.residence.values[1 : longest + 1, 0] * sizes.mean()
    assert found[-1] < 0.9 * found[0]
    np.testing.assert_allclose(found, theirs, rtol=1e-9)


def center_of(atoms: Array, run: PeerRun) -> Array:
    """Centres of mass of PS4, whose atoms may be on two sides of a face."""
    ps4 = atoms.reshape(-1, 5, 3)
    bonds = ps4 - ps4[:, :1]
    bonds -= np.round(bonds @ np.linalg.inv(run.box)) @ run.box
    masses = run.universe.atoms[:5].masses
    return np.asarray(ps4[:, 0] + np.einsum("a,nak->nk", masses / masses.sum(), bonds))
