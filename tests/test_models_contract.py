"""TorchScript modules of a user's own: every form of the contract gives the same, others are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openmm
import pytest
import torch
from crystals import na3ps4
from platforms import PlatformCase
from scripted_models import graph_potential, pair_reference
from scripted_modules import (
    DoubleInside,
    ListOfTwo,
    NotFinite,
    OnCuda,
    OneSystem,
    OneSystemWithForces,
    Pairs,
    PerAtom,
    Tethers,
    TethersWithForces,
)

from openmm_anion import models
from openmm_anion.errors import InputError
from openmm_anion.models.force import KINDS
from openmm_anion.models.potential import Potential
from openmm_anion.structure import build_system
from openmm_anion.units import EV

ELEMENTS = ["Na", "P", "S"]
ATOMS = na3ps4(displacement=0.2)
SYMBOLS = list(ATOMS.symbols)
POSITIONS, BOX = ATOMS.positions / 10, ATOMS.cell.array / 10
INDICES = torch.tensor([ELEMENTS.index(symbol) for symbol in SYMBOLS])

FORMS = {
    "energy": Tethers(),
    "energy and forces": TethersWithForces(),
    "one system, energy": OneSystem(INDICES),
    "one system, energy and forces": OneSystemWithForces(INDICES),
}


@pytest.fixture(params=FORMS)
def wrapped(request: pytest.FixtureRequest) -> Potential:
    return models.from_torchscript(torch.jit.script(FORMS[request.param]), ELEMENTS, name="tethers")


def expected() -> tuple[float, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    strength = 10.0 * (1 + INDICES.numpy())[:, None]
    phase = 2 * np.pi * POSITIONS @ np.linalg.inv(BOX)
    forces = -(strength * 2 * np.pi * np.sin(phase)) @ np.linalg.inv(BOX).T
    return float((strength * (1 - np.cos(phase))).sum()), forces


@pytest.mark.parametrize("kind", KINDS)
def test_every_form_gives_the_same_in_openmm(wrapped: Potential, platform: PlatformCase, kind: str) -> None:
    energy, forces = expected()
    system = build_system(ATOMS)
    wrapped.add_to(system, SYMBOLS, kind=kind)
    context = platform.context(system, openmm.VerletIntegrator(0.001))
    context.setPositions(POSITIONS)
    state = context.getState(energy=True, forces=True)
    exact = platform.double
    assert state.getPotentialEnergy()._value == pytest.approx(energy, rel=1e-12 if exact else 1e-6)
    tolerance = 1e-9 if exact else 1e-3
    np.testing.assert_allclose(state.getForces(asNumpy=True)._value, forces, atol=tolerance)


def test_forms_are_saved_and_found_by_path(wrapped: Potential, tmp_path: Path) -> None:
    wrapped.write(tmp_path / "tethers.pt")  # type: ignore[attr-defined]
    again = models.load(tmp_path / "tethers.pt")
    assert again.elements == ELEMENTS
    assert len(again.sha256) == 64
    assert again.energy_forces(SYMBOLS, POSITIONS, BOX)[0] == pytest.approx(expected()[0], rel=1e-12)


@pytest.mark.parametrize("forces", [False, True], ids=["energy", "with forces"])
@pytest.mark.parametrize("kind", ["torch", "python"])
def test_graph_models(platform: PlatformCase, kind: str, forces: bool) -> None:
    """Single-precision weights; the sum is over the edges of ASE's neighbour list."""
    energy, reference = pair_reference(ATOMS)
    potential = graph_potential(forces)
    system = build_system(ATOMS)
    potential.add_to(system, SYMBOLS, kind=kind)
    context = platform.context(system, openmm.VerletIntegrator(0.001))
    context.setPositions(POSITIONS)
    state = context.getState(energy=True, forces=True)
    assert state.getPotentialEnergy()._value == pytest.approx(energy * EV, rel=2e-6)
    np.testing.assert_allclose(
        state.getForces(asNumpy=True)._value / (10 * EV), reference, atol=3e-6 * np.abs(reference).max()
    )


def test_a_graph_model_is_saved_with_its_neighbour_list(tmp_path: Path) -> None:
    potential = graph_potential()
    potential.write(tmp_path / "pairs.pt")  # type: ignore[attr-defined]
    again = models.load(tmp_path / "pairs.pt")
    assert again.smallest_width == 0
    assert again.energy_forces(SYMBOLS, POSITIONS, BOX)[0] == pytest.approx(
        potential.energy_forces(SYMBOLS, POSITIONS, BOX)[0], rel=1e-12
    )


def test_precision_of_the_weights_is_kept_and_can_be_chosen() -> None:
    exact = pair_reference(ATOMS)[0] * EV
    double = graph_potential(dtype=torch.float64).energy_forces(SYMBOLS, POSITIONS, BOX)[0]
    single = graph_potential(dtype=torch.float32).energy_forces(SYMBOLS, POSITIONS, BOX)[0]
    assert double == pytest.approx(exact, rel=1e-7)  # the strengths were rounded to single
    assert abs(single - double) > 0
    module = torch.jit.script(Tethers())  # has no weights: double unless told otherwise
    chosen = models.from_torchscript(module, ELEMENTS, dtype=torch.float32)
    assert chosen.energy_forces(SYMBOLS, POSITIONS, BOX)[0] != expected()[0]
    assert chosen.energy_forces(SYMBOLS, POSITIONS, BOX)[0] == pytest.approx(expected()[0], rel=1e-5)


def fails(match: str) -> pytest.RaisesExc[InputError]:
    return pytest.raises(InputError, match=match)


def test_what_is_no_potential() -> None:
    with fails(r"module 'x' is a Tethers, no TorchScript; give torch.jit.script"):
        models.from_torchscript(Tethers(), ELEMENTS, name="x")  # type: ignore[arg-type]
    with fails(r"takes \(Tensor\), not tensors \(positions, box\) or \(elements, positions, box\)"):
        models.from_torchscript(torch.jit.script(torch.nn.Linear(3, 1)), ELEMENTS)
    with fails(r"forward takes \(Tensor, Tensor, Tensor\), not tensors \(elements, positions, cell"):
        models.from_graph(torch.jit.script(Tethers()), ELEMENTS, 0.5)
    with fails(r"forward returns List\[Tensor\], not an energy \(Tensor\) or energy and forces"):
        models.from_torchscript(torch.jit.script(ListOfTwo()), ELEMENTS)
    with fails("forces of shape .2,. for two atoms"):
        models.from_torchscript(torch.jit.script(PerAtom()), ELEMENTS)
    with fails("numbers that are not finite"):
        models.from_torchscript(torch.jit.script(NotFinite()), ELEMENTS)
    pairs = torch.jit.script(Pairs(torch.ones(1), 5.0))
    with fails("cutoff 0 nm of module 'graph' must be above 0"):
        models.from_graph(pairs, ["Na"], 0.0)
    with fails("element 'Xy' is no chemical symbol"):
        models.from_graph(pairs, ["Xy"], 0.5)
    with fails("must be a list of chemical symbols"):
        models.from_graph(pairs, "Na", 0.5)


def test_wrong_precision_and_device() -> None:
    with fails("fails on two atoms with positions of torch.float64 on the CPU: .*(dtype|Float|Double)"):
        models.from_torchscript(torch.jit.script(DoubleInside()), ELEMENTS)
    if not torch.cuda.is_available():
        with fails("on the CPU: .*; look at the dtype and the device"):
            models.from_torchscript(torch.jit.script(OnCuda()), ELEMENTS)
