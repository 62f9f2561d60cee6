"""Forces of the salt for i-PI, over its socket: OpenMM in double precision, in atomic units."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import openmm
from ionic_salt import salt_system
from openmm import unit

BOHR = 0.0529177210903  # nm, CODATA 2018
AU_TIME = 2.4188843265857e-5  # ps
ELECTRON_MASS = 5.48579909065e-4  # Da
# From the three above, not from CODATA: no rounding of the constants then gets between i-PI and OpenMM.
HARTREE = ELECTRON_MASS * (BOHR / AU_TIME) ** 2  # kJ/mol

HEADER = 12  # bytes of a message


def serve(address: Path) -> None:
    """Answer i-PI with energy and forces until it says goodbye."""
    context = openmm.Context(
        salt_system(), openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("Reference")
    )
    answer = b""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(address))

        def receive(size: int) -> bytes:
            return link.recv(size, socket.MSG_WAITALL)

        while (message := receive(HEADER).strip()) not in (b"EXIT", b""):
            if message == b"STATUS":
                link.sendall((b"HAVEDATA" if answer else b"READY").ljust(HEADER))
            elif message == b"POSDATA":
                receive(2 * 9 * 8)  # the cell and its inverse, which stay what they are
                count = int.from_bytes(receive(4), "little")
                positions = np.frombuffer(receive(count * 3 * 8)).reshape(-1, 3)
                context.setPositions(positions * BOHR)
                state = context.getState(getEnergy=True, getForces=True)
                energy = state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole)
                forces = state.getForces(asNumpy=True).value_in_unit(unit.kilojoule_per_mole / unit.nanometer)
                answer = b"".join(
                    [
                        b"FORCEREADY".ljust(HEADER),
                        np.float64(energy / HARTREE).tobytes(),
                        np.int32(count).tobytes(),
                        (forces * (BOHR / HARTREE)).tobytes(),
                        np.zeros((3, 3)).tobytes(),  # virial: the box is fixed
                        np.int32(0).tobytes(),  # length of a remark
                    ]
                )
            elif message == b"GETFORCE":
                link.sendall(answer)
                answer = b""
            else:
                raise ValueError(f"unknown message {message!r}")
