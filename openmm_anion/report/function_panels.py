"""Figures of the functions of a study at one temperature, from the numbers in ``functions.json``."""

from __future__ import annotations

from collections.abc import Sequence

from openmm_anion.comparison.functions import Curves, ModeFunctions, Surface
from openmm_anion.report.modes import formula_text, label
from openmm_anion.report.panels import Drawing, Line, Panel

LAG = "lag time (ps)"
_ROTOR = "rotor function"
_MARGIN = 0.5
"""Empty part of a map, A."""
_FAINT, _BEYOND = 0.004, 1.15
"""Spectra are drawn to a little above where the last of them falls below this share of the highest peak."""


def van_hove_self(modes: Sequence[ModeFunctions], cation: str) -> Drawing | None:
    """Maps of the distance that cations are from where they were, one for each mode.

    Parameters
    ----------
    modes : sequence of ModeFunctions
        All modes at one temperature.
    cation : str
        Its element.

    Returns
    -------
    Drawing or None
        4 pi r^2 G_s (1/A) over lag time (ps) and displacement (A); None where no mode has it.
    """
    farthest = max((_reach(mode.van_hove_self) for mode in modes if mode.van_hove_self), default=0.0)
    panels = [
        Panel(
            label(mode.mode),
            LAG,
            f"displacement of {cation} (Å)",
            surface=_cropped(mode.van_hove_self, farthest),
            colour_label="4πr² G<sub>s</sub> (1/Å)",
            x_log=True,
            colour_log=True,
        )
        for mode in modes
        if mode.van_hove_self
    ]
    return _drawing("van-hove-self", modes, panels)


def van_hove_distinct(modes: Sequence[ModeFunctions], cation: str) -> Drawing | None:
    """Maps of the pair distribution of cations and, later, anion centres, one for each mode.

    Parameters
    ----------
    modes : sequence of ModeFunctions
        All modes at one temperature.
    cation : str
        Its element.

    Returns
    -------
    Drawing or None
        g(r, t) over lag time (ps) and distance (A); None where no mode has it.

    Examples
    --------
    >>> surface = Surface(lag_ps=[0.1], distance_A=[0.5], values=[[1.0]])
    >>> there = {"temperature_K": 300, "snapshots": [0], "frames": 2, "interval_ps": 0.1, "sources": []}
    >>> van_hove_distinct([ModeFunctions(mode="free", van_hove_distinct=surface, **there)], "Na").name
    'van-hove-distinct-300K'
    """
    panels = [
        Panel(
            label(mode.mode),
            LAG,
            f"{cation} to anion centre (Å)",
            surface=mode.van_hove_distinct,
            colour_label="g(r, t)",
            x_log=True,
        )
        for mode in modes
        if mode.van_hove_distinct
    ]
    return _drawing("van-hove-distinct", modes, panels)


def orientation(modes: Sequence[ModeFunctions], kind: str) -> Drawing | None:
    """Orientational correlations of one kind of anion, l = 1 and 2, and the rotor function.

    Parameters
    ----------
    modes : sequence of ModeFunctions
        All modes at one temperature.
    kind : str
        Formula of the anion.

    Returns
    -------
    Drawing or None
        Over lag time (ps); None where no mode has them.

    Examples
    --------
    >>> curves = Curves(x=[0.1, 0.2], values={"c1": [1.0, 0.9]})
    >>> there = {"temperature_K": 300, "snapshots": [0], "frames": 2, "interval_ps": 0.1, "sources": []}
    >>> orientation([ModeFunctions(mode="free", orientation={"PS4": curves}, **there)], "PS4").name
    'orientation-PS4-300K'
    """
    panels = []
    for name, title in (("c1", "C₁"), ("c2", "C₂"), ("rotor", _ROTOR)):
        lines = _lines(modes, {mode.mode: mode.orientation.get(kind) for mode in modes}, name)
        if lines:
            panels.append(Panel(f"{title} of {formula_text(kind)}", LAG, "", lines))
    return _drawing(f"orientation-{kind}", modes, panels)


