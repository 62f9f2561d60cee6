"""How often cations hop and anions rotate in the free runs of a study, and what a rule makes of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from openmm_anion.analysis.displacement_hops import DisplacementHops
from openmm_anion.analysis.event_count import EventCount, pool_counts
from openmm_anion.analysis.ions import Anion
from openmm_anion.analysis.rotation_events import RotationEvents
from openmm_anion.comparison.study_directory import StructureRecord
from openmm_anion.errors import InputError

SETTLE = 1.0
"""How long a hop or a rotation must last, ps."""
SHORTEST_HOP = 0.5
"""Of the distance between neighbouring cations; twice the noise of mean positions where that is longer."""


@dataclass(frozen=True)
class EventCounts:
    """Events of one run, by what happens.

    Attributes
    ----------
    events : dict of str to EventCount
        Number of ``"hop_rate"`` and of ``"rotation_rate_KIND"`` events.
    observed : dict of str to float
        Time in which they would be seen, over all ions, ps.
    """

    events: dict[str, EventCount]
    observed: dict[str, float]


def count_events(
    universe: Any, structure: StructureRecord, hop_length: float, interval: float
) -> EventCounts | None:
    """Count hops of cations and large rotations of anions in one run.

    Parameters
    ----------
    universe : MDAnalysis.Universe
        The run.
    structure : StructureRecord
        Who is who.
    hop_length : float
        Distance between neighbouring cations, A.
    interval : float
        Time between frames, ps.

    Returns
    -------
    EventCounts or None
        None if the run is too short to tell.
    """
    settle = max(2, round(SETTLE / interval)) * interval
    anions = [
        Anion(
            formula=anion.formula,
            indices=np.array(anion.indices),
            symbols=tuple(structure.symbols[i] for i in anion.indices),
            masses=np.array([structure.masses[i] for i in anion.indices]),
            center=None,
            ligands=np.arange(len(anion.indices)),
        )
        for anion in structure.anions
    ]
    cations = universe.atoms[structure.cations]
    try:
        hops = DisplacementHops(
            cations,
            anions,
            length=SHORTEST_HOP * hop_length,
            settle=settle,
            above_noise=True,
            frame_interval=interval,
        ).run()
        turns = RotationEvents(universe, anions, settle=settle, frame_interval=interval).run()
    except InputError:
        return None
    events, observed = {"hop_rate": hops.counted}, {"hop_rate": float(hops.data.observed)}
    for kind, counted in turns.counted.items():
        events[f"rotation_rate_{kind}"] = counted
        observed[f"rotation_rate_{kind}"] = float(turns.data.observed.sel(kind=kind))
    return EventCounts(events, observed)


def frequencies(runs: Sequence[EventCounts]) -> dict[str, float]:
    """Rates over several runs, with their 95 percent intervals, 1/ps, and their dispersions.

    Parameters
    ----------
    runs : sequence of EventCounts
        The runs.

    Returns
    -------
    dict
        As `openmm_anion.analysis.verdict.rule_sentence` takes it; ``hop_dispersion`` and
        ``rotation_dispersion_KIND`` are variances of the numbers of events over their means, see
        `openmm_anion.analysis.event_count.pool_counts`.

    Examples
    --------
    >>> two = [EventCounts({"hop_rate": EventCount(5, 5.0, 0.0)}, {"hop_rate": 50.0})] * 2
    >>> {name: round(rate, 2) for name, rate in frequencies(two).items()}
    {'hop_rate_per_ps': 0.1, 'hop_rate_low_per_ps': 0.04, 'hop_rate_high_per_ps': 0.2, 'hop_dispersion': 1.0}
    """
    events: defaultdict[str, list[EventCount]] = defaultdict(list)
    observed: defaultdict[str, list[float]] = defaultdict(list)
    for run in runs:
        for name, count in run.events.items():
            events[name].append(count)
            observed[name].append(run.observed[name])
    rates: dict[str, float] = {}
    for name, counts in events.items():
        what, _, kind = name.partition("_rate")
        count, time = pool_counts(counts, observed[name]), sum(observed[name])
        for end, value in zip(("", "_low", "_high"), (count.count, *count.interval()), strict=True):
            rates[f"{what}_rate{end}{kind}_per_ps"] = value / time
        rates[f"{what}_dispersion{kind}"] = count.dispersion
    return rates
