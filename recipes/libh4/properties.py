"""What a potential says of LiBH4 that experiment knows: `python properties.py 7net-0`, or `libh4`.

The pressure at the measured cell, along the hexagonal plane and along c, in frames of a run of `libh4`; and
the internal vibrations of one BH4 whose surroundings stand still, harmonic, in 1/cm.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from ase import Atoms, units
from build import CELL
from numpy.typing import NDArray
from scipy.optimize import minimize

from openmm_anion import models
from openmm_anion.anions import find_polyanions
from openmm_anion.models.checking.dynamics import Run, advance, heated, positions_of
from openmm_anion.models.in_electronvolts import in_electronvolts
from openmm_anion.structure import ions_together, read_structure

Array = NDArray[np.float64]
Evaluate = Callable[[Array, Array], tuple[float, Array]]

TEMPERATURE, HEATING, FRAMES, APART = 500.0, 500, 6, 150
"""K; steps of 1 fs that heat the crystal; frames of the run, and steps between two of them."""
RUN_BY = "libh4"
STRAIN = 1e-3
"""Of the difference that gives the pressure."""
SHIFT = 0.01
"""Of the difference that gives the force constants, A."""
ROOT = 1e13 * units.fs / (2 * np.pi * units._c)
"""1/cm of an angular frequency in the units of ASE, sqrt(eV/Da)/A."""
INTERNAL = 9
"""Vibrations of BH4; the other six are those of its centre and its orientation."""


def main(name: str) -> None:
    """Print both."""
    atoms = read_structure("libh4.cif")
    anions = find_polyanions(atoms, ["BH4"])
    atoms = ions_together(atoms, anions)
    symbols, cell = list(atoms.symbols), atoms.cell.array
    evaluate = in_electronvolts(models.load(name), symbols)
    run = Run(temperature=TEMPERATURE, heating=HEATING)
    context, _ = heated(models.load(RUN_BY), atoms, run)
    c = (np.linalg.inv(CELL) @ cell)[2]
    along = np.outer(c, c) / (c @ c)
    kinetic = len(atoms) * units.kB * TEMPERATURE
    pressures = []
    for _ in range(FRAMES):
        advance(context, APART, run)
        x = positions_of(context)
        slopes = []
        for direction in ((np.eye(3) - along) / 2, along):  # each changes the volume by the strain
            ends = [np.eye(3) + sign * STRAIN * direction for sign in (1, -1)]
            plus, minus = (evaluate(x @ end, cell @ end)[0] for end in ends)
            slopes.append((kinetic - (plus - minus) / (2 * STRAIN)) / atoms.get_volume() / units.GPa)
        pressures.append(slopes)
    mean, error = np.mean(pressures, axis=0), np.std(pressures, axis=0) / (FRAMES - 1) ** 0.5
    for where, value, deviation in zip(("in the plane", "along c"), mean, error, strict=True):
        print(f"{name}: {value:+.2f} +- {deviation:.2f} GPa {where} at {TEMPERATURE:g} K", flush=True)
    found = vibrations(evaluate, atoms, anions[0].indices)
    print(f"{name}: {' '.join(f'{w:.0f}' for w in found)} 1/cm")


def vibrations(evaluate: Evaluate, atoms: Atoms, one: NDArray[np.int64]) -> Array:
    """Wavenumbers of the internal vibrations of one anion, at rest among the others."""

    def gradient(x: Array) -> tuple[float, Array]:
        everything = atoms.positions.copy()
        everything[one] = x.reshape(-1, 3)
        energy, forces = evaluate(everything, atoms.cell.array)
        return energy, -forces[one].ravel()

    rest = minimize(gradient, atoms.positions[one].ravel(), jac=True, options={"gtol": 0.01}).x
    steps = SHIFT * np.eye(len(rest))
    hessian = np.array([gradient(rest + step)[1] - gradient(rest - step)[1] for step in steps]) / (2 * SHIFT)
    mass = np.repeat(atoms.get_masses()[one], 3)
    values = np.linalg.eigvalsh(0.5 * (hessian + hessian.T) / np.sqrt(np.outer(mass, mass)))
    return np.sqrt(values[-INTERNAL:]) * ROOT


if __name__ == "__main__":
    main(sys.argv[1])
