"""Pools of processes that execute points on this machine; `cluster` has the one of a Ray cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Protocol, Self

from operation.engine.foundation.children import die_with_parent
from operation.engine.foundation.errors import StepFailed
from operation.engine.notebooks.fork_server.client import ForkServer
from operation.engine.notebooks.fork_server.libraries import libraries
from operation.engine.runs.work import Outcome, Work, lost, perform

if TYPE_CHECKING:
    from operation.engine.sweeps.plan import Sweep

_PATIENCE = 10.0  # seconds that a worker has to end its kernel
_SPAWN = multiprocessing.get_context("spawn")


class KernelPool(Protocol):
    """Executes points, several at once: each call of `perform` comes from a thread of its own."""

    workers: int

    def ready(self, folder: Path) -> None:
        """Get ready for the first point; the records of what all points share are in `folder`."""

    def perform(self, work: Work) -> Outcome:
        """Execute one point and wait for it."""

    def stop(self) -> None:
        """End all that is being executed; each `perform` then returns or raises."""


class ForkPool:
    """Notebooks forked from one process that has their libraries.

    Parameters
    ----------
    fork_server : ForkServer
        That process.
    sweep : Sweep
        What its notebook imports is imported from now on.
    workers : int
        Points at once.
    """

    def __init__(self, fork_server: ForkServer, sweep: Sweep, workers: int) -> None:
        self.workers = workers
        self._server = fork_server
        scripts = {name: step.script for name, step in sweep.prepared.configured.steps.items()}
        fork_server.preload(libraries([sweep.source], scripts))
        fork_server.learns = len(sweep.points) > workers

    def ready(self, folder: Path) -> None:
        """Begin at once: a notebook waits for the libraries by itself."""

    def perform(self, work: Work) -> Outcome:
        """Execute one point and wait for it."""
        try:
            return perform(work, self._server)
        except BrokenPipeError as error:
            raise StepFailed(
                "the process that notebooks are forked from was ended from outside, as the system does when "
                "memory runs out: ask again with fewer --workers."
            ) from error

    def stop(self) -> None:
        """Kill every notebook."""
        self._server.close()


class StockPool:
    """Processes that execute one point after the other, each with papermill's stock engine.

    Parameters
    ----------
    workers : int
        How many.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._stopped = False
        self._all = [_Worker() for _ in range(workers)]
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        for worker in self._all:
            self._idle.put(worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self._all:
            worker.pipe.close()
            worker.process.join()

    def ready(self, folder: Path) -> None:
        """Begin at once: what a process still has to import, it imports."""

    def perform(self, work: Work) -> Outcome:
        """Execute one point and wait for it; a worker that ended is replaced."""
        worker = self._idle.get()
        outcome = worker.perform(work)
        if outcome is None and self._stopped:
            return lost(work, "KeyboardInterrupt", "the sweep was interrupted")
        if outcome is None:
            worker.process.join()
            ended = f"the process that executed it has ended (exit code {worker.process.exitcode})"
            outcome = lost(work, "DeadKernelError", ended)
            worker = _Worker()
            self._all.append(worker)
        self._idle.put(worker)
        return outcome

    def stop(self) -> None:
        """End every process and its kernel."""
        self._stopped = True
        for worker in self._all:
            worker.interrupt()
        for worker in self._all:
            worker.process.join(_PATIENCE)
            worker.process.kill()  # does nothing to one that has ended
            worker.process.join()


class _Worker:
    """One process of a `StockPool`."""

    def __init__(self) -> None:
        self.pipe, other = _SPAWN.Pipe()
        self.process = _SPAWN.Process(target=_serve, args=(other,), daemon=True)
        self.process.start()
        other.close()

    def perform(self, work: Work) -> Outcome | None:
        """Have a point executed; None: the process has ended."""
        try:
            self.pipe.send(work)
            outcome: Outcome = self.pipe.recv()
        except (EOFError, OSError):
            return None
        return outcome

    def interrupt(self) -> None:
        """Let it end its kernel."""
        if os.name == "nt" or self.process.pid is None:
            self.process.terminate()
        elif self.process.is_alive():
            os.kill(self.process.pid, signal.SIGINT)


def _serve(pipe: Connection) -> None:
    """Execute what comes through `pipe`, until it is closed."""
    die_with_parent()
    os.dup2(2, 1)  # standard output is for what the command says, which may be JSON
    with suppress(KeyboardInterrupt, EOFError):
        while True:
            pipe.send(perform(replace(pipe.recv(), engine="nbclient")))


@contextmanager
def local(sweep: Sweep, fork_server: ForkServer | None, workers: int) -> Iterator[KernelPool]:
    """Give the pool on this machine that suits the notebook.

    Parameters
    ----------
    fork_server : ForkServer, optional
        The process to fork from, where that is wanted and can be.
    """
    if fork_server is not None:
        yield ForkPool(fork_server, sweep, workers)
        return
    with StockPool(workers) as pool:
        yield pool


def why_stock(sweep: Sweep) -> str | None:
    """Return why the points cannot be forked though that was asked for; None when they can, or it was not."""
    if sweep.request.engine != "workbench" or sys.platform == "linux":
        return None
    return f"on {sys.platform} a process with libraries in it cannot be forked safely"
