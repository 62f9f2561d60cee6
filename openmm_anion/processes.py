"""A lock per directory, and workers that end with their parent."""

from __future__ import annotations

import fcntl
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openmm_anion.errors import InputError


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock file, so that two processes never write to one directory.

    Parameters
    ----------
    path : Path
        The lock file.

    Yields
    ------
    None
        While it is held.

    Raises
    ------
    InputError
        If another process holds it.

    Examples
    --------
    >>> import tempfile
    >>> with exclusive(Path(tempfile.mkdtemp()) / "study.lock"):
    ...     print("nobody else is here")
    nobody else is here
    """
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(
                f"{path.parent} is in use by another process; wait for it or choose another directory"
            ) from None
        yield


def end_with_parent(parent: int) -> None:
    """End this worker when its parent has been killed, so that nobody else writes when the work goes on.

    Parameters
    ----------
    parent : int
        Process id of the parent, which stops its workers itself when it is interrupted.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
