"""The backends of MDAnalysis give what one process gives."""

from __future__ import annotations

from typing import Any

import MDAnalysis as mda
import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from MDAnalysis.analysis.backends import BackendMultiprocessing
from synthetic_study import BOX, N_ANIONS, N_CATIONS, trajectory

from openmm_anion.analysis.anion_motion import AnionMotion
from openmm_anion.analysis.charge_transport import ChargeDisplacement
from openmm_anion.analysis.continuous import ContinuousAnalysis
from openmm_anion.analysis.coupling import Coupling
from openmm_anion.analysis.density import CationDensity
from openmm_anion.analysis.distinct_van_hove import VanHoveDistinct
from openmm_anion.analysis.ions import Ions, find_ions
from openmm_anion.analysis.msd import MeanSquaredDisplacement
from openmm_anion.analysis.orientation import OrientationalCorrelation
from openmm_anion.analysis.residence import ResidenceCorrelation
from openmm_anion.analysis.rotation_events import RotationEvents
from openmm_anion.analysis.spectrum import VibrationalSpectrum
from openmm_anion.analysis.trajectory import open_trajectory
from openmm_anion.errors import InputError

# Newer Pythons say that a process with threads is forked, which is how MDAnalysis does it.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

SYMBOLS = ["P", "S", "S", "S", "S"] * N_ANIONS + ["Na"] * N_CATIONS
N_FRAMES = 61


@pytest.fixture(scope="module")
def ions(tmp_path_factory: pytest.TempPathFactory) -> Ions:
    """A wrapped, drifting run in an XTC file, with velocities of a TRR file."""
    folder = tmp_path_factory.mktemp("run")
    rng = np.random.default_rng(1)
    positions = np.mod(trajectory(rng, N_FRAMES, 0.04), BOX)
    write(folder / "first.pdb", Atoms(SYMBOLS, positions[0], cell=[BOX] * 3, pbc=True))
    universe = mda.Universe.empty(len(SYMBOLS), trajectory=True)
    for name, x in (("run.xtc", positions), ("velocities.trr", rng.normal(size=positions.shape))):
        cells = np.tile([BOX] * 3 + [90.0] * 3, (N_FRAMES, 1))
        universe.load_new(x.astype(np.float32), dimensions=cells, dt=0.1)
        with mda.Writer(str(folder / name), len(SYMBOLS)) as writer:
            for _ in universe.trajectory:
                writer.write(universe.atoms)
    files = folder / "first.pdb", folder / "run.xtc"
    return find_ions(open_trajectory(*files, velocities=folder / "velocities.trr"), "Na", "PS4")


def quantities(ions: Ions) -> dict[str, ContinuousAnalysis]:
    """Of each base there is, and what keeps paths."""
    cations, anions = ions.universe.atoms[ions.cations], ions.anions
    return {
        "msd": MeanSquaredDisplacement(cations, anions),
        "density": CationDensity(cations, anions, spacing=0.5),
        "van Hove": VanHoveDistinct(cations, anions, lags=[0.0, 0.6], relative_to=anions),
        "residence": ResidenceCorrelation(cations, anions, cutoff=3.0),
        "orientation": OrientationalCorrelation(ions.universe, anions),
        "motion": AnionMotion(ions.universe, anions),
        "rotations": RotationEvents(ions.universe, anions),
        "coupling": Coupling(cations, anions, cutoff=3.0),
        "charge": ChargeDisplacement([(cations, 1.0)], anions),
        "spectrum": VibrationalSpectrum(cations, anions),
    }


def test_two_processes_give_what_one_gives(ions: Ions) -> None:
    assert_same(ions, "spectrum", "multiprocessing")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "msd", "density", "van Hove", "residence", "orientation",
        "motion", "rotations", "coupling", "charge",
    ],
)  # fmt: skip
@pytest.mark.parametrize("backend", ["multiprocessing", "dask"])
def test_all_quantities_take_the_backends(ions: Ions, backend: str, name: str) -> None:
    assert_same(ions, name, backend)


def assert_same(ions: Ions, name: str, backend: str) -> None:
    part: dict[str, Any] = {"start": 3, "step": 2}
    one, two = quantities(ions)[name].run(**part), quantities(ions)[name]
    assert two.parallelizable
    assert backend in two.get_supported_backends()
    assert two.run(**part, backend=backend, n_workers=2) is two
    assert two.data.identical(one.data)
    np.testing.assert_array_equal(two.frames, one.frames)
    np.testing.assert_array_equal(two.times, one.times)


def test_a_backend_of_somebody_else_reads_in_parts(ions: Ions) -> None:
    class Here(BackendMultiprocessing):
        """Parts one after the other, which is as good a backend as any."""

        parts = 0

        def apply(self, function: Any, computations: Any) -> list[Any]:
            self.parts = len(computations)
            return [function(task) for task in computations]

    backend = Here(n_workers=2)
    two = quantities(ions)["msd"].run(backend=backend, n_parts=5, unsupported_backend=True)
    assert backend.parts == 5
    assert two.data.identical(quantities(ions)["msd"].run().data)
    with pytest.raises(InputError, match="Must specify 'unsupported_backend=True'"):
        quantities(ions)["msd"].run(backend=backend)


def test_what_is_wrong_is_said_by_the_backends_too(ions: Ions, monkeypatch: pytest.MonkeyPatch) -> None:
    msd = quantities(ions)["msd"]
    with pytest.raises(InputError, match="backend 'threads' is unknown; there are serial, multiprocessing"):
        msd.run(backend="threads")
    with pytest.raises(InputError, match=r'give backend="multiprocessing"'):
        msd.run(n_workers=2)
    with pytest.raises(InputError, match="needs at least 2 frames, got 1"):
        msd.run(stop=1, backend="multiprocessing", n_workers=2)
    with pytest.raises(InputError, match="Can not display progressbar"):
        msd.run(backend="multiprocessing", n_workers=2, verbose=True)
    monkeypatch.setattr("MDAnalysis.analysis.backends.is_installed", lambda name: False)
    with pytest.raises(InputError, match="module 'dask' is missing"):
        msd.run(backend="dask", n_workers=2)
