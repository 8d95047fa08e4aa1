"""Where points are executed: forked here, in stock kernels here, or on a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from operation.engine.errors import StepFailed
from operation.engine.notebooks.forked.libraries import libraries
from operation.engine.notebooks.forked.templates import Templates
from operation.engine.sweeps.work import Outcome, Work, perform

if TYPE_CHECKING:
    from operation.engine.sweeps.plan import Sweep


class Place(Protocol):
    """Executes points, several at once: each call of `perform` comes from a thread of its own."""

    workers: int

    def ready(self, folder: Path) -> None:
        """Make ready for the first point; what comes before the points is done, and told in `folder`."""

    def perform(self, work: Work) -> Outcome:
        """Execute one point and wait for it."""

    def stop(self) -> None:
        """End all that is being executed; each `perform` then returns or raises."""


class Forks:
    """Notebooks forked from one process that has their libraries.

    Parameters
    ----------
    templates : Templates
        That process.
    sweep : Sweep
        What its notebook imports is imported from now on.
    workers : int
        Points at once.
    """

    def __init__(self, templates: Templates, sweep: Sweep, workers: int) -> None:
        self.workers = workers
        self._templates = templates
        scripts = {name: step.script for name, step in sweep.prepared.configured.steps.items()}
        templates.preload(libraries([sweep.source], scripts))
        templates.learns = len(sweep.points) > workers

    def ready(self, folder: Path) -> None:
        """Begin at once: a notebook waits for the libraries by itself."""

    def perform(self, work: Work) -> Outcome:
        """Execute one point and wait for it."""
        try:
            return perform(work, self._templates)
        except BrokenPipeError as error:
            raise StepFailed(
                "the process that notebooks are forked from was ended from outside, as the system does when "
                "memory runs out: ask again with fewer --workers."
            ) from error

    def stop(self) -> None:
        """Kill every notebook."""
        self._templates.close()


@contextmanager
def local(sweep: Sweep, templates: Templates | None, workers: int) -> Iterator[Place]:
    """Give the place on this machine that suits the notebook.

    Parameters
    ----------
    templates : Templates, optional
        The process to fork from, where that is wanted and can be.
    """
    if templates is not None and _why_not(sweep) is None:
        yield Forks(templates, sweep, workers)
        return
    from operation.engine.sweeps.stock import Stock

    with Stock(workers) as stock:
        yield stock


def why_stock(sweep: Sweep) -> str | None:
    """Return why the points cannot be forked though that was asked for; None when they can, or it was not."""
    return _why_not(sweep) if sweep.request.engine == "workbench" else None


def _why_not(sweep: Sweep) -> str | None:
    import nbformat

    from operation.engine.notebooks.forked.suitable import why_not

    notebook = nbformat.read(sweep.source, as_version=4)  # type: ignore[no-untyped-call]
    return why_not(notebook, "python3", {})
