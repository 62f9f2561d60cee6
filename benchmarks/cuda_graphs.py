"""What a CUDA graph saves: step time of a model with fixed shapes, its kernels launched or replayed.

    python benchmarks/cuda_graphs.py [--atoms 128 512 2048] [--layers 4] [--platform CUDA]

The model looks at all pairs of atoms: Gaussians of their distance go through a small network, so that no
tensor has a shape that depends on positions, as a graph demands. Constant energy in a cubic box; energies
and forces of both ways are compared, and the median of blocks of steps is given.
"""

import argparse
import time
from typing import Any

import numpy as np
import openmm
import torch
from torch import Tensor

from openmm_anion import models


class AllPairs(torch.nn.Module):
    """Energy of one system from all pairs in nearest images; forces are its gradient."""

    centers: Tensor

    def __init__(self, layers: int) -> None:
        super().__init__()
        torch.manual_seed(1)
        inner = [step for _ in range(layers) for step in (torch.nn.Linear(16, 16), torch.nn.SiLU())]
        self.network = torch.nn.Sequential(*inner, torch.nn.Linear(16, 1))
        self.register_buffer("centers", torch.linspace(0.1, 0.6, 16))

    def forward(self, positions: Tensor, box: Tensor) -> Tensor:
        """Energy (kJ/mol) from positions and box (nm)."""
        edges = torch.diagonal(box)
        away = positions.unsqueeze(0) - positions.unsqueeze(1)
        away = away - edges * torch.round(away / edges)
        r = torch.sqrt((away * away).sum(2) + 1e-6)
        cutoff = torch.clamp(1.0 - (r / 0.6).square(), min=0.0).square()
        features = torch.exp(-200.0 * (r.unsqueeze(2) - self.centers).square())
        return (self.network(features).squeeze(2) * cutoff).sum()


def context_of(potential: Any, positions: np.ndarray, edge: float, kind: str, name: str) -> openmm.Context:
    """A Context at 300 K."""
    system = openmm.System()
    for _ in positions:
        system.addParticle(30.0)
    system.setDefaultPeriodicBoxVectors(*(edge * np.eye(3)))
    potential.add_to(system, ["Ar"] * len(positions), kind=kind)
    platform = openmm.Platform.getPlatform(name)
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)
    context.setPositions(positions)
    context.setVelocitiesToTemperature(300, 1)
    return context


def forces_of(context: openmm.Context) -> np.ndarray:
    """Forces, kJ/(mol nm)."""
    return np.asarray(context.getState(forces=True).getForces(asNumpy=True)._value)


def measure(n: int, layers: int, platform: str) -> None:
    """Print one line."""
    edge = 0.35 * n ** (1 / 3)
    per_edge = int(np.ceil(n ** (1 / 3)))
    lattice = np.array(list(np.ndindex(3 * (per_edge,))))[:n] * edge / per_edge
    positions = lattice + np.random.default_rng(1).normal(0, 0.01, (n, 3))
    potential = models.from_torchscript(torch.jit.script(AllPairs(layers)), ["Ar"], name="all pairs")
    contexts = {k: context_of(potential, positions, edge, k, platform) for k in ("torch", "torch-graphs")}
    found = {kind: forces_of(context) for kind, context in contexts.items()}
    difference = np.abs(found["torch-graphs"] - found["torch"]).max() / np.sqrt((found["torch"] ** 2).mean())
    times: dict[str, list[float]] = {kind: [] for kind in contexts}
    for context in contexts.values():
        context.getIntegrator().step(50)
    for _ in range(9):
        for kind, context in contexts.items():
            start = time.perf_counter()
            context.getIntegrator().step(50)
            context.getState(positions=True)  # wait for the device
            times[kind].append(20 * (time.perf_counter() - start))
    one, other = (float(np.median(values)) for values in times.values())
    print(f"{n:6d} {one:18.3f} {other:18.3f} {one / other:8.2f} {difference:12.1e}", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--atoms", type=int, nargs="+", default=[128, 512, 2048])
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--platform", default="CUDA")
    arguments = parser.parse_args()
    print(
        f"{'atoms':>6s} {'launched (ms/step)':>18s} {'replayed (ms/step)':>18s} {'ratio':>8s} {'forces':>12s}"
    )
    for n in arguments.atoms:
        measure(n, arguments.layers, arguments.platform)


if __name__ == "__main__":
    main()
