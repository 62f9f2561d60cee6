"""Interactive figures of the report, made from the numbers in ``results.json`` alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import plotly.graph_objects as go

from openmm_anion.comparison.results import (
    FREE,
    ModeResult,
    RunResult,
    StudyResults,
    TemperatureResult,
    Thermodynamics,
)
from openmm_anion.report.modes import colour, label

AXIS = {
    "showline": True,
    "linecolor": "#999",
    "gridcolor": "#e8e8e8",
    "zeroline": False,
    "ticks": "outside",
}
"""What all axes of flat plots have."""
_FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
_BEYOND = 1.3
"""How far a fitted line is drawn, of the end of its window."""
_MANY_DECADES = 5
_NARROWEST = 0.02
"""Least ratio on the axis of the ratios."""


def style(figure: go.Figure, height: int) -> go.Figure:
    """Give a figure the look of the report, and its height in pixels.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        Changed in place.
    height : int
        Pixels.

    Returns
    -------
    plotly.graph_objects.Figure
        The same.

    Examples
    --------
    >>> style(go.Figure(), 300).layout.height
    300
    """
    figure.update_layout(template="none", **base_layout(height))
    figure.update_xaxes(**AXIS)
    figure.update_yaxes(**AXIS, automargin=True, title_standoff=12, separatethousands=True)
    return figure


def base_layout(height: int) -> dict[str, Any]:
    """Return the layout that all plots have in common, with its height in pixels.

    Parameters
    ----------
    height : int
        Pixels.

    Returns
    -------
    dict
        What ``Figure.update_layout`` takes.

    Examples
    --------
    >>> base_layout(300)["height"]
    300
    """
    return {
        "font": {"family": _FONT, "size": 14, "color": "#222"},
        "height": height,
        "margin": {"l": 70, "r": 20, "t": 20, "b": 60},
        "hovermode": "closest",
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
    }


def displacement_figure(results: StudyResults, temperature: TemperatureResult) -> go.Figure:
    """Mean squared displacement of each mode, its runs as thin lines, the fits dashed.

    Parameters
    ----------
    results : StudyResults
        Of a study.
    temperature : TemperatureResult
        One of its temperatures.

    Returns
    -------
    plotly.graph_objects.Figure
        A^2 over lag time, ps.
    """
    figure = go.Figure()
    for mode in temperature.modes:
        if mode.msd is None:
            continue
        runs = _runs_of(results, temperature, mode.mode)
        for run in runs:
            if run.msd is not None:
                figure.add_scatter(
                    x=run.msd.lag_ps,
                    y=run.msd.msd_A2,
                    mode="lines",
                    line={"color": colour(mode.mode), "width": 1},
                    opacity=0.3,
                    legendgroup=mode.mode,
                    showlegend=False,
                    hovertemplate=f"snapshot {run.snapshot}<br>%{{x:.3g}} ps: %{{y:.3g}} Å²",
                    name=label(mode.mode),
                )
        figure.add_scatter(
            x=mode.msd.lag_ps,
            y=mode.msd.msd_A2,
            mode="lines",
            name=label(mode.mode),
            line={"color": colour(mode.mode), "width": 3},
            legendgroup=mode.mode,
            hovertemplate="%{x:.3g} ps: %{y:.3g} Å²",
        )
        fitted = fitted_line(results, temperature, mode.mode)
        if fitted is not None:
            figure.add_scatter(
                x=fitted[0],
                y=fitted[1],
                mode="lines",
                line={"color": colour(mode.mode), "width": 1.5, "dash": "6px,4px"},
                legendgroup=mode.mode,
                showlegend=False,
                hoverinfo="skip",
            )
    if temperature.fit_begin_ps is not None:
        figure.add_vrect(
            x0=temperature.fit_begin_ps,
            x1=temperature.fit_end_ps,
            fillcolor="#f1efe6",
            line_width=0,
            layer="below",
            annotation_text="fit window",
            annotation_position="top left",
            annotation_font={"size": 12, "color": "#777"},
        )
    figure.update_xaxes(title_text="lag time (ps)")
    figure.update_yaxes(title_text=f"mean squared displacement of {results.cation} (Å²)", rangemode="tozero")
    return style(figure, 440)


def fitted_line(
    results: StudyResults, temperature: TemperatureResult, mode: str
) -> tuple[list[float], list[float]] | None:
    """Return the ends of the line whose slope is 6 D, mean over the runs of a mode: lags (ps) and A^2.

    It goes from lag 0 to beyond its window, so that one sees where the curve leaves it; None without a fit.

    Parameters
    ----------
    results : StudyResults
        Of a study.
    temperature : TemperatureResult
        One of its temperatures.
    mode : str
        Name of the mode.

    Returns
    -------
    lags, displacements : list of float
        ps and A^2, two of each; or None.
    """
    runs = _runs_of(results, temperature, mode)
    slopes = [run.D_A2_per_ps for run in runs if run.D_A2_per_ps is not None]
    offsets = [run.offset_A2 for run in runs if run.offset_A2 is not None]
    if not slopes or temperature.fit_end_ps is None:
        return None
    ends = [0.0, _BEYOND * temperature.fit_end_ps]
    return ends, [float(np.mean(offsets) + 6.0 * np.mean(slopes) * end) for end in ends]


def ratio_figure(results: StudyResults) -> go.Figure:
    """D(frozen)/D(free) of each mode on a logarithmic axis, with 68 and 95 % intervals.

    Parameters
    ----------
    results : StudyResults
        Of a study.

    Returns
    -------
    plotly.graph_objects.Figure
        A row for each frozen mode at each temperature.
    """
    figure = go.Figure()
    shown = [(t, mode) for t in results.temperatures for mode in t.modes if mode.ratio is not None]
    several = len(results.temperatures) > 1
    names = []
    lowest = min(
        (mode.ratio.low_95 for _, mode in shown if mode.ratio and mode.ratio.low_95 > 0), default=0.1
    )
    bounds = [mode.ratio.high_95 for _, mode in shown if mode.ratio]
    floor = max(min([lowest, *bounds]) / 2.0, _NARROWEST)
    ceiling = 2.0 * max([1.5, *bounds])
    for temperature, mode in shown:
        name = label(mode.mode) + (f", {temperature.temperature_K:g} K" if several else "")
        names.append(name)
        _add_interval(figure, name, mode, floor)
        ratios = _snapshot_ratios(results, temperature, mode.mode)
        figure.add_scatter(
            x=ratios,
            y=[name] * len(ratios),
            mode="markers",
            marker={"symbol": "line-ns", "size": 14, "line": {"width": 1.5, "color": colour(mode.mode)}},
            showlegend=False,
            hovertemplate="one snapshot: %{x:.2g}<extra></extra>",
        )
    figure.add_vline(x=1.0, line={"color": "#777", "width": 1, "dash": "dot"})
    figure.update_xaxes(
        title_text="D(frozen) / D(free)",
        type="log",
        range=[np.log10(floor), np.log10(ceiling)],
        tickvals=_log_ticks(floor, ceiling),
        tickformat="~g",
    )
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1])
    figure = style(figure, 120 + 55 * max(len(names), 1))
    figure.update_layout(margin={"l": 110 if several else 90})
    return figure


def _log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 in each decade; powers of ten where there are many."""
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    steps = (1.0, 2.0, 5.0) if len(decades) < _MANY_DECADES else (1.0,)
    return [float(f"{step * 10.0**decade:.1g}") for decade in decades for step in steps]


