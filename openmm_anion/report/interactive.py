"""Draw figures for the page, as plain data for Plotly: its classes would take most of the time to check."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmm_anion.comparison.functions import Surface
from openmm_anion.report.modes import colour, label
from openmm_anion.report.panels import Drawing, Line, Panel, colour_range
from openmm_anion.report.plots import AXIS, base_layout

Plot = dict[str, Any]

_SYMBOLS = {"": "circle", "down": "triangle-down", "up": "triangle-up", "left": "triangle-left"}
_MAP_HEIGHT, _CURVE_HEIGHT, _LONE_HEIGHT = 250, 310, 400
"""Of a row of panels, pixels."""
_GAP, _MAP_GAP, _ROW_GAP = 0.1, 0.03, 0.16
"""Between columns, between maps, which share their axes, and between rows; of the whole."""
_NOWHERE = -9.0
"""Decades: the logarithm of nothing, below every colour scale."""


def interactive(drawing: Drawing) -> Plot:
    """Return a drawing as Plotly's ``data`` and ``layout``.

    Parameters
    ----------
    drawing : Drawing
        What to draw.

    Returns
    -------
    dict
        Curves of a mode have one entry in the legend, which hides them in all panels.
    """
    lone = len(drawing.panels) == 1 and not drawing.is_map
    row_height = _MAP_HEIGHT if drawing.is_map else _LONE_HEIGHT if lone else _CURVE_HEIGHT
    top = (30 if drawing.is_map else 70) if any(panel.title for panel in drawing.panels) else 40
    height = row_height * drawing.rows + top + 55
    layout = base_layout(height) | {"annotations": [], "shapes": []}
    layout["margin"] = {"l": 75, "r": 20, "t": top, "b": 55}
    layout["legend"] |= {"y": 1.0 + (top - 38) / (height - top - 55)}
    data: list[Plot] = []
    named: set[str] = set()
    for number, panel in enumerate(drawing.panels):
        suffix = "" if number == 0 else str(number + 1)
        place = {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"}
        if panel.surface is not None:
            data.append(_map(panel, panel.surface) | place)
        for line in panel.lines:
            shown = line.named and line.mode not in named
            data += [trace | place for trace in _traces(line, shown=shown)]
            named |= {line.mode} if shown else set()
        _add_axes(layout, drawing, number, suffix)
    if drawing.is_map:
        layout["coloraxis"] = _colours(drawing)
    return {"data": data, "layout": layout}


def packed(values: Any, kind: str) -> dict[str, str]:
    """Return an array as Plotly reads it fastest: its bytes.

    Parameters
    ----------
    values : array_like
        Numbers; a matrix keeps its shape.
    kind : str
        ``"f4"``, ``"u1"`` or ``"i1"``.

    Returns
    -------
    dict of str to str
        ``dtype``, ``bdata`` (base64), and ``shape`` of a matrix.

    Examples
    --------
    >>> packed([1, 2, 255], "u1")
    {'dtype': 'u1', 'bdata': 'AQL/'}
    """
    array: NDArray[Any] = np.ascontiguousarray(values, dtype=np.dtype(kind).newbyteorder("<"))
    spec = {"dtype": kind, "bdata": base64.b64encode(array.tobytes()).decode()}
    return spec | ({"shape": ", ".join(map(str, array.shape))} if array.ndim > 1 else {})


def _map(panel: Panel, surface: Surface) -> Plot:
    values = np.array(surface.values).T
    if panel.colour_log:
        values = np.log10(values, out=np.full_like(values, _NOWHERE), where=values > 0.0)
    return {
        "type": "heatmap",
        "x": _edges(surface.lag_ps, log=panel.x_log),
        "y": _edges(surface.distance_A, log=False),
        "z": packed(values, "f4"),
        "coloraxis": "coloraxis",
        "name": panel.title,
        "hovertemplate": "%{x:.3g} ps, %{y:.2f} Å: "
        + ("10<sup>%{z:.2f}</sup>" if panel.colour_log else "%{z:.3g}"),
    }


def _edges(middles: Sequence[float], *, log: bool) -> list[float]:
    """Edges of the cells of a map about their middles."""
    x = np.log(middles) if log else np.asarray(middles)
    half = 0.5 * np.diff(x) if len(x) > 1 else np.array([0.5])
    edges = np.concatenate([[x[0] - half[0]], x[:-1] + half if len(x) > 1 else [], [x[-1] + half[-1]]])
    return [_short(edge) for edge in (np.exp(edges) if log else edges)]


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _colours(drawing: Drawing) -> Plot:
    low, high = colour_range(drawing)
    first = drawing.panels[0]
    bar: Plot = {
        "title": {"text": first.colour_label, "side": "right", "font": {"size": 14}},
        "thickness": 14,
    }
    if first.colour_log:
        low, high = float(np.log10(low)), float(np.log10(high))
        ticks = np.arange(np.ceil(low), high + 1e-9)
        bar |= {"tickvals": ticks.tolist(), "ticktext": [f"{10.0**tick:g}" for tick in ticks]}
    return {"colorscale": "Viridis", "cmin": low, "cmax": high, "colorbar": bar}


def _traces(line: Line, *, shown: bool) -> list[Plot]:
    common = {
        "type": "scatter",
        "legendgroup": line.mode,
        "name": label(line.mode),
        "showlegend": shown,
        "hovertemplate": "%{x:.4g}: %{y:.3g}",
    }
    if line.kind == "points":
        return [common | _marks(line)]
    tint = colour(line.mode)
    traces = []
    there = [k for k, value in enumerate(line.low) if value is not None]
    if there:
        up = [(line.x[k], line.high[k]) for k in there]
        down = [(line.x[k], line.low[k]) for k in reversed(there)]
        band = {
            "x": [x for x, _ in up + down],
            "y": [None if y is None else _short(y) for _, y in up + down],
            "mode": "lines",
            "fill": "toself",
            "fillcolor": tint,
            "opacity": 0.15,
            "line": {"width": 0},
            "hoverinfo": "skip",
            "showlegend": False,
        }
        traces.append(common | band)
    dashed = {"dash": "dash"} if line.kind == "dashed" else {}
    curve = {
        "x": list(line.x),
        "y": list(line.y),
        "mode": "lines",
        "line": {"color": tint, "width": 2, **dashed},
    }
    return [*traces, common | curve]


def _marks(line: Line) -> Plot:
    tint = colour(line.mode)
    marks: Plot = {
        "x": list(line.x),
        "y": list(line.y),
        "mode": "markers+text" if any(line.text) else "markers",
        "text": list(line.text),
        "textposition": "top right",
        "textfont": {"size": 12, "color": tint},
        "marker": {"symbol": [_SYMBOLS[bound] for bound in line.bound], "size": 10, "color": tint},
        "error_y": _bars(line.y, line.low, line.high, tint),
    }
    if line.x_low:
        marks["error_x"] = _bars(line.x, line.x_low, line.x_high, tint)
    return marks


def _bars(
    middle: Sequence[float | None], low: Sequence[float | None], high: Sequence[float | None], tint: str
) -> Plot:
    at, least, most = (np.array(values, dtype=float) for values in (middle, low, high))
    return {
        "type": "data",
        "symmetric": False,
        "array": (most - at).tolist(),
        "arrayminus": (at - least).tolist(),
        "color": tint,
        "thickness": 1.5,
        "width": 4,
    }


def _add_axes(layout: Plot, drawing: Drawing, number: int, suffix: str) -> None:
    panel = drawing.panels[number]
    row, column = divmod(number, drawing.columns)
    across = _part(column, drawing.columns, _MAP_GAP if drawing.is_map else _GAP)
    low, high = _part(row, drawing.rows, _ROW_GAP)
    down = [1.0 - high, 1.0 - low]
    inner = drawing.is_map and column > 0
    last = number + drawing.columns >= len(drawing.panels)
    x = AXIS | {"domain": across, "anchor": f"y{suffix}", "type": "log" if panel.x_log else "linear"}
    y = AXIS | {"domain": down, "anchor": f"x{suffix}", "type": "log" if panel.y_log else "linear"}
    x["title"] = {
        "text": panel.x_label if last or not drawing.is_map else "",
        "standoff": 8,
        "font": {"size": 14},
    }
    y["title"] = {"text": "" if inner else panel.y_label, "standoff": 8, "font": {"size": 14}}
    if panel.x_log:
        x |= {"dtick": 1, "exponentformat": "none"}
    if panel.y_log:
        y |= {"dtick": 1 if panel.y_wide else "D2", "exponentformat": "power" if panel.y_small else "none"}
    elif panel.y_small:
        y |= {"exponentformat": "power"}
    if drawing.is_map:
        y |= {"range": [0.0, float(panel.surface.distance_A[-1])] if panel.surface else None}
        y |= {"matches": "y", "showticklabels": not inner} if number else {}
    if panel.x_range:
        x["range"] = np.log10(panel.x_range).tolist() if panel.x_log else list(panel.x_range)
    layout |= {f"xaxis{suffix}": x, f"yaxis{suffix}": y}
    if panel.title:
        layout["annotations"].append(
            _text(panel.title, 0.5 * sum(across), down[1], xref="paper", yref="paper", xanchor="center")
        )
    if panel.level is not None:
        line = {"color": "#777", "width": 1, "dash": "dot"}
        ends = {"x0": 0, "x1": 1, "y0": panel.level, "y1": panel.level}
        layout["shapes"].append(
            {"type": "line", "xref": f"x{suffix} domain", "yref": f"y{suffix}", "line": line, **ends}
        )
    for region in panel.regions:
        tint = colour(region.mode)
        ends = {"x0": region.begin, "x1": region.end, "y0": 0, "y1": 1}
        fill = {"fillcolor": tint, "opacity": 0.08, "line": {"width": 0}, "layer": "below"}
        layout["shapes"].append(
            {"type": "rect", "xref": f"x{suffix}", "yref": f"y{suffix} domain", **ends, **fill}
        )
        middle = (
            np.log10(region.begin * region.end) / 2.0 if panel.x_log else (region.begin + region.end) / 2.0
        )
        words = _text(region.name, float(middle), 1.0, xref=f"x{suffix}", yref=f"y{suffix} domain")
        layout["annotations"].append(words | {"font": {"size": 12, "color": tint}, "yanchor": "top"})


def _part(number: int, count: int, gap: float) -> list[float]:
    """Ends of one of several equal parts of the whole, with gaps between them."""
    width = (1.0 - gap * (count - 1)) / count
    begin = number * (width + gap)
    return [begin, min(begin + width, 1.0)]


def _text(text: str, x: float, y: float, **reference: str) -> Plot:
    return {
        "text": text,
        "x": x,
        "y": y,
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 14},
    } | reference
