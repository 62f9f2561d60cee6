"""All anions side by side in tensors, for projectors that run as TorchScript.

Species of different sizes share one batch: short anions are padded with their first atom at zero mass. The
anions are the last axis, so that every operation runs over contiguous numbers however small an anion is;
per anion the batched matrix routines of PyTorch take several times as long. What an operation costs is being
called, so that few of them count more than little arithmetic.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from openmm_anion.freezing.body import body_coordinates
from openmm_anion.freezing.reference import FrozenAnion

Array = NDArray[np.float64]


class AnionBatch(nn.Module):
    """Gather the positions of the anions, and hand forces on their atoms back.

    Parameters
    ----------
    anions : sequence of FrozenAnion
        The anions.
    n_particles : int
        Particles of the System.

    Examples
    --------
    >>> pair = FrozenAnion(np.array([0, 1]), np.ones(2), np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]]))
    >>> AnionBatch([pair], 3).gather(torch.zeros(3, 3)).shape
    torch.Size([3, 2, 1])
    """

    atoms: Tensor
    place: Tensor
    mass: Tensor
    share: Tensor
    nothing: Tensor

    def __init__(self, anions: Sequence[FrozenAnion], n_particles: int) -> None:
        super().__init__()
        self.n_particles = n_particles
        self.count = len(anions)
        self.longest = max(len(anion.indices) for anion in anions)
        # Each component of each atom is picked on its own: a row per component, and no transposition.
        first = np.array([[anion.indices[0]] for anion in anions])
        atoms = np.tile(first, self.longest)
        mass = np.zeros((self.count, self.longest))
        for k, anion in enumerate(anions):
            atoms[k, : len(anion.indices)] = anion.indices
            mass[k, : len(anion.indices)] = anion.masses
        picked = 3 * atoms.T + np.arange(3)[:, None, None]
        # Where each component of each particle finds its force; those of no anion find the zero at the end.
        place = np.full(3 * n_particles, picked.size)
        own = np.broadcast_to(mass.T > 0, picked.shape)
        place[picked[own]] = np.flatnonzero(own)
        self.register_buffer("atoms", torch.tensor(picked.ravel()))
        self.register_buffer("place", torch.tensor(place))
        self.register_buffer("mass", tensor(mass.T))
        self.register_buffer("share", tensor((mass / mass.sum(axis=1, keepdims=True)).T))
        self.register_buffer("nothing", torch.zeros(1, dtype=torch.float64))

    def gather(self, positions: Tensor) -> Tensor:
        """Positions (3, n, anions) of the atoms of each anion, in double precision.

        Parameters
        ----------
        positions : Tensor, shape (N, 3)
            Of all particles, nm.

        Returns
        -------
        Tensor, shape (3, n, anions)
            n is the size of the largest anion; behind a smaller one stands its first atom, with mass 0.
        """
        # Not `detach`, which TorchScript takes out of a frozen module: gradients would be recorded each time.
        # To the device of the module, which is another one where `SystemEnergy` says.
        points = positions.data.to(self.atoms.device, torch.float64).reshape(-1).index_select(0, self.atoms)
        return points.view(3, self.longest, self.count)

    def forces(self, on_atoms: Tensor, positions: Tensor) -> Tensor:
        """Forces (N, 3) on all particles from those on the atoms (3, n, anions).

        Parameters
        ----------
        on_atoms : Tensor, shape (3, n, anions)
            Forces on the atoms of the anions, kJ/mol/nm.
        positions : Tensor, shape (N, 3)
            Whose precision the result takes.

        Returns
        -------
        Tensor, shape (N, 3)
            Zero on all other particles.
        """
        forces = torch.cat([on_atoms.reshape(-1), self.nothing]).index_select(0, self.place)
        return forces.view(self.n_particles, 3).to(positions.device, positions.dtype)

    def bodies(self, seen: Tensor) -> Tensor:
        """Bodies (3, n, anions) from what `gather` made of their coordinates, which may be rounded.

        Parameters
        ----------
        seen : Tensor, shape (3, n, anions)
            Coordinates, nm.

        Returns
        -------
        Tensor, shape (3, n, anions)
            The same from the centres of mass, nm; zero where there is no atom.
        """
        return (seen - (self.share * seen).sum(1, keepdim=True)) * (self.mass > 0)

    def held(self, bodies: Tensor) -> Tensor:
        """One for each anion that has a body to hold, zero for the others, (anions,).

        Parameters
        ----------
        bodies : Tensor, shape (3, n, anions)
            From `bodies`, nm.

        Returns
        -------
        Tensor, shape (anions,)
            1.0 or 0.0.
        """
        return (bodies.abs().amax([0, 1]) > 0.0).to(torch.float64)

    def references(self, anions: Sequence[FrozenAnion]) -> Tensor:
        """What `gather` makes of the coordinates of all anions at the moment of freezing.

        Parameters
        ----------
        anions : sequence of FrozenAnion
            Those that the batch was made of.

        Returns
        -------
        Tensor, shape (3, n, anions)
            Coordinates in their principal axes, nm.
        """
        coordinates = body_coordinates(anions, [True] * self.count, self.n_particles)
        return self.gather(torch.tensor(coordinates))


def tensor(values: Array | float) -> Tensor:
    """Return contiguous numbers in double precision: operations on others take many times as long.

    Parameters
    ----------
    values : array or float
        Any numbers.

    Returns
    -------
    Tensor
        Of the same shape, float64.

    Examples
    --------
    >>> tensor(np.arange(2)).dtype
    torch.float64
    """
    return torch.tensor(np.array(values, dtype=np.float64, order="C"))
