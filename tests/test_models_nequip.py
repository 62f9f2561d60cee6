"""NequIP and Allegro: small untrained models as TorchScript, against their own calculator.

`nequip-compile --mode torchscript` refuses torch 2.10 and later, which TorchForce needs; files from older
environments stay. The function below that command still writes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from crystals import na3ps4
from package_models import assert_equal, in_openmm, reference
from platforms import PLATFORMS, PlatformCase

from openmm_anion import models

pytestmark = [pytest.mark.models, pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(1200)]

ELEMENTS = ["Na", "P", "S"]
TOLERANCE = {"float32": 1e-5, "float64": 1e-10}


@contextmanager
def double_by_default() -> Iterator[None]:
    """What nequip sets for good when it is used; its calculator takes positions in that precision."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def build(architecture: str, dtype: str) -> Any:
    from nequip.utils.compile import conditional_torchscript_mode

    common: dict[str, Any] = {
        "seed": 1,
        "model_dtype": dtype,
        "r_max": 4.5,
        "type_names": ELEMENTS,
        "l_max": 1,
        "parity": True,
        "avg_num_neighbors": 20.0,
        "per_type_energy_scales": dict.fromkeys(ELEMENTS, 5.0),
        "per_type_energy_shifts": {"Na": -1.0, "P": -2.0, "S": -3.0},
    }
    with conditional_torchscript_mode(True):
        if architecture == "nequip":
            from nequip.model import NequIPGNNModel

            return NequIPGNNModel(num_layers=2, num_features=8, radial_mlp_width=16, **common)
        from allegro.model import AllegroModel

        return AllegroModel(
            num_layers=1,
            num_scalar_features=16,
            num_tensor_features=4,
            radial_chemical_embed={
                "_target_": "allegro.nn.TwoBodyBesselScalarEmbed",
                "num_bessels": 8,
            },
            **common,
        )


@pytest.fixture(
    scope="module", params=[("nequip", "float32"), ("nequip", "float64"), ("allegro", "float32")], ids=str
)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Any, Path]:
    from nequip.integrations.ase import NequIPCalculator
    from nequip.integrations.utils import basic_transforms
    from nequip.model.inference_models.torchscript import save_torchscript_model
    from nequip.utils.compile import conditional_torchscript_mode
    from nequip.utils.global_state import set_global_state

    architecture, dtype = request.param
    with double_by_default():
        set_global_state(allow_tf32=False)
        model = build(architecture, dtype).eval()
        path = tmp_path_factory.mktemp(architecture) / f"{architecture}.nequip.pth"
        with conditional_torchscript_mode(True):
            save_torchscript_model(model, dict(model.metadata), str(path), "cpu")
        transforms = basic_transforms(model.metadata, 4.5, ELEMENTS, {name: name for name in ELEMENTS})
        return dtype, NequIPCalculator(model, "cpu", transforms=transforms), path


@pytest.mark.parametrize("kind", ["torch", "python"])
def test_equal_to_the_calculator(case: tuple[str, Any, Path], platform: PlatformCase, kind: str) -> None:
    dtype, calculator, path = case
    atoms = na3ps4((1, 1, 2))
    potential = models.load(path)
    assert potential.elements == ELEMENTS
    assert potential.cutoff == pytest.approx(0.45)
    tolerance = TOLERANCE[dtype] if platform.double else 1e-4
    with double_by_default():
        expected = reference(atoms, calculator)
    assert_equal(in_openmm(potential, atoms, platform, kind), expected, tolerance)


def test_through_ase(case: tuple[str, Any, Path]) -> None:
    dtype, calculator, _ = case
    atoms = na3ps4((1, 1, 2))
    with double_by_default():
        found = in_openmm(models.from_ase(calculator, ELEMENTS), atoms, PLATFORMS[1])
        assert_equal(found, reference(atoms, calculator), TOLERANCE[dtype])
