"""Processes that do the tasks of a study: on this machine, or on a cluster through Dask."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

from openmm_anion.errors import InputError, reason
from openmm_anion.processes import end_with_parent
from openmm_anion.study.seats import Seat
from openmm_anion.study.settings import StudySettings
from openmm_anion.study.task import Task


class Steps(Protocol):
    """A queue on which workers report the steps they have done."""

    def put(self, item: int) -> None:
        """Report steps, from a worker.

        Parameters
        ----------
        item : int
            Steps that were made since the last report.
        """

    def get(self) -> int:
        """Take one report.

        Returns
        -------
        int
            The oldest report that was not taken yet; waits for one.
        """


@dataclass(frozen=True)
class Workers:
    """Who does the tasks.

    Attributes
    ----------
    count : int
        Tasks at the same time.
    submit : callable
        Takes a `Task`, returns a future of how it ended.
    steps : callable
        Steps reported since the last call.
    """

    count: int
    submit: Callable[[Task], Future[str]]
    steps: Callable[[], int]


@contextmanager
def local_workers(settings: StudySettings, places: Sequence[Seat]) -> Iterator[Workers]:
    """Processes on this machine, which end with this one.

    Parameters
    ----------
    settings : StudySettings
        The study.
    places : sequence of Seat
        Where each of them sits.

    Yields
    ------
    Workers
        Ready for tasks.

    Raises
    ------
    InputError
        If one dies.
    """
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    free = context.Queue()
    for place in places:
        free.put(place)
    pool = ProcessPoolExecutor(len(places), context, _begin, (settings, queue, free, os.getpid()))

    def steps() -> int:
        total = 0
        while not queue.empty():
            total += queue.get()
        return total

    try:
        yield Workers(len(places), lambda task: pool.submit(_in_this_process, task), steps)
        pool.shutdown()  # a worker that still starts finds its queue
    except BrokenProcessPool:
        raise InputError(
            "a worker process died (out of memory?); run the same command again to go on from the checkpoints"
        ) from None
    except BaseException:
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


_mine: tuple[StudySettings, Steps] | None = None
"""What this worker process serves."""


def _begin(settings: StudySettings, queue: Steps, free: Any, parent: int) -> None:
    global _mine
    end_with_parent(parent)
    _mine = free.get().take(settings), queue


def _in_this_process(task: Task) -> str:
    assert _mine is not None
    settings, queue = _mine
    return task.run(settings, queue.put)


@contextmanager
def dask_workers(settings: StudySettings, address: str) -> Iterator[Workers]:
    """Workers of a Dask cluster that sees the same files.

    A task whose worker is lost is given to another one, and goes on from its last checkpoint.

    Parameters
    ----------
    settings : StudySettings
        The study.
    address : str
        Of the scheduler, e.g. ``"tcp://10.0.0.1:8786"``.

    Yields
    ------
    Workers
        Ready for tasks.

    Raises
    ------
    InputError
        If Dask is not installed, nobody answers, there is no worker, or workers have several threads.
    """
    try:
        from distributed import Client, Queue
        from distributed.scheduler import KilledWorker
    except ImportError:
        raise InputError("--dask needs Dask: pip install 'openmm-anion[dask]'") from None
    try:
        client = Client(address, timeout=20, set_as_default=False)
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"no Dask scheduler answers at {address}: {reason(error)}") from None
    with client:
        threads = _threads(client)
        if not threads:
            raise InputError(f"the Dask scheduler at {address} has no workers; start `dask worker {address}`")
        if max(threads) > 1:
            raise InputError(
                f"a Dask worker has {max(threads)} threads, but one run is a process of its own; "
                "start workers with --nthreads 1"
            )
        name = f"steps-{uuid4().hex}"
        queue = Queue(name, client=client)
        pool: Executor = client.get_executor(pure=False)

        def steps() -> int:
            waiting = queue.qsize()
            return sum(queue.get(batch=waiting)) if waiting else 0

        try:
            yield Workers(len(threads), lambda task: pool.submit(_on_cluster, task, settings, name), steps)
        except KilledWorker as error:
            raise InputError(
                f"Dask workers died over a task ({reason(error)}); run the same command again "
                "to go on from the checkpoints"
            ) from None
        finally:
            pool.shutdown(wait=False)


def _threads(client: Any) -> list[int]:
    """Threads of each worker; a scheduler that has just started waits for its workers."""
    try:
        client.wait_for_workers(1, timeout=20)
    except TimeoutError:
        return []
    return list(client.nthreads().values())


def _on_cluster(task: Task, settings: StudySettings, name: str) -> str:
    from distributed import Queue, get_client

    queue = Queue(name, client=get_client())
    return task.run(settings, queue.put)
