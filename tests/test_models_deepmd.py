"""DeePMD-kit: a small untrained model, frozen as `dp --pt freeze` does it, against its own calculator."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from crystals import na3ps4
from package_models import assert_equal, in_openmm, reference
from platforms import PlatformCase
from test_models_graph import sheared

from openmm_anion import models

pytestmark = [pytest.mark.models, pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(1200)]

MODEL = {
    "type_map": ["Na", "P", "S"],
    "descriptor": {
        "type": "se_e2_a",
        "rcut": 4.5,
        "rcut_smth": 0.5,
        "sel": [40, 20, 60],
        "neuron": [4, 8],
        "axis_neuron": 4,
        "type_one_side": True,
        "seed": 1,
    },
    "fitting_net": {"neuron": [16, 16], "resnet_dt": True, "seed": 1},
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from deepmd.pt.model.model import get_model

    torch.manual_seed(0)
    model = get_model(dict(MODEL)).eval()
    for weight in model.parameters():
        weight.data *= 4  # untrained weights give forces of 1e-5 eV/A
    path = tmp_path_factory.mktemp("deepmd") / "frozen.pth"
    torch.jit.save(torch.jit.script(model), str(path), {})
    return path


@pytest.mark.parametrize("shear", [False, True], ids=["cubic", "triclinic"])
@pytest.mark.parametrize("kind", ["torch", "python"])
def test_equal_to_the_calculator(path: Path, platform: PlatformCase, kind: str, shear: bool) -> None:
    """To 1e-10 eV/A where positions are in double precision, which is that of the weights."""
    from deepmd.calculator import DP

    atoms = sheared((2, 2, 2)) if shear else na3ps4()
    potential = models.load(path)
    assert potential.elements == ["Na", "P", "S"]
    assert potential.cutoff == pytest.approx(0.45)
    expected = reference(atoms, DP(str(path)))
    assert_equal(in_openmm(potential, atoms, platform, kind), expected, 1e-10 if platform.double else 1e-5)
