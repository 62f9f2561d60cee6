"""All pairs of atoms within a cutoff in a periodic cell, as a scripted PyTorch function."""

import torch
from torch import Tensor


def minimum_image_pairs(positions: Tensor, cell: Tensor, cutoff: float) -> tuple[Tensor, Tensor, Tensor]:
    r"""Every ordered pair (i, j) nearer than `cutoff`, and the vector from i to the nearest image of j.

    The vector is :math:`r_j - r_i - H^T [H^{-T}(r_j - r_i)]` with the rows of H the cell vectors and
    [ ] rounding to integers. This is exact for every pair within the cutoff as long as the distance
    between opposite faces of the cell is at least twice the cutoff, for triclinic cells as well:
    a vector shorter than half that distance has fractional coordinates under one half. Positions may
    lie anywhere, in any cell.

    Parameters
    ----------
    positions : Tensor
        (N, 3), gradients flow into it.
    cell : Tensor
        (3, 3), one cell vector per row.
    cutoff : float
        In the unit of `positions`.

    Returns
    -------
    tuple of Tensor
        i (E,), ascending; j (E,); vectors (E, 3).
    """
    with torch.no_grad():
        fractional = torch.matmul(positions, torch.linalg.inv(cell))
        images = torch.round(fractional.unsqueeze(0) - fractional.unsqueeze(1))
        delta = positions.unsqueeze(0) - positions.unsqueeze(1) - torch.matmul(images, cell)
        near = delta.square().sum(2) < cutoff * cutoff
        near.fill_diagonal_(False)
        pairs = near.nonzero()
        i, j = pairs[:, 0], pairs[:, 1]
        shifts = torch.matmul(images[i, j], cell)
    return i, j, positions.index_select(0, j) - positions.index_select(0, i) - shifts