def _add_interval(figure: go.Figure, name: str, mode: ModeResult, floor: float) -> None:
    ratio = mode.ratio
    if ratio is None:
        return
    for low, high, width in ((ratio.low_95, ratio.high_95, 2), (ratio.low_68, ratio.high_68, 8)):
        figure.add_scatter(
            x=[max(low, floor), max(high, floor)],
            y=[name, name],
            mode="lines",
            line={"color": colour(mode.mode), "width": width},
            opacity=0.45 if width > 2 else 1.0,
            showlegend=False,
            hoverinfo="skip",
        )
    if ratio.value is None and ratio.low_95 > 0.0:
        return  # the free diffusion is the one within its noise: no best value, and no upper bound only
    below = ratio.value is None or ratio.value < floor
    figure.add_scatter(
        x=[floor if below else ratio.value],
        y=[name],
        mode="markers",
        marker={"symbol": "triangle-left" if below else "circle", "size": 12, "color": colour(mode.mode)},
        showlegend=False,
        cliponaxis=False,
        hovertemplate=f"{name}: 95 % interval {ratio.low_95:.2g} to {ratio.high_95:.2g}<extra></extra>",
    )


def _snapshot_ratios(results: StudyResults, temperature: TemperatureResult, mode: str) -> list[float]:
    """D(frozen)/D(free) of single snapshots, where both are above zero."""
    free = {(run.snapshot, run.repeat): run.D_A2_per_ps for run in _runs_of(results, temperature, FREE)}
    pairs = [
        (run.D_A2_per_ps, free.get((run.snapshot, run.repeat)))
        for run in _runs_of(results, temperature, mode)
    ]
    return [frozen / other for frozen, other in pairs if frozen and other and frozen > 0.0 and other > 0.0]


