"""What every quantity of a trajectory has in common: named results with units, a file, a plot."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from openmm_anion.atomic_file import write_json
from openmm_anion.errors import InputError, reason


def variable(dims: str, values: Any, unit: str, meaning: str) -> xr.Variable:
    """A named array with its unit.

    Parameters
    ----------
    dims : str
        Names of its axes, separated by spaces.
    values : array_like
        The numbers.
    unit : str
        Unit, "1" if none.
    meaning : str
        What it is, as plots label it.

    Returns
    -------
    xarray.Variable
        With ``units`` and ``long_name`` among its attributes.

    Examples
    --------
    >>> variable("lag", [0.0, 0.5], "ps", "lag time").attrs["units"]
    'ps'
    """
    return xr.Variable(tuple(dims.split()), np.asarray(values), {"units": unit, "long_name": meaning})


class Quantity(ABC):
    """A quantity: run it, then read `data`.

    Subclasses set ``self.data`` when they have it.
    """

    _found: xr.Dataset | None = None

    @property
    def data(self) -> xr.Dataset:
        """The results with their axes and units.

        Raises
        ------
        InputError
            If the analysis has not been run.
        """
        if self._found is None:
            raise InputError(f"{type(self).__name__} has no results yet; call run() first")
        return self._found

    @data.setter
    def data(self, dataset: xr.Dataset) -> None:
        self._found = dataset

    def to_json(self, path: str | Path) -> None:
        """Write `data` as JSON, in the form of `xarray.Dataset.to_dict`.

        Parameters
        ----------
        path : str or Path
            File.
        """
        write_json(Path(path), to_plain(self.data))

    @abstractmethod
    def plot(self, axes: Any = None) -> Any:
        """Draw the quantity.

        Parameters
        ----------
        axes : matplotlib.axes.Axes, optional
            Where to; by default in a new figure.

        Returns
        -------
        matplotlib.axes.Axes
        """


def to_plain(data: xr.Dataset) -> dict[str, Any]:
    """Return a dataset as what JSON knows; numbers that are none become null.

    Parameters
    ----------
    data : xarray.Dataset
        What a quantity has computed.

    Returns
    -------
    dict
        Of what ``Dataset.to_dict`` gives; ``xarray.Dataset.from_dict`` takes it back.

    Examples
    --------
    >>> to_plain(xr.Dataset({"d": variable("", np.nan, "A", "length")}))["data_vars"]["d"]["data"] is None
    True
    """
    text = json.dumps(data.to_dict(), default=lambda value: value.item())
    plain: dict[str, Any] = json.loads(text, parse_constant=lambda _: None)
    return plain


def from_json(path: str | Path) -> xr.Dataset:
    """Read what `Quantity.to_json` wrote.

    Parameters
    ----------
    path : str or Path
        File.

    Returns
    -------
    xarray.Dataset
        As it was, with units.

    Raises
    ------
    InputError
        If the file is missing or another one.

    Examples
    --------
    >>> import tempfile
    >>> from openmm_anion.atomic_file import write_json
    >>> path = Path(tempfile.mkdtemp()) / "d.json"
    >>> write_json(path, to_plain(xr.Dataset({"d": variable("", 2.0, "A", "length")})))
    >>> float(from_json(path).d)
    2.0
    """
    try:
        content = json.loads(Path(path).read_text())
        data = xr.Dataset.from_dict(content)
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        raise InputError(f"{path} holds no quantity of a trajectory: {reason(error)}") from None
    return data.map(lambda v: v.astype(float) if v.dtype == object else v, keep_attrs=True)


def new_axes(axes: Any, x: xr.DataArray | None = None, y: xr.DataArray | None = None) -> Any:
    """The axes to draw in, labelled.

    Parameters
    ----------
    axes : matplotlib.axes.Axes or None
        Where to draw; None makes a figure.
    x, y : DataArray, optional
        What the axes show, for their labels.

    Returns
    -------
    matplotlib.axes.Axes
        The same, or those of a new figure.

    Examples
    --------
    >>> new_axes(None, x=xr.DataArray(variable("lag", [0.0], "ps", "lag time"))).get_xlabel()
    'lag time (ps)'
    """
    if axes is None:
        # Not pyplot, which keeps every figure and picks a window system.
        from matplotlib.figure import Figure

        axes = Figure(figsize=(4.8, 3.4), layout="constrained").add_subplot()
    if x is not None:
        axes.set_xlabel(label(x))
    if y is not None:
        axes.set_ylabel(label(y))
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def label(values: xr.DataArray) -> str:
    """What stands at an axis.

    Parameters
    ----------
    values : xarray.DataArray
        With ``long_name`` and ``units`` among its attributes.

    Returns
    -------
    str
        The meaning, and the unit in brackets.

    Examples
    --------
    >>> label(xr.DataArray(variable("lag", [0.0], "ps", "lag time")))
    'lag time (ps)'
    """
    unit = values.attrs.get("units", "1")
    return f"{values.attrs.get('long_name', values.name)}" + ("" if unit == "1" else f" ({unit})")
