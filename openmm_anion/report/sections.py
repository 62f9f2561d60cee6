"""The sections of the report that show functions: what each is, and what one sees in it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO

import plotly.graph_objects as go
import plotly.io
from markupsafe import Markup

from openmm_anion.comparison.functions import ModeFunctions, StudyFunctions
from openmm_anion.comparison.results import StudyResults
from openmm_anion.report import function_panels
from openmm_anion.report.density_view import ENCLOSED, density_figure
from openmm_anion.report.figure import printed_style
from openmm_anion.report.interactive import Plot, interactive
from openmm_anion.report.modes import formula_text, label
from openmm_anion.report.panels import Drawing
from openmm_anion.report.static_figures import density_picture

PLOT_OPTIONS = {
    "displaylogo": False,
    "responsive": True,
    "toImageButtonOptions": {"format": "svg"},
    # Named one by one: Plotly's own choice has a button that sends the data to its cloud.
    "modeBarButtons": [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
}
_SOLID_OPTIONS = PLOT_OPTIONS | {
    "toImageButtonOptions": {"format": "png", "scale": 3},
    "modeBarButtons": [["orbitRotation", "zoom3d", "resetCameraDefault3d", "toImage"]],
}
_PICTURE_DPI, _PICTURE_PIXELS = 130, 220


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes
    ----------
    anchor, short, title : str
        Where links lead, what they are called, and what stands above.
    sentence : str
        What one sees.
    plots : list of (float, list of Markup)
        Plots by temperature, K; empty lists where there is nothing to draw.
    notes : list of str
        What could not be computed, and why.
    """

    anchor: str
    short: str
    title: str
    sentence: str
    plots: list[tuple[float, list[Markup]]]
    notes: list[str]

    @property
    def drawn(self) -> bool:
        """Whether there is anything to see, at any temperature."""
        return any(parts for _, parts in self.plots)


def function_sections(results: StudyResults, functions: StudyFunctions) -> list[Section]:
    """Return the sections of functions, in the order of the page.

    Parameters
    ----------
    results : StudyResults
        From `openmm_anion.comparison.study.analyze_study`.
    functions : StudyFunctions
        From `openmm_anion.comparison.study_functions.study_functions`.

    Returns
    -------
    list of Section
        One for each kind of function at each temperature.
    """
    cation = results.cation
    anion = " or ".join(formula_text(formula) for formula in results.anion)
    shells = sorted({mode.cutoff_A for mode in functions.modes if mode.cutoff_A is not None})
    shell = " or ".join(f"{cutoff:.2f}" for cutoff in shells) or "-"
    outer, inner = (round(100 * share) for share in ENCLOSED)

    def drawn(
        make: Callable[[list[ModeFunctions]], Sequence[Drawing | None]],
    ) -> list[tuple[float, list[Markup]]]:
        plots = []
        for t in results.temperatures:
            modes = functions.at(t.temperature_K)
            found = [drawing for drawing in make(modes) if drawing is not None] if modes else []
            plots.append((t.temperature_K, [to_html(interactive(d), d.name) for d in found]))
        return plots

    def of_kinds(
        make: Callable[[Sequence[ModeFunctions], str], Drawing | None],
    ) -> list[tuple[float, list[Markup]]]:
        return drawn(lambda modes: [make(modes, kind) for kind in function_panels.kinds_of(modes)])

    return [
        Section(
            "van-hove-self",
            "Van Hove, self",
            f"How far {cation} is after a time",
            f"Probability that a {cation} is at a distance from where it was, 4πr²Gₛ(r, t), in "
            "logarithmic colours. The bright band at the bottom is rattling in the cage. A second band "
            f"near {results.hop_length_A:.1f} Å, the distance of neighbouring {cation}, that grows with "
            "time is hopping; where a frozen motion takes it away, it takes the hops away.",
            drawn(lambda modes: [function_panels.van_hove_self(modes, cation)]),
            _notes(functions, "van Hove, self"),
        ),
        Section(
            "van-hove-distinct",
            "Van Hove, distinct",
            f"{cation} and anions, now and later",
            f"How much more often than by chance an anion centre is at a distance from where a {cation} "
            f"was a time before, g(r, t). Bands that fade to 1 with time say that {cation} have moved on; "
            "bands that stay say that they keep their places.",
            drawn(lambda modes: [function_panels.van_hove_distinct(modes, cation)]),
            _notes(functions, "van Hove, cation-anion"),
        ),
        Section(
            "orientation",
            "Orientation",
            "How long anions keep their orientation",
            "C₁ and C₂ start at 1 and fall as bonds turn away from where they pointed: a plateau means "
            "librations, a decay to zero means turns. The rotor function of tetrahedra does not see "
            "which ligand is where, so jumps between equivalent orientations leave it as it is. Shades: "
            "standard errors.",
            of_kinds(function_panels.orientation),
            _notes(functions, "orientation"),
        ),
        Section(
            "coupling",
            "Coupling",
            f"Whether {cation} leaves when an anion turns",
            f"Left: share of the {cation} within {shell} Å of an anion centre that are there again after "
            "a time. Right: what is left of the joint correlation of residence and orientation (l = 2) "
            f"when the product of the two is taken off. Above zero, {cation} that are still there are at "
            "anions that have turned less; at zero the two have nothing to do with each other. Shades: "
            "standard errors.",
            of_kinds(function_panels.coupling),
            _notes(functions, "coupling"),
        ),
        Section(
            "density",
            "Density in 3-D",
            f"Where {cation} is, as an anion sees it",
            f"Surfaces of equal {cation} density about the mean {anion}, in its own frame, averaged over "
            "anions and the rotations that leave the anion as it is. Levels are the same in all modes; "
            f"in the first one the outer surface encloses {outer} % and the inner one {inner} % of the "
            f"{cation} in the sphere that is shown. Turn it with the mouse.",
            [(t.temperature_K, _solid(functions.at(t.temperature_K))) for t in results.temperatures],
            [note for kind in results.anion for note in _notes(functions, f"density {kind}")],
        ),
        Section(
            "spectra",
            "Spectra",
            "At which frequencies ions move",
            "Spectrum of the kinetic energy of the cations, and of the anions split into translation, "
            "rotation and vibration. The area under a curve is the number of degrees of freedom times "
            "kT; a frozen motion has none.",
            drawn(lambda modes: [function_panels.spectrum(modes, cation)]),
            _notes(functions, "spectrum"),
        ),
    ]


