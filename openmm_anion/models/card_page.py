"""The card of a potential for people: Markdown with a figure, beside the model file that holds it as JSON."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from openmm_anion.atomic_file import write_bytes
from openmm_anion.models.accuracy import Accuracy
from openmm_anion.models.potential import Potential
from openmm_anion.models.scripted import ScriptedPotential
from openmm_anion.units import ANGSTROM


def write_card_page(
    potential: Potential, found: Accuracy, path: Path, extra: dict[str, Any]
) -> dict[str, Any]:
    """Write a model file with its errors on held-out frames, its card as Markdown, and a figure.

    Parameters
    ----------
    potential : ScriptedPotential
        The potential, as `openmm_anion.models.load` returns it.
    found : Accuracy
        Labels of frames that were not trained on, and what the potential says of them.
    path : Path
        Model file; ``.md`` and ``.png`` are written beside it.
    extra : dict
        What else goes into the card.

    Returns
    -------
    dict
        The card.
    """
    assert isinstance(potential, ScriptedPotential)
    card = {**potential.card, **extra}
    card["errors"] = {
        **potential.card["errors"],
        "held-out": {
            "frames": len(found.energies),
            "energy_rmse_mev_per_atom": found.energy_rmse_mev_per_atom,
            "force_rmse_mev_per_angstrom": 1e3 * found.force_rmse,
            "force_rmse_percent": found.force_rmse_percent,
            "elements": found.by_element(),
        },
    }
    figure = path.with_suffix(".png")
    draw(found, figure)
    write_bytes(path.with_suffix(".md"), page(card, figure.name).encode())
    ScriptedPotential(potential.module, card, potential.smallest_width).write(path)
    return card


def page(card: dict[str, Any], figure: str) -> str:
    """Return a card as Markdown.

    Parameters
    ----------
    card : dict
        With errors on a set ``held-out``.
    figure : str
        Name of the file with the parity plots.

    Returns
    -------
    str
        With tables of errors, and the figure.
    """
    held_out = card["errors"]["held-out"]
    kelvin = card.get("temperatures_K", [])
    lines = [
        f"# Potential `{card['name']}`",
        "",
        f"Elements {', '.join(card['elements'])}; cutoff {card['cutoff_nm'] / ANGSTROM:.1f} Å; labels of "
        f"{card['labels']}" + (f"; trained at {kelvin[0]:g} to {kelvin[-1]:g} K." if kelvin else "."),
        "",
        f"| {held_out['frames']} frames: {card.get('held_out', 'held out')} | |",
        "|---|---|",
        f"| force RMSE | {held_out['force_rmse_mev_per_angstrom']:.1f} meV/Å, "
        f"{held_out['force_rmse_percent']:.1f} % of the RMS force |",
        f"| energy RMSE | {held_out['energy_rmse_mev_per_atom']:.2f} meV/atom |",
    ]
    lines += [
        f"| force RMSE on {symbol} | {error['force_rmse_mev_per_angstrom']:.1f} meV/Å, "
        f"{error['force_rmse_percent']:.1f} % |"
        for symbol, error in held_out["elements"].items()
    ]
    lines += ["", f"![predicted against labelled forces, and their errors]({figure})", ""]
    if card.get("rounds"):
        lines += [
            "| round | trained on (frames) | held-out forces (%) | energies (meV/atom) | spread (meV/Å) "
            "| explored (ps) |",
            "|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {r['number']} | {r['trained_on']} | {r['force_rmse_percent']:.1f} | "
            f"{r['energy_rmse_mev_per_atom']:.2f} | {1e3 * r['spread']:.0f} | {r['explored_ps']:g} |"
            for r in card["rounds"]
        ]
        lines.append("")
    data = ", ".join(f"`{item['file']}` ({item['sha256'][:12]})" for item in card.get("data", []))
    versions = ", ".join(f"{name} {version}" for name, version in card.get("versions", {}).items())
    lines += [f"Data: {data}.", "", f"Made with {versions}; seed {card['training']['seed']}.", ""]
    return "\n".join(lines)


def draw(found: Accuracy, path: Path) -> None:
    """Draw parity plots of forces and energies, and the distribution of force errors per element.

    Parameters
    ----------
    found : Accuracy
        Labels and predictions.
    path : Path
        PNG file.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 3.4), layout="constrained")
    parity, energy, errors = figure.subplots(1, 3)
    for symbol in sorted(set(found.symbols.tolist())):
        chosen = found.symbols == symbol
        label, guess = found.forces[chosen].ravel(), found.predicted_forces[chosen].ravel()
        parity.plot(label, guess, ".", ms=1.5, label=symbol, rasterized=True)
        errors.hist(1e3 * (guess - label), bins=80, histtype="step", density=True, label=symbol)
    limit = 1.05 * float(np.abs(found.forces).max())
    parity.plot([-limit, limit], [-limit, limit], "k-", lw=0.5)
    parity.set(xlabel="force of the teacher (eV/Å)", ylabel="force of the potential (eV/Å)")
    parity.legend(frameon=False)
    zero = found.energies.mean()
    energy.plot(1e3 * (found.energies - zero), 1e3 * (found.predicted_energies - zero), "k.", ms=3)
    ends = [1e3 * (found.energies.min() - zero), 1e3 * (found.energies.max() - zero)]
    energy.plot(ends, ends, "k-", lw=0.5)
    energy.set(xlabel="energy of the teacher (meV/atom)", ylabel="energy of the potential (meV/atom)")
    errors.set(xlabel="force error (meV/Å)", ylabel="density", yscale="log")
    errors.legend(frameon=False)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=130, metadata={"Software": None})
    write_bytes(path, drawn.getvalue())
