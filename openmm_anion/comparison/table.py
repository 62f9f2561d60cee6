"""The results of a study as a table for the terminal."""

from __future__ import annotations

from openmm_anion.analysis.diffusion import CM2_PER_S, NM2_PER_NS
from openmm_anion.comparison.results import FREE, Estimate, ModeResult, StudyResults
from openmm_anion.text_table import columns

_HEADER = ["T (K)", "frozen", "D (cm^2/s)", "95 %", "D (nm^2/ns)", "D/D(free)", "95 %", "verdict", "runs"]


def format_table(results: StudyResults) -> str:
    """Return the table that the command line prints, with a line for each thing that is amiss.

    Parameters
    ----------
    results : StudyResults
        From `analyze_study`.

    Returns
    -------
    str
        The table, and a line for each remark.
    """
    rows = [_HEADER]
    notes = [f"structure: {note}" for note in results.notes]
    for temperature in results.temperatures:
        for mode in temperature.modes:
            rows.append([f"{temperature.temperature_K:g}", *_cells(mode, results.planned_runs)])
            notes += [
                f"{temperature.temperature_K:g} K, {mode.mode}: not valid, {why}" for why in mode.reasons
            ]
    notes += [line for t in results.temperatures for line in t.second_looks]
    notes += [f"{t.temperature_K:g} K: {t.rattling}" for t in results.temperatures if t.rattling]
    notes += [f"{t.temperature_K:g} K: {t.stopped}" for t in results.temperatures if t.stopped]
    notes += [f"{t.temperature_K:g} K: {t.rule}" for t in results.temperatures if t.rule]
    notes += [f"{run.name}: left out, {run.note}" for run in results.runs if run.note]
    notes += [f"{run.name}: {run.warning}" for run in results.runs if run.warning]
    notes += [f"{name}: not started" for name in results.missing]
    lines = columns(rows)
    lines.insert(1, "-" * max(len(line) for line in lines))
    return "\n".join(lines + notes)


def _cells(mode: ModeResult, planned: int) -> list[str]:
    d, ratio = mode.D_A2_per_ps, mode.ratio
    verdict = mode.verdict_shown or ("reference" if mode.mode == FREE and mode.valid else "")
    return [
        "nothing" if mode.mode == FREE else mode.mode,
        estimate_text(d, CM2_PER_S, "1e"),
        interval_text(d, CM2_PER_S, "1e"),
        estimate_text(d, NM2_PER_NS, "2g"),
        estimate_text(ratio, 1.0, "2g"),
        "-" if ratio is None else ratio.interval,
        verdict if mode.valid or mode.verdict else "not valid",
        f"{mode.runs_used}/{planned}",
    ]


def estimate_text(estimate: Estimate | None, factor: float, digits: str) -> str:
    """Return a number as text; where it does not stand above its noise, its upper bound.

    Parameters
    ----------
    estimate : Estimate or None
        What was found.
    factor : float
        From its unit to that of the table.
    digits : str
        Format of the numbers, such as ``"2g"``.

    Returns
    -------
    str
        "-" where there is nothing.

    Examples
    --------
    >>> estimate_text(Estimate(value=None, low_68=0, high_68=1, low_95=0, high_95=2.5), 1.0, "2g")
    '< 2.5'
    """
    if estimate is None:
        return "-"
    if estimate.value is None:
        return f"< {factor * estimate.high_95:.{digits}}"
    return f"{factor * estimate.value:.{digits}}"


def interval_text(estimate: Estimate | None, factor: float, digits: str) -> str:
    """Return the 95 % interval as text.

    Parameters
    ----------
    estimate : Estimate or None
        What was found.
    factor : float
        From its unit to that of the table.
    digits : str
        Format of the numbers, such as ``"2g"``.

    Returns
    -------
    str
        "-" where there is nothing.

    Examples
    --------
    >>> interval_text(Estimate(value=1, low_68=0.8, high_68=1, low_95=0.5, high_95=2.5), 1.0, "2g")
    '0.5 to 2.5'
    """
    if estimate is None:
        return "-"
    low = f"{factor * estimate.low_95:.{digits}}" if estimate.low_95 > 0.0 else "0"
    return f"{low} to {factor * estimate.high_95:.{digits}}"
