"""What "no rotation" means: the orientation held for ever, or zero angular momentum, on a flexible ion.

    python benchmarks/orientation_creep.py [--time 20] [--temperature 600] [--ions 64] [--figure FILE]

Isolated flexible PS4 ions with harmonic bonds and angles, started from thermal velocities, at constant
energy. Printed: the root mean square of the angle by which the best fit of the shape has turned (true angle,
2 arccos |w|), in degrees, for both definitions, at two time steps.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import openmm

from openmm_anion import freeze
from openmm_anion.integrators import VerletIntegrator

BOND, STRETCH, BEND = 0.205, 1.5e5, 250.0
"""P-S length (nm), stretching (kJ/mol/nm^2) and bending (kJ/mol/rad^2): modes from about 170 to 560 /cm."""

POINTS = 10
"""Times at which the angle is measured."""


def ions(count: int) -> tuple[openmm.System, np.ndarray, list[list[int]]]:
    """Flexible tetrahedra far from one another, in open space."""
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
    system = openmm.System()
    bonds, angles = openmm.HarmonicBondForce(), openmm.HarmonicAngleForce()
    positions, anions = [], []
    for ion in range(count):
        first = 5 * ion
        for mass in (30.974, *[32.06] * 4):
            system.addParticle(mass)
        center = np.array([float(ion), 0.0, 0.0])
        positions += [center, *(center + BOND * corners)]
        anions.append(list(range(first, first + 5)))
        for i in range(1, 5):
            bonds.addBond(first, first + i, BOND, STRETCH)
            for j in range(1, i):
                angles.addAngle(first + j, first, first + i, np.arccos(-1 / 3), BEND)
    system.addForce(bonds)
    system.addForce(angles)
    return system, np.array(positions), anions


def creep(rotation: str, timestep: float, arguments: argparse.Namespace) -> np.ndarray:
    """Root mean square angle at each time, degrees."""
    system, positions, anions = ions(arguments.ions)
    frozen = freeze(system, anions, "R", positions=positions, rotation=rotation)
    integrator = VerletIntegrator(frozen, timestep)
    context = openmm.Context(frozen.system, integrator, openmm.Platform.getPlatformByName("Reference"))
    frozen.initialize(context, arguments.temperature, seed=1)
    result = []
    for _ in range(POINTS):
        integrator.step(round(arguments.time / timestep / POINTS))
        angles = frozen.diagnose(context).rotation
        result.append(np.degrees(np.sqrt(np.mean(angles**2))))
    return np.array(result)


def main() -> None:
    """Print the table, and draw it if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--time", type=float, default=20.0, help="ps")
    parser.add_argument("--temperature", type=float, default=600.0, help="K")
    parser.add_argument("--ions", type=int, default=64)
    parser.add_argument("--timesteps", type=float, nargs="+", default=[0.001, 0.0005], help="ps")
    parser.add_argument("--figure", type=Path, help="draw the angles into this file")
    arguments = parser.parse_args()
    times = arguments.time * np.arange(1, POINTS + 1) / POINTS
    curves = {
        (rotation, timestep): creep(rotation, timestep, arguments)
        for rotation in ("eckart", "angular-momentum")
        for timestep in arguments.timesteps
    }
    print(f"{'rotation':18}{'step (ps)':>10}" + "".join(f"{time:8.1f}" for time in times) + "  ps")
    for (rotation, timestep), angles in curves.items():
        print(f"{rotation:18}{timestep:10g}" + "".join(f"{angle:8.2g}" for angle in angles) + "  degrees")
    if arguments.figure:
        from matplotlib import pyplot

        figure, axes = pyplot.subplots(figsize=(5, 3), layout="constrained")
        for (rotation, timestep), angles in curves.items():
            style = "-o" if timestep == arguments.timesteps[0] else "--s"
            axes.plot(times, angles, style, ms=4, label=f"{rotation}, {1e3 * timestep:g} fs")
        axes.set(xlabel="time (ps)", ylabel="angle turned, rms (degrees)")
        axes.legend(frameon=False)
        figure.savefig(arguments.figure, dpi=150)


if __name__ == "__main__":
    main()
