"""ANI's radial and angular symmetry functions, equal to torchani's, summed by batched products.

torchani evaluates one row of features per triple and adds the rows up with ``index_add``; on a CPU
that scatter and its gradient take most of the time. Here the pairs (triples) that share a central
atom and a neighbour element (element pair) are laid side by side, padded to the longest, and one
batched matrix product multiplies the radial with the angular factors and sums.
"""

import torch
import torchani
from torch import Tensor


def group(keys: Tensor, n_groups: int) -> Tensor:
    """Table of the items in each group: row g lists the positions of g in `keys`, padded with len(keys).

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
    keys, order = torch.sort(keys, stable=True)
    counts = torch.bincount(keys, minlength=n_groups)
    width = max(1, int(counts.max()))
    rank = torch.arange(keys.shape[0], device=keys.device) - (counts.cumsum(0) - counts).index_select(0, keys)
    table = torch.full((n_groups * width,), keys.shape[0], dtype=torch.long, device=keys.device)
    table[keys * width + rank] = order
    return table.view(n_groups, width)


class SymmetryFunctions(torch.nn.Module):
    """Atomic environment vectors of ANI for a list of pairs, in torchani's order of features.

    Parameters
    ----------
    aev : torchani.aev.AEVComputer
        Where cutoffs, shifts and widths are taken from (smooth cutoff function).
    """

    radial_shifts: Tensor
    angular_shifts: Tensor
    cos_sections: Tensor
    sin_sections: Tensor
    pair_index: Tensor

    def __init__(self, aev: torchani.aev.AEVComputer) -> None:
        super().__init__()
        self.n_elements = aev.num_species
        self.n_pairs = aev.num_species_pairs
        self.radial_cutoff = float(aev.radial.cutoff)
        self.angular_cutoff = float(aev.angular.cutoff)
        self.radial_eta = float(aev.radial.eta)
        self.angular_eta = float(aev.angular.eta)
        self.zeta = float(aev.angular.zeta)
        self.register_buffer("radial_shifts", aev.radial.shifts.view(-1, 1, 1).clone())
        self.register_buffer("angular_shifts", aev.angular.shifts.view(-1, 1, 1).clone())
        self.register_buffer("cos_sections", torch.cos(aev.angular.sections).view(-1, 1, 1))
        self.register_buffer("sin_sections", torch.sin(aev.angular.sections).view(-1, 1, 1))
        self.register_buffer("pair_index", aev.triu_index.clone())

    def forward(self, elements: Tensor, i: Tensor, j: Tensor, vectors: Tensor) -> Tensor:
        """Return the features (N, n_features) of N atoms.

        Parameters
        ----------
        elements : Tensor
            Index of each atom's element (N,).
        i, j : Tensor
            Every ordered pair within the radial cutoff (E,).
        vectors : Tensor
            From i to j, angstrom (E, 3).
        """
        near, radial = self.radial(elements, i, j, vectors)
        angular = self.angular(elements, i.index_select(0, near), j.index_select(0, near), vectors.index_select(0, near))
        return torch.cat([radial, angular], dim=1)

    def radial(self, elements: Tensor, i: Tensor, j: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Pairs inside the angular cutoff, and the features sum_j exp(-eta (r - s)^2) fc(r) / 4."""
        n_atoms = elements.shape[0]
        distances = torch.linalg.vector_norm(vectors, dim=1)
        with torch.no_grad():
            table = group(i * self.n_elements + elements.index_select(0, j), n_atoms * self.n_elements)
            near = (distances < self.angular_cutoff).nonzero().squeeze(1)
        outside = distances.new_full((1,), self.radial_cutoff)
        r = torch.cat([distances, outside]).index_select(0, table.view(-1)).view(table.shape)
        gauss = torch.exp((r.unsqueeze(0) - self.radial_shifts).square() * (-self.radial_eta))
        weight = 0.25 * self.smooth_cutoff(r, self.radial_cutoff)
        features = torch.bmm(gauss.permute(1, 0, 2), weight.unsqueeze(2))
        return near, features.reshape(n_atoms, -1)

    def angular(self, elements: Tensor, i: Tensor, j: Tensor, vectors: Tensor) -> Tensor:
        """The features sum_jk 2 ((1 + cos(theta - t)) / 2)^zeta exp(-eta ((r_j + r_k)/2 - s)^2) fc fc."""
        n_atoms = elements.shape[0]
        with torch.no_grad():
            first, second, table = self.triples(elements, i, j)
        outside = vectors.new_zeros((1, 3))
        outside[0, 0] = self.angular_cutoff
        vectors = torch.cat([vectors, outside])
        distances = torch.linalg.vector_norm(vectors, dim=1)
        cutoffs = self.smooth_cutoff(distances, self.angular_cutoff)
        unit = (vectors / distances.unsqueeze(1)).t()
        a, b = first.index_select(0, table.view(-1)), second.index_select(0, table.view(-1))
        # the 0.95 is ANI's own: it keeps arccos differentiable
        cos = 0.95 * (unit.index_select(1, a) * unit.index_select(1, b)).sum(0).view(table.shape)
        sin = torch.sqrt(1.0 - cos.square())
        mean = (0.5 * (distances.index_select(0, a) + distances.index_select(0, b))).view(table.shape)
        weight = (2.0 * cutoffs.index_select(0, a) * cutoffs.index_select(0, b)).view(table.shape)
        shape = torch.exp((mean.unsqueeze(0) - self.angular_shifts).square() * (-self.angular_eta)) * weight
        angle = (0.5 + (0.5 * self.cos_sections) * cos + (0.5 * self.sin_sections) * sin).pow(self.zeta)
        features = torch.bmm(shape.permute(1, 0, 2), angle.permute(1, 2, 0))
        return features.reshape(n_atoms, -1)

    def triples(self, elements: Tensor, i: Tensor, j: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Pairs of pairs with a common central atom, and their table by central atom and element pair."""
        n_atoms = elements.shape[0]
        neighbours = group(i, n_atoms)
        corners = torch.triu_indices(neighbours.shape[1], neighbours.shape[1], 1, device=i.device)
        second = neighbours.index_select(1, corners[1])
        exist = (second.view(-1) < i.shape[0]).nonzero().squeeze(1)
        first = neighbours.index_select(1, corners[0]).view(-1).index_select(0, exist)
        second = second.view(-1).index_select(0, exist)
        kind = elements.index_select(0, j)
        pair = self.pair_index[kind.index_select(0, first), kind.index_select(0, second)]
        table = group(i.index_select(0, first) * self.n_pairs + pair, n_atoms * self.n_pairs)
        dummy = torch.full((1,), i.shape[0], dtype=torch.long, device=i.device)
        return torch.cat([first, dummy]), torch.cat([second, dummy]), table

    def smooth_cutoff(self, r: Tensor, cutoff: float) -> Tensor:
        """exp(1 - 1 / (1 - (r/rc)^2)), zero at and beyond the cutoff."""
        return torch.exp(1.0 - 1.0 / (1.0 - (r / cutoff).square()).clamp(min=1e-10))
