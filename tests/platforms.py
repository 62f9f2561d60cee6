"""The OpenMM platforms that the physics tests run on."""

from __future__ import annotations

from dataclasses import dataclass

import openmm

from openmm_anion.platforms import problem_with


@dataclass(frozen=True)
class PlatformCase:
    """An OpenMM platform with the precision it runs at.

    `double` tells whether positions and velocities are kept in double precision, which decides the
    tolerance: 1e-10 nm and rad in double, 1e-6 nm and 1e-4 rad in mixed precision.
    """

    label: str
    name: str
    properties: dict[str, str]
    double: bool

    @property
    def accuracy(self) -> str:
        """Which bounds hold: those of the host, or of a device in double or mixed precision."""
        if self.name in ("Reference", "CPU"):
            return "host"
        return "double" if self.double else "mixed"

    def context(self, system: openmm.System, integrator: openmm.Integrator) -> openmm.Context:
        platform = openmm.Platform.getPlatformByName(self.name)
        return openmm.Context(system, integrator, platform, self.properties)


PLATFORMS = (
    PlatformCase("Reference", "Reference", {}, True),
    PlatformCase("CPU", "CPU", {"Threads": "1"}, True),
    PlatformCase("OpenCL-mixed", "OpenCL", {"Precision": "mixed"}, False),
    PlatformCase("OpenCL-double", "OpenCL", {"Precision": "double"}, True),
    # Only where there is a device: OpenCL runs the same common kernels everywhere else.
    *(
        PlatformCase(f"CUDA-{precision}", "CUDA", {"Precision": precision}, precision == "double")
        for precision in ("mixed", "double")
        if not problem_with("CUDA")
    ),
)
