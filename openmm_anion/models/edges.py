"""Every edge of the graph of a periodic structure, found inside a TorchScript module."""

import torch
import vesin_torch
from torch import Tensor


class PeriodicEdges(torch.nn.Module):
    """All pairs i, j nearer than a cutoff, in both directions and through every image, in any cell.

    Cells may be smaller than the cutoff: an atom then is a neighbour of its own images. The search is that of
    vesin [1]_, a cell list on the CPU and on CUDA. Edges are sorted by i, so that sums over them always run
    in the same order.

    Parameters
    ----------
    cutoff : float
        In the unit of the positions.

    References
    ----------
    .. [1] https://luthaf.fr/vesin

    Examples
    --------
    >>> one, cell = torch.zeros(1, 3, dtype=torch.float64), torch.eye(3, dtype=torch.float64)
    >>> pairs, shifts = torch.jit.script(PeriodicEdges(1.1))(one, cell)
    >>> pairs.shape, shifts.shape
    (torch.Size([2, 6]), torch.Size([6, 3]))
    """

    def __init__(self, cutoff: float) -> None:
        super().__init__()
        # one thread: a search takes a millisecond, and runs of a study already fill the cores
        self.search = vesin_torch.NeighborList(cutoff=cutoff, full_list=True, sorted=True, n_threads=1)

    def forward(self, positions: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """Pairs (2, E) and shifts (E, 3), such that the vector of an edge is r_j - r_i + shift @ cell.

        Parameters
        ----------
        positions, cell : Tensor
            (N, 3) and (3, 3), double precision, in the unit of the cutoff.

        Returns
        -------
        pairs, shifts : Tensor
            (2, E) of int64, and (E, 3) whole numbers in double precision.
        """
        found = self.search.compute(positions, cell, True, "PS")
        return found[0].t().contiguous(), found[1].to(positions.dtype)
