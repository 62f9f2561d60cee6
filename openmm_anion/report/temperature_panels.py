"""Figures of all temperatures of a study: ratios, Arrhenius, and the map of rotation and hop frequencies."""

from __future__ import annotations

from openmm_anion.analysis.arrhenius import ArrheniusFit, arrhenius_fit
from openmm_anion.analysis.diffusion import CM2_PER_S
from openmm_anion.analysis.verdict import MATCH, frequency_ratios
from openmm_anion.comparison.results import FREE, Estimate, StudyResults, TemperatureResult
from openmm_anion.errors import InputError
from openmm_anion.report.panels import Bound, Drawing, Line, Panel, Region

RATIO = "D(frozen) / D(free)"
_APART = 0.08
"""Of the distance of neighbouring temperatures: how far modes are set apart."""
_POINTS = 60


def ratios_by_temperature(results: StudyResults) -> Drawing | None:
    """Ratio of each mode against temperature, with 95 % intervals; None for one temperature.

    Parameters
    ----------
    results : StudyResults
        Of a study.

    Returns
    -------
    Drawing or None
        D(frozen)/D(free) over temperature, K.
    """
    kelvins = [t.temperature_K for t in results.temperatures]
    if len(kelvins) < 2:
        return None
    step = _APART * min(b - a for a, b in zip(sorted(kelvins), sorted(kelvins)[1:], strict=False))
    names = _frozen_modes(results)
    lines = []
    for number, name in enumerate(names):
        found = [(t.temperature_K, ratio) for t in results.temperatures if (ratio := _ratio(t, name))]
        shift = step * (number - 0.5 * (len(names) - 1))
        if found:
            lines.append(_points(name, [kelvin + shift for kelvin, _ in found], [r for _, r in found]))
    if not lines:
        return None
    panel = Panel("", "temperature (K)", RATIO, lines, y_log=True, level=1.0)
    return Drawing("ratios-by-temperature", [panel])


def arrhenius(results: StudyResults) -> tuple[Drawing | None, list[str]]:
    """Diffusion coefficients against inverse temperature, with lines where there are three temperatures.

    Parameters
    ----------
    results : StudyResults
        Results.

    Returns
    -------
    drawing : Drawing or None
        None for one temperature.
    sentences : list of str
        Activation energy of each mode, or why there is none.
    """
    if len(results.temperatures) < 2:
        return None, []
    lines, sentences = [], []
    without: dict[str, list[str]] = {}
    for name in dict.fromkeys(mode.mode for t in results.temperatures for mode in t.modes):
        found = [
            (t.temperature_K, mode.D_A2_per_ps)
            for t in results.temperatures
            if (mode := t.mode(name)) and mode.D_A2_per_ps
        ]
        if not found:
            continue
        scaled = [_scaled(d, CM2_PER_S) for _, d in found]
        lines.append(_points(name, [1000.0 / kelvin for kelvin, _ in found], scaled))
        what = "nothing" if name == FREE else name
        try:
            fit = _fit([kelvin for kelvin, _ in found], scaled)
        except InputError as error:
            without.setdefault(str(error), []).append(what)
            continue
        low, high = fit.activation_energy_interval(0.95)
        sentences.append(
            f"With {what} frozen: activation energy {fit.activation_energy:.2f} eV "
            f"(95 % interval {low:.2f} to {high:.2f})."
        )
        kelvin_line = [
            1000.0 / (1000.0 / max(fit.temperatures) + k * _span(fit) / (_POINTS - 1)) for k in range(_POINTS)
        ]
        line = [float(d) for d in fit.predict(kelvin_line)]
        lines.append(Line(name, [1000.0 / k for k in kelvin_line], line, kind="dashed", named=False))
    if not lines:
        return None, []
    sentences += [
        f"No activation energy with {', '.join(names)} frozen: {why}." for why, names in without.items()
    ]
    panel = Panel("", "1000 / T (1/K)", f"D of {results.cation} (cm²/s)", lines, y_log=True)
    return Drawing("arrhenius", [panel]), sentences


