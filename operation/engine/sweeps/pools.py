"""Who executes the points of a sweep on this machine; `cluster` spreads them over a Ray cluster."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Protocol

from operation.engine.foundation.errors import StepFailed
from operation.engine.notebooks.engines import STOCK
from operation.engine.notebooks.fork_server.client import ForkServer
from operation.engine.notebooks.fork_server.libraries import libraries
from operation.engine.runs.work import Outcome, Work, perform

if TYPE_CHECKING:
    from operation.engine.sweeps.plan import Sweep


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
    """Notebooks forked from one process, which imports their libraries from now on."""

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
                "The process that notebooks are forked from was killed, as the system does when memory runs "
                "out. Rerun with fewer --workers."
            ) from error

    def stop(self) -> None:
        """Kill every notebook."""
        self._server.close()


class StockPool:
    """Notebooks executed by papermill's stock engine."""

    def __init__(self, workers: int) -> None:
        import ipykernel.ipkernel  # noqa: F401 - here: threads that import IPython at once meet halves of its modules

        self.workers = workers
        self._stopped = Event()

    def ready(self, folder: Path) -> None:
        """Begin at once: each kernel imports what it needs."""

    def perform(self, work: Work) -> Outcome:
        """Execute one point and wait for it."""
        return perform(replace(work, engine=STOCK), on_cell=self._begin_cell)

    def _begin_cell(self, *_: int) -> None:
        if self._stopped.is_set():
            raise KeyboardInterrupt

    def stop(self) -> None:
        """Kill the kernels there are; one that is just starting ends before its first cell."""
        import psutil  # type: ignore[import-untyped]

        self._stopped.set()
        for process in psutil.Process().children():
            with suppress(psutil.NoSuchProcess):
                if "ipykernel_launcher" in process.cmdline():
                    process.kill()


def why_stock(sweep: Sweep) -> str | None:
    """Return why the points cannot be forked though that was asked for; None when they can, or it was not."""
    if sweep.request.engine != "workbench" or sys.platform == "linux":
        return None
    return f"on {sys.platform} a process with libraries in it cannot be forked safely"
