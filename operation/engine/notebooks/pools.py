"""Who executes the notebooks of a run or the points of a sweep on this machine, several at once."""

import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import chdir, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Protocol

from operation.engine.foundation.children import environ
from operation.engine.foundation.errors import StepFailed
from operation.engine.foundation.layout import Layout
from operation.engine.notebooks.engines import STOCK, OnCell
from operation.engine.notebooks.fork_server.client import ForkServer
from operation.engine.notebooks.fork_server.libraries import libraries
from operation.engine.notebooks.fork_server.source import WORKBENCH, for_all
from operation.engine.notebooks.work import Outcome, Work, perform, unheard


class KernelPool(Protocol):
    """Executes notebooks, several at once: each call of `perform` comes from a thread of its own."""

    workers: int

    def ready(self, folder: Path) -> None:
        """Get ready for the first point of a sweep; the records of what all share are in `folder`."""

    def perform(self, work: Work, on_cell: OnCell = unheard) -> Outcome:
        """Execute one notebook and wait for it."""

    def ahead(self, work: Work) -> None:
        """Get ready for a notebook that will soon be executed."""

    def stop(self) -> None:
        """End all that is being executed; each `perform` then returns or raises."""


class ForkPool:
    """Notebooks forked from one process.

    It imports from now on what the notebooks `sources` import, and the Core Scripts that they call: `scripts`
    are those of all steps. Where there are to be more than `workers` in all, it learns from the first.
    """

    def __init__(
        self,
        fork_server: ForkServer,
        workers: int,
        sources: Collection[Path],
        scripts: Mapping[str, Path],
        total: int,
    ) -> None:
        self.workers = workers
        self._server = fork_server
        fork_server.preload(libraries(sources, scripts))
        fork_server.learns = total > workers

    def ready(self, folder: Path) -> None:
        """Begin at once: a notebook waits for the libraries by itself."""

    def perform(self, work: Work, on_cell: OnCell = unheard) -> Outcome:
        """Execute one notebook and wait for it."""
        try:
            return perform(work, self._server, on_cell)
        except BrokenPipeError as error:
            raise StepFailed(
                "The process that notebooks are forked from was killed, as the system does when memory runs "
                "out. Rerun with fewer at once: `run --jobs`, `sweep --workers`."
            ) from error

    def ahead(self, work: Work) -> None:
        """Start the kernel of a notebook that will soon be executed."""
        log = work.target.with_suffix(".log")
        self._server.start_ahead(work.own_variables, work.source.parent, log)

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

    def perform(self, work: Work, on_cell: OnCell = unheard) -> Outcome:
        """Execute one notebook and wait for it."""

        def begin_cell(done: int, total: int) -> None:
            if self._stopped.is_set():
                raise KeyboardInterrupt
            on_cell(done, total)

        return perform(replace(work, engine=STOCK), on_cell=begin_cell)

    def ahead(self, work: Work) -> None:
        """Wait: its kernel imports what it needs when it is its turn."""

    def stop(self) -> None:
        """Kill the kernels there are; one that is just starting ends before its first cell."""
        import psutil  # type: ignore[import-untyped]

        self._stopped.set()
        for process in psutil.Process().children():
            with suppress(psutil.NoSuchProcess):
                if "ipykernel_launcher" in process.cmdline():
                    process.kill()


def kernel_pool(
    fork_server: ForkServer | None,
    workers: int,
    sources: Collection[Path],
    scripts: Mapping[str, Path],
    total: int,
) -> KernelPool:
    """Return who executes `total` notebooks, `workers` at once; `sources` call some of the `scripts`."""
    if fork_server is None:
        return StockPool(workers)
    return ForkPool(fork_server, workers, sources, scripts, total)


@contextmanager
def notebooks_environment(layout: Layout, workers: int) -> Iterator[None]:
    """Change to the notebooks' folder: papermill would for each, and threads share it."""
    elsewhere = {"WORKBENCH_RUNS": str(layout.runs)} if layout.elsewhere else {}
    with environ({**for_all(workers), **elsewhere}), chdir(layout.notebooks):
        yield


def why_stock(engine: str) -> str | None:
    """Return why notebooks cannot be forked though that was asked for; None when they can, or it was not."""
    if engine != WORKBENCH or sys.platform == "linux":
        return None
    return f"on {sys.platform} a process with libraries in it cannot be forked safely"
