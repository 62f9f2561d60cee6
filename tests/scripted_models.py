"""Small TorchScript models for the tests of potentials, and the reference they are compared with."""

from __future__ import annotations

import ase
import numpy as np
import torch
from ase.neighborlist import neighbor_list
from numpy.typing import NDArray
from scripted_modules import Pairs, PairsWithForces

from openmm_anion import models
from openmm_anion.models.potential import Potential

CUTOFF = 0.5
"""Cutoff of the pair model, nm."""
DEPTH = torch.tensor([0.02, 0.05, 0.03])
"""Strength of each element, eV."""


def graph_potential(forces: bool = False, dtype: torch.dtype = torch.float32) -> Potential:
    """A soft pair potential as a graph model, with the energy alone or with forces."""
    module = (PairsWithForces if forces else Pairs)(DEPTH.to(dtype), 10 * CUTOFF)
    return models.from_graph(torch.jit.script(module), ["Na", "P", "S"], CUTOFF, name="pairs")


def pair_reference(atoms: ase.Atoms) -> tuple[float, NDArray[np.float64]]:
    """Energy (eV) and forces (eV/A) of the pair model, from ASE's neighbour list in double precision."""
    depth = DEPTH.double().numpy()[["Na P S".split().index(symbol) for symbol in atoms.symbols]]
    cutoff = 10 * CUTOFF
    i, j, distance, vectors = neighbor_list("ijdD", atoms, cutoff)
    strength, x = depth[i] * depth[j], 1 - distance / cutoff
    slope = (-2 * strength * x / (cutoff * distance))[:, None] * vectors  # d(term)/d(vector)
    forces = np.zeros((len(atoms), 3))
    np.add.at(forces, i, slope)
    np.add.at(forces, j, -slope)
    return float((strength * x**2).sum()), forces
