"""What projectors that run as TorchScript share: the phases of a drift, see `openmm_anion.freezing.phase`.

A phase in the memory of a GPU would stop the host until it arrives: all phases are computed there, and the
device chooses.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from openmm_anion.freezing.anion_batch import AnionBatch


def on_device(tensor: Tensor) -> bool:
    """Tell whether the host would have to wait for the numbers of a tensor.

    Parameters
    ----------
    tensor : Tensor
        Any tensor.

    Returns
    -------
    bool
        False of a tensor in the host's memory.

    Examples
    --------
    >>> on_device(torch.zeros(1))
    False
    """
    return tensor.is_cuda


class TwoPhases(nn.Module):
    """A projector that compares the end of a drift with its start.

    Subclasses say what they hold (`take`), what they look at (`look`), what of it they keep (`begin`) and how
    they correct the end (`correct`). They set `switchable`, which tells whether they take other references,
    and `last_reference`, the last phase in which one comes for them.
    """

    __constants__ = ("last_reference", "switchable")  # TorchScript leaves out what they rule out

    batch: AnionBatch
    switchable: bool
    last_reference: int
    seen: Tensor
    start: Tensor
    energy: Tensor

    def forward(self, positions: Tensor, phase: Tensor) -> tuple[Tensor, Tensor]:
        """Energy (zero) and forces (N, 3) from positions (N, 3), nm.

        Parameters
        ----------
        positions : Tensor, shape (N, 3)
            nm.
        phase : Tensor
            One number: what the integrator is doing, see `openmm_anion.freezing.phase`.

        Returns
        -------
        energy, forces : Tensor
            Zero, and (N, 3) in kJ/mol/nm: zero but for the end of a drift.
        """
        host = not on_device(phase)
        points = self.batch.gather(positions)
        if self.switchable:
            if not host:
                comes = (phase > 1.5) & (phase < self.last_reference + 0.5)
                self.take(torch.where(comes, points, self.seen))
            elif float(phase) > 1.5:
                if float(phase) < self.last_reference + 0.5:
                    self.take(points)
                return self.energy, torch.zeros_like(positions)
        points = points - points[:, :1]
        here = self.look(points)
        if host:
            if float(phase) < 0.5:
                self.start = self.begin(here)
                return self.energy, torch.zeros_like(positions)
        else:
            self.start = torch.where(phase < 0.5, self.begin(here), self.start)
        forces = self.correct(points, here)
        if not host:
            forces = torch.where((phase > 0.5) & (phase < 1.5), forces, 0.0)
        return self.energy, self.batch.forces(forces, positions)

    def take(self, seen: Tensor) -> None:
        """Hold bodies (3, n, anions) in their principal axes from now on, and none of zeros.

        Parameters
        ----------
        seen : Tensor, shape (3, n, anions)
            nm; zeros for an anion that is set free.
        """
        raise NotImplementedError

    def look(self, points: Tensor) -> Tensor:
        """What there is to see in positions (3, n, anions) relative to the first atom of each anion.

        Parameters
        ----------
        points : Tensor, shape (3, n, anions)
            nm.

        Returns
        -------
        Tensor
            Of any shape that ends in the anions.
        """
        raise NotImplementedError

    def begin(self, here: Tensor) -> Tensor:
        """What is kept as `start` of what is seen there.

        Parameters
        ----------
        here : Tensor
            From `look`, at the start of a drift.

        Returns
        -------
        Tensor
            What `correct` compares with.
        """
        raise NotImplementedError

    def correct(self, points: Tensor, here: Tensor) -> Tensor:
        """Forces (3, n, anions) on positions and what is seen there at the end of a drift.

        Parameters
        ----------
        points : Tensor, shape (3, n, anions)
            Positions from the first atom of each anion, nm.
        here : Tensor
            From `look`, at the same time.

        Returns
        -------
        Tensor, shape (3, n, anions)
            kJ/mol/nm.
        """
        raise NotImplementedError
