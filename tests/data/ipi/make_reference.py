"""Run i-PI with frozen translation and rotation of every anion and write ref_TR.npz; see README.md."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path
from string import Template
from typing import Any
from xml.etree import ElementTree

import numpy as np
from ionic_salt import ANIONS, SALT, reference
from numpy.typing import NDArray
from salt_driver import AU_TIME, BOHR, ELECTRON_MASS, HARTREE, serve

HERE = Path(__file__).resolve().parent
TIMESTEPS = (0.5, 0.25, 0.125)  # fs
STRIDE, DURATION = 25.0, 200.0  # fs
TOLERANCE = 1e-13  # bohr

Array = NDArray[np.float64]


def without_rigid_motion(x: Array, v: Array, masses: Array) -> Array:
    """Velocities without the momentum and the angular momentum of every anion."""
    v = v.copy()
    for anion in ANIONS:
        m = masses[anion, None]
        d = x[anion] - (m * x[anion]).sum(axis=0) / m.sum()
        v[anion] -= (m * v[anion]).sum(axis=0) / m.sum()
        inertia = (m * d**2).sum() * np.eye(3) - (m * d).T @ d
        v[anion] -= np.cross(np.linalg.solve(inertia, (m * np.cross(d, v[anion])).sum(axis=0)), d)
    return v


def text(values: Array) -> str:
    return "[" + ", ".join(f"{value:.17e}" for value in values.ravel()) + "]"


def run_ipi(folder: Path, address: str) -> None:
    """Run i-PI on input.xml in a folder and hand it forces."""
    link = Path(f"/tmp/ipi_{address}")  # where i-PI puts it
    process = subprocess.Popen(["i-pi", "input.xml"], cwd=folder)
    while not link.is_socket():
        if process.poll() is not None:
            raise RuntimeError("i-PI stopped before it took a driver")
        time.sleep(0.1)
    serve(link)
    if process.wait() != 0:
        raise RuntimeError("i-PI failed")


def trajectory(
    x_angstrom: Array, v_angstrom_per_fs: Array, masses: Array, timestep: float
) -> tuple[Array, Array]:
    """Positions (angstrom) and potential energy (kJ/mol) at every stride."""
    m = masses / ELECTRON_MASS
    stride = round(STRIDE / timestep)
    address = f"salt-{os.getpid()}"
    content = Template((HERE / "input.xml").read_text()).substitute(
        address=address,
        stride=stride,
        steps=round(DURATION / timestep),
        cell=text(np.diag(SALT["box_nm"]) / BOHR),
        natoms=len(m),
        ncoordinates=3 * len(m),
        q=text(x_angstrom * 0.1 / BOHR),
        p=text(m[:, None] * v_angstrom_per_fs * 100.0 * AU_TIME / BOHR),
        m=text(m),
        names="[" + ", ".join(SALT["types"]) + "]",
        timestep=f"{timestep * 1e-3 / AU_TIME:.17e}",
        tolerance=TOLERANCE,
        # Without <values> the reference of the Eckart condition is where the run starts.
        constraints="\n        ".join(
            f'<constraint mode="eckart"><atoms>{anion}</atoms></constraint>' for anion in ANIONS
        ),
    )
    paths = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "input.xml").write_text(content)
        run_ipi(folder, address)
        for frame in range(round(DURATION / STRIDE) + 1):
            state = ElementTree.parse(folder / f"salt.checkpoint_{frame}")
            if int(state.findtext("step", "0")) != frame * stride:
                raise RuntimeError("a checkpoint is missing")
            q = state.findtext(".//beads/q", "").strip(" []\n").split(",")
            paths.append(np.array(q, dtype=float).reshape(-1, 3) * BOHR * 10.0)
        energies = np.loadtxt(folder / "salt.energy") * HARTREE
    return np.array(paths), energies


def main() -> None:
    free = reference("free")
    masses = np.array([SALT["mass_amu"][kind] for kind in SALT["types"]])
    x0 = free["x0_A"]
    v0 = without_rigid_motion(x0, free["v0_A_per_fs"], masses)
    data: dict[str, Any] = {"t_fs": np.arange(0.0, DURATION + STRIDE, STRIDE), "x0_A": x0, "v0_A_per_fs": v0}
    for timestep in TIMESTEPS:
        label = str(timestep).replace(".", "p")
        data[f"x_dt{label}_A"], data[f"pe_dt{label}_kJ"] = trajectory(x0, v0, masses, timestep)
    np.savez_compressed(HERE / "ref_TR.npz", **data)


if __name__ == "__main__":
    main()
