"""The density of cations about an anion in three dimensions: surfaces on the page, a picture for print."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from ase.data.colors import jmol_colors
from numpy.typing import NDArray

from openmm_anion.comparison.functions import AnionDensity, ModeFunctions
from openmm_anion.comparison.results import FREE
from openmm_anion.report.interactive import Plot, packed
from openmm_anion.report.modes import colour, label
from openmm_anion.report.plots import base_layout

Array = NDArray[np.float64]

ENCLOSED = (0.75, 0.4)
"""Shares of the cations near a free anion that the outer and the inner surface enclose."""
VIEW = (1.0, 0.7, 0.55)
"""From where it is seen."""
_STEPS = 255
"""Densities are drawn with one byte each."""
_BOND = 1.25
"""Longest bond, of the sum of covalent radii."""
_TICK = 2.0
"""Distance of ticks, A."""


def grid(density: AnionDensity) -> Array:
    """Return the density on its grid, shape (n, n, n), over the mean density.

    Parameters
    ----------
    density : AnionDensity
        As ``functions.json`` has it.

    Returns
    -------
    array, shape (n, n, n)
        Axes x, y, z.

    Examples
    --------
    >>> there = {"symbols": ["N"], "positions_A": [[0.0, 0.0, 0.0]]}
    >>> grid(AnionDensity(spacing_A=0.5, points=2, relative=list(range(8)), **there))[0, 0]
    array([0., 1.])
    """
    return np.array(density.relative).reshape((density.points,) * 3)


def surface_levels(density: AnionDensity) -> tuple[float, float]:
    """Return the densities, over the mean, whose surfaces enclose the shares `ENCLOSED` of the cations.

    Parameters
    ----------
    density : AnionDensity
        As ``functions.json`` has it.

    Returns
    -------
    outer, inner : float
        Over the mean density.

    Examples
    --------
    >>> values = [0.0] * 27
    >>> values[:4] = [4.0, 3.0, 2.0, 1.0]
    >>> anion = {"symbols": ["N"], "positions_A": [[0.0, 0.0, 0.0]]}
    >>> surface_levels(AnionDensity(spacing_A=1, points=3, relative=values, **anion))
    (2.0, 4.0)
    """
    values = np.sort(np.array(density.relative))[::-1]
    shares = np.cumsum(values) / max(values.sum(), 1e-300)
    outer, inner = (float(values[np.searchsorted(shares, share - 1e-9)]) for share in ENCLOSED)
    return outer, inner


def bonds_of(density: AnionDensity) -> list[tuple[int, int]]:
    """Return pairs of atoms of the anion that are as near as bonded ones.

    Parameters
    ----------
    density : AnionDensity
        With symbols and positions (A) of the anion's atoms.

    Returns
    -------
    list of tuple
        Pairs of places in the lists of atoms.

    Examples
    --------
    >>> there = {"symbols": ["C", "N"], "positions_A": [[0.0, 0.0, 0.0], [0.0, 0.0, 1.16]]}
    >>> bonds_of(AnionDensity(spacing_A=1, points=1, relative=[1.0], **there))
    [(0, 1)]
    """
    at = np.array(density.positions_A)
    radii = [covalent_radii[atomic_numbers[symbol]] for symbol in density.symbols]
    return [
        (i, j)
        for i, j in combinations(range(len(at)), 2)
        if np.linalg.norm(at[i] - at[j]) < _BOND * (radii[i] + radii[j])
    ]


def atom_colours(density: AnionDensity) -> list[str]:
    """Return the usual colour of each atom as a hex triplet.

    Parameters
    ----------
    density : AnionDensity
        With the symbols of the anion's atoms.

    Returns
    -------
    list of str
        Jmol's.

    Examples
    --------
    >>> there = {"symbols": ["N"], "positions_A": [[0.0, 0.0, 0.0]]}
    >>> atom_colours(AnionDensity(spacing_A=1, points=1, relative=[1.0], **there))
    ['#3050f8']
    """
    rgb = [jmol_colors[atomic_numbers[symbol]] for symbol in density.symbols]
    return ["#" + "".join(f"{round(255 * part):02x}" for part in one) for one in rgb]


def surface_colour(mode: str) -> str:
    """Return the colour of the surfaces of a mode: grey for the free one, as black would hide the inside.

    Parameters
    ----------
    mode : str
        Its name.

    Returns
    -------
    str
        A hex triplet.

    Examples
    --------
    >>> surface_colour("free")
    '#7a7a7a'
    """
    return "#7a7a7a" if mode == FREE else colour(mode)


def density_figure(modes: Sequence[ModeFunctions], kind: str) -> Plot | None:
    """Surfaces of equal cation density about an anion, one mode at a time, with buttons to choose it.

    Parameters
    ----------
    modes : sequence of ModeFunctions
        Of one temperature; the first gives the levels.
    kind : str
        Formula of the anion.

    Returns
    -------
    dict or None
        Plotly's ``data`` and ``layout``; None if there is no density.
    """
    shown = [mode for mode in modes if kind in mode.density]
    if not shown:
        return None
    first = shown[0].density[kind]
    levels = surface_levels(first)
    anion = _anion(first)
    surfaces = [_surfaces(mode.density[kind], levels, mode.mode, visible=mode is shown[0]) for mode in shown]
    half = first.points // 2
    most = int(half * first.spacing_A / _TICK)
    marks = _TICK * np.arange(-most, most + 1)
    axis = {
        "tickvals": (marks / first.spacing_A).tolist(),
        "ticktext": [f"{mark:g}" for mark in marks],
        "range": [-half, half],
        "backgroundcolor": "#fff",
        "gridcolor": "#e8e8e8",
        "showspikes": False,
    }
    buttons = [
        {
            "label": label(mode.mode),
            "method": "restyle",
            "args": [{"visible": [True] * len(anion) + [other is mode for other in shown]}],
        }
        for mode in shown
    ]
    layout = base_layout(520) | {
        "scene": {f"{name}axis": {**axis, "title": {"text": f"{name} (Å)"}} for name in "xyz"}
        | {
            "aspectmode": "manual",
            "aspectratio": dict.fromkeys("xyz", 1.2),  # which is how an orthographic scene is enlarged
            "camera": {
                "eye": dict(zip("xyz", VIEW, strict=True)),
                "projection": {"type": "orthographic"},
            },
        },
        "margin": {"l": 0, "r": 0, "t": 50, "b": 0},
        "showlegend": False,
    }
    if len(shown) > 1:
        corner = {"x": 0, "xanchor": "left", "y": 1.0, "yanchor": "bottom", "pad": {"b": 8}}
        layout["updatemenus"] = [{"type": "buttons", "direction": "right", "buttons": buttons, **corner}]
    return {"data": [*anion, *surfaces], "layout": layout}


def _surfaces(density: AnionDensity, levels: tuple[float, float], mode: str, *, visible: bool) -> Plot:
    values = grid(density)
    top = max(float(values.max()), levels[1], 1e-12)
    half = density.points // 2
    # Whole numbers of grid points, a byte each: ticks turn them into lengths.
    places = np.indices(values.shape).reshape(3, -1) - half
    outer, inner = (level / top * _STEPS for level in levels)
    tint = surface_colour(mode)
    return {
        "type": "isosurface",
        **{name: packed(axis, "i1") for name, axis in zip("xyz", places, strict=True)},
        "value": packed(np.round(values.ravel() / top * _STEPS), "u1"),
        "isomin": outer,
        "isomax": inner,
        "surface": {"count": 2},
        "opacity": 0.4,
        "caps": {name: {"show": False} for name in "xyz"},
        "colorscale": [[0.0, tint], [1.0, tint]],
        "showscale": False,
        "hoverinfo": "skip",
        "name": label(mode),
        "visible": visible,
    }


def _anion(density: AnionDensity) -> list[Plot]:
    at = np.array(density.positions_A) / density.spacing_A
    ends: list[list[float | None]] = [[], [], []]
    for i, j in bonds_of(density):
        for axis in range(3):
            ends[axis] += [float(at[i, axis]), float(at[j, axis]), None]
    return [
        {
            "type": "scatter3d",
            **dict(zip("xyz", ends, strict=True)),
            "mode": "lines",
            "line": {"color": "#777", "width": 6},
            "hoverinfo": "skip",
        },
        {
            "type": "scatter3d",
            **{name: column.tolist() for name, column in zip("xyz", at.T, strict=True)},
            "mode": "markers",
            "marker": {"size": 9, "color": atom_colours(density), "line": {"width": 1, "color": "#444"}},
            "text": density.symbols,
            "hovertemplate": "%{text}<extra></extra>",
        },
    ]
