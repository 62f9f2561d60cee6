"""All anions side by side in tensors, for projectors that run as TorchScript.

Species of different sizes share one batch: short anions are padded with their first atom at zero mass. The
anions are the last axis, so that every operation runs over contiguous numbers however small an anion is;
per anion the batched matrix routines of PyTorch take several times as long.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from openmm_anion.freezing.reference import FrozenAnion
from openmm_anion.freezing.stiffness import STIFFNESS

Array = NDArray[np.float64]


class AnionBatch(nn.Module):
    """Gather the positions of the anions, and hand the corrections back as forces of a projector.

    Parameters
    ----------
    anions : sequence of FrozenAnion
        The anions.
    n_particles : int
        Particles of the System.
    """

    atoms: Tensor
    place: Tensor
    nothing: Tensor
    weights: Tensor

    def __init__(self, anions: Sequence[FrozenAnion], n_particles: int) -> None:
        super().__init__()
        self.count = len(anions)
        self.longest = max(len(anion.indices) for anion in anions)
        atoms = np.array([_padded(a.indices, self.longest, a.indices[0]) for a in anions]).T
        # Where each particle finds its force; those of no anion find the zero at the end.
        place = np.full(n_particles, atoms.size)
        for k, anion in enumerate(anions):
            place[anion.indices] = np.arange(len(anion.indices)) * self.count + k
        self.register_buffer("atoms", torch.tensor(atoms.ravel()))
        self.register_buffer("place", torch.tensor(place))
        self.register_buffer("nothing", torch.zeros(1, 3, dtype=torch.float64))
        self.register_buffer("weights", torch.tensor(STIFFNESS * self.per_atom([a.masses for a in anions])))

    def per_atom(self, values: Sequence[Array]) -> Array:
        """One value per atom of each anion as a padded (n, anions) array."""
        return np.array([_padded(value, self.longest, 0.0) for value in values]).T

    def forward(self, positions: Tensor) -> Tensor:
        """Positions (3, n, anions) relative to the first atom of each anion, in double precision."""
        points = positions.detach().to(torch.float64).index_select(0, self.atoms)
        points = points.t().contiguous().view(3, self.longest, self.count)
        return points - points[:, :1]

    def forces(self, corrections: Tensor, positions: Tensor) -> Tensor:
        """Forces (N, 3) that move each atom of an anion by its correction (3, n, anions)."""
        forces = torch.cat([(self.weights * corrections).flatten(1).t(), self.nothing])
        return forces.index_select(0, self.place).to(positions.dtype)


def _padded(values: Array | NDArray[np.int64], length: int, filling: float) -> NDArray[np.generic]:
    return np.concatenate([values, np.full(length - len(values), filling, dtype=values.dtype)])
