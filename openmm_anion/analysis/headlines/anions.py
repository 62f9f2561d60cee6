"""What the anions do: their motion, orientation, rotations and spectra in one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from openmm_anion.analysis.headlines.told import Told

if TYPE_CHECKING:
    from openmm_anion.analysis.suite import Suite


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
    parts, numbers = list[str](), dict[str, float]()
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
    parts, numbers = list[str](), dict[str, float]()
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
