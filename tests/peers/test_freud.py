"""freud: displacements in single precision, and pairs at two times."""

from __future__ import annotations

import numpy as np
import pytest
from peer_run import LAG, LONGEST, ORIGINS, STRIDE, WIDTH, Array, PeerRun, assert_equal, ours, peer_run

from openmm_anion.analysis.msd import mean_squared_displacement

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]


def msd(positions: Array) -> Array:
    """Over windows, of positions that are continuous."""
    import freud

    found: Array = freud.msd.MSD(mode="window").compute(positions.astype(np.float32)).msd
    return found


def pairs(run: PeerRun, early: Array, late: Array, same: bool) -> Array:
    """Number of late particles per early one and distance (1/A), from the pairs that it counts."""
    import freud

    box = freud.Box.from_matrix(run.box.T)
    rdf = freud.density.RDF(round(LONGEST / WIDTH), LONGEST)
    for k in range(ORIGINS):
        # Its boxes are about the origin.
        before, after = (box.wrap(x - run.box.sum(axis=0) / 2.0) for x in (early[k], late[k + LAG]))
        options = {"r_max": LONGEST, "exclude_ii": same}
        rdf.compute((box, after), query_points=before, neighbors=options, reset=False)
    return np.asarray(rdf.bin_counts / (ORIGINS * early.shape[1] * WIDTH), dtype=np.float64)


def numbers(run: PeerRun) -> dict[str, Array]:
    """What it finds, in the lab."""
    li, p = run.positions[:, run.cations], run.positions[:, run.centers]
    centred = run.continuous[:, run.cations] - run.continuous[:, run.cations].mean(axis=0)
    return {
        "msd in the lab": msd(centred)[::STRIDE],
        "distinct van Hove Li-Li in the lab": pairs(run, li, li, True),
        "distinct van Hove P-Li in the lab": pairs(run, p, li, False),
    }


@pytest.mark.parametrize("tilted", [False, True])
def test_displacements_and_pairs(tilted: bool) -> None:
    run = peer_run(tilted=tilted)
    assert_equal(ours(run), numbers(run))


def test_wrapped_positions_make_it_too_fast_without_a_word() -> None:
    run = peer_run(tilted=False)
    li = run.cations
    right = mean_squared_displacement(run.continuous[:, li], LAG + 1).mean(axis=1)[LAG]
    assert msd(run.positions[:, li])[LAG] > 1.5 * right
    assert ours(run)["msd in the lab"][LAG // STRIDE] == pytest.approx(right, rel=1e-5)


def test_it_loses_digits_far_from_the_origin_where_ours_does_not() -> None:
    run = peer_run(tilted=False)
    far = run.continuous[:, run.cations] + 200.0
    right = ((far[1:] - far[:-1]) ** 2).sum(axis=-1).mean()
    assert abs(msd(far)[1] / right - 1.0) > 0.005
    assert mean_squared_displacement(far, 2).mean(axis=1)[1] == pytest.approx(right, rel=1e-10)
