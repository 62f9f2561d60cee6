"""One figure for a distilled potential: its spectra and radial distribution functions over its teacher's.

    python benchmarks/teacher_figure.py MODEL CRYSTAL --cation Na --anion PS4 --out FOLDER
        [--supercell 2 2 2] [--temperature 700] [--teacher 7net-0] [--length 1] [--timestep 1]
        [--platform CUDA]

The potential heats the crystal. From there both run at constant energy, from the same positions and
velocities. Printed, and written to figure.json beside figure.png:

- the overlap of the spectra of all atoms, of each element, and of the motions of the anions: both with area
  1, the integral of the smaller of the two. 1 is the same, 0 has no frequency in common;
- their mean wavenumbers;
- for each pair of elements the largest difference of g(r), and where it is.

A run of a picosecond is noisy. How noisy says a second run of the potential, from another start, compared
with its first in the same way: a teacher that is no further away than that is not told from the potential.

The teacher is slow: its run is written as it goes, and the same command goes on where it was stopped, and
further with a larger --length. The potential of the teacher needs its package (7net-0: extra [sevennet]).
"""

from __future__ import annotations

import argparse
import json
from itertools import combinations_with_replacement, pairwise
from pathlib import Path
from typing import Any

import MDAnalysis as mda
import numpy as np
import openmm
import xarray as xr
from ase import Atoms
from numpy.typing import NDArray
from openmm import unit
from tqdm import tqdm

from openmm_anion import models
from openmm_anion.analysis.distinct_van_hove import VanHoveDistinct
from openmm_anion.analysis.ions import find_ions
from openmm_anion.analysis.spectrum import PER_CM, VibrationalSpectrum
from openmm_anion.analysis.welch import Welch
from openmm_anion.anions import find_polyanions
from openmm_anion.atomic_file import make_directory, write_json
from openmm_anion.errors import InputError
from openmm_anion.models.checking.dynamics import Run, advance, heated
from openmm_anion.models.potential import Potential
from openmm_anion.structure import build_system, ions_together, read_structure
from openmm_anion.units import ANGSTROM

Array = NDArray[np.float64]

CHUNK = 10
"""Frames in a file of a run."""
MOTIONS = ("cations", "translation", "rotation", "vibration")
"""Whose spectra are shown beside those of the elements."""
FROZEN = 1e-6
"""Share of the power below which a part has no spectrum to compare."""


KEPT = ("model", "teacher", "supercell", "temperature", "timestep", "every", "heating")
"""Arguments that must not change between two calls that share a folder."""


def claim(folder: Path, arguments: argparse.Namespace) -> None:
    """Write what the runs depend on, or refuse a folder with runs of something else."""
    file = folder / "settings.json"
    settings = {name: getattr(arguments, name) for name in KEPT} | {"crystal": arguments.structure.name}
    settings["supercell"] = list(settings["supercell"])
    if not file.is_file():
        write_json(file, settings)
    elif json.loads(file.read_text()) != settings:
        raise InputError(f"{folder} holds runs of something else: see {file.name}; choose another --out")


def start_of(potential: Potential, atoms: Atoms, file: Path, how: Run) -> tuple[Array, Array]:
    """Positions (nm) and velocities (nm/ps) of a warm crystal, kept in a file."""
    if not file.is_file():
        save(file, *phase(heated(potential, atoms, how)[0]))
    with np.load(file) as kept:
        return kept["positions"], kept["velocities"]


def save(file: Path, positions: Array, velocities: Array) -> None:
    """Write a whole file or none."""
    part = file.with_suffix(".part")
    with part.open("wb") as out:
        np.savez(out, positions=positions, velocities=velocities)
    part.replace(file)


def phase(context: openmm.Context) -> tuple[Array, Array]:
    """Positions (nm) and velocities (nm/ps), as a Context holds them."""
    state = context.getState(positions=True, velocities=True)
    return (
        np.asarray(state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)),
        np.asarray(state.getVelocities(asNumpy=True).value_in_unit(unit.nanometer / unit.picosecond)),
    )


