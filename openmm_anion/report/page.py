"""Put the report of a study together: one HTML file that needs no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from openmm_anion import __version__
from openmm_anion.analysis.diffusion import CM2_PER_S, NM2_PER_NS
from openmm_anion.atomic_file import write_bytes
from openmm_anion.comparison.functions import FILE as FUNCTIONS_FILE
from openmm_anion.comparison.functions import StudyFunctions
from openmm_anion.comparison.results import FREE, StudyResults, TemperatureResult
from openmm_anion.comparison.study import analyze_study
from openmm_anion.comparison.study_functions import study_functions
from openmm_anion.comparison.table import estimate_text, interval_text
from openmm_anion.report import plots, temperature_panels
from openmm_anion.report.interactive import interactive
from openmm_anion.report.modes import colour, formula_text
from openmm_anion.report.panels import Drawing
from openmm_anion.report.sections import function_sections, to_html
from openmm_anion.report.summary import caveats, headline, sentences

FIGURES = "figures"
"""Folder of the static figures, beside the report; see `openmm_anion.report.static_figures.write_figures`."""


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
    functions = study_functions(directory, results)
    path = Path(directory) / "report.html"
    write_bytes(path, render(results, functions).encode())
    return path


def render(results: StudyResults, functions: StudyFunctions) -> str:
    """Return the report as HTML.

    Parameters
    ----------
    results : StudyResults
        From `analyze_study`.
    functions : StudyFunctions
        From `study_functions`.

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
    css, script = (_source(environment, name) for name in ("report.css", "report.js"))
    arrhenius, energies = temperature_panels.arrhenius(results)
    has_ratios = any(mode.ratio for t in results.temperatures for mode in t.modes)
    has_series = any(run.thermodynamics for run in results.runs)
    return environment.get_template("report.html.j2").render(
        results=results,
        version=__version__,
        css=css,
        script=script,
        plotly=Markup(get_plotlyjs()),
        free=FREE,
        nm2_per_ns=NM2_PER_NS,
        headline=headline(results),
        findings=[(t, sentences(results, t)) for t in results.temperatures],
        caveats=caveats(results),
        ratio_plot=to_html(plots.ratio_figure(results), "ratios") if has_ratios else None,
        ratios_by_temperature=_drawn(temperature_panels.ratios_by_temperature(results)),
        arrhenius=_drawn(arrhenius),
        energies=energies,
        rule_map=_drawn(temperature_panels.rule_map(results)),
        sections=function_sections(results, functions),
        functions=functions,
        functions_file=FUNCTIONS_FILE,
        figures=FIGURES,
        has_displacement=any(mode.msd for t in results.temperatures for mode in t.modes),
        displacement_plots=[
            (t.temperature_K, [_displacement(results, t)] if any(mode.msd for mode in t.modes) else [])
            for t in results.temperatures
        ],
        series_plots=[
            ("Temperature", to_html(plots.temperature_figure(results), "temperature")),
            ("Potential energy", to_html(plots.energy_figure(results), "energy")),
            (
                "How exactly the frozen motions stay frozen",
                to_html(plots.constraint_figure(results), "constraint"),
            ),
        ]
        if has_series
        else [],
        potential=_flat(results.potential),
    )


def _source(environment: Environment, name: str) -> Markup:
    return Markup(environment.loader.get_source(environment, name)[0] if environment.loader else "")


def _displacement(results: StudyResults, temperature: TemperatureResult) -> Markup:
    name = f"displacement-{temperature.temperature_K:g}K"
    return to_html(plots.displacement_figure(results, temperature), name)


def _drawn(drawing: Drawing | None) -> Markup | None:
    return None if drawing is None else to_html(interactive(drawing), drawing.name)


def _flat(card: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Entries of a nested card as (name, text)."""
    rows: list[tuple[str, str]] = []
    for name, value in card.items():
        title = f"{prefix}{name}".replace("_", " ")
        rows += _flat(value, f"{title}: ") if isinstance(value, dict) else [(title, str(value))]
    return rows
