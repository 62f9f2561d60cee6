"""MACE: small untrained models, deployed by its own tools, against its own calculator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from crystals import na3ps4
from package_models import assert_equal, in_openmm, reference
from platforms import PLATFORMS, PlatformCase

from openmm_anion import models

pytestmark = [pytest.mark.models, pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(1200)]

DTYPES = {"single": torch.float32, "double": torch.float64}
TOLERANCE = {"single": 1e-5, "double": 1e-10}


def build(precision: str) -> Any:
    import mace.modules  # first: it lets e3nn 0.4 read its constants
    from e3nn import o3

    torch.manual_seed(0)
    block = mace.modules.interaction_classes["RealAgnosticResidualInteractionBlock"]
    before = torch.get_default_dtype()
    torch.set_default_dtype(DTYPES[precision])
    try:
        return mace.modules.ScaleShiftMACE(
            r_max=4.5,
            num_bessel=4,
            num_polynomial_cutoff=5,
            max_ell=2,
            interaction_cls=block,
            interaction_cls_first=block,
            num_interactions=2,
            num_elements=3,
            hidden_irreps=o3.Irreps("8x0e+8x1o"),
            MLP_irreps=o3.Irreps("8x0e"),
            gate=torch.nn.functional.silu,
            atomic_energies=np.array([-1.0, -2.0, -3.0]),
            avg_num_neighbors=20.0,
            atomic_numbers=[11, 15, 16],
            correlation=2,
            radial_type="bessel",
            radial_MLP=[16, 16],
            atomic_inter_scale=20.0,
            atomic_inter_shift=0.0,
            heads=["Default"],
        )
    finally:
        torch.set_default_dtype(before)


@pytest.fixture(scope="module", params=DTYPES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Any, Path]:
    return request.param, build(request.param), tmp_path_factory.mktemp("mace")


def calculator(model: Any, precision: str) -> Any:
    from mace.calculators import MACECalculator

    dtype = "float32" if precision == "single" else "float64"
    before = torch.get_default_dtype()
    try:
        return MACECalculator(models=[model], device="cpu", default_dtype=dtype)
    finally:
        torch.set_default_dtype(before)


@pytest.mark.parametrize("kind", ["torch", "python"])
def test_lammps_file(case: tuple[str, Any, Path], platform: PlatformCase, kind: str) -> None:
    from e3nn.util import jit
    from mace.calculators import LAMMPS_MACE

    precision, model, folder = case
    atoms = na3ps4((1, 1, 2))
    expected = reference(atoms, calculator(model, precision))
    path = folder / "na3ps4.model-lammps.pt"
    if not path.exists():
        jit.compile(LAMMPS_MACE(model, head="Default")).save(str(path))
    potential = models.load(path)
    assert (potential.name, potential.elements) == ("na3ps4", ["Na", "P", "S"])
    assert potential.cutoff == pytest.approx(0.45)
    tolerance = TOLERANCE[precision] if platform.double else 1e-4
    assert_equal(in_openmm(potential, atoms, platform, kind), expected, tolerance)


def test_compiled_file(case: tuple[str, Any, Path]) -> None:
    from e3nn.util import jit

    precision, model, folder = case
    atoms = na3ps4((1, 1, 2))
    expected = reference(atoms, calculator(model, precision))
    path = folder / "na3ps4_compiled.model"
    jit.compile(model).save(str(path))
    assert_equal(in_openmm(models.load(path), atoms, PLATFORMS[1]), expected, TOLERANCE[precision])


def test_through_openmm_ml_and_through_ase(case: tuple[str, Any, Path]) -> None:
    """A checkpoint, as MACE writes it in training; openmm-ml leaves the energies of lone atoms out."""
    precision, _, folder = case
    model = build(precision)  # anew: compiling one for LAMMPS compiles its parts in place
    path = folder / "na3ps4.model"
    torch.save(model, path)
    atoms = na3ps4((1, 1, 2))
    mace = calculator(model, precision)
    expected = reference(atoms, mace)
    by_openmm_ml = models.load("openmmml:mace", modelPath=str(path), options={"returnEnergyType": "energy"})
    # openmm-ml takes 96.4853 for the electronvolt, which differs by 3e-7
    tolerance = max(3e-6, TOLERANCE[precision])
    assert_equal(in_openmm(by_openmm_ml, atoms, PLATFORMS[1]), expected, tolerance)
    by_ase = models.from_ase(mace, ["Na", "P", "S"])
    assert_equal(in_openmm(by_ase, atoms, PLATFORMS[1]), expected, TOLERANCE[precision])
