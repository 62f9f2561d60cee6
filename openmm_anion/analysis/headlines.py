"""Each quantity in one line, with its most important numbers.

Every function takes the `Suite` and the ``data`` of a quantity, and returns the line, and numbers by name
with their units in the name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from openmm_anion.analysis.at_hops import SERIES
from openmm_anion.analysis.diffusion import CM2_PER_S, run_diffusion

if TYPE_CHECKING:
    from openmm_anion.analysis.suite import Suite

Told = tuple[str, dict[str, float]]


def msd(suite: Suite, data: xr.Dataset) -> Told:
    """Self-diffusion, from the slope of the mean squared displacement.

    Parameters
    ----------
    suite : Suite
        What was chosen.
    data : xarray.Dataset
        ``lag_times`` (ps) and ``msd_by_particle`` (A^2).

    Returns
    -------
    headline : str
        In one line.
    numbers : dict of str to float
        ``D_cm2_per_s``, ``D_error_cm2_per_s``, and the ends of its 68 and 95 % intervals.
    """
    found = run_diffusion(
        data.lag_times.values, data.msd_by_particle.values, hop_length=suite.neighbour_distance
    )
    d, error = CM2_PER_S * found.d, CM2_PER_S * found.standard_error
    window = f"lags {found.window.begin_ps:g} to {found.window.end_ps:g} ps"
    numbers = {"D_cm2_per_s": d, "D_error_cm2_per_s": error}
    for level in (68, 95):
        low, high = found.interval(level / 100.0)
        numbers |= {
            f"D_low_{level}_cm2_per_s": CM2_PER_S * low,
            f"D_high_{level}_cm2_per_s": CM2_PER_S * high,
        }
    if not found.resolved:
        return f"D below {CM2_PER_S * high:.1e} cm^2/s (95 %), within its noise ({window})", numbers
    return (
        f"D = {d:.2e} cm^2/s (95 %: {CM2_PER_S * low:.1e} to {CM2_PER_S * high:.1e}; {window})",
        numbers,
    )


def charge(suite: Suite, data: xr.Dataset) -> Told:
    """Conductivity and Haven ratio, where the temperature is known.

    Parameters
    ----------
    suite : Suite
        What was chosen.
    data : xarray.Dataset
        Not looked at; the quantity that was run is.

    Returns
    -------
    headline : str
        In one line.
    numbers : dict of str to float
        ``conductivity_S_per_cm`` and ``haven_ratio``; empty where they are not resolved.
    """
    if suite.choices.temperature is None:
        return "collective displacement; give the temperature for a conductivity", {}
    quantity: Any = suite.done["charge"]
    found = quantity.conductivity(suite.choices.temperature, hop_length=suite.neighbour_distance)
    low, high = found.sigma_interval
    independent = f"{found.independent:.2g} S/cm for independent ions"
    if not found.resolved:
        return f"conductivity below {high:.2g} S/cm, within its noise; {independent}", {}
    return (
        f"conductivity {found.sigma:.2g} S/cm ({low:.2g} to {high:.2g}); {independent}; "
        f"Haven ratio {found.haven_ratio:.2g}",
        {"conductivity_S_per_cm": found.sigma, "haven_ratio": found.haven_ratio},
    )


def non_gaussian(suite: Suite, data: xr.Dataset) -> Told:
    """Where displacements are the least Gaussian.

    Parameters
    ----------
    suite : Suite
        What was chosen.
    data : xarray.Dataset
        ``alpha`` over ``lag_times`` (ps).

    Returns
    -------
    headline : str
        In one line.
    numbers : dict of str to float
        ``alpha_2`` and ``alpha_2_at_ps``.

    Examples
    --------
    >>> alpha = ("lag_times", [0.1, 0.4])
    >>> non_gaussian(None, xr.Dataset({"alpha": alpha}, {"lag_times": [1.0, 2.0]}))
    ('largest at 2 ps: 0.40', {'alpha_2': 0.4, 'alpha_2_at_ps': 2.0})
    """
    peak = int(np.nanargmax(data.alpha.values))
    at, alpha = float(data.lag_times[peak]), float(data.alpha[peak])
    return f"largest at {at:.3g} ps: {alpha:.2f}", {"alpha_2": alpha, "alpha_2_at_ps": at}


def van_hove_self(suite: Suite, data: xr.Dataset) -> Told:
    """Lag times.

    Parameters
    ----------
    suite : Suite
        What was chosen.
    data : xarray.Dataset
        With ``lag_times`` (ps).

    Returns
    -------
    headline : str
        In one line.
    numbers : dict of str to float
        None.

    Examples
    --------
    >>> van_hove_self(None, xr.Dataset(coords={"lag_times": [1.0, 2.0]}))
    ('at 1, 2 ps', {})
    """
    return f"at {_times(data)} ps", {}


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
    return f"at {_times(data)} ps; highest at {peak:.2f} A: g = {first.max():.1f}", {"peak_A": peak}


def _nothing() -> tuple[list[str], dict[str, float]]:
    return [], {}


def _times(data: xr.Dataset) -> str:
    return ", ".join(f"{time:.3g}" for time in data.lag_times.values)


def density(suite: Suite, data: xr.Dataset) -> Told:
    """How uneven the density is.

    Parameters
    ----------
    suite : Suite
        What was chosen.
    data : xarray.Dataset
        ``density`` on a grid, A^-3.

    Returns
    -------
    headline : str
        In one line.
    numbers : dict of str to float
        None.

    Examples
    --------
    >>> density(None, xr.Dataset({"density": (("a", "b", "c"), np.full((2, 2, 1), 0.03))}))
    ('on a grid of 2 x 2 x 1; largest 0.03 per A^3', {})
    """
    rho = data.density.values
    return f"on a grid of {' x '.join(map(str, rho.shape))}; largest {rho.max():.2g} per A^3", {}


def hops(suite: Suite, data: xr.Dataset) -> Told:
    """Rate of lasting displacements.

    Parameters
    ----------
    suite : Suite
        What was chosen.
    data : xarray.Dataset
        Of `DisplacementHops`.

    Returns
    -------
    headline : str
        In one line.
    numbers : dict of str to float
        ``hop_rate_per_ps`` with the ends of its 95 % interval, and ``rattling_A``.
    """
    low, high = data.hop_rate_interval.values
    rate, rattling = float(data.hop_rate), float(data.rattling_amplitude)
    return (
        f"{data.sizes['event']} hops over {suite.hop_length:.2f} A that last {suite.settle:g} ps: "
        f"{rate:.2g} per cation and ps ({low:.2g} to {high:.2g}); cations rattle by {rattling:.2f} A",
        {
            "hop_rate_per_ps": rate,
            "hop_rate_low_per_ps": low,
            "hop_rate_high_per_ps": high,
            "hop_dispersion": float(data.hop_rate_dispersion),
            "rattling_A": rattling,
        },
    )


def site_hops(suite: Suite, data: xr.Dataset) -> Told:
    """Rate of hops between sites.

    Parameters
    ----------
    suite : Suite
        What was chosen.
    data : xarray.Dataset
        Of `SiteHops`.

    Returns
    -------
    headline : str
        In one line.
    numbers : dict of str to float
        ``site_hop_rate_per_ps`` and ``residence_time_ps``.
    """
    rate, time = float(data.lasting_hop_rate), float(data.residence_time)
    back = 100.0 * float(data.return_fraction)
    return (
        f"{data.sizes['site']} sites; {data.sizes['lasting_event']} hops that last {suite.settle:g} ps: "
        f"{rate:.2g} per cation and ps; mean stay {time:.2g} ps; {back:.0f} % of all hops go back at once",
        {"site_hop_rate_per_ps": rate, "residence_time_ps": time},
    )


def anion_motion(suite: Suite, data: xr.Dataset) -> Told:
    """How far anions librate and vibrate.

    Parameters
    ----------
    suite : Suite
        What was chosen.
    data : xarray.Dataset
        ``libration_rms`` (rad) and ``vibration_rms`` (A) of each anion.

    Returns
    -------
    headline : str
        In one line.
    numbers : dict of str to float
        ``libration_degrees`` and ``vibration_A``.

    Examples
    --------
    >>> rms = {"libration_rms": ("anion", [0.1]), "vibration_rms": ("anion", [0.05])}
    >>> anion_motion(None, xr.Dataset(rms))[0]
    'librations 5.7 degrees, vibrations 0.050 A (rms)'
    """
    libration = float(np.degrees(np.sqrt((data.libration_rms.values**2).mean())))
    vibration = float(np.sqrt((data.vibration_rms.values**2).mean()))
    return (
        f"librations {libration:.1f} degrees, vibrations {vibration:.3f} A (rms)",
        {"libration_degrees": libration, "vibration_A": vibration},
    )


def orientation(suite: Suite, data: xr.Dataset) -> Told:
    """Correlation times of the orientation.

    Parameters
    ----------
    suite : Suite
        What was chosen.
    data : xarray.Dataset
        Of `OrientationalCorrelation`.

    Returns
    -------
    headline : str
        In one line.
    numbers : dict of str to float
        ``tau_ORDER_KIND_ps`` of each order and kind of anion.
    """
    parts, numbers = _nothing()
    for kind in data.kind.values:
        for order in data.order.values:
            at = {"kind": kind, "order": order}
            tau, error = float(data.tau.sel(at)), float(data.tau_error.sel(at))
            text = f"{tau:.2g} ps" if np.isfinite(tau) else str(data.note.sel(at).values)
            if np.isfinite(error):
                text = f"{tau:.3g} +- {error:.1g} ps"
            parts.append(f"{kind} tau_{order}: {text}")
            numbers |= {f"tau_{order}_{kind}_ps": tau, f"tau_error_{order}_{kind}_ps": error}
    return "; ".join(parts), numbers


def rotations(suite: Suite, data: xr.Dataset) -> Told:
    """Rate of large-angle rotations.

    Parameters
    ----------
    suite : Suite
        What was chosen.
    data : xarray.Dataset
        Of `RotationEvents`.

    Returns
    -------
    headline : str
        In one line.
    numbers : dict of str to float
        ``rotation_rate_KIND_per_ps`` of each kind of anion, with the ends of its 95 % interval.
    """
    parts, numbers = _nothing()
    for kind in data.kind.values:
        at = {"kind": kind}
        rate, low, high = (float(data[f"frequency{end}"].sel(at)) for end in ("", "_low", "_high"))
        count = int(data.events.values[data.formula.values == kind].sum())
        parts.append(f"{kind}: {count} rotations, {rate:.2g} per anion and ps ({low:.2g} to {high:.2g})")
        numbers |= {
            f"rotation_rate{end}_{kind}_per_ps": value
            for end, value in (("", rate), ("_low", low), ("_high", high))
        } | {f"rotation_dispersion_{kind}": float(data.frequency_dispersion.sel(at))}
    return "; ".join(parts), numbers


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
    parts, numbers = _nothing()
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
    parts, numbers = _nothing()
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
    parts, numbers = _nothing()
    for kind in data.kind.values:
        curve = data.coupling.sel(kind=kind)
        at = int(np.nanargmax(np.abs(curve.values)))
        value, error = float(curve[at]), float(data.coupling_error.sel(kind=kind)[at])
        time = float(data.lag_times[at])
        parts.append(f"{kind}: largest at {time:.2g} ps, {value:+.3f} +- {error:.3f}")
        numbers[f"coupling_{kind}"] = value
    return "; ".join(parts), numbers


def spectrum(suite: Suite, data: xr.Dataset) -> Told:
    """Temperatures of the kinds of motion.

    Parameters
    ----------
    suite : Suite
        What was chosen.
    data : xarray.Dataset
        ``temperature`` (K) and ``note`` of each ``part``.

    Returns
    -------
    headline : str
        In one line.
    numbers : dict of str to float
        ``temperature_PART_K`` of each kind of motion.

    Examples
    --------
    >>> parts = {"temperature": ("part", [300.2, np.nan]), "note": ("part", ["", ""])}
    >>> spectrum(None, xr.Dataset(parts, {"part": ["cations", "rotation"]}))
    ('cations 300 K', {'temperature_cations_K': 300.2})
    """
    kelvin = {str(part): float(data.temperature.sel(part=part)) for part in data.part.values}
    there = {part: value for part, value in kelvin.items() if np.isfinite(value) and part != "cross"}
    text = ", ".join(f"{part} {value:.0f} K" for part, value in there.items())
    for note in sorted({str(note) for note in data.note.values if note}):
        text += f"; {', '.join(data.part.values[data.note.values == note])} {note}"
    return text, {f"temperature_{part}_K": value for part, value in there.items()}
