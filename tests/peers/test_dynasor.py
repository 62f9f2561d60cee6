"""dynasor: power of velocities, and correlations of bonds."""

from __future__ import annotations

import numpy as np
import pytest
from peer_run import DT, STRIDE, Array, PeerRun, assert_equal, hann_segments, ours, peer_run
from test_gemdat import bonds

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

MASS = 6.94  # Da


def spectrum(run: PeerRun) -> Array:
    """Kinetic energy of Li per frequency as ours has it, kJ/mol/THz: one side, Hann, half-overlapping."""
    from dynasor.tools.acfs import psd_from_time_signal

    v = run.velocities[:, run.cations].reshape(len(run.velocities), -1)
    segments = [segment for series in v.T for segment in hann_segments(series)]
    power = np.mean([psd_from_time_signal(segment, DT)[1] for segment in segments], axis=0) * v.shape[1]
    power[1:-1] *= 2.0  # both signs of the frequency
    return np.asarray(0.01 * MASS * power)


def numbers(run: PeerRun) -> dict[str, Array]:
    """What it finds."""
    from dynasor.tools.acfs import compute_acf

    vectors = bonds(run).vectors.reshape(len(run.positions), -1)
    # It divides every series by its mean square.
    series = [compute_acf(x)[1] * (x**2).mean() for x in vectors.T]
    return {"c1": 3.0 * np.mean(series, axis=0)[::STRIDE], "spectrum": spectrum(run)}


@pytest.mark.parametrize("tilted", [False, True])
def test_spectra_and_correlations(tilted: bool) -> None:
    run = peer_run(tilted=tilted)
    assert_equal(ours(run), numbers(run))


def test_the_mean_of_its_normalised_series_is_not_c1() -> None:
    from dynasor.tools.acfs import compute_acf

    run = peer_run(tilted=False)
    vectors = bonds(run).vectors.reshape(len(run.positions), -1)
    theirs = np.mean([compute_acf(x)[1] for x in vectors.T], axis=0)[::STRIDE]
    assert np.abs(theirs - ours(run)["c1"]).max() > 0.05
