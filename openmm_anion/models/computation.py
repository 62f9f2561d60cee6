"""What OpenMM's PythonForce calls: a State in, energy and forces out."""

from __future__ import annotations

import uuid
import weakref
from collections.abc import Callable

import numpy as np
import openmm
import torch
from numpy.typing import NDArray
from openmm import unit
from torch import Tensor

from openmm_anion.errors import InputError


class Computation:
    """Evaluates a bound model on the positions and the box of a State.

    OpenMM copies a System by writing and reading it, and a PythonForce by pickling what it calls. Most models
    cannot be pickled, so that only a handle is: copies within a process share the model, and a file that is
    read in another process says that it has none.

    Parameters
    ----------
    bound : callable
        Takes positions (N, 3) and box (3, 3), double precision, nm; returns energy (kJ/mol) and forces
        (N, 3) (kJ/mol/nm).
    device : torch.device
        Where the model is.
    """

    def __init__(
        self, bound: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], device: torch.device
    ) -> None:
        self.bound = bound
        self.device = device
        self.handle = uuid.uuid4().hex
        _LIVING[self.handle] = self

    def __call__(self, state: openmm.State) -> tuple[float, NDArray[np.float64]]:
        """Energy (kJ/mol) and forces (kJ/mol/nm)."""
        positions = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
        box = state.getPeriodicBoxVectors(asNumpy=True).value_in_unit(unit.nanometer)
        energy, forces = self.bound(
            torch.tensor(np.asarray(positions), dtype=torch.float64, device=self.device),
            torch.tensor(np.asarray(box), dtype=torch.float64, device=self.device),
        )
        return float(energy.detach()), forces.detach().cpu().double().numpy()

    def __reduce__(self) -> tuple[Callable[[str], Computation | Lost], tuple[str]]:
        return find, (self.handle,)


_LIVING: weakref.WeakValueDictionary[str, Computation] = weakref.WeakValueDictionary()


def find(handle: str) -> Computation | Lost:
    """The computation of a handle that was pickled in this process, or one that says that it is lost.

    Parameters
    ----------
    handle : str
        What `Computation` put in its own place.

    Returns
    -------
    Computation or Lost
        Which raises when it is called.

    Examples
    --------
    >>> type(find("of another process")).__name__
    'Lost'
    """
    return _LIVING.get(handle) or Lost()


class Lost:
    """Stands for a computation of another process, or of a Force that is gone.

    It raises when OpenMM calls it, not when it is read: an error while a System is read crashes Python.
    """

    def __call__(self, state: openmm.State) -> tuple[float, NDArray[np.float64]]:
        """Raise InputError."""
        raise InputError(
            "this System holds a PythonForce whose potential is not in memory; build the System again with "
            "potential.add_to instead of reading it from a file"
        )
