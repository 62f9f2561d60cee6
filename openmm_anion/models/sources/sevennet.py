"""SevenNet's universal potentials whose weights come with its package: 7net-0 and 7net-l3i5."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from ase.data import chemical_symbols

from openmm_anion.models.about import About
from openmm_anion.models.packages import need
from openmm_anion.models.potential import Potential
from openmm_anion.units import ANGSTROM

WEIGHTS = ("7net-0", "7net-l3i5")
"""Those whose weights are in the wheel; the others are downloaded by SevenNet's own calculator."""

CUTOFF = 0.5
"""Of both, nm."""


def names() -> list[str]:
    """Names, as SevenNet spells them.

    Returns
    -------
    list of str
        Whether or not SevenNet is installed.

    Examples
    --------
    >>> names()
    ['7net-0', '7net-l3i5']
    """
    return list(WEIGHTS)


def about(name: str) -> About:
    """What SevenNet says of a potential; its file need not be there.

    Parameters
    ----------
    name : str
        Of a potential that `names` lists.

    Returns
    -------
    About
        Elements, cutoff, and what it was trained on.

    Examples
    --------
    >>> len(about("7net-0").elements)
    89
    """
    return About(
        name=name,
        elements=(*chemical_symbols[1:84], *chemical_symbols[89:95]),
        cutoff=CUTOFF,
        conditions="PBE relaxations of the Materials Project (MPtrj); extra [sevennet]",
    )


def load(name: str) -> Potential:
    """Build the model with SevenNet and script it.

    Parameters
    ----------
    name : str
        One of `names`.

    Returns
    -------
    Potential
        Scripted.

    Raises
    ------
    InputError
        If package sevenn is not installed.
    """
    util = need("sevenn.util", "sevennet", f"potential {name!r}")
    path = util.pretrained_name_to_path(name)
    potential = build(util.load_checkpoint(path), name)
    potential.sha256 = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return potential


def build(checkpoint: Any, name: str) -> Potential:
    """The potential of a SevenNet checkpoint.

    Parameters
    ----------
    checkpoint : sevenn.checkpoint.SevenNetCheckpoint
        What ``sevenn.util.load_checkpoint`` returns.
    name : str
        Name of the potential.

    Returns
    -------
    Potential
        Scripted, its convolutions rearranged where that can be done.
    """
    import sevenn
    import torch
    from e3nn.util.jit import script

    from openmm_anion.models.formats.sevennet import SevenNetGraph
    from openmm_anion.models.graph_energy import GraphEnergy
    from openmm_anion.models.scripted import ScriptedPotential
    from openmm_anion.models.sevennet_convolution import rearrange

    model = checkpoint.build_model()
    cutoff, order = float(model.cutoff), model.type_map
    model.delete_module_by_key("force_output")
    model.eval_type_map = False
    model.set_is_batch_data(False)
    rearrange(model)
    for weight in model.parameters():
        weight.requires_grad_(False)
    graph = torch.jit.script(SevenNetGraph(script(model.eval()), torch.float32))
    card = {
        "name": name,
        "elements": [chemical_symbols[z] for z in sorted(order, key=order.__getitem__)],
        "cutoff_nm": cutoff * ANGSTROM,
        "labels": f"SevenNet {sevenn.__version__}",
    }
    return ScriptedPotential(torch.jit.script(GraphEnergy(graph, cutoff)), card)
