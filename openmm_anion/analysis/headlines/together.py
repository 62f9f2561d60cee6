"""How cations and anions go together, in one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from openmm_anion.analysis.at_hops import SERIES
from openmm_anion.analysis.headlines.told import Told, times

if TYPE_CHECKING:
    from openmm_anion.analysis.suite import Suite


def van_hove_distinct(suite: Suite, data: xr.Dataset) -> Told:
    """Where neighbours are.

    Parameters
    ----------
    suite : Suite
        What was chosen.
    data : xarray.Dataset
        ``g`` over ``lag_times`` (ps) and ``distance`` (A).

    Returns
    -------
    headline : str
        In one line.
    numbers : dict of str to float
        ``peak_A``: the distance at which g(r) is highest at the first lag time.

    Examples
    --------
    >>> g = (("lag_times", "distance"), [[0.0, 2.0]])
    >>> van_hove_distinct(None, xr.Dataset({"g": g}, {"lag_times": [0.0], "distance": [2.5, 3.5]}))
    ('at 0 ps; highest at 3.50 A: g = 2.0', {'peak_A': 3.5})
    """
    first = data.g.values[0]
    peak = float(data.distance[int(first.argmax())])
    return f"at {times(data)} ps; highest at {peak:.2f} A: g = {first.max():.1f}", {"peak_A": peak}


def at_hops(suite: Suite, data: xr.Dataset) -> Told:
    """What the nearest anions do around hops, over what they do at other times.

    Parameters
    ----------
    suite : Suite
        What was chosen.
    data : xarray.Dataset
        Of `AnionsAtHops`.

    Returns
    -------
    headline : str
        In one line.
    numbers : dict of str to float
        ``SERIES_at_hops_over_other_times`` and ``SERIES_at_hops_p_value`` of each series.
    """
    parts, numbers = list[str](), dict[str, float]()
    for name in SERIES:
        # Of a motion from the begin of the window its whole; of the shape what it is at the hop.
        at = data.sizes["lag_times"] // 2 if name == "shape" else -1
        usual, p_value = data.sel(control="shifted")[[f"{name}_control", f"{name}_p_value"]].values()
        ratio = float(data[name][at] / usual[at])
        parts.append(f"{name} {ratio:.2f} (p = {float(p_value):.2g})")
        numbers |= {f"{name}_at_hops_over_other_times": ratio, f"{name}_at_hops_p_value": float(p_value)}
    return (
        f"{int(data.n_events)} hops, nearest anions within {suite.window:g} ps of them over other times: "
        + ", ".join(parts),
        numbers,
    )


def at_rotations(suite: Suite, data: xr.Dataset) -> Told:
    """Where cations around a turning anion are furthest from what is usual.

    Parameters
    ----------
    suite : Suite
        What was chosen.
    data : xarray.Dataset
        Of `VanHoveAtEvents`.

    Returns
    -------
    headline : str
        In one line.
    numbers : dict of str to float
        ``van_hove_at_rotations_outside_percent``.
    """
    away = data.g - data.g_control
    outside = (data.g < data.g_band[0]) | (data.g > data.g_band[1])
    share = 100.0 * float(outside.mean())
    furthest = away.isel({name: at.item() for name, at in np.abs(away).argmax(dim=...).items()})
    return (
        f"{int(data.n_events)} rotations; {share:.0f} % of g(r, t) within {suite.window:g} ps of them is "
        f"outside the 95 % band of other times, furthest at {float(furthest.distance):.1f} A and "
        f"{float(furthest.lag_times):+.3g} ps: {float(furthest):+.2f}",
        {"van_hove_at_rotations_outside_percent": share},
    )


def residence(suite: Suite, data: xr.Dataset) -> Told:
    """How long cations stay at an anion.

    Parameters
    ----------
    suite : Suite
        What was chosen.
    data : xarray.Dataset
        Of `ResidenceCorrelation`.

    Returns
    -------
    headline : str
        In one line.
    numbers : dict of str to float
        ``residence_KIND_ps`` of each kind of anion.
    """
    parts, numbers = list[str](), dict[str, float]()
    for kind in data.kind.values:
        at = {"kind": kind}
        tau = float(data.tau.sel(at))
        text = f"{tau:.2g} ps" if np.isfinite(tau) else str(data.note.sel(at).values)
        parts.append(
            f"{kind} ({float(data.coordination.sel(at)):.1f} cations within {suite.cutoff:.2f} A): {text}"
        )
        numbers[f"residence_{kind}_ps"] = tau
    return "; ".join(parts), numbers


def coupling(suite: Suite, data: xr.Dataset) -> Told:
    """How much residence and orientation go together.

    Parameters
    ----------
    suite : Suite
        What was chosen.
    data : xarray.Dataset
        Of `Coupling`.

    Returns
    -------
    headline : str
        In one line.
    numbers : dict of str to float
        ``coupling_KIND`` of each kind of anion, where it is largest.
    """
    parts, numbers = list[str](), dict[str, float]()
    for kind in data.kind.values:
        curve = data.coupling.sel(kind=kind)
        at = int(np.nanargmax(np.abs(curve.values)))
        value, error = float(curve[at]), float(data.coupling_error.sel(kind=kind)[at])
        time = float(data.lag_times[at])
        parts.append(f"{kind}: largest at {time:.2g} ps, {value:+.3f} +- {error:.3f}")
        numbers[f"coupling_{kind}"] = value
    return "; ".join(parts), numbers
