"""Triples of atoms, laid out in rows that belong to one central atom and one pair of elements."""

import torch
from torch import Tensor

from openmm_anion.models.grouping import group, rows

WIDTH = 8
"""Triples per row: wider rows leave more places empty, narrower ones are more rows to add up."""


def find_triples(
    elements: Tensor, i: Tensor, j: Tensor, pair_index: Tensor, n_pairs: int, width: int
) -> tuple[Tensor, Tensor, Tensor]:
    """All pairs of pairs with a common central atom.

    Parameters
    ----------
    elements : Tensor
        Index of each atom's element (N,).
    i, j : Tensor
        Pairs in both directions (E,); i is the central atom.
    pair_index : Tensor
        Number of each pair of elements (n_elements, n_elements).
    n_pairs : int
        How many pairs of elements there are.
    width : int
        Triples per row.

    Returns
    -------
    tuple of Tensor
        Both pairs of each triple, row after row (R * width,), E where a place is empty; and the row's
        owner, central atom * n_pairs + pair of elements (R,).
    """
    n_atoms, n_near = elements.shape[0], i.shape[0]
    neighbours = group(i, n_atoms)
    corners = torch.triu_indices(neighbours.shape[1], neighbours.shape[1], 1, device=i.device)
    second = neighbours.index_select(1, corners[1]).view(-1)
    exist = (second < n_near).nonzero().squeeze(1)
    first = neighbours.index_select(1, corners[0]).view(-1).index_select(0, exist)
    second = second.index_select(0, exist)
    kind = elements.index_select(0, j)
    pair = kind.index_select(0, first) * pair_index.shape[0] + kind.index_select(0, second)
    keys = i.index_select(0, first) * n_pairs + pair_index.reshape(-1).index_select(0, pair)
    owner, items = rows(keys, n_atoms * n_pairs, width)
    empty = torch.full((1,), n_near, dtype=torch.long, device=i.device)
    first, second = torch.cat([first, empty]), torch.cat([second, empty])
    return first.index_select(0, items), second.index_select(0, items), owner
