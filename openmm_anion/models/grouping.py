"""Lay items that belong together side by side, so that one batched product can sum them."""

import torch
from torch import Tensor


def group(keys: Tensor, n_groups: int) -> Tensor:
    """Table of the items in each group: row g lists where g is in `keys`, padded with len(keys).

    Parameters
    ----------
    keys : Tensor
        Integers (M,) in [0, n_groups).
    n_groups : int
        Number of rows.

    Returns
    -------
    Tensor
        (n_groups, size of the largest group), at least one column.

    Examples
    --------
    >>> group(torch.tensor([1, 0, 1]), 3)
    tensor([[1, 3],
            [0, 2],
            [3, 3]])
    """
    counts = torch.bincount(keys, minlength=n_groups)
    width = max(1, int(counts.max()))
    return fill(keys, counts, torch.ones_like(counts), width).view(n_groups, width)


def rows(keys: Tensor, n_groups: int, width: int) -> tuple[Tensor, Tensor]:
    """As `group`, in rows of fixed width: a group takes as many rows as it needs, an empty one none.

    Parameters
    ----------
    keys : Tensor
        Group of each item (M,), from 0.
    n_groups : int
        How many groups there are.
    width : int
        Places in a row.

    Returns
    -------
    tuple of Tensor
        The group of each row (R,), and the items (R * width,), padded with len(keys).

    Examples
    --------
    >>> rows(torch.tensor([2, 0, 2, 2]), 3, 2)
    (tensor([0, 2, 2]), tensor([1, 4, 0, 2, 3, 4]))
    """
    counts = torch.bincount(keys, minlength=n_groups)
    needed = (counts + (width - 1)).div(width, rounding_mode="floor")
    return torch.repeat_interleave(needed), fill(keys, counts, needed, width)


def fill(keys: Tensor, counts: Tensor, needed: Tensor, width: int) -> Tensor:
    """Put each item into the next free place of its group, which owns `needed` rows of `width` places.

    Parameters
    ----------
    keys : Tensor
        Group of each item (M,).
    counts : Tensor
        Items of each group (n_groups,).
    needed : Tensor
        Rows of each group (n_groups,), enough for its items.
    width : int
        Places in a row.

    Returns
    -------
    Tensor
        The item in each place, row by row; M where there is none.

    Examples
    --------
    >>> fill(torch.tensor([1, 0, 1]), torch.tensor([1, 2]), torch.tensor([1, 1]), 2)
    tensor([1, 3, 0, 2])
    """
    ordered, order = torch.sort(keys, stable=True)
    start = (needed.cumsum(0) - needed) * width - (counts.cumsum(0) - counts)
    places = start.index_select(0, ordered) + torch.arange(keys.shape[0], device=keys.device)
    table = torch.full((int(needed.sum()) * width,), keys.shape[0], dtype=torch.long, device=keys.device)
    return table.scatter_(0, places, order)
