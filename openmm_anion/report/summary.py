"""The results in plain sentences, which say no more than the intervals do."""

from __future__ import annotations

from collections.abc import Iterator

from openmm_anion.comparison.results import FREE, Estimate, ModeResult, StudyResults, TemperatureResult
from openmm_anion.report.modes import formula_text, motion_words

_FEW_SNAPSHOTS = 4


def headline(results: StudyResults) -> str:
    """Return the one sentence that a reader in a hurry needs.

    Parameters
    ----------
    results : StudyResults
        Of a study.

    Returns
    -------
    str
        With a full stop.
    """
    anion = _anion(results)
    found = [
        f"the {motion_words(t.undoubted)} matters most at {t.temperature_K:g} K"
        for t in results.temperatures
        if t.undoubted is not None
    ]
    if found:
        return (
            f"Of the motions of {anion} that were frozen one by one, {'; '.join(found)} to {results.cation}."
        )
    slower = {
        f"the {motion_words(mode.mode)}"
        for t in results.temperatures
        for mode in t.modes
        if mode.verdict == "slower" and not mode.doubtful
    }
    if slower:
        return (
            f"{results.cation} is slower with {', or '.join(sorted(slower))} of {anion} frozen. "
            "Which motion matters most cannot be told from these runs."
        )
    return (
        f"No motion of {anion} can be shown to carry {results.cation} from these runs: "
        "see below for what can be told and what cannot."
    )


def sentences(results: StudyResults, temperature: TemperatureResult) -> list[str]:
    """Return what was found at one temperature, one sentence or two for each mode.

    Parameters
    ----------
    results : StudyResults
        Of a study.
    temperature : TemperatureResult
        One of its temperatures.

    Returns
    -------
    list of str
        In the order of the modes.
    """
    return list(_sentences(results.cation, _anion(results), temperature))


def _sentences(cation: str, anion: str, temperature: TemperatureResult) -> Iterator[str]:
    free = temperature.mode(FREE)
    if free is None:
        yield "There is no free run yet, so there is nothing to compare the frozen ones with."
    elif not free.valid:
        yield f"The free runs are not valid ({'; '.join(free.reasons)}), so no frozen run can be judged."
    elif free.D_A2_per_ps is None:
        yield "The free runs are still too short for a diffusion coefficient."
    elif free.D_A2_per_ps.value is None:
        yield f"With nothing frozen, the diffusion of {cation} does not stand above its noise: run longer."
    for mode in temperature.modes:
        if mode.mode != FREE and (free is None or free.valid or mode.reasons):
            yield _about_mode(cation, anion, mode)
    single = [mode for mode in temperature.modes if len(mode.mode) == 1 and mode.ratio]
    if len(single) > 1 and temperature.undoubted is None:
        yield "Which of the motions matters most cannot be told from these runs."
    if temperature.rule:
        yield f"By frequencies: {temperature.rule}."


def _about_mode(cation: str, anion: str, mode: ModeResult) -> str:
    doubt = f" But {mode.second_look}." if mode.doubtful else ""
    return _finding(cation, anion, mode) + doubt


def _finding(cation: str, anion: str, mode: ModeResult) -> str:
    words = motion_words(mode.mode)
    if not mode.valid or mode.verdict == "not valid":
        return (
            f"{words.capitalize()} frozen: not valid ({'; '.join(mode.reasons)}). "
            "A run with a broken anion or a failed one is of another material, so it is not averaged in."
        )
    if mode.ratio is None:
        return f"{words.capitalize()} frozen: not enough data yet."
    interval = f"95 % interval {mode.ratio.interval}"
    if mode.verdict == "no difference can be told":
        return (
            f"{words.capitalize()} frozen: no difference can be told ({_ratio_text(mode.ratio)}{interval}). "
            f"{cation} is {_bounds(mode.ratio)} (95 %)."
        )
    if mode.ratio.value is None:
        if mode.verdict == "slower":
            return (
                f"Freezing the {words} of {anion} makes {cation} at least {1.0 / mode.ratio.high_95:.2g} "
                "times slower: no diffusion stands above the noise."
            )
        return f"Freezing the {words} of {anion} makes {cation} faster ({interval})."
    factor = mode.ratio.value if mode.verdict == "faster" else 1.0 / mode.ratio.value
    return (
        f"Freezing the {words} of {anion} makes {cation} about {factor:.2g} times {mode.verdict} "
        f"({_ratio_text(mode.ratio)}{interval})."
    )


def _ratio_text(ratio: Estimate) -> str:
    return "" if ratio.value is None else f"D(frozen)/D(free) = {ratio.value:.2g}, "


def _bounds(ratio: Estimate) -> str:
    """What an interval that holds 1 leaves out, in words."""
    slower = f"not more than {1.0 / ratio.low_95:.2g} times slower and " if ratio.low_95 > 0.0 else ""
    return f"{slower}not more than {ratio.high_95:.2g} times faster"


def _anion(results: StudyResults) -> str:
    return " and ".join(formula_text(formula) for formula in results.anion)


def caveats(results: StudyResults) -> list[str]:
    """Return what a careful reader should hold against these results.

    Parameters
    ----------
    results : StudyResults
        Of a study.

    Returns
    -------
    list of str
        Sentences; those that hold for every study are among them.
    """
    found = []
    used = min(
        (mode.snapshots_used for t in results.temperatures for mode in t.modes if mode.runs_used), default=0
    )
    if 0 < used < _FEW_SNAPSHOTS:
        found.append(
            f"Some modes rest on {used} starting snapshot{'' if used == 1 else 's'}. So few cannot tell "
            "how much snapshots differ; the intervals assume that they differ by tens of percent. Six or "
            "more snapshots let the data decide."
        )
    found.append(
        "Freezing a motion also freezes the disorder of the snapshot in which the anions happened to be. "
        "Both effects are in the ratio; only more snapshots separate them."
    )
    for t in results.temperatures:
        if t.rattling:
            found.append(f"At {t.temperature_K:g} K {t.rattling}.")
        elif t.fit_begin_ps is not None:
            found.append(
                f"At {t.temperature_K:g} K the slope is read between lag times of {t.fit_begin_ps:g} and "
                f"{t.fit_end_ps:g} ps. Motion that is slower than that, or jumps that are taken back later, "
                "are not seen."
            )
    found.append(
        "Each 95 % interval misses the truth one time in twenty: of several verdicts, one may be chance."
    )
    found += [
        f"The run {run.mode}, snapshot {run.snapshot}{f', repeat {run.repeat}' if run.repeat else ''}, at "
        f"{run.temperature_K:g} K: {run.warning}."
        for run in results.runs
        if run.warning
    ]
    unfinished = [run for run in results.runs if run.status in ("running", "waiting")]
    found += [f"At {t.temperature_K:g} K {t.stopped}." for t in results.temperatures if t.stopped]
    if unfinished or results.missing:
        found.append(
            f"The study is not finished; runs under way: {len(unfinished)}, "
            f"not started: {len(results.missing)}."
        )
    found += [f"Of the structure: {note}." for note in results.notes]
    found.append(
        "The potential is a model. Its errors are listed under Settings; whether it holds for your "
        "composition, temperature and defects is for you to check."
    )
    return found
