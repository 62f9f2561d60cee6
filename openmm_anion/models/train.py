"""Train an ANI potential on energies and forces."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from openmm_anion.errors import InputError
from openmm_anion.models.ani import AniConfig, AniEnergy, build_torchani
from openmm_anion.models.data import Batch, Frame, collate, read_labelled, reference_energies, to_frame


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """How to train; the loss is ``energy_weight * (dE/N)^2 + mean dF^2`` with eV and angstrom."""

    epochs: int = 100
    batch_atoms: int = 256
    learning_rate: float = 2e-3
    final_learning_rate: float = 2e-5
    energy_weight: float = 100.0
    average: float = 0.995
    validation: float = 0.05
    test: float = 0.05


def energies_and_forces(model: AniEnergy, batch: Batch, training: bool) -> tuple[Tensor, Tensor]:
    """Energies (eV) and forces (eV/A) of a batch; differentiable in the weights when `training`."""
    positions = batch.positions.clone().requires_grad_(True)
    vectors = positions.index_select(0, batch.j) - positions.index_select(0, batch.i) + batch.shifts
    atomic = model(batch.elements, batch.i, batch.j, vectors)
    energies = atomic.new_zeros(len(batch.sizes)).index_add(0, batch.frame, atomic)
    (gradient,) = torch.autograd.grad(energies.sum(), positions, create_graph=training)
    return energies, -gradient


def rmse(model: AniEnergy, frames: Sequence[Frame], batch_atoms: int) -> dict[str, float]:
    """Root mean square errors: energy in meV/atom, force components in meV/A."""
    energy, force, n_force = 0.0, 0.0, 0
    for members in batches(frames, batch_atoms):
        batch = collate(members)
        energies, forces = energies_and_forces(model, batch, training=False)
        energy += float((((energies.detach() - batch.energies) / batch.sizes) ** 2).sum())
        force += float(((forces - batch.forces) ** 2).sum())
        n_force += forces.numel()
    return {
        "energy_mev_per_atom": 1e3 * math.sqrt(energy / len(frames)),
        "force_mev_per_angstrom": 1e3 * math.sqrt(force / n_force),
    }


def batches(frames: Sequence[Frame], batch_atoms: int) -> list[list[Frame]]:
    """Cut a sequence of frames into batches of at least one frame and at most about `batch_atoms` atoms."""
    result: list[list[Frame]] = []
    atoms = batch_atoms
    for frame in frames:
        if atoms + len(frame.elements) > batch_atoms:
            result.append([])
            atoms = 0
        result[-1].append(frame)
        atoms += len(frame.elements)
    return result


def standardise(model: AniEnergy, frames: Sequence[Frame]) -> None:
    """Set mean and scale of the features, per element, from the training frames."""
    features, elements = [], []
    with torch.no_grad():
        for frame in frames[:: max(1, len(frames) // 100)]:
            vectors = frame.positions[frame.j] - frame.positions[frame.i] + frame.shifts
            features.append(model.features(frame.elements, frame.i, frame.j, vectors))
            elements.append(frame.elements)
    every, kind = torch.cat(features), torch.cat(elements)
    for k in range(len(model.mean)):
        if bool((kind == k).any()):
            model.mean[k] = every[kind == k].mean(0)
            # the floor keeps features that hardly vary in the data from blowing up outside it
            model.scale[k] = every[kind == k].std(0) + 0.02
