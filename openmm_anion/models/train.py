"""From labelled structures to a model file with its card."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from ase import Atoms

from openmm_anion import __version__
from openmm_anion.atomic_file import check_writable
from openmm_anion.errors import InputError
from openmm_anion.models.ani import AniConfig, AniEnergy, build_torchani
from openmm_anion.models.batches import Batch, to_batch
from openmm_anion.models.card_page import write_card_page
from openmm_anion.models.data import read_labelled, refuse_doubles
from openmm_anion.models.fit import errors, fit, judged, prepare
from openmm_anion.models.periodic_energy import PeriodicEnergy
from openmm_anion.models.recipe import Recipe
from openmm_anion.models.scripted import ScriptedPotential
from openmm_anion.models.split import split
from openmm_anion.units import ANGSTROM


def train(
    data: Sequence[str | Path],
    out: str | Path,
    recipe: Recipe | None = None,
    test: Sequence[str | Path] = (),
    progress: bool = True,
    page: bool = True,
) -> dict[str, Any]:
    """Train an ANI potential on energies and forces, and write it with its card.

    The card is inside of the model file as JSON, and beside it as Markdown, with parity plots and errors per
    element on the frames of `test`, or on the test frames of `data` where there are none.

    Parameters
    ----------
    data : sequence of str or Path
        Labelled structures (extxyz; eV, eV/A), divided into training, validation and test frames.
    out : str or Path
        Model file to write.
    recipe : Recipe, optional
        Architecture and schedule.
    test : sequence of str or Path, optional
        Labelled structures of trajectories that must not be trained on; their errors go to the card
        under the names of the files.
    progress : bool
        Show a progress bar.
    page : bool
        Write the Markdown card and its figure.

    Returns
    -------
    dict
        The card: elements, cutoffs, data with checksums, errors, seed, versions.

    Raises
    ------
    InputError
        For data that are missing, unlabelled, not finite, too few or the same twice, for elements the recipe
        leaves out, and for an `out` that cannot be written or is one of the data.

    Examples
    --------
    >>> train(["labelled.extxyz"], "model.pt")
    Traceback (most recent call last):
    ...
    openmm_anion.errors.InputError: training data labelled.extxyz not found; give an extxyz file with ...
    """
    recipe = recipe or Recipe()
    out = Path(out)
    check_writable(out, "model file")
    if any(out.resolve() == Path(path).resolve() for path in (*data, *test)):
        raise InputError(f"model file {out} is one of the data, which it would replace; choose another --out")
    if out.suffix in (".md", ".png"):
        raise InputError(f"model file {out.name} would be overwritten by its card; end its name in .pt")
    frames = {str(path): read_labelled(path) for path in data}
    structures = [atoms for part in frames.values() for atoms in part]
    tests = {Path(path).name: read_labelled(path) for path in test}
    refuse_doubles(frames | tests)
    config = recipe.ani or AniConfig(
        elements=tuple(sorted({s for atoms in structures for s in atoms.symbols}))
    )

    training_config = recipe.training
    parts = split(
        structures,
        training_config.validation,
        training_config.test,
        training_config.block,
        training_config.seed,
    )
    training, validation, testing = (to_batches(part, config) for part in parts)
    held_out = {name: to_batches(frames, config) for name, frames in tests.items()}

    torch.manual_seed(training_config.seed)
    model = AniEnergy(build_torchani(config))
    prepare(model, training)
    best, history = fit(model, training, validation, training_config, progress)
    best.fold()

    sets = {"training": training, "validation": validation, "test": testing, **held_out}
    card: dict[str, Any] = {
        "name": recipe.name,
        "elements": list(config.elements),
        "cutoff_nm": round(config.radial_cutoff * ANGSTROM, 6),
        "labels": recipe.labels,
        "errors": {
            name: {"frames": len(frames), **errors(best, frames, training_config.batch_atoms)}
            for name, frames in sets.items()
        },
        "data": [describe(path) for path in data],
        "temperatures_K": sorted({float(atoms.info["T"]) for atoms in structures if "T" in atoms.info}),
        "loss": [round(record["loss"], 8) for record in history],
        "reference_energies_eV": dict(zip(config.elements, best.reference.tolist(), strict=True)),
        "ani": config.model_dump(mode="json"),
        "training": training_config.model_dump(mode="json"),
        "versions": {"openmm-anion": __version__} | {name: version(name) for name in ("torch", "torchani")},
    }
    potential = ScriptedPotential(export(best, config), card, 2 * card["cutoff_nm"])
    if not page:
        potential.write(out)
        return card
    unseen = [batch for frames in held_out.values() for batch in frames] or testing
    where = f"from {', '.join(held_out)}" if held_out else "of blocks of the data"
    found = judged(best, unseen, config.elements)
    return write_card_page(potential, found, out, {"held_out": f"{where}, never trained on"})


def to_batches(structures: Sequence[Atoms], config: AniConfig) -> list[Batch]:
    """Pair lists of labelled structures, one batch per frame.

    Parameters
    ----------
    structures : sequence of ase.Atoms
        With energies (eV) and forces (eV/angstrom).
    config : AniConfig
        Whose elements and radial cutoff count.

    Returns
    -------
    list of Batch
        In the order of the structures.
    """
    return [to_batch(atoms, config.elements, config.radial_cutoff) for atoms in structures]


def export(model: AniEnergy, config: AniConfig) -> torch.jit.ScriptModule:
    """Script a model. It is not frozen: constants of a frozen one would stay behind on moving to a GPU.

    Parameters
    ----------
    model : AniEnergy
        Trained; its weights are no longer so from then on.
    config : AniConfig
        Whose radial cutoff counts.

    Returns
    -------
    torch.jit.ScriptModule
        ``forward(elements, positions, box)`` in OpenMM's units.
    """
    for weight in model.parameters():
        weight.requires_grad_(False)
    return torch.jit.script(PeriodicEnergy(model, config.radial_cutoff).eval())


def describe(path: str | Path) -> dict[str, str]:
    """Name and checksum of a data file.

    Parameters
    ----------
    path : str or Path
        Of the file.

    Returns
    -------
    dict of str to str
        ``file`` without its folder, and ``sha256``.

    Examples
    --------
    >>> sorted(describe("examples/na3ps4/na3ps4.cif"))
    ['file', 'sha256']
    """
    return {"file": Path(path).name, "sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest()}
