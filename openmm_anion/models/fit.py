"""Fit the weights of an ANI model to energies and forces."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from openmm_anion.models.accuracy import Accuracy
from openmm_anion.models.ani import AniEnergy
from openmm_anion.models.batches import Batch, by_size
from openmm_anion.models.neighbours import pair_forces
from openmm_anion.models.recipe import TrainConfig


def energies_and_forces(model: AniEnergy, batch: Batch) -> tuple[Tensor, Tensor]:
    """Energies (eV) and forces (eV/A) of a batch, differentiable in the weights.

    Parameters
    ----------
    model : AniEnergy
        In training.
    batch : Batch
        Of F frames with N atoms in all.

    Returns
    -------
    energies, forces : Tensor
        (F,) in eV, and (N, 3) in eV/angstrom.
    """
    vectors = batch.positions[batch.j] - batch.positions[batch.i] + batch.shifts
    atomic, gradient = model(batch.elements, batch.i, batch.j, vectors)
    energies = atomic.new_zeros(len(batch.sizes)).index_add(0, batch.frame, atomic)
    return energies, pair_forces(gradient, batch.i, batch.j, len(batch.elements))


def judged(model: AniEnergy, frames: Sequence[Batch], elements: Sequence[str]) -> Accuracy:
    """Labels of `frames` and what `model` says of them; its `elements` in order.

    Parameters
    ----------
    model : AniEnergy
        Trained.
    frames : sequence of Batch
        With labels.
    elements : sequence of str
        Symbols in the order of the model's indices.

    Returns
    -------
    Accuracy
        Energies in eV/atom, forces in eV/angstrom.
    """
    symbols, forces, predicted, energies, predicted_energies = [], [], [], [], []
    for batch in frames:
        with torch.no_grad():
            energy, force = energies_and_forces(model, batch)
        symbols.append(np.array(elements)[batch.elements.numpy()])
        forces.append(batch.forces.double().numpy())
        predicted.append(force.double().numpy())
        energies.append((batch.energies / batch.sizes).numpy())
        predicted_energies.append((energy / batch.sizes).numpy())
    return Accuracy(
        symbols=np.concatenate(symbols),
        forces=np.concatenate(forces),
        predicted_forces=np.concatenate(predicted),
        energies=np.concatenate(energies),
        predicted_energies=np.concatenate(predicted_energies),
    )


def errors(model: AniEnergy, frames: Sequence[Batch], atoms: int) -> dict[str, float]:
    """Root mean square errors over `frames`: energy in meV/atom, force components in meV/A and percent.

    Parameters
    ----------
    model : AniEnergy
        In training or trained.
    frames : sequence of Batch
        With labels.
    atoms : int
        Atoms that are evaluated at once.

    Returns
    -------
    dict of str to float
        ``energy_rmse_mev_per_atom``, ``force_rmse_mev_per_angstrom``, and ``force_rmse_percent`` of the root
        mean square force where that is not zero.
    """
    energy, force, labels, components = 0.0, 0.0, 0.0, 0
    for batch in by_size(frames, atoms):
        with torch.no_grad():
            energies, forces = energies_and_forces(model, batch)
        energy += float((((energies - batch.energies) / batch.sizes) ** 2).sum())
        force += float(((forces - batch.forces) ** 2).sum())
        labels += float((batch.forces**2).sum())
        components += forces.numel()
    found = {
        "energy_rmse_mev_per_atom": 1e3 * math.sqrt(energy / len(frames)),
        "force_rmse_mev_per_angstrom": 1e3 * math.sqrt(force / components),
    }
    return found | ({"force_rmse_percent": 100.0 * math.sqrt(force / labels)} if labels else {})


def prepare(model: AniEnergy, frames: Sequence[Batch]) -> None:
    """Set reference energies (least squares) and mean and scale of the features from the training frames.

    Parameters
    ----------
    model : AniEnergy
        Changed in place.
    frames : sequence of Batch
        Of the training, one frame each.
    """
    n_elements = len(model.reference)
    counts = torch.stack([torch.bincount(frame.elements, minlength=n_elements) for frame in frames]).double()
    energies = torch.cat([frame.energies for frame in frames])
    # gelsd gives the solution of smallest norm where all compositions are alike
    model.reference.copy_(
        torch.linalg.lstsq(counts, energies.unsqueeze(1), driver="gelsd").solution.squeeze(1)
    )
    features, elements = [], []
    with torch.no_grad():
        for frame in frames[:: max(1, len(frames) // 100)]:
            vectors = frame.positions[frame.j] - frame.positions[frame.i] + frame.shifts
            features.append(model.features(frame.elements, frame.i, frame.j, vectors)[0])
            elements.append(frame.elements)
        every, kind = torch.cat(features), torch.cat(elements)
        for k in range(n_elements):
            if int((kind == k).sum()) > 1:
                model.mean[k] = every[kind == k].mean(0)
                # the floor keeps features that hardly vary in the data from blowing up outside of it
                model.scale[k] = every[kind == k].std(0) + 0.02


def fit(
    model: AniEnergy,
    training: Sequence[Batch],
    validation: Sequence[Batch],
    config: TrainConfig,
    progress: bool,
) -> tuple[AniEnergy, list[dict[str, float]]]:
    """Train `model`; return the running average of its weights where it did best on `validation`.

    Parameters
    ----------
    model : AniEnergy
        Prepared with `prepare`; changed in place.
    training, validation : sequence of Batch
        One frame each.
    config : TrainConfig
        Epochs, learning rates, weights of the loss, seed.
    progress : bool
        Show a progress bar.

    Returns
    -------
    tuple
        The best model, and per epoch the mean loss with the validation errors.
    """
    weights = list(model.parameters())
    average = copy.deepcopy(model)
    best, lowest = copy.deepcopy(model), math.inf
    optimiser = torch.optim.Adam(weights, lr=config.learning_rate)
    shuffler = random.Random(config.seed)
    steps = config.epochs * len(by_size(training, config.batch_atoms))
    step = 0
    history: list[dict[str, float]] = []
    bar = tqdm(range(config.epochs), unit="epoch", disable=not progress)
    for _ in bar:
        shuffled = list(training)
        shuffler.shuffle(shuffled)
        losses = []
        for batch in by_size(shuffled, config.batch_atoms):
            set_learning_rate(optimiser, config, step / steps, step)
            losses.append(descend(model, batch, weights, optimiser, config.energy_weight))
            with torch.no_grad():
                for mean, weight in zip(average.parameters(), weights, strict=True):
                    mean.lerp_(weight, max(1.0 - config.average, 1.0 / (step + 1)))
            step += 1
        record = {"loss": sum(losses) / len(losses), **errors(average, validation, config.batch_atoms)}
        history.append(record)
        score = loss_of(record, config.energy_weight)
        if score < lowest:
            best, lowest = copy.deepcopy(average), score
        bar.set_postfix_str(
            f"loss {record['loss']:.5f}, validation {record['energy_rmse_mev_per_atom']:.2f} meV/atom "
            f"{record['force_rmse_mev_per_angstrom']:.1f} meV/A"
        )
    return best, history


def descend(
    model: AniEnergy,
    batch: Batch,
    weights: Sequence[Tensor],
    optimiser: torch.optim.Optimizer,
    energy_weight: float,
) -> float:
    """One step of the optimiser on one batch; return the loss before it.

    Parameters
    ----------
    model : AniEnergy
        Changed in place.
    batch : Batch
        With labels.
    weights : sequence of Tensor
        Those that are trained; the norm of their gradient is cut off at 10.
    optimiser : torch.optim.Optimizer
        Over the same weights.
    energy_weight : float
        Of the squared errors of energies per atom, over those of components of forces, angstrom^-2.

    Returns
    -------
    float
        The loss, (eV/angstrom)^2.
    """
    energies, forces = energies_and_forces(model, batch)
    energy_loss = (((energies - batch.energies) / batch.sizes) ** 2).mean()
    loss = energy_weight * energy_loss + ((forces - batch.forces) ** 2).mean()
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(weights, 10.0)
    optimiser.step()
    return float(loss.detach())


def set_learning_rate(optimiser: torch.optim.Optimizer, config: TrainConfig, done: float, step: int) -> None:
    """Cosine from the first to the final rate, after a linear start over 50 steps.

    Parameters
    ----------
    optimiser : torch.optim.Optimizer
        Changed in place.
    config : TrainConfig
        With the first and the final rate.
    done : float
        Share of the training that is done, 0 to 1.
    step : int
        Steps that were made.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> optimiser = SimpleNamespace(param_groups=[{}])  # an optimiser as far as it is used here
    >>> set_learning_rate(optimiser, TrainConfig(learning_rate=1e-3, final_learning_rate=1e-5), 1.0, 500)
    >>> optimiser.param_groups[0]["lr"]
    1e-05
    """
    first, final = config.learning_rate, config.final_learning_rate
    rate = final + 0.5 * (first - final) * (1 + math.cos(math.pi * done))
    for group in optimiser.param_groups:
        group["lr"] = rate * min(1.0, (step + 1) / 50)


def loss_of(record: dict[str, float], energy_weight: float) -> float:
    """The loss that the errors of a record amount to.

    Parameters
    ----------
    record : dict of str to float
        From `errors`.
    energy_weight : float
        As `descend` takes it.

    Returns
    -------
    float
        The loss, (eV/angstrom)^2.

    Examples
    --------
    >>> loss_of({"energy_rmse_mev_per_atom": 1.0, "force_rmse_mev_per_angstrom": 100.0}, 100.0)
    0.0101
    """
    energy, force = record["energy_rmse_mev_per_atom"], record["force_rmse_mev_per_angstrom"]
    return 1e-6 * (energy_weight * energy**2 + force**2)