def run(
    name: str, atoms: Atoms, start: tuple[Array, Array], folder: Path, frames: int, how: Run
) -> tuple[Array, Array]:
    """Positions (A) and velocities (A/ps) of a run at constant energy.

    What is in the folder is not run again. Each file holds `CHUNK` frames in double precision, so that the
    last one says exactly where to go on.
    """
    make_directory(folder, "folder")
    files = [folder / f"{k:05d}.npz" for k in range(-(-frames // CHUNK))]
    there = [file for file in files if file.is_file()]
    missing = files[len(there) :]
    if missing:
        integrator = openmm.VerletIntegrator(how.timestep)
        system = build_system(atoms)
        models.load(name).add_to(system, list(atoms.symbols))  # a teacher takes its time to load
        context = openmm.Context(system, integrator, openmm.Platform.getPlatformByName(how.platform))
        if there:
            with np.load(there[-1]) as last:
                start = last["positions"][-1], last["velocities"][-1]
        context.setPositions(start[0])
        context.setVelocities(start[1])
        for file in tqdm(missing, unit="file", desc=folder.name):
            steps = []
            for _ in range(CHUNK):
                advance(context, how.length, how)
                steps.append(phase(context))
            save(file, *map(np.array, zip(*steps, strict=True)))
    loaded = [np.load(file) for file in files]
    positions, velocities = (
        np.concatenate([part[name] for part in loaded])[:frames] / ANGSTROM
        for name in ("positions", "velocities")
    )
    return positions, velocities


def universe_of(atoms: Atoms, positions: Array, velocities: Array, interval: float) -> Any:
    """A run as the analysis takes it."""
    universe = mda.Universe.empty(len(atoms), trajectory=True, velocities=True)
    universe.add_TopologyAttr("elements", list(atoms.symbols))
    universe.add_TopologyAttr("masses", atoms.get_masses())
    cell = np.tile(atoms.cell.cellpar(), (len(positions), 1))
    return universe.load_new(positions, velocities=velocities, dimensions=cell, dt=interval)


def spectra_of(universe: Any, cation: str, anions: list[str], segment: float) -> xr.Dataset:
    """Spectra (any unit) of all atoms, each element and each motion of the ions, against the wavenumber."""
    ions = find_ions(universe, cation, anions)
    split = VibrationalSpectrum(universe.atoms[ions.cations], ions.anions, segment=segment).run().data
    interval = float(universe.trajectory.dt)
    symbols = universe.atoms.elements
    order = np.argsort(symbols, kind="stable")
    names, counts = np.unique(symbols, return_counts=True)
    ends = pairwise(3 * np.cumsum([0, *counts]))
    slices = {name: slice(*pair) for name, pair in zip(names, ends, strict=True)}
    # Elements have no cross terms; the class wants two parts to make one of.
    welch = Welch(round(segment / interval), interval, slices, (names[0], names[0]))
    root = np.sqrt(universe.atoms.masses)[order, None]
    series = [root * frame.velocities[order] for frame in universe.trajectory]
    welch(np.array(series).reshape(len(series), -1))
    power = welch.power()
    curves = {"all atoms": split.total.values} | {name: power[name] for name in names}
    curves |= {part: split.spectrum.sel(part=part).values for part in MOTIONS}
    wavenumber = PER_CM * welch.frequencies
    return xr.Dataset(
        {name: ("wavenumber", curve) for name, curve in curves.items()}, {"wavenumber": wavenumber}
    )


def distributions_of(universe: Any, width: float) -> dict[str, xr.DataArray]:
    """g(r) of each pair of elements."""
    symbols = universe.atoms.elements
    group = {name: universe.atoms[symbols == name] for name in np.unique(symbols)}
    result = {}
    for a, b in combinations_with_replacement(group, 2):
        g = VanHoveDistinct(group[a], group[b], lags=[0.0], width=width, origins=1).run().data.g
        result[f"{a}-{b}"] = g.isel(lag_times=0)
    return result


def overlap(one: Array, other: Array) -> float:
    """Integral of the smaller of two curves of area 1 over the same points.

    Examples
    --------
    >>> overlap(np.array([0.0, 1.0, 1.0]), np.array([2.0, 2.0, 0.0]))
    0.5
    """
    return float(np.minimum(one / one.sum(), other / other.sum()).sum())


def compared(one: dict[str, Any], other: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Overlaps and mean wavenumbers of spectra, and largest differences of g(r)."""
    result: dict[str, dict[str, float]] = {}
    for name in one["spectra"]:
        a, b = one["spectra"][name], other["spectra"][name]
        if min(float(a.sum()), float(b.sum())) <= FROZEN * float(one["spectra"]["all atoms"].sum()):
            continue
        result[f"spectrum of {name}"] = {
            "overlap": overlap(a.values, b.values),
            "mean": float((a.wavenumber * a).sum() / a.sum()),
            "mean_of_other": float((b.wavenumber * b).sum() / b.sum()),
        }
    for name, g in one["distributions"].items():
        if not max(float(g.max()), float(other["distributions"][name].max())):
            continue  # no such pair within half the width of the cell
        difference = np.abs(g - other["distributions"][name])
        result[f"g(r) of {name}"] = {
            "largest_difference": float(difference.max()),
            "at": float(difference.idxmax()),
            "highest": float(g.max()),
        }
    return result


def table(teacher: dict[str, dict[str, float]], chance: dict[str, dict[str, float]]) -> str:
    """What is printed."""
    lines = [f"{'spectrum':14} {'overlap':>8} {'of 2 runs':>10} {'mean (1/cm)':>12} {'of teacher':>11}"]
    for name, found in teacher.items():
        if "overlap" in found:
            of_two = chance[name]["overlap"]
            lines.append(
                f"{name.removeprefix('spectrum of '):14} {found['overlap']:8.3f} {of_two:10.3f} "
                f"{found['mean']:12.0f} {found['mean_of_other']:11.0f}"
            )
    lines.append(f"{'g(r)':14} {'differs':>8} {'of 2 runs':>10} {'at (A)':>12} {'highest':>11}")
    for name, found in teacher.items():
        if "at" in found:
            lines.append(
                f"{name.removeprefix('g(r) of '):14} {found['largest_difference']:8.2f} "
                f"{chance[name]['largest_difference']:10.2f} {found['at']:12.2f} {found['highest']:11.2f}"
            )
    return "\n".join(lines)


def draw(student: dict[str, Any], teacher: dict[str, Any], labels: tuple[str, str], path: Path) -> None:
    """Draw all spectra, normalised to area 1, and all g(r), one above the other."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 7), layout="constrained")
    names = list(student["spectra"])
    elements = [name for name in names if name not in MOTIONS]
    blocks = [
        elements,
        [name for name in names if name in MOTIONS],
        [name for name, g in student["distributions"].items() if float(g.max())],
    ]
    for k, (part, block) in enumerate(zip(figure.subfigures(1, 3), blocks, strict=True)):
        panels = part.subplots(len(block), 1, sharex=True, squeeze=False)[:, 0]
        for panel, name in zip(panels, block, strict=True):
            for run, label, style in ((teacher, labels[1], "k-"), (student, labels[0], "C1--")):
                if k < 2:
                    curve = run["spectra"][name]
                    area = float(curve.sum()) * float(curve.wavenumber[1])
                    panel.plot(curve.wavenumber, 1e3 * curve / area, style, lw=1.1, label=label)
                else:
                    curve = run["distributions"][name]
                    panel.plot(curve.distance, curve, style, lw=1.1, label=label)
            panel.annotate(
                name,
                (0.97 if k < 2 else 0.03, 0.9),
                xycoords="axes fraction",
                va="top",
                ha="right" if k < 2 else "left",
            )
            panel.set_ylim(bottom=0)
        panels[-1].set_xlabel("wavenumber (1/cm)" if k < 2 else "r (Å)")
        part.supylabel("$10^3$ cm × spectrum of area 1" if k < 2 else "g(r)", fontsize="medium")
        if k < 2:
            panels[-1].set_xlim(0, seen_up_to([student["spectra"], teacher["spectra"]]))
    figure.axes[0].legend(frameon=False, loc="upper center", fontsize="small")
    figure.savefig(path, dpi=130, metadata={"Software": None})


def seen_up_to(spectra: list[xr.Dataset]) -> float:
    """Wavenumber above which there is no more than a thousandth of any spectrum."""
    ends = []
    for found in spectra:
        share = found["all atoms"].cumsum() / found["all atoms"].sum()
        ends.append(float(found.wavenumber[int((share < 0.999).sum())]))
    return 1.1 * max(ends)


def main() -> None:
    """Run both, print the numbers, draw the figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="name or file of the potential")
    parser.add_argument("structure", type=Path, help="crystal: any file that ASE reads")
    parser.add_argument("--teacher", default="7net-0", help="name or file of the other potential (7net-0)")
    parser.add_argument("--supercell", type=int, nargs=3, default=(1, 1, 1), metavar="N")
    parser.add_argument("--cation", required=True, help="element, such as Na")
    parser.add_argument("--anion", required=True, nargs="+", help="formula, such as PS4")
    parser.add_argument("--temperature", type=float, default=600.0, help="of the start, K (600)")
    parser.add_argument("--timestep", type=float, default=1.0, help="fs (1)")
    parser.add_argument("--every", type=int, default=2, help="steps from frame to frame (2)")
    parser.add_argument("--heating", type=float, default=2.0, help="of the crystal by the potential, ps (2)")
    parser.add_argument("--platform", choices=("CPU", "CUDA", "OpenCL"), default="CPU")
    parser.add_argument("--length", type=float, default=1.0, help="of both runs, ps (1)")
    parser.add_argument("--segment", type=float, default=0.5, help="whose spectra are averaged, ps (0.5)")
    parser.add_argument("--width", type=float, default=0.05, help="of a bin of g(r), A (0.05)")
    parser.add_argument("--out", type=Path, required=True, help="folder for runs, numbers and figure")
    arguments = parser.parse_args()
    make_directory(arguments.out, "folder")
    claim(arguments.out, arguments)
    atoms = read_structure(arguments.structure, arguments.supercell)
    atoms = ions_together(atoms, find_polyanions(atoms, arguments.anion))
    potential = models.load(arguments.model)
    timestep = 1e-3 * arguments.timestep
    interval = arguments.every * timestep
    found = {}
    for name, seed in (("potential", 1), ("again", 2), ("teacher", 1)):
        heating = round(arguments.heating / timestep)
        how = Run(
            arguments.temperature,
            timestep,
            heating,
            arguments.every,
            seed=seed,
            platform=arguments.platform,
        )
        start = start_of(potential, atoms, arguments.out / f"start-{seed}.npz", how)
        runs = arguments.teacher if name == "teacher" else arguments.model
        frames = round(arguments.length / interval)
        positions, velocities = run(runs, atoms, start, arguments.out / name, frames, how)
        universe = universe_of(atoms, positions, velocities, interval)
        found[name] = {
            "spectra": spectra_of(universe, arguments.cation, arguments.anion, arguments.segment),
            "distributions": distributions_of(universe, arguments.width),
        }
    to_teacher = compared(found["potential"], found["teacher"])
    chance = compared(found["potential"], found["again"])
    print(table(to_teacher, chance))
    write_json(arguments.out / "figure.json", {"to the teacher": to_teacher, "two runs": chance})
    labels = arguments.model, arguments.teacher
    draw(found["potential"], found["teacher"], labels, arguments.out / "figure.png")


if __name__ == "__main__":
    main()
