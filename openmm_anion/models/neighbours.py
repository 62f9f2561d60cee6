"""All pairs of atoms within a cutoff in a periodic cell, inside TorchScript, and their forces."""

import torch
import vesin_torch
from torch import Tensor

MANY = 160
"""Atoms from which a cell list takes less time than looking at all pairs (on one core of a CPU)."""


class Pairs(torch.nn.Module):
    """Every pair within a cutoff once, in a cell that is at least twice as wide.

    A few hundred atoms are compared with one another (`minimum_image_pairs`), more are sorted into cells by
    vesin [1]_, so that time and memory grow with N. Pairs of the latter are sorted by i and j: sums over them
    always run in the same order.

    Parameters
    ----------
    cutoff : float
        In the unit of the positions.
    many : int, optional
        Atoms from which cells are used.

    References
    ----------
    .. [1] https://luthaf.fr/vesin
    """

    def __init__(self, cutoff: float, many: int = MANY) -> None:
        super().__init__()
        self.cutoff = cutoff
        self.many = many
        self.few = torch.jit.script(minimum_image_pairs)
        # one thread: a search takes milliseconds, and runs of a study already fill the cores
        self.search = vesin_torch.NeighborList(cutoff=cutoff, full_list=False, n_threads=1)

    def forward(self, positions: Tensor, cell: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the pairs, each once, and the vectors between them.

        Parameters
        ----------
        positions, cell : Tensor
            (N, 3) and (3, 3), one cell vector per row; positions may lie anywhere.

        Returns
        -------
        i, j : Tensor
            (E,), of int64.
        vectors : Tensor
            From i to j, (E, 3), in the unit of the positions.
        """
        n = positions.shape[0]
        if n < self.many or not bool(torch.isfinite(positions).all()):
            return self.few(positions, cell, self.cutoff)
        where, box = positions.to(torch.float64), cell.to(torch.float64)
        where = where - torch.mm(torch.floor(torch.mm(where, torch.linalg.inv(box))), box)
        found = self.search.compute(where, box, True, "PD")
        pairs, vectors = found[0], found[1]
        order = torch.argsort(pairs[:, 0] * n + pairs[:, 1])
        pairs, vectors = pairs.index_select(0, order), vectors.index_select(0, order)
        return pairs[:, 0].contiguous(), pairs[:, 1].contiguous(), vectors.to(positions.dtype)


def minimum_image_pairs(positions: Tensor, cell: Tensor, cutoff: float) -> tuple[Tensor, Tensor, Tensor]:
    r"""Every pair i < j nearer than `cutoff`, and the vector from i to the nearest image of j.

    The vector is :math:`d - H^T [H^{-T} d]` with :math:`d = r_j - r_i`, the rows of H the cell vectors
    and [ ] rounding to integers. This is exact for every pair within the cutoff as long as the
    distance between opposite faces of the cell is at least twice the cutoff, for triclinic cells as
    well: the fractional coordinates of a vector shorter than half that distance are all under one
    half. Positions may lie anywhere, in any cell. Time and memory grow with N squared.

    Parameters
    ----------
    positions : Tensor
        (N, 3).
    cell : Tensor
        (3, 3), one cell vector per row.
    cutoff : float
        In the unit of `positions`.

    Returns
    -------
    tuple of Tensor
        i (E,); j (E,); vectors (E, 3).

    Examples
    --------
    >>> ends = torch.tensor([[0.5, 0.0, 0.0], [9.0, 0.0, 0.0]])
    >>> minimum_image_pairs(ends, 10.0 * torch.eye(3), 3.0)[2]
    tensor([[-1.5000,  0.0000,  0.0000]])
    """
    n = positions.shape[0]
    pairs = torch.triu_indices(n, n, 1, device=positions.device)
    # one coordinate per row: long contiguous loops instead of loops over three numbers
    x, h = positions.t().contiguous(), cell.t().contiguous()
    delta = x.index_select(1, pairs[1]) - x.index_select(1, pairs[0])
    images = torch.round(torch.mm(torch.linalg.inv(h), delta))
    near = ((delta - torch.mm(h, images)).square().sum(0) < cutoff * cutoff).nonzero().squeeze(1)
    i, j = pairs[0].index_select(0, near), pairs[1].index_select(0, near)
    vectors = delta.index_select(1, near) - torch.mm(h, images.index_select(1, near))
    return i, j, vectors.t()


def pair_forces(gradient: Tensor, i: Tensor, j: Tensor, n_atoms: int) -> Tensor:
    """Forces (N, 3) from dE/dvectors (E, 3) of vectors that point from i to j.

    Parameters
    ----------
    gradient : Tensor
        dE/dvectors (E, 3).
    i, j : Tensor
        Atoms at the ends of each vector (E,).
    n_atoms : int
        N.

    Returns
    -------
    Tensor
        In the unit of `gradient`.

    Examples
    --------
    >>> pair_forces(torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([0]), torch.tensor([1]), 2)[:, 0]
    tensor([ 1., -1.])
    """
    forces = gradient.new_zeros((n_atoms, 3))
    return forces.index_add(0, i, gradient).index_add(0, j, -gradient)
