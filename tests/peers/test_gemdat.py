"""GEMDAT: displacements, bonds of anions, hops between sites. With tidynamics for the correlations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from peer_run import DT, RADIUS, STRIDE, Array, PeerRun, assert_equal, ours, peer_run
from scipy.spatial.transform import Rotation

from openmm_anion.analysis.hops import SiteHops
from openmm_anion.analysis.legendre import legendre_correlation
from openmm_anion.analysis.sites import Sites

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]


def trajectory(run: PeerRun, box: Array | None = None) -> Any:
    """Its own class, with times in seconds."""
    from gemdat import Trajectory
    from pymatgen.core import Element, Lattice

    fractional = run.positions @ np.linalg.inv(run.box)
    return Trajectory(
        species=[Element(symbol) for symbol in run.symbols],
        coords=fractional - np.floor(fractional),
        lattice=Lattice(run.box if box is None else box).matrix,
        constant_lattice=True,
        time_step=DT * 1e-12,
        metadata={"temperature": 600.0},
    )


def transitions(run: PeerRun, box: Array | None = None) -> Any:
    from gemdat import Transitions
    from pymatgen.core import Structure

    fractional = run.made.sites @ np.linalg.inv(run.box)
    sites = Structure(run.box if box is None else box, ["Li"] * len(fractional), fractional)
    return Transitions.from_trajectory(
        trajectory=trajectory(run, box), sites=sites, floating_specie="Li", site_radius=RADIUS
    )


def bonds(run: PeerRun) -> Any:
    from gemdat import Orientations

    return Orientations(trajectory(run), center_type="P", satellite_type="S").normalize()


def correlations(vectors: Array) -> dict[str, Array]:
    """C1 and C2 of unit vectors (frames, bonds, 3) by tidynamics."""
    import tidynamics

    c1: Array = np.mean([tidynamics.acf(v) for v in vectors.transpose(1, 0, 2)], axis=0)
    squares = [np.einsum("ti,tj->tij", v, v).reshape(len(v), 9) for v in vectors.transpose(1, 0, 2)]
    c2: Array = 1.5 * np.mean([tidynamics.acf(np.ascontiguousarray(s)) for s in squares], axis=0) - 0.5
    return {"c1": c1[::STRIDE], "c2": c2[::STRIDE]}


def numbers(run: PeerRun) -> dict[str, Array]:
    """What it finds, in the lab."""
    moved = transitions(run)
    matrix = moved.jumps().matrix()
    return {
        "msd in the lab": trajectory(run).filter("Li").mean_squared_displacement().mean(axis=0)[::STRIDE],
        "hops from each site": matrix.sum(axis=1),
        "hops to each site": matrix.sum(axis=0),
        "share at sites": np.array([(moved.states >= 0).mean()]),
        **correlations(bonds(run).vectors),
    }


@pytest.mark.parametrize("tilted", [False, True])
def test_displacements_orientations_and_hops(tilted: bool) -> None:
    run = peer_run(tilted=tilted)
    assert_equal(ours(run), numbers(run))


def test_its_autocorrelation_is_wrong_and_ours_is_not() -> None:
    """It pads to an odd length and goes back to an even one."""
    found = bonds(peer_run(tilted=False))
    theirs, vectors = found.autocorrelation(), found.vectors
    n = len(vectors)
    right = np.array(
        [[(vectors[k:, b] * vectors[: n - k, b]).sum(axis=1).mean() for k in range(n)] for b in range(4)]
    )
    assert np.abs(theirs[:4] - right).max() > 0.05
    np.testing.assert_allclose(legendre_correlation(vectors[:, :4], 1).T, right, atol=1e-9)


def test_a_turned_cell_makes_it_find_other_jumps_and_us_not() -> None:
    """It hands lengths and angles on, and positions in the other orientation."""
    run = peer_run(tilted=True)
    turn = Rotation.from_euler("z", 30, degrees=True).as_matrix()
    right = int(transitions(run).jumps().n_jumps)
    assert transitions(run, run.box @ turn).jumps().n_jumps > 2 * right
    sites = Sites.at(run.made.sites @ turn, run.box @ turn)
    hops = SiteHops(run.universe.atoms[run.cations], sites, None, radius=RADIUS, settle=DT).run()
    assert hops.data.sizes["event"] == right
