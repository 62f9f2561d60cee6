"""Frozen translation and rotation (mode TR) against i-PI's Eckart constraint, see tests/data/ipi.

i-PI's integrator of a linear constraint is velocity Verlet projected onto it, which ours must be too: the two
agree step by step, not only in the limit of small steps.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from ionic_salt import reference
from reference_trajectories import Array, follow, freeze_as_in, largest_distance

TIMESTEPS = {"0p5": 0.0005, "0p25": 0.00025, "0p125": 0.000125}  # ps
IPI = reference("TR", "ipi")


@cache
def ours(label: str) -> tuple[Array, float]:
    return follow(freeze_as_in(IPI, "TR"), IPI, TIMESTEPS[label])


def limit(coarse: Array, fine: Array) -> Array:
    """Trajectory without the time-step error of second order (Richardson)."""
    return np.asarray((4 * fine - coarse) / 3)


def test_potential_is_the_one_i_pi_was_given() -> None:
    assert ours("0p5")[1] == pytest.approx(IPI["pe_dt0p5_kJ"][0], rel=1e-12)


@pytest.mark.parametrize("label", TIMESTEPS)
def test_same_step_gives_the_same_trajectory(label: str) -> None:
    """Within 1e-10 angstrom after 200 fs (measured: 1e-12), where atoms have moved by up to 0.4."""
    theirs = IPI[f"x_dt{label}_A"]
    assert np.linalg.norm(theirs - theirs[0], axis=2).max() > 0.3
    assert largest_distance(ours(label)[0], theirs).max() < 1e-10


def test_time_step_error_falls_as_the_square_of_the_step() -> None:
    """Of each code, against the other one's limit; the limits themselves agree."""
    paths = {label: ours(label)[0] for label in TIMESTEPS}
    theirs = {label: IPI[f"x_dt{label}_A"] for label in TIMESTEPS}
    our_limit, their_limit = (limit(codes["0p25"], codes["0p125"]) for codes in (paths, theirs))
    assert largest_distance(our_limit, their_limit).max() < 1e-10
    for path, exact in ((paths, their_limit), (theirs, our_limit)):
        coarse, fine = (largest_distance(path[label], exact)[1:] for label in ("0p5", "0p25"))
        assert coarse.max() > 0.01  # far above what the codes differ by
        np.testing.assert_allclose(coarse / fine, 4.0, atol=0.2)


def test_i_pi_obeys_our_definition_of_the_constraint() -> None:
    """Centre and Eckart orientation stay at 1e-14 nm and 1e-13 rad by our own measure of its positions."""
    frozen = freeze_as_in(IPI, "TR")
    for label in TIMESTEPS:
        violation = frozen.violation(IPI[f"x_dt{label}_A"][-1] * 0.1)
        assert violation.translation < 1e-13
        assert violation.rotation < 1e-12


def test_comparison_tells_the_definitions_of_rotation_apart() -> None:
    """Zero angular momentum, the other definition, is 0.05 angstrom away after 50 fs."""
    start = {**IPI, "t_fs": IPI["t_fs"][:3]}
    path, _ = follow(freeze_as_in(start, "TR", "angular-momentum"), start, TIMESTEPS["0p5"])
    assert largest_distance(path, IPI["x_dt0p5_A"][:3])[-1] > 0.02
