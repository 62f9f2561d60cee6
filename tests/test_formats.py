"""One run in every format: the same displacements, times and cells, through the command line."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import MDAnalysis as mda
import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from ase.units import fs
from MDAnalysis.lib.mdamath import triclinic_box, triclinic_vectors
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from openmm_anion.analysis.continuous import time_step
from openmm_anion.analysis.msd import MeanSquaredDisplacement
from openmm_anion.analysis.quantity import from_json
from openmm_anion.analysis.trajectory import open_trajectory
from openmm_anion.cli import main
from openmm_anion.errors import InputError

Array = NDArray[np.float64]

SYMBOLS = ["Na"] * 4 + ["P"] + ["S"] * 4
"""Sorted, as XDATCAR wants them."""
PS4 = 2.05 / np.sqrt(3.0) * np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
N_FRAMES = 40
DT = 0.1  # ps
STEPS = 50
"""Of the integrator, between frames."""


class Run:
    """Four cations that walk, a PS4 across a corner that trembles, in a triclinic cell that breathes."""

    def __init__(self) -> None:
        rng = np.random.default_rng(3)
        walk = np.cumsum(rng.normal(0.0, 0.4, (N_FRAMES, 9, 3)), axis=0)
        walk[:, 4:] = rng.normal(0.0, 0.05, (N_FRAMES, 5, 3))
        continuous = np.vstack([rng.uniform(0.0, 10.0, (4, 3)), PS4 + 0.1]) + walk
        cell = triclinic_vectors([9.0, 10.0, 11.0, 70.0, 80.0, 100.0]).astype(float)
        breath = 1.0 + 0.01 * np.sin(0.7 * np.arange(N_FRAMES))[:, None, None]
        self.cells: Array = cell * breath + 0.05 * np.eye(3)[0] * (breath - 1.0)
        inside = continuous @ np.linalg.inv(self.cells)
        self.positions: Array = (inside - np.floor(inside)) @ self.cells
        self.velocities: Array = rng.normal(0.0, 5.0, self.positions.shape)  # A/ps

    @property
    def dimensions(self) -> Array:
        """Lengths and angles."""
        return np.array([triclinic_box(*cell) for cell in self.cells.astype(np.float32)], dtype=np.float64)

    def frames(self) -> list[Atoms]:
        """For ASE, in an orientation of the cell that is not the usual one."""
        turn = Rotation.from_euler("zyx", [40, 70, 20], degrees=True).as_matrix()
        frames = []
        for x, v, cell in zip(self.positions, self.velocities, self.cells, strict=True):
            frames.append(Atoms(SYMBOLS, x @ turn, cell=cell @ turn, pbc=True))
            frames[-1].set_velocities(v @ turn / (1000.0 * fs))
        return frames

    def universe(self) -> Any:
        """In memory."""
        universe = mda.Universe.empty(9, trajectory=True)
        universe.add_TopologyAttr("names", SYMBOLS)
        universe.add_TopologyAttr("elements", SYMBOLS)
        universe.add_TopologyAttr("masses", Atoms(SYMBOLS).get_masses())
        x, v = self.positions.astype(np.float32), self.velocities.astype(np.float32)
        universe.load_new(x, dimensions=self.dimensions, velocities=v, dt=DT)
        return universe


RUN = Run()


def by_mdanalysis(path: Path) -> None:
    universe = RUN.universe()
    options: dict[str, Any] = {}
    if path.suffix == ".h5md":
        options = {"velocities": True, "lengthunit": "angstrom", "timeunit": "ps"}
        options["velocityunit"] = "Angstrom/ps"
    with mda.Writer(str(path), 9, dt=DT, **options) as writer:
        for _ in universe.trajectory:
            writer.write(universe.atoms)


def by_ase(path: Path) -> None:
    write(path, RUN.frames())


def lammps_dump(path: Path, columns: str = "x y z", skip: tuple[int, ...] = ()) -> None:
    """As LAMMPS writes it: its own order of atoms, the origin of the cell somewhere, metal units."""
    origin = np.array([-3.0, 2.0, 1.0])
    lines: list[str] = []
    for k, (cell, x, v) in enumerate(zip(RUN.cells, RUN.positions, RUN.velocities, strict=True)):
        if k in skip:
            continue
        (_, (xy, _, _), (xz, yz, _)), (lx, ly, lz) = cell, np.diag(cell)
        lines += ["ITEM: TIMESTEP", str(STEPS * k), "ITEM: NUMBER OF ATOMS", "9"]
        lines += ["ITEM: BOX BOUNDS xy xz yz pp pp pp"]
        low, high = min(0.0, xy, xz, xy + xz), max(0.0, xy, xz, xy + xz)
        lines += [f"{origin[0] + low:.10f} {origin[0] + lx + high:.10f} {xy:.10f}"]
        lines += [f"{origin[1] + min(0.0, yz):.10f} {origin[1] + ly + max(0.0, yz):.10f} {xz:.10f}"]
        lines += [f"{origin[2]:.10f} {origin[2] + lz:.10f} {yz:.10f}"]
        lines += [f"ITEM: ATOMS id type {columns} vx vy vz"]
        shown = x @ np.linalg.inv(cell) if columns == "xs ys zs" else x + origin
        for a in np.random.default_rng(k).permutation(9):
            numbers = " ".join(f"{value:.6f}" for value in (*shown[a], *v[a]))
            lines.append(f"{a + 1} {1 + 'Na P S'.split().index(SYMBOLS[a])} {numbers}")
    path.write_text("\n".join(lines) + "\n")


def scaled_dump(path: Path) -> None:
    lammps_dump(path, "xs ys zs")


def vasprun(path: Path) -> None:
    """What a reader of structures needs of the XML file that VASP writes."""
    root = ET.Element("modeling")
    incar = ET.SubElement(root, "incar")
    ET.SubElement(incar, "i", type="int", name="NBLOCK").text = "     5"  # which is for XDATCAR
    ionic = ET.SubElement(ET.SubElement(root, "parameters"), "separator", name="ionic")
    ET.SubElement(ionic, "i", type="int", name="IBRION").text = "     0"
    ET.SubElement(ionic, "i", name="POTIM").text = f"  {1000.0 * DT:.8f}"
    info = ET.SubElement(root, "atominfo")
    rows = ET.SubElement(ET.SubElement(info, "array", name="atoms"), "set")
    for symbol in SYMBOLS:
        row = ET.SubElement(rows, "rc")
        ET.SubElement(row, "c").text = symbol
        ET.SubElement(row, "c").text = "1"

    def rows_of(parent: ET.Element, name: str, numbers: Array) -> None:
        array = ET.SubElement(parent, "varray", name=name)
        for vector in numbers:
            ET.SubElement(array, "v").text = " ".join(f"{value:.8f}" for value in vector)

    points = ET.SubElement(root, "kpoints")
    rows_of(points, "kpointlist", np.zeros((1, 3)))
    rows_of(points, "weights", np.ones((1, 1)))

    def structure(parent: ET.Element, frame: Atoms, **name: str) -> None:
        element = ET.SubElement(parent, "structure", name)
        rows_of(ET.SubElement(element, "crystal"), "basis", frame.cell.array)
        rows_of(element, "positions", frame.get_scaled_positions())

    frames = RUN.frames()
    structure(root, frames[0], name="initialpos")
    for frame in frames:
        step = ET.SubElement(root, "calculation")
        for parent in (ET.SubElement(step, "scstep"), step):
            energy = ET.SubElement(parent, "energy")
            for name in ("e_fr_energy", "e_wo_entrp", "e_0_energy"):
                ET.SubElement(energy, "i", name=name).text = "-1.0"
        structure(step, frame)
        rows_of(step, "forces", np.zeros((9, 3)))
    ET.ElementTree(root).write(path)


def xdatcar(path: Path) -> None:
    """With the cell before every frame, as VASP writes it where the cell changes."""
    lines = []
    for k, frame in enumerate(RUN.frames()):
        lines += ["made up", "1.0", *(" ".join(f"{value:.8f}" for value in row) for row in frame.cell.array)]
        lines += ["Na P S", "4 1 4", f"Direct configuration= {k + 1:5d}"]
        lines += [" ".join(f"{value:.8f}" for value in row) for row in frame.get_scaled_positions()]
    path.write_text("\n".join(lines) + "\n")


def h5md_in_nm(path: Path) -> None:
    """As other codes write it: nm and fs, cells as vectors."""
    with h5py.File(path, "w") as file:
        head = file.create_group("h5md")
        head.attrs["version"] = (1, 1)
        head.create_group("author").attrs["name"] = "somebody"
        creator = head.create_group("creator")
        creator.attrs["name"], creator.attrs["version"] = "some code", "1"
        all_atoms = file.create_group("particles/all")
        box = all_atoms.create_group("box")
        box.attrs["dimension"], box.attrs["boundary"] = 3, ["periodic"] * 3
        for name, values, unit in (
            ("box/edges", RUN.cells / 10.0, "nm"),
            ("position", RUN.positions / 10.0, "nm"),
            ("velocity", RUN.velocities / 10.0, "nm ps-1"),
        ):
            group = all_atoms.create_group(name)
            group["value"] = values
            group["value"].attrs["unit"] = unit
            group["step"] = STEPS * np.arange(N_FRAMES)
            group["time"] = 1000.0 * DT * np.arange(N_FRAMES)
            group["time"].attrs["unit"] = "fs"


# Name of the file, how it is written, what says the elements, precision of positions (A), whether it says
# the time between frames, and whether it has velocities.
FORMATS: dict[str, tuple[Callable[[Path], None], str, float, bool, bool]] = {
    "run.dcd": (by_mdanalysis, "pdb", 1e-5, True, False),
    "run.xtc": (by_mdanalysis, "pdb", 5e-5, True, False),
    "run.trr": (by_mdanalysis, "pdb", 1e-5, True, True),
    "run.h5md": (by_mdanalysis, "pdb", 1e-5, True, True),
    "other.h5md": (h5md_in_nm, "pdb", 1e-5, True, True),
    "run.lammpstrj": (lammps_dump, "extxyz", 1e-5, False, True),
    "scaled.dump": (scaled_dump, "extxyz", 1e-5, False, True),
    "XDATCAR": (xdatcar, "", 1e-5, False, False),
    "vasprun.xml": (vasprun, "", 1e-5, True, False),
    "850K_XDATCAR": (xdatcar, "", 1e-5, False, False),
    "run.extxyz": (by_ase, "", 1e-5, False, True),
    "run.traj": (by_ase, "", 1e-5, False, True),
}


def files_of(name: str, folder: Path) -> list[Path]:
    """The topology, if one is needed, and the trajectory."""
    make, suffix, *_ = FORMATS[name]
    make(folder / name)
    if not suffix:
        return [folder / name]
    write(folder / f"first.{suffix}", RUN.frames()[0])
    return [folder / f"first.{suffix}", folder / name]


@pytest.fixture(scope="module")
def expected() -> Array:
    """By the definition: cations and P follow their nearest images, S the P."""
    x, inverses = RUN.positions, np.linalg.inv(RUN.cells)
    steps = np.diff(x[:, :5], axis=0)
    steps -= np.round(steps @ inverses[1:]) @ RUN.cells[1:]
    walked = np.concatenate([x[:1, :5], x[0, :5] + np.cumsum(steps, axis=0)])
    bonds = x[:, 4:] - x[:, 4:5]
    bonds -= np.round(bonds @ inverses) @ RUN.cells
    masses = Atoms(SYMBOLS).get_masses()[4:]
    center = walked[:, 4] + np.einsum("a,fak->fk", masses / masses.sum(), bonds)
    path = walked[:, :4] - center[:, None]
    return np.array([((path[k:] - path[: N_FRAMES - k]) ** 2).sum(-1).mean() for k in range(N_FRAMES)])


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_run_in_every_format(name: str, tmp_path: Path, expected: Array) -> None:
    _, _, precision, says_time, has_velocities = FORMATS[name]
    files = files_of(name, tmp_path)
    universe = open_trajectory(*files, frame_interval=None if says_time else DT)
    assert universe.trajectory.n_frames == N_FRAMES
    assert time_step(universe.trajectory) == pytest.approx(DT, rel=1e-5)
    cells = np.array([frame.dimensions.copy() for frame in universe.trajectory])
    np.testing.assert_allclose(cells, RUN.dimensions, rtol=2e-5)
    assert universe.trajectory[0].has_velocities == has_velocities
    if has_velocities:
        speed = np.linalg.norm(universe.trajectory[7].velocities, axis=1)
        np.testing.assert_allclose(speed, np.linalg.norm(RUN.velocities[7], axis=1), rtol=1e-4)
    given = [] if says_time else ["--dt", str(DT)]
    out = ["-o", str(tmp_path / "out"), "--only", "msd", "--quiet"]
    assert main(["analyze", *map(str, files), "--cation", "Na", "--anion", "PS4", *given, *out]) == 0
    data = from_json(tmp_path / "out" / "msd.json")
    np.testing.assert_allclose(data.lag_times, DT * np.arange(N_FRAMES), rtol=1e-5)
    # Rounded in each of two positions; at long lags few pairs of them average it out.
    pairs = 4 * (N_FRAMES - np.arange(N_FRAMES))
    error = 2.0 * np.sqrt(expected) * precision * np.sqrt(2.0 / 3.0 / pairs)
    assert expected[1] > 0.4
    assert (np.abs(data.msd - expected) <= 4.0 * error + 2.0 * precision**2).all()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('IBRION">     0', 'IBRION">     2'),  # a relaxation
        ("<incar>", '<incar><i type="logical" name="ML_LMLFF"> T  </i>'),  # may leave out steps
        ('name="POTIM">', 'name="POTIM">***'),
        ("<parameters>.*</parameters>", ""),
    ],
)
def test_vasprun_that_does_not_tell_the_time_needs_it(tmp_path: Path, old: str, new: str) -> None:
    file = tmp_path / "vasprun.xml"
    vasprun(file)
    assert open_trajectory(file, frame_interval=0.25).trajectory.dt == 0.25
    file.write_text(re.sub(old, new, file.read_text()))
    with pytest.raises(InputError, match="does not say the time between its frames"):
        open_trajectory(file)
    assert open_trajectory(file, frame_interval=DT).trajectory.dt == pytest.approx(DT)


def test_a_dump_tells_times_and_uneven_steps(tmp_path: Path) -> None:
    """MDAnalysis multiplies steps by the time between frames: 5 ps instead of 0.1."""
    topology, dump = tmp_path / "first.extxyz", tmp_path / "run.dump"
    write(topology, RUN.frames()[0])
    lammps_dump(dump)
    universe = open_trajectory(topology, dump, frame_interval=DT)
    assert universe.trajectory[3].time == pytest.approx(3 * DT)
    lammps_dump(dump, skip=(7,))
    universe = open_trajectory(topology, dump, frame_interval=DT)
    with pytest.raises(InputError, match=r"frame 7 of .*run\.dump is step 400, where 350 was expected"):
        MeanSquaredDisplacement(universe.atoms[:4], None).run()
    text = dump.read_text()
    dump.write_text(text[: len(text) // 2])  # of a run that is still going on
    assert open_trajectory(topology, dump, frame_interval=DT).trajectory.n_frames == 19


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ITEM: NUMBER", "ITEM: TIME\n0.5\nITEM: NUMBER"),
        (r"BOX BOUNDS.*\n.*\n.*\n.*\n", "BOX BOUNDS abc origin pp pp pp\n9 0 0 0\n0 9 0 0\n0 0 9 0\n"),
        (" x y z", " a b c"),
    ],
)
def test_a_dump_that_is_not_understood_is_refused(tmp_path: Path, old: str, new: str) -> None:
    """Rather than read with a cell in another orientation."""
    topology, dump = tmp_path / "first.extxyz", tmp_path / "run.dump"
    write(topology, RUN.frames()[0])
    lammps_dump(dump)
    dump.write_text(re.sub(old, new, dump.read_text()))
    with pytest.raises(InputError, match=r"run\.dump cannot be read by MDAnalysis"):
        open_trajectory(topology, dump, frame_interval=DT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_h5md_that_lacks_something_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    topology, file = tmp_path / "first.pdb", tmp_path / "run.h5md"
    write(topology, RUN.frames()[0])
    h5md_in_nm(file)
    with h5py.File(file, "a") as content:
        del content["particles/all/position/value"].attrs["unit"]
    with pytest.raises(InputError, match=r"run\.h5md cannot be read .*must have readable units"):
        open_trajectory(topology, file)
    monkeypatch.setattr("MDAnalysis.coordinates.H5MD.HAS_H5PY", False)
    with pytest.raises(InputError, match=r"run\.h5md cannot be read .*Please install h5py"):
        open_trajectory(topology, file)


def test_a_trajectory_that_says_two_time_steps_is_refused(tmp_path: Path) -> None:
    """What MDAnalysis' own reader of dumps makes of the time step of the integrator."""
    topology, dump = tmp_path / "first.pdb", tmp_path / "run.dump"
    write(topology, RUN.frames()[0])
    lammps_dump(dump)
    universe = mda.Universe(str(topology), str(dump), format="LAMMPSDUMP", dt=DT / STEPS)
    with pytest.raises(
        InputError, match=r"0\.002 ps between frames, but .*0\.1 ps apart; give frame_interval"
    ):
        MeanSquaredDisplacement(universe.atoms[:4], None).run()
    told = MeanSquaredDisplacement(universe.atoms[:4], None, frame_interval=DT).run()
    assert told.results.lag_times[1] == DT
