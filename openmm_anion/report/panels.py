"""What a figure shows, apart from how it is drawn: on the page by Plotly, for print by Matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from openmm_anion.comparison.functions import Surface

Bound = Literal["", "down", "up", "left"]

_SMALL, _WIDE = 1e-2, 100.0


@dataclass(frozen=True)
class Line:
    """A curve, or points with intervals.

    Attributes
    ----------
    mode : str
        Whose it is, for its colour and its entry in the legend.
    x, y : sequence of float or None
        Where; None leaves a gap.
    low, high : sequence of float or None, optional
        Ends of the intervals of y: a band of a curve, bars of points.
    x_low, x_high : sequence of float, optional
        Ends of the intervals of x, of points.
    kind : "curve", "dashed" or "points"
        How it is drawn.
    bound : sequence of "", "down", "up" or "left", optional
        Which points are bounds only: upper or lower ones of y, upper ones of x.
    text : sequence of str, optional
        What stands at each point.
    named : bool
        Whether the legend has it.

    Examples
    --------
    >>> Line("R", [1.0, 2.0], [0.5, None]).kind
    'curve'
    """

    mode: str
    x: Sequence[float]
    y: Sequence[float | None]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()
    x_low: Sequence[float] = ()
    x_high: Sequence[float] = ()
    kind: Literal["curve", "dashed", "points"] = "curve"
    bound: Sequence[Bound] = ()
    text: Sequence[str] = ()
    named: bool = True


@dataclass(frozen=True)
class Region:
    """A range of x with a name.

    Attributes
    ----------
    begin, end : float
        The range.
    name : str
        What stands there.
    mode : str
        Whose colour it has.

    Examples
    --------
    >>> Region(0.3, 3.0, "rotation", "R").end
    3.0
    """

    begin: float
    end: float
    name: str
    mode: str


@dataclass(frozen=True)
class Panel:
    """A pair of axes with lines, or with a map of lag time and distance.

    Attributes
    ----------
    title, x_label, y_label : str
        Texts.
    lines : list of Line
        Lines.
    surface : Surface or None
        The map, drawn instead of lines.
    colour_label : str
        Of the colour bar of a map.
    x_log, y_log, colour_log : bool
        Logarithmic scales.
    level : float or None
        Where a horizontal line is drawn.
    x_range : tuple of float or None
        Ends of the axis.
    regions : list of Region
        Shaded ranges of x.

    Examples
    --------
    >>> Panel("C", "lag time (ps)", "", [Line("R", [1.0, 2.0], [0.001, 0.002])]).y_small
    True
    """

    title: str
    x_label: str
    y_label: str
    lines: list[Line] = field(default_factory=list)
    surface: Surface | None = None
    colour_label: str = ""
    x_log: bool = False
    y_log: bool = False
    colour_log: bool = False
    level: float | None = None
    x_range: tuple[float, float] | None = None
    regions: list[Region] = field(default_factory=list)

    @property
    def y_small(self) -> bool:
        """Whether y is far from 1, so that powers of ten read better."""
        known = self._ends()
        return bool(known) and max(known) < _SMALL

    @property
    def y_wide(self) -> bool:
        """Whether y goes over more than two decades, so that powers of ten are ticks enough."""
        known = self._ends()
        return bool(known) and max(known) > _WIDE * min(known)

    def _ends(self) -> list[float]:
        return [abs(y) for line in self.lines for y in (*line.y, *line.low, *line.high) if y]


@dataclass(frozen=True)
class Drawing:
    """A figure: panels side by side, and the name of its file and of its place on the page.

    Attributes
    ----------
    name : str
        Of its file, without ending, and of its place on the page.
    panels : list of Panel
        In the order of reading.

    Examples
    --------
    >>> Drawing("spectrum", [Panel(str(k), "x", "y") for k in range(4)]).columns
    2
    """

    name: str
    panels: list[Panel]

    @property
    def is_map(self) -> bool:
        """Whether its panels are maps, which share their axes and colours."""
        return any(panel.surface is not None for panel in self.panels)

    @property
    def columns(self) -> int:
        """Panels in a row: at most four maps, three sets of curves (four as two by two)."""
        n = len(self.panels)
        return min(n, 4) if self.is_map else {1: 1, 2: 2, 4: 2}.get(n, 3)

    @property
    def rows(self) -> int:
        """Rows of panels."""
        return -(-len(self.panels) // self.columns)


def colour_range(drawing: Drawing, decades: float = 3.0) -> tuple[float, float]:
    """Return the ends of the colour scale that the maps of a drawing share.

    Parameters
    ----------
    drawing : Drawing
        With maps.
    decades : float, optional
        Length of a logarithmic scale.

    Returns
    -------
    low, high : float
        Values, or their decimal logarithms.

    Examples
    --------
    >>> surface = Surface(lag_ps=[1.0], distance_A=[0.5, 1.5], values=[[0.0, 4.0]])
    >>> colour_range(Drawing("g", [Panel("free", "t", "r", surface=surface)]))
    (0.0, 4.0)
    """
    values = [value for p in drawing.panels if p.surface for row in p.surface.values for value in row]
    top = max(values, default=1.0) or 1.0
    return (top * 10.0**-decades, top) if drawing.panels[0].colour_log else (0.0, top)