def to_html(figure: go.Figure | Plot, name: str, *, solid: bool = False) -> Markup:
    """Return a figure as a part of the page, with its name as identifier.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure or Plot
        An interactive figure.
    name : str
        Identifier of its element.
    solid : bool
        Whether it is in three dimensions, which has other buttons.

    Returns
    -------
    markupsafe.Markup
        An element without plotly's own script.

    Examples
    --------
    >>> 'id="one"' in to_html(go.Figure(), "one")
    True
    """
    options = _SOLID_OPTIONS if solid else PLOT_OPTIONS
    html = plotly.io.to_html(
        figure, full_html=False, include_plotlyjs=False, config=options, div_id=name, validate=False
    )
    return Markup(html)


def _solid(modes: list[ModeFunctions]) -> list[Markup]:
    """Three-dimensional plots, each with a picture for paper and for browsers without WebGL."""
    parts = []
    for kind in function_panels.kinds_of(modes):
        figure, picture = density_figure(modes, kind), density_picture(modes, kind, _PICTURE_PIXELS)
        if figure is None or picture is None:
            continue
        file = BytesIO()
        with printed_style():
            picture.savefig(file, format="png", dpi=_PICTURE_DPI)
        data = base64.b64encode(file.getvalue()).decode()
        name = f"density-{kind}-{modes[0].temperature_K:g}K"
        parts.append(
            Markup(
                '<div class="solid"><div class="moving">{}</div>'
                '<img alt="cation density about {}" src="data:image/png;base64,{}"></div>'
            ).format(to_html(figure, name, solid=True), kind, data)
        )
    return parts


def _notes(functions: StudyFunctions, name: str) -> list[str]:
    """Why a function is missing, once for all modes that share the reason."""
    by_reason: dict[str, list[str]] = {}
    for mode in functions.modes:
        if name in mode.notes:
            where = f"{label(mode.mode)} at {mode.temperature_K:g} K"
            by_reason.setdefault(mode.notes[name], []).append(where)
    everything = len(functions.modes)
    return [
        f"Not drawn{'' if len(where) == everything else ' for ' + ', '.join(where)}: {reason}."
        for reason, where in by_reason.items()
    ]
