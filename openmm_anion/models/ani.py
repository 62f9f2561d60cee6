"""The ANI architecture of torchani, evaluated with fewer and cheaper operations."""

import dataclasses

import torch
import torchani
from torch import Tensor

from openmm_anion.models.symmetry_functions import SymmetryFunctions


@dataclasses.dataclass(frozen=True)
class AniConfig:
    """Everything that fixes the shape of an ANI model; lengths in angstrom as in torchani.

    Examples
    --------
    >>> AniConfig(elements=("Na", "P", "S")).radial_cutoff
    6.0
    """

    elements: tuple[str, ...]
    radial_start: float = 1.7
    radial_cutoff: float = 6.0
    radial_shifts: int = 16
    radial_precision: float = 16.0
    angular_start: float = 1.7
    angular_cutoff: float = 4.2
    angular_shifts: int = 6
    angular_sections: int = 4
    angular_precision: float = 6.0
    angular_zeta: float = 16.0
    hidden: tuple[int, ...] = (96, 64)


def build_torchani(config: AniConfig) -> torchani.arch.ANI:
    """Assemble the model with torchani itself (random weights, energies taken as eV).

    Parameters
    ----------
    config : AniConfig
        Elements, cutoffs, number of symmetry functions, sizes of the networks.

    Returns
    -------
    torchani.arch.ANI
        A model whose ``potentials["nnp"]`` holds the symmetry functions and networks.

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
    """Energy of each atom from a list of pairs, eV, with the weights of a torchani model.

    Parameters
    ----------
    model : torchani.arch.ANI
        As from `build_torchani`; its networks are shared, not copied.
    """

    reference: Tensor
    mean: Tensor
    scale: Tensor

    def __init__(self, model: torchani.arch.ANI) -> None:
        super().__init__()
        nnp = model.potentials["nnp"]
        self.features = SymmetryFunctions(nnp.aev_computer)
        self.networks = torch.nn.ModuleList([nnp.neural_networks.atomics[s] for s in model.symbols])
        n_elements, n_features = len(self.networks), nnp.aev_computer.out_dim
        self.register_buffer("reference", torch.zeros(n_elements, dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(n_elements, n_features))
        self.register_buffer("scale", torch.ones(n_elements, n_features))

    def forward(self, elements: Tensor, i: Tensor, j: Tensor, vectors: Tensor) -> Tensor:
        """Return the energy of each atom (N,), eV, in the dtype of `vectors`.

        Parameters
        ----------
        elements : Tensor
            Index of each atom's element (N,).
        i, j : Tensor
            Every ordered pair within the radial cutoff (E,).
        vectors : Tensor
            From i to j, angstrom (E, 3).
        """
        features = self.features(elements, i, j, vectors.to(self.mean.dtype))
        energies = self.reference.index_select(0, elements)
        for k, network in enumerate(self.networks):
            members = (elements == k).nonzero().squeeze(1)
            scaled = (features.index_select(0, members) - self.mean[k]) / self.scale[k]
            energies = energies.index_add(0, members, network(scaled).squeeze(1).to(energies.dtype))
        return energies