def rule_map(results: StudyResults) -> Drawing | None:
    """Every mode at every temperature: its ratio against how often anions turn for each hop.

    The regions are those in which the rule of arXiv:2501.02440 expects translation, rotation or vibration to
    matter most, see `openmm_anion.analysis.verdict`.

    Parameters
    ----------
    results : StudyResults
        Of a study.

    Returns
    -------
    Drawing or None
        None where there are no ratios, or no rotations and hops were counted.
    """
    several = len(results.temperatures) > 1
    lines: list[Line] = []
    edges = [1.0 / MATCH, MATCH]
    for name in _frozen_modes(results):
        for t in results.temperatures:
            ratio = _ratio(t, name)
            for kind, (turns, least, most) in frequency_ratios(t.frequencies).items():
                if ratio is None:
                    continue
                edges += [max(least, 0.2 * most), most]
                words = [f"{t.temperature_K:g} K"] * several + [kind] * (len(results.anion) > 1)
                point = _points(name, [turns or most], [ratio])
                lines.append(
                    Line(
                        name,
                        point.x,
                        point.y,
                        point.low,
                        point.high,
                        [least],
                        [most],
                        "points",
                        ["left" if not turns else point.bound[0]],
                        [", ".join(words)],
                        named=not any(line.mode == name for line in lines),
                    )
                )
    if not lines:
        return None
    left, right = 0.3 * min(edges), 3.0 * max(edges)
    regions = [
        Region(left, 1.0 / MATCH, "vibration expected", "V"),
        Region(1.0 / MATCH, MATCH, "rotation", "R"),
        Region(MATCH, right, "translation", "T"),
    ]
    lines = [_cut(line, left) for line in lines]
    panel = Panel(
        "",
        "rotations of an anion for each hop of a cation, f<sub>rot</sub> / f<sub>hop</sub>",
        RATIO,
        lines,
        x_log=True,
        y_log=True,
        level=1.0,
        x_range=(left, right),
        regions=regions,
    )
    return Drawing("rule-map", [panel])


def _frozen_modes(results: StudyResults) -> list[str]:
    names = dict.fromkeys(mode.mode for t in results.temperatures for mode in t.modes)
    return [name for name in names if name != FREE]


def _ratio(temperature: TemperatureResult, name: str) -> Estimate | None:
    mode = temperature.mode(name)
    return mode.ratio if mode else None


def _scaled(d: Estimate, factor: float) -> Estimate:
    return Estimate(**{key: None if value is None else factor * value for key, value in d})


def _points(mode: str, x: list[float], estimates: list[Estimate]) -> Line:
    """Points with 95 % intervals; bounds stand where they are, without a bar beyond them."""
    bounds: list[Bound] = [
        "" if e.value is not None else "up" if e.low_95 > 0.0 else "down" for e in estimates
    ]
    y = [
        e.value if e.value is not None else e.low_95 if bound == "up" else e.high_95
        for e, bound in zip(estimates, bounds, strict=True)
    ]
    low = [
        e.low_95 if bound == "" and e.low_95 > 0.0 else at
        for e, at, bound in zip(estimates, y, bounds, strict=True)
    ]
    high = [e.high_95 if bound == "" else at for e, at, bound in zip(estimates, y, bounds, strict=True)]
    return Line(mode, x, y, low, high, kind="points", bound=bounds)


def _cut(line: Line, left: float) -> Line:
    return Line(**{**vars(line), "x_low": [max(x, left) for x in line.x_low]})


def _fit(kelvins: list[float], estimates: list[Estimate]) -> ArrheniusFit:
    known = [(k, e.value, e) for k, e in zip(kelvins, estimates, strict=True) if e.value is not None]
    errors = [0.5 * (e.high_68 - e.low_68) for _, _, e in known]
    return arrhenius_fit([k for k, _, _ in known], [d for _, d, _ in known], errors)


def _span(fit: ArrheniusFit) -> float:
    return float(1000.0 / min(fit.temperatures) - 1000.0 / max(fit.temperatures))
