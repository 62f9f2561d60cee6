"""All pairs of atoms within a cutoff in a periodic cell, as a scripted PyTorch function, and their forces."""

import torch
from torch import Tensor


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
    """Forces (N, 3) from dE/dvectors (E, 3) of vectors that point from i to j."""
    forces = gradient.new_zeros((n_atoms, 3))
    return forces.index_add(0, i, gradient).index_add(0, j, -gradient)
