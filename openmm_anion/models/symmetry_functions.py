"""ANI's radial and angular symmetry functions, equal to torchani's in a fraction of the time.

torchani writes one row of features per triple of atoms and adds the rows up with ``index_add``. On a
CPU that scatter, its gradient, and broadcasts over rows of four or eight numbers take most of the
time. Here the exponents are a matrix product with two columns, so that every large loop is
contiguous, and triples with the same central atom and the same two elements lie side by side in
rows of fixed width, so that one batched matrix product multiplies radial with angular factors and
sums them.
"""

import math

import torch
import torchani
from torch import Tensor

from openmm_anion.models.grouping import group, rows

ROW = 8
"""Triples per batched product: wider rows waste more places, narrower ones more calls."""


class SymmetryFunctions(torch.nn.Module):
    r"""Atomic environment vectors of ANI, in torchani's order of features.

    .. math::
        G^R_{i,e,s} = \tfrac14 \sum_{j \in e} e^{-\eta (r_{ij} - s)^2} f(r_{ij}), \qquad
        G^A_{i,ef,st} = 2 \sum_{j \in e, k \in f} e^{-\eta (\frac{r_{ij} + r_{ik}}{2} - s)^2}
            \left(\frac{1 + \cos(\theta_{jik} - t)}{2}\right)^{\zeta} f(r_{ij}) f(r_{ik})

    with :math:`f(r) = e^{1 - 1/(1 - (r/r_c)^2)}` and, as everywhere in ANI, :math:`0.95 \cos\theta`
    for the cosine, which keeps the angle differentiable.

    Parameters
    ----------
    aev : torchani.aev.AEVComputer
        Where cutoffs, shifts and widths are taken from; its cutoff function must be the smooth one.

    Notes
    -----
    J. S. Smith, O. Isayev, A. E. Roitberg, Chem. Sci. 8, 3192 (2017), doi:10.1039/C6SC05720A.
    """

    radial_weight: Tensor
    radial_bias: Tensor
    angular_weight: Tensor
    angular_bias: Tensor
    section_weight: Tensor
    section_bias: Tensor
    pair_index: Tensor

    def __init__(self, aev: torchani.aev.AEVComputer) -> None:
        super().__init__()
        self.row = ROW
        self.n_elements = aev.num_species
        self.n_pairs = aev.num_species_pairs
        self.n_radial = len(aev.radial.shifts)
        self.n_angular = len(aev.angular.shifts)
        self.n_sections = len(aev.angular.sections)
        self.radial_cutoff = float(aev.radial.cutoff)
        self.angular_cutoff = float(aev.angular.cutoff)
        self.radial_eta = float(aev.radial.eta)
        self.angular_eta = float(aev.angular.eta)
        self.zeta = float(aev.angular.zeta)
        # distances are counted from the middle of the shifts, where the squares cancel least
        self.radial_middle = float(aev.radial.shifts.mean())
        self.angular_middle = float(aev.angular.shifts.mean())
        weight, bias = expand_gaussians(aev.radial.shifts - self.radial_middle, self.radial_eta, 0.25)
        self.register_buffer("radial_weight", weight)
        self.register_buffer("radial_bias", bias)
        weight, bias = expand_gaussians(aev.angular.shifts - self.angular_middle, self.angular_eta, 2.0)
        self.register_buffer("angular_weight", weight)
        self.register_buffer("angular_bias", bias)
        sections = aev.angular.sections
        self.register_buffer(
            "section_weight", 0.5 * torch.stack([torch.cos(sections), torch.sin(sections)], dim=1)
        )
        self.register_buffer("section_bias", torch.full((self.n_sections, 1), 0.5))
        self.register_buffer("pair_index", aev.triu_index.clone())

    def forward(self, elements: Tensor, i: Tensor, j: Tensor, vectors: Tensor) -> Tensor:
        """Return the features (N, n_features) of N atoms.

        Parameters
        ----------
        elements : Tensor
            Index of each atom's element (N,).
        i, j : Tensor
            Every pair within the radial cutoff, once (E,).
        vectors : Tensor
            From i to j, angstrom (E, 3).
        """
        distances = torch.linalg.vector_norm(vectors, dim=1)
        radial = self.radial(elements, i, j, distances)
        near = (distances.detach() < self.angular_cutoff).nonzero().squeeze(1)
        i, j, vectors = i.index_select(0, near), j.index_select(0, near), vectors.index_select(0, near)
        angular = self.angular(elements, torch.cat([i, j]), torch.cat([j, i]), torch.cat([vectors, -vectors]))
        return torch.cat([radial, angular], dim=1)

    def radial(self, elements: Tensor, i: Tensor, j: Tensor, distances: Tensor) -> Tensor:
        """Radial features (N, n_elements * n_radial) from every pair once."""
        n_atoms = elements.shape[0]
        r = distances - self.radial_middle
        quadratic = log_cutoff(distances, self.radial_cutoff) - self.radial_eta * r * r
        terms = torch.exp(torch.addmm(self.radial_bias, self.radial_weight, torch.stack([quadratic, r]))).t()
        total = terms.new_zeros((n_atoms * self.n_elements, self.n_radial))
        total = total.index_add(0, i * self.n_elements + elements.index_select(0, j), terms)
        total = total.index_add(0, j * self.n_elements + elements.index_select(0, i), terms)
        return total.view(n_atoms, self.n_elements * self.n_radial)

    def angular(self, elements: Tensor, i: Tensor, j: Tensor, vectors: Tensor) -> Tensor:
        """Angular features (N, n_pairs * n_angular * n_sections) from every pair in both directions."""
        n_atoms = elements.shape[0]
        first, second, owner = self.triples(elements, i, j)
        outside = vectors.new_zeros((1, 3))
        outside[0, 0] = self.angular_cutoff
        vectors = torch.cat([vectors, outside])
        distances = torch.linalg.vector_norm(vectors, dim=1)
        directions = (vectors / distances.unsqueeze(1)).t()
        half = 0.5 * (distances - self.angular_middle)
        pairs = torch.cat([directions, torch.stack([half, log_cutoff(distances, self.angular_cutoff)])])
        a, b = pairs.index_select(1, first), pairs.index_select(1, second)
        cos = 0.95 * (a[:3] * b[:3]).sum(0)
        sin = torch.sqrt(1.0 - cos * cos)
        both = a[3:] + b[3:]
        r = both[0]
        quadratic = both[1] - self.angular_eta * r * r
        shells = torch.exp(torch.addmm(self.angular_bias, self.angular_weight, torch.stack([quadratic, r])))
        angles = torch.addmm(self.section_bias, self.section_weight, torch.stack([cos, sin])).pow(self.zeta)
        terms = torch.bmm(
            shells.view(self.n_angular, -1, self.row).permute(1, 0, 2),
            angles.view(self.n_sections, -1, self.row).permute(1, 2, 0),
        )
        n_features = self.n_angular * self.n_sections
        total = terms.new_zeros((n_atoms * self.n_pairs, n_features))
        return total.index_add(0, owner, terms.view(-1, n_features)).view(n_atoms, self.n_pairs * n_features)

    def triples(self, elements: Tensor, i: Tensor, j: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Two pairs of each triple in rows (R * row,), and atom and element pair each row belongs to (R,)."""
        n_atoms, n_near = elements.shape[0], i.shape[0]
        neighbours = group(i, n_atoms)
        corners = torch.triu_indices(neighbours.shape[1], neighbours.shape[1], 1, device=i.device)
        second = neighbours.index_select(1, corners[1]).view(-1)
        exist = (second < n_near).nonzero().squeeze(1)
        first = neighbours.index_select(1, corners[0]).view(-1).index_select(0, exist)
        second = second.index_select(0, exist)
        kind = elements.index_select(0, j)
        pair = kind.index_select(0, first) * self.n_elements + kind.index_select(0, second)
        keys = i.index_select(0, first) * self.n_pairs + self.pair_index.view(-1).index_select(0, pair)
        owner, items = rows(keys, n_atoms * self.n_pairs, self.row)
        absent = torch.full((1,), n_near, dtype=torch.long, device=i.device)
        first, second = torch.cat([first, absent]), torch.cat([second, absent])
        return first.index_select(0, items), second.index_select(0, items), owner


def expand_gaussians(shifts: Tensor, eta: float, factor: float) -> tuple[Tensor, Tensor]:
    """Weights (F, 2) of (-eta r^2, r) and bias (F, 1) that make factor * exp(-eta (r - s)^2) one exponent."""
    weight = torch.stack([torch.ones_like(shifts), 2.0 * eta * shifts], dim=1)
    return weight, (math.log(factor) - eta * shifts**2).unsqueeze(1)


def log_cutoff(r: Tensor, cutoff: float) -> Tensor:
    """Logarithm of the smooth cutoff, 1 - 1 / (1 - (r/rc)^2); -79 (zero in float32) outside."""
    x = r / cutoff
    return 1.0 - 1.0 / (1.0 - x * x).clamp(min=0.0125)
