"""Where the cations go: displacements, densities and hops in one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from openmm_anion.analysis.diffusion import CM2_PER_S, run_diffusion
from openmm_anion.analysis.headlines.told import Told, times

if TYPE_CHECKING:
    from openmm_anion.analysis.suite import Suite


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
    return f"at {times(data)} ps", {}


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
