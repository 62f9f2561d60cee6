"""How a TorchScript projector tells the two phases of a drift apart, see `openmm_anion.freezing.phase`."""

from __future__ import annotations

import torch
from torch import Tensor


def is_start(phase: Tensor) -> bool:
    """Tell whether a drift starts, if that is known here.

    A phase in the memory of a GPU would stop the host until it arrives, so that there both phases are
    computed and `kept` chooses.

    Parameters
    ----------
    phase : Tensor
        One number.
    """
    return not phase.is_cuda and bool(phase < 0.5)


def kept(phase: Tensor, now: Tensor, before: Tensor) -> Tensor:
    """Return what phase 0 saw: `now` in phase 0, `before` in phase 1.

    Parameters
    ----------
    phase : Tensor
        One number.
    now, before : Tensor
        What this call sees, and what was kept by the last one; of one shape.
    """
    return torch.where(phase < 0.5, now, before) if phase.is_cuda else before
