"""SevenNet's own models, from its package, against its own calculator."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import openmm
import pytest
import torch
from crystals import na3ps4
from package_models import assert_equal, in_openmm, reference
from platforms import PLATFORMS, PlatformCase
from test_models_graph import sheared

from openmm_anion import models
from openmm_anion.models.potential import Potential

pytestmark = [pytest.mark.models, pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(1200)]

NAMES = ("7net-0", "7net-l3i5")


@pytest.fixture(scope="module", params=NAMES)
def potential(request: pytest.FixtureRequest) -> Potential:
    return models.load(request.param)


def calculator(name: str) -> object:
    from sevenn.calculator import SevenNetCalculator

    return SevenNetCalculator(name, device="cpu")


@pytest.mark.parametrize("kind", ["torch", "python"])
def test_equal_to_the_calculator(potential: Potential, platform: PlatformCase, kind: str) -> None:
    """2e-5 eV/A where positions are in double precision, 1e-4 in mixed; the weights are in single."""
    atoms = na3ps4((1, 1, 2))
    expected = reference(atoms, calculator(potential.name))  # type: ignore[arg-type]
    tolerance = 2e-5 if platform.double else 1e-4
    assert_equal(in_openmm(potential, atoms, platform, kind), expected, tolerance)


def test_a_triclinic_cell_and_128_atoms(potential: Potential) -> None:
    atoms = sheared((2, 2, 2))
    expected = reference(atoms, calculator(potential.name))  # type: ignore[arg-type]
    assert_equal(in_openmm(potential, atoms, PLATFORMS[1]), expected, 2e-5)


def test_what_the_card_says(potential: Potential) -> None:
    assert potential.cutoff == pytest.approx(0.5)
    assert len(potential.elements) == 89
    assert len(potential.sha256) == 64
    assert potential.card["labels"].startswith("SevenNet 0.1")


def test_deployed_file_equals_the_calculator(tmp_path: Path) -> None:
    from sevenn.scripts.deploy import deploy

    path = tmp_path / "deployed.pt"
    deploy("7net-0", str(path))
    atoms = na3ps4((1, 1, 2))
    deployed = models.load(path)
    assert (deployed.name, len(deployed.elements)) == ("deployed", 89)
    assert deployed.cutoff == pytest.approx(0.5)
    expected = reference(atoms, calculator("7net-0"))  # type: ignore[arg-type]
    assert_equal(in_openmm(deployed, atoms, PLATFORMS[1]), expected, 2e-5)


def test_every_weight_moves_with_the_module(potential: Potential) -> None:
    """Tensors frozen into the code would stay on the CPU when TorchForce moves the module to a GPU."""
    graph = potential.bind(["Na", "S"]).inlined_graph  # type: ignore[attr-defined]
    constants = [
        node for node in graph.findAllNodes("prim::Constant") if str(node.output().type()) == "Tensor"
    ]
    assert [
        node for node in constants if "value" in node.attributeNames() and node.t("value").numel() > 1
    ] == []


@pytest.mark.parametrize("name", NAMES)
def test_rearranged_product_equals_e3nn(name: str) -> None:
    from sevenn import util
    from sevenn.nn.convolution import IrrepsConvolution

    from openmm_anion.models.sevennet_convolution import rearrange
    from openmm_anion.models.tensor_product import EdgeProduct

    model = util.load_checkpoint(util.pretrained_name_to_path(name)).build_model()
    products = [m.convolution for m in model if isinstance(m, IrrepsConvolution)]
    torch.manual_seed(1)
    for product in products:
        widths = product.irreps_in1.dim, product.irreps_in2.dim, product.weight_numel
        inputs = [torch.randn(7, width) for width in widths]
        found, expected = torch.jit.script(EdgeProduct(product))(*inputs), product(*inputs)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-4)
    assert len(products) == rearrange(model) == 5


def test_energy_is_conserved() -> None:
    """0.1 ps of constant energy at 300 K, time step 1 fs."""
    atoms = na3ps4((1, 1, 1), displacement=0.02)
    from openmm_anion.structure import build_system

    system = build_system(atoms)
    models.load("7net-0").add_to(system, list(atoms.symbols))
    integrator = openmm.VerletIntegrator(0.001)
    context = PLATFORMS[1].context(system, integrator)
    context.setPositions(atoms.positions / 10)
    context.setVelocitiesToTemperature(300, 1)
    energies = []
    for _ in range(20):
        integrator.step(5)
        state = context.getState(energy=True)
        energies.append((state.getPotentialEnergy() + state.getKineticEnergy())._value)
    kinetic = state.getKineticEnergy()._value
    assert np.ptp(energies[2:]) < 0.02 * kinetic


def test_a_study_by_name(tmp_path: Path) -> None:
    from openmm_anion.study.schedule import run_study
    from openmm_anion.study.settings import parse_settings

    crystal = Path(__file__).parents[1] / "examples" / "na3ps4" / "na3ps4.cif"
    content = {
        "structure": {"file": str(crystal), "supercell": [1, 1, 2], "cation": "Na", "anion": "PS4"},
        "potential": {"name": "7net-0"},
        "dynamics": {
            "temperatures": 600, "modes": ["R"], "snapshots": 1, "equilibration": 0.02, "production": 0.02
        },
        "output": {"frame_interval": 0.01, "checkpoint_interval": 0.01},
        "computer": {"platform": "CPU", "workers": 1},
    }  # fmt: skip
    outcome = run_study(parse_settings(content, "the test"), tmp_path, quiet=True)
    assert set(outcome.statuses.values()) == {"finished"}
    assert json.loads((tmp_path / "structure.json").read_text())["potential"]["name"] == "7net-0"
