"""kinisi: displacements, of the charge too, and D with its error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ase import Atoms
from peer_run import DT, STRIDE, WINDOW, Array, PeerRun, another_run, assert_equal, diffusion, ours, peer_run

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]


def analyzer(kind: str, run: PeerRun, lags: Array | None = None, step: float = DT) -> Any:
    """From wrapped frames, relative to the mean of all other atoms."""
    import kinisi.analyze
    import scipp as sc

    frames = [Atoms(run.symbols, x, cell=run.box, pbc=True) for x in run.positions]
    options: dict[str, Any] = {"time_step": sc.scalar(step, unit="ps"), "step_skip": sc.scalar(1)}
    if lags is not None:
        options["dt"] = sc.array(dims=["time interval"], values=lags, unit="ps")
    if kind == "ConductivityAnalyzer":
        options["ionic_charge"] = sc.scalar(1.0)
    return getattr(kinisi.analyze, kind).from_ase(frames, specie="Li", progress=False, **options)


def without_the_first_frame_twice(found: Any, curve: Array, first: Array) -> Array:
    """All lags from zero, less the displacement from the first of two first frames: it is a frame short."""
    n = len(found.trajectory.coords.values) - 1
    lags = np.arange(1, n)
    right = (curve[: n - 1] * (n - lags + 1) - first[: n - 1]) / (n - lags)
    return np.concatenate([[0.0], right])


def moved(found: Any) -> Array:
    """Displacements since the first frame, relative to the framework, (frames, Li, 3)."""
    at = found.trajectory.displacements
    return np.asarray(at.transpose(["obs", "particle", "dimension"]).values)


def numbers(run: PeerRun) -> dict[str, Array]:
    """What it finds, but for a frame that it puts before the first one."""
    one, together = analyzer("DiffusionAnalyzer", run), analyzer("JumpDiffusionAnalyzer", run)
    x = moved(one)
    single = (x**2).sum(axis=2).mean(axis=1)
    collective = (x.sum(axis=1) ** 2).sum(axis=1) / x.shape[1]
    return {
        "msd": without_the_first_frame_twice(one, one.msd.values, single)[::STRIDE],
        "charge displacement": without_the_first_frame_twice(together, together.mstd.values, collective)[
            ::STRIDE
        ],
        **coefficient(run),
    }


def coefficient(run: PeerRun) -> dict[str, Array]:
    """D and its standard error, A^2/ps, from some lags of our window."""
    import scipp as sc

    begin, end = (round(time / DT) for time in (WINDOW.begin_ps, WINDOW.end_ps))
    lags = DT * np.arange(begin, end + 1, 5, dtype=np.float64)
    found = analyzer("DiffusionAnalyzer", run, lags)
    options = {"n_samples": 500, "n_burn": 200, "random_state": np.random.RandomState(1)}
    found.diffusion(sc.scalar(0.99 * WINDOW.begin_ps, unit="ps"), progress=False, **options)
    samples = found.D.to(unit="angstrom**2/ps").values
    return {"D": np.array([samples.mean()]), "error of D": np.array([samples.std()])}


@pytest.mark.parametrize("tilted", [False, True])
def test_displacements_and_diffusion_coefficients(tilted: bool) -> None:
    run = peer_run(tilted=tilted)
    assert_equal(ours(run), numbers(run))


def test_its_lags_slip_by_a_frame_where_ours_do_not() -> None:
    """It divides times by the step and cuts the digits off: 0.29 / 0.01 is 28.999... and becomes 28."""
    found = analyzer("DiffusionAnalyzer", peer_run(tilted=False), step=0.01)
    frames = found.trajectory.dt_index.values
    right = np.arange(1, len(frames) + 1)
    assert 0 < (frames != right).sum() < len(right)
    assert set((right - frames).tolist()) == {0, 1}


def test_it_counts_the_first_frame_twice() -> None:
    """So one displacement at every lag is that of the lag before; at the last one it is half of all."""
    run = peer_run(tilted=False)
    found = analyzer("DiffusionAnalyzer", run)
    assert len(found.trajectory.coords.values) == len(run.positions) + 1
    theirs, right = found.msd.values[: len(run.positions) - 1], ours(run)["msd"]
    x = moved(found)
    lag = len(run.positions) - 1
    both = [((x[k] - x[0]) ** 2).sum(axis=1).mean() for k in (lag - 1, lag)]
    assert theirs[lag - 1] == pytest.approx(np.mean(both), rel=1e-6)
    assert abs(theirs[STRIDE - 1] / right[1] - 1.0) < 1e-2


def test_its_error_of_d_is_large_where_ours_is_the_spread_of_runs() -> None:
    runs = [diffusion(another_run(seed, tilted=True)) for seed in range(100, 120)]
    spread = np.std([run.d for run in runs], ddof=1)  # known to a sixth of it
    assert np.mean([run.particle_error for run in runs]) == pytest.approx(spread, rel=0.5)
    theirs = [coefficient(another_run(seed, tilted=True))["error of D"].item() for seed in (100, 101, 102)]
    assert 1.3 < np.mean(theirs) / spread < 3.0
