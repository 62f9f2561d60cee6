"""Every figure of the report as a file for papers: vector graphics and a picture."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from tqdm import tqdm

from openmm_anion.comparison.functions import ModeFunctions, StudyFunctions
from openmm_anion.comparison.results import StudyResults
from openmm_anion.errors import InputError
from openmm_anion.report import function_panels, temperature_panels
from openmm_anion.report.density_view import surface_colour, surface_levels
from openmm_anion.report.figure import printed_style, save_figure, summary_figure
from openmm_anion.report.modes import colour, formula_text, label
from openmm_anion.report.panels import Drawing, Line, Panel, colour_range
from openmm_anion.report.rendering import render

DPI = 300
_PATIENCE = 3.0
"""Seconds after which progress is shown."""
_WIDTH, _MAP_HEIGHT, _CURVE_HEIGHT = 7.0, 1.9, 2.5
"""Inches: two columns of a journal."""
_MARKERS = {"": "o", "down": "v", "up": "^", "left": "<"}


def drawings_at(functions: StudyFunctions, kelvin: float, cation: str) -> list[Drawing]:
    """Return the figures of functions at one temperature, those that there are, in the order of the page.

    Parameters
    ----------
    functions : StudyFunctions
        Of a study.
    kelvin : float
        Temperature, K.
    cation : str
        Its element.

    Returns
    -------
    list of Drawing
        Empty where nothing was computed.

    Examples
    --------
    >>> drawings_at(StudyFunctions(modes=[]), 300.0, "Na")
    []
    """
    modes = functions.at(kelvin)
    if not modes:
        return []
    made = [function_panels.van_hove_self(modes, cation), function_panels.van_hove_distinct(modes, cation)]
    for kind in function_panels.kinds_of(modes):
        made += [function_panels.orientation(modes, kind), function_panels.coupling(modes, kind)]
    made.append(function_panels.spectrum(modes, cation))
    return [drawing for drawing in made if drawing is not None]


def write_figures(results: StudyResults, functions: StudyFunctions, folder: Path) -> list[Path]:
    """Write all figures into a folder, each as .svg and .png, 7 inches wide.

    Parameters
    ----------
    results : StudyResults
        From `openmm_anion.comparison.study.analyze_study`.
    functions : StudyFunctions
        From `openmm_anion.comparison.study_functions.study_functions`.
    folder : Path
        Made if needed.

    Returns
    -------
    list of Path
        What was written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with printed_style():
        figures = _figures(results, functions)
        for name, figure in tqdm(figures, desc="figures", unit="figure", delay=_PATIENCE, leave=False):
            figure.draw_without_rendering()
            figure.set_layout_engine("none")  # once is enough for both files
            for ending in (".svg", ".png"):
                path = folder / f"{name}{ending}"
                save_figure(figure, path, DPI)
                paths.append(path)
    return paths


def _figures(results: StudyResults, functions: StudyFunctions) -> Iterator[tuple[str, Figure]]:
    for t in results.temperatures:
        try:
            yield f"summary-{t.temperature_K:g}K", summary_figure(results, t.temperature_K)
        except InputError:
            continue  # too short for one yet
    for drawing in (
        temperature_panels.ratios_by_temperature(results),
        temperature_panels.arrhenius(results)[0],
        temperature_panels.rule_map(results),
    ):
        if drawing is not None:
            yield drawing.name, static(drawing)
    for t in results.temperatures:
        for drawing in drawings_at(functions, t.temperature_K, results.cation):
            yield drawing.name, static(drawing)
        modes = functions.at(t.temperature_K)
        for kind in function_panels.kinds_of(modes):
            picture = density_picture(modes, kind)
            if picture is not None:
                yield f"density-{kind}-{t.temperature_K:g}K", picture


