"""How often cations hop and anions rotate in the free runs of a study, and what a rule makes of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from openmm_anion.analysis.displacement_hops import DisplacementHops
from openmm_anion.analysis.ions import Anion
from openmm_anion.analysis.poisson import poisson_interval
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
    events : dict of str to int
        Number of ``"hop"`` and of ``"rotation_rate_KIND"`` events.
    observed : dict of str to float
        Time in which they would be seen, over all ions, ps.
    """

    events: dict[str, int]
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
        hops = (
            DisplacementHops(
                cations,
                anions,
                length=SHORTEST_HOP * hop_length,
                settle=settle,
                above_noise=True,
                frame_interval=interval,
            )
            .run()
            .data
        )
        turns = RotationEvents(universe, anions, settle=settle, frame_interval=interval).run().data
    except InputError:
        return None
    events, observed = {"hop_rate": hops.sizes["event"]}, {"hop_rate": float(hops.observed)}
    for kind in turns.kind.values:
        name = f"rotation_rate_{kind}"
        events[name] = int(turns.events.values[turns.formula.values == kind].sum())
        observed[name] = float(turns.observed.sel(kind=kind))
    return EventCounts(events, observed)


def frequencies(runs: Sequence[EventCounts]) -> dict[str, float]:
    """Rates over several runs, with their 95 percent Poisson intervals, 1/ps.

    Parameters
    ----------
    runs : sequence of EventCounts
        The runs.

    Returns
    -------
    dict
        As `openmm_anion.analysis.verdict.rule_sentence` takes it.

    Examples
    --------
    >>> two = [EventCounts({"hop_rate": 5}, {"hop_rate": 50.0})] * 2
    >>> {name: round(rate, 2) for name, rate in frequencies(two).items()}
    {'hop_rate_per_ps': 0.1, 'hop_rate_low_per_ps': 0.05, 'hop_rate_high_per_ps': 0.18}
    """
    events: defaultdict[str, int] = defaultdict(int)
    observed: defaultdict[str, float] = defaultdict(float)
    for run in runs:
        for name, count in run.events.items():
            events[name] += count
            observed[name] += run.observed[name]
    rates: dict[str, float] = {}
    for name, count in events.items():
        what, _, kind = name.partition("_rate")
        for end, value in zip(("", "_low", "_high"), (count, *poisson_interval(count)), strict=True):
            rates[f"{what}_rate{end}{kind}_per_ps"] = value / observed[name]
    return rates
