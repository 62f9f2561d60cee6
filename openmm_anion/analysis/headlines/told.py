"""What all headlines return, and how they write times."""

from __future__ import annotations

import xarray as xr

Told = tuple[str, dict[str, float]]
"""The line, and numbers by name."""


def times(data: xr.Dataset) -> str:
    """Lag times of a quantity.

    Parameters
    ----------
    data : xarray.Dataset
        With ``lag_times`` (ps).

    Returns
    -------
    str
        Separated by commas.

    Examples
    --------
    >>> times(xr.Dataset({}, {"lag_times": [0.5, 10.0]}))
    '0.5, 10'
    """
    return ", ".join(f"{time:.3g}" for time in data.lag_times.values)
