"""3x3 systems of linear equations, one per anion, in a few element-wise operations."""

from __future__ import annotations

from torch import Tensor

WRAPPED = [3 * (i % 3) + j % 3 for i in range(5) for j in range(5)]
"""The elements of a 3x3 matrix repeated to 5x5, so that every cofactor is one 2x2 block."""


def solve(wrapped: Tensor, right: Tensor) -> Tensor:
    """Solve ``matrix @ x = right`` by Cramer's rule.

    Parameters
    ----------
    wrapped : (5, 5, k) Tensor
        Elements `WRAPPED` of k matrices, none of them singular.
    right : (3, k) Tensor
        Right-hand sides.
    """
    lower, upper = wrapped[1:4], wrapped[2:5]
    cofactors = lower[:, 1:4] * upper[:, 2:5] - lower[:, 2:5] * upper[:, 1:4]
    determinant = (wrapped[0, :3] * cofactors[0]).sum(0)
    return (cofactors * right.unsqueeze(1)).sum(0) / determinant
