"""The results of a study as one static figure, for papers and the README."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from openmm_anion.atomic_file import check_writable, write_bytes
from openmm_anion.comparison.results import ModeResult, StudyResults, TemperatureResult
from openmm_anion.errors import InputError
from openmm_anion.report.modes import colour, formula_text, label
from openmm_anion.report.plots import fitted_line

_NARROWEST = 0.01


def summary_figure(results: StudyResults, temperature_K: float | None = None) -> Figure:
    """Draw displacement curves and ratios of one temperature side by side.

    Parameters
    ----------
    results : StudyResults
        From `openmm_anion.comparison.study.analyze_study`.
    temperature_K : float, optional
        Which temperature; by default the first.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If that temperature was not run, or has no displacement curve yet.
    """
    kelvins = [t.temperature_K for t in results.temperatures]
    wanted = kelvins[0] if temperature_K is None else temperature_K
    chosen = next((t for t in results.temperatures if t.temperature_K == wanted), None)
    if chosen is None:
        raise InputError(f"no run at {wanted:g} K; there are {', '.join(f'{k:g} K' for k in kelvins)}")
    if not any(mode.msd for mode in chosen.modes):
        raise InputError(f"the runs at {wanted:g} K are too short for a figure; let the study go on")
    with printed_style():
        figure = Figure(figsize=(8.4, 3.4), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=[1.25, 1.0])
        _draw_displacement(left, results, chosen)
        _draw_ratios(right, [mode for mode in chosen.modes if mode.ratio is not None])
        anions = " and ".join(formula_text(formula) for formula in results.anion)
        figure.suptitle(
            f"{results.cation} among {anions}, {chosen.temperature_K:g} K, {results.n_atoms} atoms, "
            f"{results.planned_snapshots} snapshots",
            fontsize=10,
        )
    return figure


def check_figure(path: Path) -> None:
    """Refuse a file that no figure can be written to.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    InputError
        If its ending is none that Matplotlib can write, or it cannot be written.

    Examples
    --------
    >>> check_figure(Path("ratio.docx"))
    Traceback (most recent call last):
    openmm_anion.errors.InputError: ...
    """
    if path.suffix.lstrip(".").lower() not in Figure().canvas.get_supported_filetypes():
        raise InputError(f"a figure cannot be written as {path.name!r}; use .svg, .png or .pdf")
    check_writable(path, "figure")


def save_summary_figure(results: StudyResults, path: Path | str, temperature_K: float | None = None) -> Path:
    """Write `summary_figure` to a file; its ending (.svg, .png, .pdf) gives the format.

    Parameters
    ----------
    results : StudyResults
        Of a study.
    path : Path or str
        File to write.
    temperature_K : float, optional
        Temperature to draw, K; as `summary_figure`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        As `summary_figure`, or if the ending is none that Matplotlib can write.
    """
    target = Path(path)
    check_figure(target)
    figure = summary_figure(results, temperature_K)
    with printed_style():
        save_figure(figure, target, dpi=200)
    return target


def save_figure(figure: Figure, path: Path, dpi: int) -> None:
    """Write a figure, whole or not at all; the same figure always gives the same file.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    path : Path
        Its ending gives the format.
    dpi : int
        Dots per inch of pictures.
    """
    drawn = io.BytesIO()
    kind = path.suffix.lstrip(".").lower()
    figure.savefig(drawn, format=kind, dpi=dpi, metadata={"Date": None} if kind == "svg" else None)
    write_bytes(path, drawn.getvalue())


@contextmanager
def printed_style() -> Iterator[None]:
    """Draw as for a paper while this lasts: small type, no box, and the same file for the same numbers.

    Yields
    ------
    None
        While it lasts.
    """
    with matplotlib.rc_context():
        matplotlib.rc("axes.spines", top=False, right=False)
        matplotlib.rc("font", size=9)
        matplotlib.rc("svg", hashsalt="openmm-anion")  # the same numbers give the same file
        yield


def _draw_displacement(axes: Axes, results: StudyResults, temperature: TemperatureResult) -> None:
    if temperature.fit_begin_ps is not None and temperature.fit_end_ps is not None:
        axes.axvspan(
            temperature.fit_begin_ps, temperature.fit_end_ps, color="#f1efe6", lw=0, label="fit window"
        )
    for mode in temperature.modes:
        if mode.msd is not None:
            axes.plot(
                mode.msd.lag_ps, mode.msd.msd_A2, color=colour(mode.mode), lw=1.8, label=label(mode.mode)
            )
        line = fitted_line(results, temperature, mode.mode)
        if line is not None:
            axes.plot(*line, color=colour(mode.mode), lw=0.9, ls=(0, (5, 3)))
    axes.set_xlim(left=0.0)
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel("lag time (ps)")
    axes.set_ylabel(f"mean squared displacement of {results.cation} (Å$^2$)")
    axes.legend(frameon=False, fontsize=8)


def _draw_ratios(axes: Axes, modes: list[ModeResult]) -> None:
    axes.axvline(1.0, color="#777", lw=1, ls=":")
    lowest = 0.5 * min([0.5, *(mode.ratio.low_95 or mode.ratio.high_95 for mode in modes if mode.ratio)])
    floor = max(lowest, _NARROWEST)
    for row, mode in enumerate(modes):
        ratio = mode.ratio
        if ratio is None:
            continue
        tint = colour(mode.mode)
        axes.plot([max(ratio.low_95, floor), max(ratio.high_95, floor)], [row, row], color=tint, lw=1.5)
        axes.plot(
            [max(ratio.low_68, floor), max(ratio.high_68, floor)], [row, row], color=tint, lw=5, alpha=0.45
        )
        if ratio.value is None:
            axes.plot([floor], [row], marker="<", color=tint, ms=7, clip_on=False)
        else:
            axes.plot([ratio.value], [row], marker="o", color=tint, ms=6)
        if mode.verdict is not None:
            axes.annotate(
                mode.verdict_shown,
                (max(ratio.value or floor, floor), row),
                (0, 8),
                textcoords="offset points",
                ha="left" if ratio.value is None else "center",
                fontsize=8,
                color="#444",
            )
    axes.set_xscale("log")
    axes.set_xlim(floor, 2.0 * max([1.5, *(mode.ratio.high_95 for mode in modes if mode.ratio)]))
    axes.set_ylim(len(modes) - 0.4, -0.6)
    axes.set_yticks(range(len(modes)), [label(mode.mode) for mode in modes])
    axes.set_xlabel("D(frozen) / D(free), 68 and 95 % intervals")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