def coupling(modes: Sequence[ModeFunctions], kind: str) -> Drawing | None:
    """Residence of cations at one kind of anion, and its coupling to the orientation.

    Parameters
    ----------
    modes : sequence of ModeFunctions
        All modes at one temperature.
    kind : str
        Formula of the anion.

    Returns
    -------
    Drawing or None
        Over lag time (ps); None where no mode has them.
    """
    curves = {mode.mode: mode.coupling.get(kind) for mode in modes}
    panels = []
    for name, title, level in (
        ("residence", f"still at {formula_text(kind)}", None),
        ("coupling", f"coupling to the orientation of {formula_text(kind)}", 0.0),
    ):
        lines = _lines(modes, curves, name)
        if lines:
            panels.append(Panel(title, LAG, "", lines, level=level))
    return _drawing(f"coupling-{kind}", modes, panels)


def spectrum(modes: Sequence[ModeFunctions], cation: str) -> Drawing | None:
    """Spectra of the kinetic energy of cations, and of translation, rotation and vibration of anions.

    Parameters
    ----------
    modes : sequence of ModeFunctions
        All modes at one temperature.
    cation : str
        Its element.

    Returns
    -------
    Drawing or None
        kJ/mol/THz over frequency (THz); None where no mode has them.
    """
    curves = {mode.mode: mode.spectrum for mode in modes}
    titles = {"cations": cation} | {
        part: f"{part} of the anions" for part in ("translation", "rotation", "vibration")
    }
    panels = []
    highest = max((_highest(of_mode) for of_mode in curves.values() if of_mode), default=1.0)
    for part, title in titles.items():
        lines = _lines(modes, curves, part)
        if lines:
            panels.append(
                Panel(title, "frequency (THz)", "spectrum (kJ/mol/THz)", lines, x_range=(0.0, highest))
            )
    return _drawing("spectrum", modes, panels)


def kinds_of(modes: Sequence[ModeFunctions]) -> list[str]:
    """Return the formulas of anions that any of the functions knows.

    Parameters
    ----------
    modes : sequence of ModeFunctions
        All modes at one temperature.

    Returns
    -------
    list of str
        Each once.

    Examples
    --------
    >>> curve = Curves(x=[0.1], values={"c1": [1.0]})
    >>> there = {"temperature_K": 300, "snapshots": [0], "frames": 2, "interval_ps": 0.1, "sources": []}
    >>> kinds_of([ModeFunctions(mode="free", orientation={"PS4": curve}, **there)])
    ['PS4']
    """
    found = [kind for mode in modes for kind in (*mode.orientation, *mode.coupling, *mode.density)]
    return list(dict.fromkeys(found))


def _lines(modes: Sequence[ModeFunctions], curves: dict[str, Curves | None], name: str) -> list[Line]:
    lines = []
    for mode in modes:
        of_mode = curves[mode.mode]
        if of_mode is None or name not in of_mode.values:
            continue
        y = of_mode.values[name]
        errors = of_mode.values.get(f"{name}_error", [])
        pairs = list(zip(y, errors, strict=False))
        lines.append(
            Line(
                mode.mode,
                of_mode.x,
                y,
                [None if v is None or e is None else v - e for v, e in pairs],
                [None if v is None or e is None else v + e for v, e in pairs],
            )
        )
    return lines


def _reach(surface: Surface) -> float:
    """Distance beyond which a map of displacements is empty, A."""
    there = [r for row in surface.values for r, value in zip(surface.distance_A, row, strict=True) if value]
    return max(there, default=surface.distance_A[-1])


def _cropped(surface: Surface, farthest: float) -> Surface:
    n = sum(r <= farthest + _MARGIN for r in surface.distance_A)
    return Surface(
        lag_ps=surface.lag_ps, distance_A=surface.distance_A[:n], values=[row[:n] for row in surface.values]
    )


def _highest(spectrum: Curves) -> float:
    """Frequency above which nothing moves, THz."""
    parts = [[value or 0.0 for value in values] for values in spectrum.values.values()]
    top = max(max(values) for values in parts)
    warm = [
        f for values in parts for f, value in zip(spectrum.x, values, strict=True) if value > _FAINT * top
    ]
    return _BEYOND * max(warm, default=spectrum.x[-1])


def _drawing(name: str, modes: Sequence[ModeFunctions], panels: list[Panel]) -> Drawing | None:
    return Drawing(f"{name}-{modes[0].temperature_K:g}K", panels) if panels else None