def temperature_figure(results: StudyResults) -> go.Figure:
    """Instantaneous temperature of each run.

    Parameters
    ----------
    results : StudyResults
        Of a study.

    Returns
    -------
    plotly.graph_objects.Figure
        K over time, ps.
    """
    return _series_figure(results, lambda series: series.temperature_K, "temperature (K)")


def energy_figure(results: StudyResults) -> go.Figure:
    """Potential energy of each run.

    Parameters
    ----------
    results : StudyResults
        Of a study.

    Returns
    -------
    plotly.graph_objects.Figure
        kJ/mol over time, ps.
    """
    return _series_figure(results, lambda series: series.potential_kj_mol, "potential energy (kJ/mol)")


def constraint_figure(results: StudyResults) -> go.Figure:
    """Largest violation of the constraint in each frozen run, logarithmic.

    Parameters
    ----------
    results : StudyResults
        Of a study.

    Returns
    -------
    plotly.graph_objects.Figure
        nm over time, ps.
    """
    figure = _series_figure(
        results, lambda series: series.constraint_violation_nm, "constraint violation (nm)", frozen_only=True
    )
    figure.update_yaxes(type="log", exponentformat="power", dtick=1)
    return figure


def _series_figure(
    results: StudyResults,
    column: Callable[[Thermodynamics], list[float]],
    title: str,
    *,
    frozen_only: bool = False,
) -> go.Figure:
    figure = go.Figure()
    named: set[str] = set()
    for run in results.runs:
        if run.thermodynamics is None or (frozen_only and run.mode == FREE):
            continue
        figure.add_scatter(
            x=run.thermodynamics.time_ps,
            y=column(run.thermodynamics),
            mode="lines",
            name=label(run.mode),
            line={"color": colour(run.mode), "width": 1},
            opacity=0.7,
            legendgroup=run.mode,
            showlegend=run.mode not in named,
            hovertemplate=f"snapshot {run.snapshot}, {run.temperature_K:g} K<br>%{{x:.3g}} ps: %{{y:.4g}}",
        )
        named.add(run.mode)
    figure.update_xaxes(title_text="time (ps)")
    figure.update_yaxes(title_text=title, exponentformat="none")
    return style(figure, 320)


def _runs_of(results: StudyResults, temperature: TemperatureResult, mode: str) -> list[RunResult]:
    return [
        run
        for run in results.runs
        if run.mode == mode and run.temperature_K == temperature.temperature_K and run.used
    ]
