"""Where the time of one evaluation of a potential goes: torch's profiler, by kind of operation.

    python benchmarks/potential_profile.py [--model na3ps4] [--repeat 2 4] [--device cpu] [--rows 10]

Cubic Na3PS4 with random displacements, energy and forces as TorchForce asks for them, on one thread. Printed
are the share of each operation in its own time, without what it calls, and on CUDA how many kernels there are
and how long they keep the device busy.
"""

from __future__ import annotations

import argparse
from collections import Counter

import torch
from potential_speed import crystal
from torch.profiler import ProfilerActivity, profile

from openmm_anion import models

CALLS = 10


def measure(model: str, repeat: int, device: str, rows: int) -> None:
    """Print one table."""
    atoms = crystal(repeat)
    module = torch.jit.freeze(models.load(model).bind(list(atoms.symbols)).to(device).eval())
    positions = torch.tensor(atoms.positions / 10, dtype=torch.float32, device=device)
    box = torch.tensor(atoms.cell.array / 10, dtype=torch.float32, device=device)
    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * (device == "cuda")
    for _ in range(CALLS):  # TorchScript optimises itself in its first calls
        module(positions, box)
    with profile(activities=activities) as found:
        for _ in range(CALLS):
            module(positions, box)
        if device == "cuda":
            torch.cuda.synchronize()
    kernels = [one for one in found.events() if one.device_type == torch.autograd.DeviceType.CUDA]
    time = Counter({one.key: one.self_cpu_time_total for one in found.key_averages()})
    total = sum(time.values())
    print(f"{model}, {len(atoms)} atoms, {device}: {1e-3 * total / CALLS:.2f} ms on the host per evaluation")
    if kernels:
        busy = sum(one.time_range.elapsed_us() for one in kernels)
        print(f"  {len(kernels) / CALLS:.0f} kernels, {1e-3 * busy / CALLS:.2f} ms on the device")
    for name, own in time.most_common(rows):
        print(f"  {100 * own / total:5.1f} %  {name}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="na3ps4")
    parser.add_argument("--repeat", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--rows", type=int, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for repeat in arguments.repeat:
        measure(arguments.model, repeat, arguments.device, arguments.rows)


if __name__ == "__main__":
    main()
