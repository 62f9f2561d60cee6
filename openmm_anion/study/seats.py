"""Where each worker of a machine sits: cores of its own, or a GPU."""

from __future__ import annotations

import os
from dataclasses import dataclass

from openmm_anion.study.settings import ComputerSettings, StudySettings

GPU_PLATFORMS = ("CUDA", "OpenCL")


@dataclass(frozen=True)
class Seat:
    """What a worker uses.

    Attributes
    ----------
    cores : tuple of int
        Cores on which it stays; empty for any.
    device : int or None
        Index of its GPU; None for OpenMM's choice.

    Examples
    --------
    >>> Seat(device=1).cores
    ()
    """

    cores: tuple[int, ...] = ()
    device: int | None = None

    def take(self, settings: StudySettings) -> StudySettings:
        """Stay here from now on, with all threads that are started later.

        Parameters
        ----------
        settings : StudySettings
            The study.

        Returns
        -------
        StudySettings
            With the device of this seat.
        """
        if self.cores:
            os.sched_setaffinity(0, self.cores)
        if self.device is None:
            return settings
        computer = settings.computer.model_copy(update={"devices": (self.device,)})
        return settings.model_copy(update={"computer": computer})


def usable_cores() -> list[int]:
    """Return the cores that this process may use; by number only where the system tells which (Linux).

    Returns
    -------
    list of int
        Their numbers.

    Examples
    --------
    >>> len(usable_cores()) >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def seats(computer: ComputerSettings, platform: str, count: int) -> list[Seat]:
    """Return a seat for each worker.

    On a GPU platform the devices of the study go round. Elsewhere workers get `threads` cores each that no
    other has, of those that this process may use. A lone worker, and more workers than there are cores for,
    are left to the operating system.

    Parameters
    ----------
    computer : ComputerSettings
        Devices, threads, and whether to pin.
    platform : str
        OpenMM platform.
    count : int
        Workers.

    Returns
    -------
    list of Seat
        `count` of them.

    Examples
    --------
    >>> [seat.device for seat in seats(ComputerSettings(devices=(0, 2)), "CUDA", 3)]
    [0, 2, 0]
    >>> seats(ComputerSettings(pin=False), "CPU", 2)
    [Seat(cores=(), device=None), Seat(cores=(), device=None)]
    """
    if platform in GPU_PLATFORMS:
        devices = computer.devices
        return [Seat(device=devices[k % len(devices)] if devices else None) for k in range(count)]
    cores, each = usable_cores(), computer.threads
    if not computer.pin or count < 2 or count * each > len(cores) or not hasattr(os, "sched_setaffinity"):
        return [Seat()] * count
    return [Seat(cores=tuple(cores[k * each : (k + 1) * each])) for k in range(count)]
