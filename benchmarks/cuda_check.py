"""Check freezing on a GPU, on one page: exactness, energies and forces, conservation, cost.

    python benchmarks/cuda_check.py [--platform CUDA] [--shape tetrahedron] [--atoms 1500]
                                    [--modes V TV] [--steps 2000] [--no-timing]

Every mode runs on the platform in mixed and in double precision: a salt of model_salts.py (PME) at
constant energy. Printed per mode: the largest violation (nm, and rad for rotation), the largest difference
of a force to the Reference platform (relative to the root mean square), and the drift of the total energy
over the run (kT per degree of freedom). Exit status 1 if one is out of bounds. Then the cost, as in
freeze_overhead.py.
`--platform OpenCL` runs the same kernels where there is no CUDA.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
import openmm
from freeze_overhead import TEMPERATURE, measure, timing_options
from model_salts import ANIONS, salt
from openmm import unit

from openmm_anion import freeze
from openmm_anion.integrators import VerletIntegrator
from openmm_anion.units import MOLAR_GAS_CONSTANT

TIMESTEP = 0.0005
LIMITS = {"mixed": (1e-6, 1e-4, 1e-3), "double": (1e-8, 1e-8, 1e-4)}
"""Violation (nm), violation (rad) and relative difference of forces, by precision."""
EWALD_TOLERANCE = 1e-6
"""Of the forces: with OpenMM's default of 5e-4, platforms that choose other grids differ by as much."""
LARGEST_DRIFT = 0.02
"""Of the total energy, kT per degree of freedom."""


def forces(context: openmm.Context) -> np.ndarray:
    """Forces on all particles, kJ/(mol nm)."""
    values = context.getState(forces=True).getForces(asNumpy=True)
    return np.asarray(values.value_in_unit(unit.kilojoule_per_mole / unit.nanometer))


def energy(context: openmm.Context) -> float:
    """Total energy, kJ/mol."""
    state = context.getState(energy=True)
    total = state.getPotentialEnergy() + state.getKineticEnergy()
    return float(total.value_in_unit(unit.kilojoule_per_mole))


def check(mode: str, precision: str, platform: openmm.Platform, arguments: argparse.Namespace) -> bool:
    """Run one mode, print its line, and tell whether all is within bounds."""
    system, positions, anions = salt(arguments.shape, arguments.atoms)
    system.getForce(0).setEwaldErrorTolerance(EWALD_TOLERANCE)
    frozen = freeze(system, anions, mode, positions=positions)
    integrator = VerletIntegrator(frozen, TIMESTEP)
    context = openmm.Context(frozen.system, integrator, platform, {"Precision": precision})
    frozen.initialize(context, TEMPERATURE, seed=1)
    reference = openmm.Context(
        frozen.system, VerletIntegrator(frozen, TIMESTEP), openmm.Platform.getPlatformByName("Reference")
    )
    frozen.initialize(reference)
    expected = forces(reference)
    difference = np.abs(forces(context) - expected).max() / np.sqrt((expected**2).mean())
    integrator.step(100)
    begin = energy(context)
    length = angle = 0.0
    for _ in range(10):
        integrator.step(arguments.steps // 10)
        violation = frozen.violation(context)
        length = np.nanmax([length, violation.translation, violation.shape])
        angle = np.nanmax([angle, violation.rotation])
    drift = (energy(context) - begin) / (frozen.degrees_of_freedom * MOLAR_GAS_CONSTANT * TEMPERATURE)
    longest, widest, mismatch = LIMITS[precision]
    good = length <= longest and angle <= widest and difference <= mismatch and abs(drift) <= LARGEST_DRIFT
    print(
        f"{mode:6}{precision:8}{length:10.1e}{angle:10.1e}{difference:14.1e}{drift:+14.4f}   "
        f"{'ok' if good else 'OUT OF BOUNDS'}",
        flush=True,
    )
    return good


def main() -> int:
    """Run the checks, then the timing."""
    parser = argparse.ArgumentParser(
        parents=[timing_options()],
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(platform="CUDA", blocks=9, milliseconds=100.0)
    parser.add_argument("--shape", choices=ANIONS, default="tetrahedron")
    parser.add_argument("--atoms", type=int, default=1500)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--no-timing", action="store_true")
    arguments = parser.parse_args()
    try:
        platform = openmm.Platform.getPlatformByName(arguments.platform)
    except openmm.OpenMMException:
        names = [openmm.Platform.getPlatform(i).getName() for i in range(openmm.Platform.getNumPlatforms())]
        print(
            f"platform {arguments.platform} is not installed; there are: {', '.join(names)}", file=sys.stderr
        )
        return 2
    print(f"{'mode':6}{'':8}{'nm':>10}{'rad':>10}{'force error':>14}{'drift kT/dof':>14}")
    good = [check(mode, precision, platform, arguments) for precision in LIMITS for mode in arguments.modes]
    if not arguments.no_timing:
        measure(*salt(arguments.shape, arguments.atoms), arguments, timestep=TIMESTEP)
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
