"""pymatgen-analysis-diffusion: displacements, of the charge too, and both van Hove functions."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from peer_run import (
    DIFFUSIVITIES,
    DT,
    KELVIN,
    LAG,
    LONGEST,
    ORIGINS,
    STRIDE,
    TEMPERATURE,
    WIDTH,
    Array,
    PeerRun,
    assert_equal,
    ours,
    peer_run,
)

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(1200)]


def analyzer(run: PeerRun, n_frames: int | None = None, **options: Any) -> Any:
    from pymatgen.analysis.diffusion.analyzer import DiffusionAnalyzer
    from pymatgen.core import Structure

    fractional = run.positions[:n_frames] @ np.linalg.inv(run.box)
    structures = [Structure(run.box, run.symbols, s) for s in fractional]
    return DiffusionAnalyzer.from_structures(structures, "Li", 600.0, 1000.0 * DT, 1, **options)


@cache
def van_hove(run: PeerRun, species: str, reference: str | None) -> Any:
    from pymatgen.analysis.diffusion.aimd.van_hove import VanHoveAnalysis

    return VanHoveAnalysis(
        analyzer(run, LAG + ORIGINS + 1, smoothed=False),
        avg_nsteps=ORIGINS,
        ngrid=round(LONGEST / WIDTH) + 1,
        rmax=LONGEST,
        step_skip=LAG,
        sigma=1e-3 * WIDTH,  # so that a count stays in its bin
        species=(species,),
        reference_species=None if reference is None else [reference],
    )


def radial(found: Array) -> Array:
    """Per A, from what it smears by a Gaussian at the lower edge of each bin."""
    return np.asarray(found[:-1] * 1e-3 * np.sqrt(2.0 * np.pi), dtype=np.float64)


def distinct(run: PeerRun, reference: str | None) -> Array:
    """Number of Li per distance (1/A) from where a reference was."""
    found = van_hove(run, "Li", reference)
    shells = 4.0 * np.pi * found.interval**2
    shells[0] = np.pi * WIDTH**2
    density = len(run.cations) / abs(np.linalg.det(run.box))
    return radial(found.gdrt[1] * shells * density)


def numbers(run: PeerRun) -> dict[str, Array]:
    """What it finds: displacements from a picosecond on, so the first ones are ours to leave out."""
    from pymatgen.analysis.diffusion.analyzer import fit_arrhenius, get_conversion_factor

    displacements = analyzer(run, min_obs=1)
    lags = np.rint(np.asarray(displacements.dt) / (1000.0 * DT)).astype(int)
    curves = {}
    for name, values in (("msd", displacements.msd), ("charge displacement", displacements.mscd)):
        every = np.full(len(run.positions), np.nan)
        every[lags] = values
        curves[name] = every[::STRIDE]
    factor = get_conversion_factor(displacements.structure, "Li", TEMPERATURE)
    energy, prefactor, _ = fit_arrhenius(KELVIN, DIFFUSIVITIES)
    return curves | {
        "Nernst-Einstein": np.array([1e-4 * 1e-3 * factor]),  # A^2/ps in cm^2/s, mS in S
        "Arrhenius": np.array([energy, prefactor]),
        "self van Hove": radial(van_hove(run, "Li", None).gsrt[1]),
        "distinct van Hove Li-Li": distinct(run, None),
    }


@pytest.mark.parametrize("tilted", [False, True])
def test_displacements_and_van_hove_functions(tilted: bool) -> None:
    run = peer_run(tilted=tilted)
    assert_equal(ours(run), numbers(run))


def test_it_skips_pairs_of_two_species_with_the_same_number() -> None:
    """P number 5 and Li number 5 are two atoms; it leaves them out unless a face is between them."""
    run = peer_run(tilted=False)
    theirs, right = distinct(run, "P").sum() * WIDTH, ours(run)["distinct van Hove P-Li"].sum() * WIDTH
    moved = run.continuous - run.continuous[:1]
    moved -= moved[:, : 5 * run.made.n_anions].mean(axis=1)[:, None]
    x = run.positions[:1] + moved
    li, p = x[:, run.cations[: len(run.centers)]], x[:, run.centers]
    lost = (np.linalg.norm(li[LAG : LAG + ORIGINS] - p[:ORIGINS], axis=-1) < LONGEST).sum()
    assert lost > 0
    assert right - theirs == pytest.approx(lost / (ORIGINS * len(run.centers)), rel=1e-3)


def test_its_error_of_d_is_far_too_small() -> None:
    """From the scatter about a line of points that are correlated."""
    run = peer_run(tilted=False)
    theirs = analyzer(run, min_obs=1).diffusivity_std_dev * 1e4  # A^2/ps
    assert theirs < 0.2 * ours(run)["error of D"].item()
