"""3x3 matrices, one per anion, in a few element-wise operations."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

EPSILON = np.linalg.det(np.eye(3)[np.indices((3, 3, 3)).transpose(1, 2, 3, 0)]).round()
"""The symbol of Levi-Civita: ``(a x b)_i = EPSILON[i, j, k] a_j b_k``."""


def solve(matrix: Tensor, right: Tensor) -> Tensor:
    """Solve ``matrix @ x = right`` by Cramer's rule; the cofactors of a row are the product of the other two.

    Parameters
    ----------
    matrix : (3, 3, k) Tensor
        k matrices, none of them singular.
    right : (3, k) Tensor
        Right-hand sides.

    Returns
    -------
    (3, k) Tensor
        x.

    Examples
    --------
    >>> solve(2.0 * torch.eye(3)[:, :, None], torch.ones(3, 1))[:, 0]
    tensor([0.5000, 0.5000, 0.5000])
    """
    cofactors = torch.linalg.cross(matrix.roll(-1, 0), matrix.roll(-2, 0), dim=1)
    determinant = (matrix[0] * cofactors[0]).sum(0)
    return (cofactors * right.unsqueeze(1)).sum(0) / determinant