def static(drawing: Drawing) -> Figure:
    """Return a drawing as a Matplotlib figure.

    Parameters
    ----------
    drawing : Drawing
        What to draw.

    Returns
    -------
    matplotlib.figure.Figure
        Not pyplot's.
    """
    height = (_MAP_HEIGHT if drawing.is_map else _CURVE_HEIGHT) * drawing.rows + 0.3
    wide = len(drawing.panels) > 1
    figure = Figure(
        figsize=(_WIDTH if wide else 0.65 * _WIDTH, height + 0.4 * (not wide)), layout="constrained"
    )
    grid = figure.subplots(
        drawing.rows, drawing.columns, squeeze=False, sharex=drawing.is_map, sharey=drawing.is_map
    )
    for axes in grid.flat[len(drawing.panels) :]:
        axes.set_visible(False)
    image = None
    for number, (axes, panel) in enumerate(zip(grid.flat, drawing.panels, strict=False)):
        if panel.surface is not None:
            low, high = colour_range(drawing)
            norm = LogNorm(low, high) if panel.colour_log else Normalize(low, high)
            values = np.maximum(np.array(panel.surface.values).T, low)
            image = axes.pcolormesh(
                panel.surface.lag_ps,
                panel.surface.distance_A,
                values,
                norm=norm,
                shading="nearest",
                rasterized=True,
            )
        for line in panel.lines:
            _draw(axes, line)
        _dress(axes, drawing, panel, number)
    if image is not None:
        bar = figure.colorbar(image, ax=grid, fraction=0.03, pad=0.01)
        bar.set_label(_mathtext(drawing.panels[0].colour_label))
    else:
        entries: dict[str, Any] = {}
        for axes in grid.flat:
            entries |= {text: handle for handle, text in zip(*axes.get_legend_handles_labels(), strict=True)}
        figure.legend(
            entries.values(),
            entries.keys(),
            loc="outside upper left",
            ncols=min(len(entries), 6),
            frameon=False,
        )
    return figure


def density_picture(modes: Sequence[ModeFunctions], kind: str, pixels: int = 400) -> Figure | None:
    """Return pictures of the cation density about an anion, one for each mode; see `rendering.render`.

    Parameters
    ----------
    modes : sequence of ModeFunctions
        Of one temperature; the first gives the levels.
    kind : str
        Formula of the anion.
    pixels : int, optional
        Edge of each picture.

    Returns
    -------
    matplotlib.figure.Figure or None
        None where no mode has a density.
    """
    shown = [mode for mode in modes if kind in mode.density]
    if not shown:
        return None
    levels = surface_levels(shown[0].density[kind])
    columns = min(len(shown), 4)
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(1.75 * columns, 1.95 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, mode in zip(grid.flat, shown, strict=False):
        axes.imshow(
            render(mode.density[kind], levels, surface_colour(mode.mode), pixels), interpolation="antialiased"
        )
        axes.set_title(f"{formula_text(kind)}, {label(mode.mode)}", fontsize=9)
    return figure


def _draw(axes: Any, line: Line) -> None:
    tint = colour(line.mode)
    name = label(line.mode) if line.named else None
    y = np.array(line.y, dtype=float)
    low, high = np.array(line.low, dtype=float), np.array(line.high, dtype=float)
    if line.kind == "points":
        across = np.abs(np.array([line.x_low, line.x_high]) - np.array(line.x)) if line.x_low else None
        up = np.abs(np.array([low, high]) - y)
        axes.errorbar(line.x, y, yerr=up, xerr=across, fmt="none", color=tint, lw=1.0, capsize=2.0)
        for x, value, bound in zip(line.x, y, line.bound, strict=True):
            axes.plot(x, value, _MARKERS[bound], color=tint, ms=5, label=name)
            name = None
        for x, value, text in zip(line.x, y, line.text, strict=False):
            axes.annotate(text, (x, value), (4, 4), textcoords="offset points", fontsize=7, color=tint)
        return
    if np.isfinite(low).any():
        axes.fill_between(line.x, low, high, color=tint, alpha=0.15, lw=0.0)
    axes.plot(line.x, y, color=tint, lw=1.2, ls="--" if line.kind == "dashed" else "-", label=name)


def _dress(axes: Any, drawing: Drawing, panel: Panel, number: int) -> None:
    axes.set_title(panel.title, fontsize=9)
    below = number + drawing.columns < len(drawing.panels)
    if not (drawing.is_map and below):
        axes.set_xlabel(_mathtext(panel.x_label))
    if not (drawing.is_map and number % drawing.columns):
        axes.set_ylabel(_mathtext(panel.y_label))
    if panel.x_log:
        axes.set_xscale("log")
    if panel.y_log:
        axes.set_yscale("log")
    if panel.x_range:
        axes.set_xlim(*panel.x_range)
    if panel.level is not None:
        axes.axhline(panel.level, color="#777", lw=0.8, ls=":")
    for region in panel.regions:
        tint = colour(region.mode)
        axes.axvspan(region.begin, region.end, color=tint, alpha=0.07, lw=0.0)
        middle = (region.begin * region.end) ** 0.5 if panel.x_log else 0.5 * (region.begin + region.end)
        axes.text(
            middle,
            0.98,
            region.name,
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="top",
            fontsize=7,
            color=tint,
        )


def _mathtext(text: str) -> str:
    """A label of the page, with its subscripts as Matplotlib writes them."""
    return re.sub(r"<sub>(.*?)</sub>", r"$_{\\mathrm{\1}}$", text)
