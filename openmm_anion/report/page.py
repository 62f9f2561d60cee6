"""Put the report of a study together: one HTML file that needs no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from openmm_anion import __version__
from openmm_anion.analysis.diffusion import CM2_PER_S, NM2_PER_NS
from openmm_anion.atomic_file import write_bytes
from openmm_anion.comparison.results import FREE, StudyResults
from openmm_anion.comparison.study import analyze_study
from openmm_anion.comparison.table import estimate_text, interval_text
from openmm_anion.report import plots
from openmm_anion.report.modes import colour, formula_text
from openmm_anion.report.summary import caveats, headline, sentences

_PLOT_OPTIONS = {
    "displaylogo": False,
    "responsive": True,
    "toImageButtonOptions": {"format": "svg"},
    # Named one by one: Plotly's own choice has a button that sends the data to its cloud.
    "modeBarButtons": [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
}


def write_report(directory: Path | str) -> Path:
    """Analyse a study, finished or not, and write ``report.html`` into its directory.

    Parameters
    ----------
    directory : path
        What ``openmm-anion run`` wrote.

    Returns
    -------
    Path
        The report.

    Raises
    ------
    InputError
        As `openmm_anion.comparison.study.analyze_study`.
    """
    results = analyze_study(directory)
    path = Path(directory) / "report.html"
    write_bytes(path, render(results).encode())
    return path


def render(results: StudyResults) -> str:
    """Return the report as HTML.

    Parameters
    ----------
    results : StudyResults
        From `analyze_study`.

    Returns
    -------
    str
        A whole page with styles, scripts and data inside.
    """
    environment = Environment(
        loader=PackageLoader("openmm_anion.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "formula": formula_text,
        "colour": colour,
        "cm2": lambda estimate: estimate_text(estimate, CM2_PER_S, "1e"),
        "cm2_interval": lambda estimate: interval_text(estimate, CM2_PER_S, "1e"),
        "nm2": lambda estimate: estimate_text(estimate, NM2_PER_NS, "2g"),
        "ratio": lambda estimate: estimate_text(estimate, 1.0, "2g"),
        "ratio_interval": lambda estimate: interval_text(estimate, 1.0, "2g"),
    }
    source = environment.loader.get_source(environment, "report.css")[0] if environment.loader else ""
    has_ratios = any(mode.ratio for t in results.temperatures for mode in t.modes)
    has_series = any(run.thermodynamics for run in results.runs)
    return environment.get_template("report.html.j2").render(
        results=results,
        version=__version__,
        css=Markup(source),
        plotly=Markup(get_plotlyjs()),
        free=FREE,
        nm2_per_ns=NM2_PER_NS,
        headline=headline(results),
        findings=[(t, sentences(results, t)) for t in results.temperatures],
        caveats=caveats(results),
        ratio_plot=_div(plots.ratio_figure(results)) if has_ratios else None,
        displacement_plots=[
            (t, _div(plots.displacement_figure(results, t)))
            for t in results.temperatures
            if any(mode.msd for mode in t.modes)
        ],
        series_plots=[
            ("Temperature", _div(plots.temperature_figure(results))),
            ("Potential energy", _div(plots.energy_figure(results))),
            ("How exactly the frozen motions stay frozen", _div(plots.constraint_figure(results))),
        ]
        if has_series
        else [],
        potential=_flat(results.potential),
    )


def _div(figure: go.Figure) -> Markup:
    return Markup(figure.to_html(full_html=False, include_plotlyjs=False, config=_PLOT_OPTIONS))


def _flat(card: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Entries of a nested card as (name, text)."""
    rows: list[tuple[str, str]] = []
    for name, value in card.items():
        title = f"{prefix}{name}".replace("_", " ")
        rows += _flat(value, f"{title}: ") if isinstance(value, dict) else [(title, str(value))]
    return rows
