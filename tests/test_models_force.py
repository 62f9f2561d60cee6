"""Both kinds of Force: the same numbers, copies that work, and one line where a kind does not exist."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import openmm
import pytest
import torch
from crystals import na3ps4
from platforms import PlatformCase

from openmm_anion import find_polyanions, freeze, models
from openmm_anion.errors import InputError
from openmm_anion.integrators import VerletIntegrator
from openmm_anion.models.computation import Computation
from openmm_anion.models.force import make_force
from openmm_anion.structure import build_system, ions_together

ATOMS = na3ps4(displacement=0.05)
SYMBOLS = list(ATOMS.symbols)
KINDS = ("torch", "python")


def system_of(kind: str | None) -> openmm.System:
    system = build_system(ATOMS)
    models.load("na3ps4").add_to(system, SYMBOLS, kind=kind)
    return system


def test_kinds_agree_to_float_noise(platform: PlatformCase) -> None:
    forces, energies = [], []
    for kind in KINDS:
        context = platform.context(system_of(kind), openmm.VerletIntegrator(0.001))
        context.setPositions(ATOMS.positions / 10)
        state = context.getState(energy=True, forces=True)
        energies.append(state.getPotentialEnergy()._value)
        forces.append(state.getForces(asNumpy=True)._value)
    # PythonForce computes on the GPU where there is one, whatever the platform
    same_device = platform.name == "CUDA" or not torch.cuda.is_available()
    assert energies[1] == pytest.approx(energies[0], rel=1e-9 if platform.double and same_device else 2e-7)
    assert np.abs(forces[0]).max() > 500
    # in mixed precision TorchForce is given rounded positions, PythonForce the full ones
    np.testing.assert_allclose(forces[1], forces[0], atol=0.01 if platform.double else 0.5)


def test_the_default_is_torchforce() -> None:
    assert system_of(None).getForce(0).getName() == "TorchForce"
    assert system_of("python").getForce(0).getName() == "PythonForce"


def test_a_pythonforce_is_copied_with_its_system_and_frozen() -> None:
    anions = find_polyanions(ATOMS, "PS4")
    atoms = ions_together(ATOMS, anions)
    anions = find_polyanions(atoms, "PS4")
    energies = []
    for kind in KINDS:
        system = build_system(atoms)
        models.load("na3ps4").add_to(system, list(atoms.symbols), kind=kind)
        if kind == "python":
            system = copy.deepcopy(system)
        frozen = freeze(system, anions, "R", positions=anions.positions)
        integrator = VerletIntegrator(frozen, 0.001)
        context = openmm.Context(
            frozen.system, integrator, openmm.Platform.getPlatform("CPU"), {"Threads": "1"}
        )
        frozen.initialize(context, 300, seed=1)
        integrator.step(5)
        frozen.check(context)
        energies.append(context.getState(energy=True).getPotentialEnergy()._value)
    assert energies[1] == pytest.approx(energies[0], abs=0.01)


def test_a_system_of_another_process_says_what_it_lacks(tmp_path: Path) -> None:
    text = tmp_path / "system.xml"
    text.write_text(openmm.XmlSerializer.serialize(system_of("python")))
    read = """if True:
        import sys, openmm
        system = openmm.XmlSerializer.deserialize(open(sys.argv[1]).read())
        platform = openmm.Platform.getPlatform("Reference")
        context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)
        context.setPositions([[0.1 * k, 0, 0] for k in range(system.getNumParticles())])
        context.getState(energy=True)
    """
    done = subprocess.run([sys.executable, "-c", read, str(text)], capture_output=True, text=True)
    assert done.returncode == 1
    assert "holds a PythonForce whose potential is not in memory; build the System again" in done.stderr


def test_pickling_in_one_process_hands_out_the_same_model() -> None:
    computation = Computation(lambda positions, box: (positions.sum(), positions), "cpu")  # type: ignore[arg-type]
    assert pickle.loads(pickle.dumps(computation)) is computation


def test_kinds_that_do_not_exist() -> None:
    potential = models.load("na3ps4")
    with pytest.raises(
        InputError, match="'na3ps4' cannot become a force of kind 'pyton'; use 'torch' or 'python' or 'torch"
    ):
        potential.create_force(["Na"], kind="pyton")
    with pytest.raises(InputError, match="there is no kind of force 'tensorflow'; known: python, torch,"):
        make_force(potential.bind(["Na"]), "tensorflow", "na3ps4")


def test_what_counts_neighbours_is_no_cuda_graph() -> None:
    """The line names the potential, what stands in the way, and the key to change."""
    with pytest.raises(
        InputError, match=r"^potential 'na3ps4' cannot be .*: it calls aten::bincount, aten::linalg_inv, "
    ) as refusal:
        models.load("na3ps4").create_force(["Na"], kind="torch-graphs")
    assert 'kind = "torch" under [potential] of a study file' in str(refusal.value)
    assert models.load("na3ps4").create_force(["Na"], kind="torch").getName() == "TorchForce"


def test_what_checks_an_inverse_is_no_cuda_graph() -> None:
    class Checks(torch.nn.Module):
        def forward(self, positions: torch.Tensor, box: torch.Tensor) -> torch.Tensor:
            return (positions @ torch.linalg.inv(box)).sum()

    potential = models.from_torchscript(
        torch.jit.trace(Checks(), (torch.rand(1, 3), torch.eye(3))), ["Na"], name="x"
    )
    with pytest.raises(
        InputError, match="'x' cannot be replayed as a CUDA graph: it calls aten::linalg_inv, "
    ):
        potential.create_force(["Na"], kind="torch-graphs")
