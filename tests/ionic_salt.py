"""A flexible XY4 salt with a cheap classical potential: the test bed of the freezing tests.

192 atoms, 32 tetrahedral anions and 32 cations, the system of `tests/data/lammps` (see its README).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import openmm

DATA = Path(__file__).parent / "data"
SALT = json.loads((DATA / "lammps" / "system.json").read_text())
ANIONS: list[list[int]] = SALT["anions"]


def reference(name: str, code: str = "lammps") -> dict[str, np.ndarray]:
    """The trajectories of one mode by another code, in the units of the file."""
    with np.load(DATA / code / f"ref_{name}.npz") as file:
        return {key: file[key] for key in file.files}


def salt_system(*, flexible: bool = True) -> openmm.System:
    """The salt as an OpenMM System; rigid anions need no bonded terms."""
    system = openmm.System()
    system.setDefaultPeriodicBoxVectors(*np.diag(SALT["box_nm"]))
    cutoff, coulomb = SALT["cutoff_nm"], SALT["coulomb_const_kJ_nm_e2"]
    pair = openmm.CustomNonbondedForce(
        f"{coulomb}*q1*q2*(1/r - 2/rc + r/rc^2) + 4*eps*(u^2-u) - 4*eps*(w^2-w) - (r-rc)*slope;"
        "slope=-24*eps*(2*w^2-w)/rc; u=(sig/r)^6; w=(sig/rc)^6; sig=0.5*(sig1+sig2); eps=sqrt(eps1*eps2);"
        f"rc={cutoff}"
    )
    for name in ("q", "sig", "eps"):
        pair.addPerParticleParameter(name)
    pair.setNonbondedMethod(openmm.CustomNonbondedForce.CutoffPeriodic)
    pair.setCutoffDistance(cutoff)
    for kind in SALT["types"]:
        system.addParticle(SALT["mass_amu"][kind])
        pair.addParticle([SALT["charge_e"][kind], SALT["sigma_nm"][kind], SALT["epsilon_kJ"][kind]])
    bonds, angles = openmm.HarmonicBondForce(), openmm.HarmonicAngleForce()
    for anion in ANIONS:
        for i, first in enumerate(anion):
            for second in anion[i + 1 :]:
                pair.addExclusion(first, second)
        for i, ligand in enumerate(anion[1:], start=1):
            bonds.addBond(anion[0], ligand, SALT["bond"]["r0_nm"], SALT["bond"]["k_kJ_nm2"])
            for other in anion[i + 1 :]:
                angles.addAngle(
                    ligand, anion[0], other, SALT["angle"]["theta0_rad"], SALT["angle"]["k_kJ_rad2"]
                )
    system.addForce(pair)
    if flexible:
        system.addForce(bonds)
        system.addForce(angles)
    return system


def salt_positions() -> np.ndarray:
    """A disordered configuration near 300 K with flexible anions, nm."""
    return np.asarray(reference("free")["x0_A"] * 0.1)
