"""ANI's symmetry functions and their gradient, equal to torchani's in a fraction of the time.

torchani writes one row of features per triple of atoms, adds the rows up with ``index_add``, and
leaves the gradient to autograd. On a CPU that scatter, broadcasts over rows of four or eight numbers
and the bookkeeping of autograd take most of the time. Here the features run along the first axis and
pairs or triples along the last, so that every large loop is long and contiguous; exponents are matrix
products with two columns; triples with the same central atom and the same two elements fill rows of
fixed width, which one matrix-vector product sums; and the gradient is written out. Being linear in
dE/dfeatures, it also makes training on forces cheap: autograd follows the networks alone.
"""

import math
from typing import NamedTuple

import torch
import torchani
from torch import Tensor

from openmm_anion.models.triples import WIDTH, find_triples


class RadialTerms(NamedTuple):
    """What the gradient of the radial features needs again."""

    key_i: Tensor
    key_j: Tensor
    terms: Tensor
    r: Tensor
    slope: Tensor


class AngularTerms(NamedTuple):
    """What the gradient of the angular features needs again."""

    near: Tensor
    owner: Tensor
    first: Tensor
    second: Tensor
    a: Tensor
    b: Tensor
    cos: Tensor
    sin: Tensor
    r: Tensor
    shells: Tensor
    angles: Tensor
    slopes: Tensor
    directions: Tensor
    distances: Tensor
    log_slope: Tensor


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
    shell_weight: Tensor
    shell_bias: Tensor
    section_weight: Tensor
    section_bias: Tensor
    pair_index: Tensor
    ones: Tensor

    def __init__(self, aev: torchani.aev.AEVComputer) -> None:
        super().__init__()
        self.n_elements = aev.num_species
        self.n_pairs = aev.num_species_pairs
        self.n_radial = len(aev.radial.shifts)
        self.n_shells = len(aev.angular.shifts)
        self.n_sections = len(aev.angular.sections)
        self.n_angular = self.n_shells * self.n_sections
        self.width = WIDTH
        self.radial_cutoff = float(aev.radial.cutoff)
        self.angular_cutoff = float(aev.angular.cutoff)
        self.radial_eta = float(aev.radial.eta)
        self.shell_eta = float(aev.angular.eta)
        self.zeta = float(aev.angular.zeta)
        # how often to square, where zeta is a power of two
        self.squarings = int(math.log2(self.zeta)) if math.log2(self.zeta).is_integer() else 0
        # distances are counted from the middle of the shifts, where the squares cancel least
        self.radial_middle = float(aev.radial.shifts.mean())
        self.shell_middle = float(aev.angular.shifts.mean())
        weight, bias = expand_gaussians(aev.radial.shifts - self.radial_middle, self.radial_eta, 0.25)
        self.register_buffer("radial_weight", weight)
        self.register_buffer("radial_bias", bias)
        weight, bias = expand_gaussians(aev.angular.shifts - self.shell_middle, self.shell_eta, 2.0)
        self.register_buffer("shell_weight", weight)
        self.register_buffer("shell_bias", bias)
        sections = aev.angular.sections
        weight = 0.5 * torch.stack([torch.cos(sections), torch.sin(sections)], dim=1)
        self.register_buffer("section_weight", weight)
        self.register_buffer("section_bias", torch.full((self.n_sections, 1), 0.5))
        self.register_buffer("pair_index", aev.triu_index.clone())
        self.register_buffer("ones", torch.ones(WIDTH, 1))

    def forward(
        self, elements: Tensor, i: Tensor, j: Tensor, vectors: Tensor
    ) -> tuple[Tensor, RadialTerms, AngularTerms]:
        """Features (N, n_features) of N atoms, and what `gradient` needs.

        Parameters
        ----------
        elements : Tensor
            Index of each atom's element (N,).
        i, j : Tensor
            Every pair within the radial cutoff, once (E,).
        vectors : Tensor
            From i to j, angstrom (E, 3).

        Returns
        -------
        features : Tensor
            (N, n_features), radial ones first.
        radial, angular : RadialTerms, AngularTerms
            For `gradient`.
        """
        distances = torch.linalg.vector_norm(vectors, dim=1)
        radial, radial_terms = self.radial(elements, i, j, distances)
        near = (distances < self.angular_cutoff).nonzero().squeeze(1)
        angular, angular_terms = self.angular(
            elements, i.index_select(0, near), j.index_select(0, near), vectors.index_select(0, near), near
        )
        return torch.cat([radial, angular], dim=1), radial_terms, angular_terms

    def gradient(self, outer: Tensor, vectors: Tensor, radial: RadialTerms, angular: AngularTerms) -> Tensor:
        """dE/dvectors (E, 3) from dE/dfeatures `outer` (N, n_features), in which it is linear.

        Parameters
        ----------
        outer : Tensor
            dE/dfeatures (N, n_features).
        vectors : Tensor
            As `forward` took them, angstrom (E, 3).
        radial, angular : RadialTerms, AngularTerms
            From `forward`.

        Returns
        -------
        Tensor
            dE/dvectors (E, 3), per angstrom.
        """
        split = self.n_elements * self.n_radial
        by_distance = self.radial_gradient(outer[:, :split], radial)
        by_vector = self.angular_gradient(outer[:, split:], angular)
        distances = radial.r + self.radial_middle
        gradient = vectors * (by_distance / distances).unsqueeze(1)
        return gradient.index_add(0, angular.near, by_vector)

    def radial(self, elements: Tensor, i: Tensor, j: Tensor, distances: Tensor) -> tuple[Tensor, RadialTerms]:
        """Radial features (N, n_elements * n_radial).

        Parameters
        ----------
        elements : Tensor
            Index of each atom's element (N,).
        i, j : Tensor
            Every pair within the radial cutoff, once (E,).
        distances : Tensor
            Between them, angstrom (E,).

        Returns
        -------
        features : Tensor
            (N, n_elements * n_radial).
        terms : RadialTerms
            For `radial_gradient`.
        """
        n_atoms = elements.shape[0]
        r = distances - self.radial_middle
        log_cutoff, slope = self.log_cutoff(distances, self.radial_cutoff)
        exponents = torch.stack([log_cutoff - self.radial_eta * r * r, r])
        terms = torch.exp(torch.addmm(self.radial_bias, self.radial_weight, exponents))
        key_i = i * self.n_elements + elements.index_select(0, j)
        key_j = j * self.n_elements + elements.index_select(0, i)
        total = terms.new_zeros((n_atoms * self.n_elements, self.n_radial))
        rows = terms.t().contiguous()
        total = total.index_add(0, key_i, rows).index_add(0, key_j, rows)
        return total.view(n_atoms, -1), RadialTerms(key_i, key_j, terms, r, slope)

    def radial_gradient(self, outer: Tensor, of: RadialTerms) -> Tensor:
        """dE/ddistances (E,) of the radial features.

        Parameters
        ----------
        outer : Tensor
            dE/dfeatures (N, n_elements * n_radial).
        of : RadialTerms
            From `radial`.

        Returns
        -------
        Tensor
            (E,), per angstrom.
        """
        outer = outer.reshape(-1, self.n_radial)
        rows = outer.index_select(0, of.key_i) + outer.index_select(0, of.key_j)
        exponents = torch.mm(self.radial_weight.t(), rows.t() * of.terms)
        return exponents[0] * (of.slope - (2.0 * self.radial_eta) * of.r) + exponents[1]

    def angular(
        self, elements: Tensor, i: Tensor, j: Tensor, vectors: Tensor, near: Tensor
    ) -> tuple[Tensor, AngularTerms]:
        """Angular features (N, n_pairs * n_shells * n_sections) from the pairs inside the angular cutoff.

        Parameters
        ----------
        elements : Tensor
            Index of each atom's element (N,).
        i, j : Tensor
            Every pair within the angular cutoff, once (M,).
        vectors : Tensor
            From i to j, angstrom (M, 3).
        near : Tensor
            Number of each of these pairs among all (M,).

        Returns
        -------
        features : Tensor
            (N, n_pairs * n_shells * n_sections).
        terms : AngularTerms
            For `angular_gradient`.
        """
        n_atoms = elements.shape[0]
        i, j, vectors = torch.cat([i, j]), torch.cat([j, i]), torch.cat([vectors, -vectors])
        first, second, owner = find_triples(elements, i, j, self.pair_index, self.n_pairs, self.width)
        # the pair that fills up rows lies at the cutoff, where it counts nothing
        filler = vectors.new_zeros((1, 3))
        filler[0, 0] = self.angular_cutoff
        vectors = torch.cat([vectors, filler]).t().contiguous()
        distances = vectors.square().sum(0).sqrt()
        log_cutoff, log_slope = self.log_cutoff(distances, self.angular_cutoff)
        directions = vectors / distances
        half = 0.5 * (distances - self.shell_middle)
        pairs = torch.cat([directions, torch.stack([half, log_cutoff])])
        a, b = pairs.index_select(1, first), pairs.index_select(1, second)
        cos = (0.95 * (a[:3] * b[:3]).sum(0)).clamp(-0.95, 0.95)
        sin = torch.sqrt(1.0 - cos * cos)
        r = a[3] + b[3]
        exponents = torch.stack([a[4] + b[4] - self.shell_eta * r * r, r])
        shells = torch.exp(torch.addmm(self.shell_bias, self.shell_weight, exponents))
        bases = torch.addmm(self.section_bias, self.section_weight, torch.stack([cos, sin]))
        angles = self.power(bases)
        # shell by shell: what one shell needs stays in the cache
        sums: list[Tensor] = []
        for shell in shells.unbind(0):
            sums.append(torch.mm((angles * shell).view(-1, self.width), self.ones))
        rows = torch.cat(sums).view(self.n_angular, -1).t().contiguous()
        total = rows.new_zeros((n_atoms * self.n_pairs, self.n_angular)).index_add(0, owner, rows)
        slopes = angles / bases * self.zeta
        return total.view(n_atoms, -1), AngularTerms(
            near,
            owner,
            first,
            second,
            a,
            b,
            cos,
            sin,
            r,
            shells,
            angles,
            slopes,
            directions,
            distances,
            log_slope,
        )

    def angular_gradient(self, outer: Tensor, of: AngularTerms) -> Tensor:
        """dE/dvectors of the angular features, for the pairs inside the angular cutoff, each once.

        Parameters
        ----------
        outer : Tensor
            dE/dfeatures (N, n_pairs * n_shells * n_sections).
        of : AngularTerms
            From `angular`.

        Returns
        -------
        Tensor
            (M, 3), per angstrom.
        """
        rows = outer.reshape(-1, self.n_angular).index_select(0, of.owner).t().reshape(self.n_shells, -1, 1)
        by_shells: list[Tensor] = []
        by_angle = torch.zeros_like(of.angles)
        for k in range(self.n_shells):
            spread = torch.mm(rows[k], self.ones.t()).view(self.n_sections, -1)
            by_shells.append((spread * of.angles).sum(0))
            by_angle = torch.addcmul(by_angle, spread, of.shells[k])
        exponents = torch.mm(self.shell_weight.t(), torch.stack(by_shells) * of.shells)
        turns = torch.mm(self.section_weight.t(), by_angle * of.slopes)
        by_cos = 0.95 * (turns[0] - turns[1] * (of.cos / of.sin))
        by_r = exponents[1] - (2.0 * self.shell_eta) * of.r * exponents[0]
        same = torch.stack([0.5 * by_r, exponents[0]])
        by_pair = outer.new_zeros((5, of.distances.shape[0]))
        by_pair = by_pair.index_add(1, of.first, torch.cat([by_cos * of.b[:3], same]))
        by_pair = by_pair.index_add(1, of.second, torch.cat([by_cos * of.a[:3], same]))
        turn = by_pair[:3]
        along = by_pair[3] + by_pair[4] * of.log_slope
        across = (turn - of.directions * (turn * of.directions).sum(0)) / of.distances
        by_vector = (across + of.directions * along).t()
        n_near = of.near.shape[0]
        return by_vector[:n_near] - by_vector[n_near : 2 * n_near]

    def power(self, x: Tensor) -> Tensor:
        """Raise x to the power of zeta, by squaring where that is enough.

        Parameters
        ----------
        x : Tensor
            Above zero, any shape.

        Returns
        -------
        Tensor
            Of the same shape.
        """
        if self.squarings == 0:
            return x.pow(self.zeta)
        for _ in range(self.squarings):
            x = x * x
        return x

    def log_cutoff(self, r: Tensor, cutoff: float) -> tuple[Tensor, Tensor]:
        """Logarithm of the smooth cutoff, 1 - 1 / (1 - (r/rc)^2), and its slope.

        From where f is under 5e-35 it stays there: zero in single precision, and no denormal numbers.

        Parameters
        ----------
        r : Tensor
            Distances, angstrom, any shape.
        cutoff : float
            rc, angstrom.

        Returns
        -------
        logarithm, slope : Tensor
            Of the shape of `r`; the slope per angstrom.
        """
        x = r * (1.0 / cutoff)
        inverse = 1.0 / (1.0 - x * x).clamp(min=0.0125)
        return 1.0 - inverse, (-2.0 / cutoff) * x * inverse * inverse * (inverse < 80.0)


def expand_gaussians(shifts: Tensor, eta: float, factor: float) -> tuple[Tensor, Tensor]:
    """Weights (F, 2) of (-eta r^2, r) and bias (F, 1) that make factor * exp(-eta (r - s)^2) one exponent.

    Parameters
    ----------
    shifts : Tensor
        s of each feature, angstrom (F,).
    eta : float
        angstrom^-2.
    factor : float
        Above zero.

    Returns
    -------
    weight, bias : Tensor
        (F, 2) and (F, 1).

    Examples
    --------
    >>> expand_gaussians(torch.tensor([1.0]), 2.0, 1.0)
    (tensor([[1., 4.]]), tensor([[-2.]]))
    """
    weight = torch.stack([torch.ones_like(shifts), 2.0 * eta * shifts], dim=1)
    return weight, (math.log(factor) - eta * shifts**2).unsqueeze(1)
