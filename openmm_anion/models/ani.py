"""The ANI architecture: built and shaped by torchani, evaluated on pairs of any origin."""

from typing import Annotated, Any, cast

import torch
import torchani
from ase.data import atomic_numbers
from pydantic import Field, field_validator, model_validator
from torch import Tensor

from openmm_anion.configuration import Section
from openmm_anion.models.network import Network
from openmm_anion.models.symmetry_functions import SymmetryFunctions


class AniConfig(Section):
    """Everything that fixes the shape of an ANI model; lengths in angstrom as in torchani.

    Examples
    --------
    >>> AniConfig(elements=("Na", "P", "S")).radial_cutoff
    5.2
    """

    elements: tuple[str, ...] = Field(min_length=1)
    radial_start: float = Field(1.7, gt=0)
    radial_cutoff: float = Field(5.2, gt=0, le=20)
    radial_shifts: int = Field(16, ge=1, le=256)
    radial_precision: float = Field(16.0, gt=0)
    angular_start: float = Field(1.7, gt=0)
    angular_cutoff: float = Field(4.2, gt=0)
    angular_shifts: int = Field(6, ge=1, le=256)
    angular_sections: int = Field(4, ge=1, le=256)
    angular_precision: float = Field(6.0, gt=0)
    angular_zeta: float = Field(16.0, gt=0)
    hidden: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field((96, 64), min_length=1)

    @field_validator("elements")
    @classmethod
    def _each_element_once(cls, elements: tuple[str, ...]) -> tuple[str, ...]:
        for symbol in elements:
            if not atomic_numbers.get(symbol):
                raise ValueError(f"{symbol!r} is no chemical symbol")
            if elements.count(symbol) > 1:
                raise ValueError(f"{symbol} stands twice")
        return elements

    @model_validator(mode="after")
    def _within_one_another(self) -> "AniConfig":
        if self.angular_cutoff > self.radial_cutoff:
            raise ValueError("angular_cutoff must not be larger than radial_cutoff")
        for kind in ("radial", "angular"):
            if getattr(self, f"{kind}_start") >= getattr(self, f"{kind}_cutoff"):
                raise ValueError(f"{kind}_start must be smaller than {kind}_cutoff")
        return self


def build_torchani(config: AniConfig) -> torchani.arch.ANI:
    """Assemble the model with torchani itself, with random weights.

    Parameters
    ----------
    config : AniConfig
        Elements, cutoffs, number of symmetry functions, sizes of the networks.

    Returns
    -------
    torchani.arch.ANI
        Symmetry functions and networks are in its ``potentials["nnp"]``; energies are taken as eV.

    Notes
    -----
    J. S. Smith, O. Isayev, A. E. Roitberg, Chem. Sci. 8, 3192 (2017), doi:10.1039/C6SC05720A;
    X. Gao et al., J. Chem. Inf. Model. 60, 3408 (2020), doi:10.1021/acs.jcim.0c00451.
    """
    assembler = torchani.arch.Assembler(periodic_table_index=False)
    assembler.set_symbols(config.elements)
    assembler.set_global_cutoff_fn("smooth")
    assembler.set_aev_computer(
        radial=torchani.aev.ANIRadial.cover_linearly(
            start=config.radial_start,
            cutoff=config.radial_cutoff,
            eta=config.radial_precision,
            num_shifts=config.radial_shifts,
        ),
        angular=torchani.aev.ANIAngular.cover_linearly(
            start=config.angular_start,
            cutoff=config.angular_cutoff,
            eta=config.angular_precision,
            zeta=config.angular_zeta,
            num_shifts=config.angular_shifts,
            num_sections=config.angular_sections,
        ),
        strategy="pyaev",
    )
    assembler.set_atomic_networks(
        cls=torchani.nn.ANINetworks,
        ctor="build",
        kwargs={"dims": {}, "default_dims": config.hidden, "bias": True, "activation": "gelu"},
    )
    assembler.set_neighborlist("all_pairs")
    assembler.set_zeros_as_self_energies()
    model: torchani.arch.ANI = assembler.assemble()
    return model


class AniEnergy(torch.nn.Module):
    """Energy of each atom from the pairs within the cutoff, eV, with the networks of a torchani model.

    Parameters
    ----------
    model : torchani.arch.ANI
        As from `build_torchani`; its networks are shared, not copied.

    Attributes
    ----------
    reference : Tensor
        Energy of a lone atom of each element, eV, added to what the network gives.
    mean, scale : Tensor
        Per element, the features enter its network as (features - mean) / scale; see `fold`.
    """

    reference: Tensor
    mean: Tensor
    scale: Tensor

    def __init__(self, model: torchani.arch.ANI) -> None:
        super().__init__()
        nnp = model.potentials["nnp"]
        self.features = SymmetryFunctions(nnp.aev_computer)
        self.networks = torch.nn.ModuleList([Network(nnp.neural_networks.atomics[s]) for s in model.symbols])
        n_elements, n_features = len(self.networks), nnp.aev_computer.out_dim
        self.register_buffer("reference", torch.zeros(n_elements, dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(n_elements, n_features))
        self.register_buffer("scale", torch.ones(n_elements, n_features))

    def forward(self, elements: Tensor, i: Tensor, j: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Return the energy of each atom, in double precision, and the gradient dE/dvectors.

        Both are differentiable in the weights, neither in `vectors`.

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
        energies, gradient : Tensor
            (N,) in eV, and (E, 3) in eV/angstrom.
        """
        with torch.no_grad():
            vectors = vectors.to(self.mean.dtype)
            features, radial, angular = self.features(elements, i, j, vectors)
        energies = self.reference.index_select(0, elements)
        slopes = torch.zeros_like(features)
        for k, network in enumerate(self.networks):
            members = (elements == k).nonzero().squeeze(1)
            scaled = (features.index_select(0, members) - self.mean[k]) / self.scale[k]
            energy, slope = network(scaled)
            energies = energies.index_add(0, members, energy.to(energies.dtype))
            slopes = slopes.index_add(0, members, slope / self.scale[k])
        return energies, self.features.gradient(slopes, vectors, radial, angular)

    def fold(self) -> None:
        """Move mean and scale into the first layers: the networks are then torchani's, on bare features."""
        with torch.no_grad():
            for k, network in enumerate(self.networks):
                first = cast(Any, network).layers[0]
                weight = first.weight.double() / self.scale[k].double()
                first.bias.sub_((weight @ self.mean[k].double()).to(first.bias.dtype))
                first.weight.copy_(weight)
            self.mean.zero_()
            self.scale.fill_(1.0)
