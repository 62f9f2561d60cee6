"""Trajectories against LAMMPS: rigid bodies (`fix rigid`) and the free crystal, see tests/data/lammps."""

from __future__ import annotations

import numpy as np
import pytest
from ionic_salt import ANIONS, SALT, reference, salt_system
from openmm import unit
from reference_trajectories import follow, freeze_as_in, largest_distance

from openmm_anion.freezing import freeze

LAMMPS_TIME = (50.0, 100.0, 200.0)  # fs


def largest_difference(mode: str, timestep: float, label: str) -> tuple[np.ndarray, np.ndarray]:
    """Largest distance (angstrom) of an atom from its place in LAMMPS, per time, and our positions."""
    data = reference(mode)
    ours, potential = follow(freeze_as_in(data, mode), data, timestep)
    theirs = data[f"pe_dt{label}_kcal"][0] - data["self_energy_kcal"]
    assert potential / SALT["kcal"] == pytest.approx(theirs, rel=2e-8)
    away = largest_distance(ours, data[f"x_dt{label}_A"])
    return away[np.isin(data["t_fs"], LAMMPS_TIME)], ours


@pytest.mark.parametrize("mode", ["free", "RV"])
def test_linear_modes_follow_lammps(mode: str) -> None:
    away, _ = largest_difference(mode, 0.00025, "0p25")
    assert away.max() < 1e-6


@pytest.mark.parametrize("mode", ["V", "TV"])
def test_rigid_bodies_follow_lammps_to_second_order(mode: str) -> None:
    """The rotation integrators differ at second order: a quarter at half the step, then nothing."""
    coarse, x_coarse = largest_difference(mode, 0.00025, "0p25")
    fine, x_fine = largest_difference(mode, 0.000125, "0p125")
    assert coarse.max() < 1e-4
    assert 3.0 < coarse.max() / fine.max() < 5.0
    data = reference(mode)
    ours = (4 * x_fine - x_coarse) / 3
    theirs = (4 * data["x_dt0p125_A"] - data["x_dt0p25_A"]) / 3
    assert largest_distance(ours, theirs).max() < 1e-6


def test_degrees_of_freedom_are_those_of_lammps() -> None:
    for mode, count in SALT["dof"].items():
        modes = "" if mode == "free" else mode
        frozen = freeze(salt_system(), ANIONS, modes, positions=reference("free")["x0_A"] * unit.angstrom)
        # LAMMPS leaves out the drift of the whole, which frozen centres do not have.
        assert frozen.degrees_of_freedom - (0 if "T" in modes else 3) == count
