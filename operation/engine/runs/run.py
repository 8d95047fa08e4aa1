"""One run: the use case's notebooks executed side by side, recorded and reported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from operation.engine.foundation import run_folder
from operation.engine.foundation.files import DiskError, disk_errors
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.run_folder import RunFolder
from operation.engine.notebooks.fork_server.source import for_all, fork_source
from operation.engine.notebooks.pools import kernel_pool, notebooks_environment
from operation.engine.runs.comparison import since_last_good
from operation.engine.runs.execution import Execution, Say, track
from operation.engine.runs.rendering import Rendering
from operation.engine.runs.request import Prepared
from operation.engine.runs.reuse import Notebooks
from operation.engine.runs.run_manifest import RunManifest
from operation.engine.runs.tracking import Tracker

if TYPE_CHECKING:
    from operation.engine.notebooks.fork_server.client import ForkServer

__all__ = ["Say", "start"]


def start(layout: Layout, prepared: Prepared, say: Say, fork_server: ForkServer | None = None) -> RunManifest:
    """Execute the notebooks of a sound request side by side; once one has failed none begins.

    `say` is called with the notebook, the cells begun and the number of cells; `fork_server` is what
    notebooks are forked from, where it has been started already. The returned manifest is written, with
    everything else.
    """
    layout, jobs = layout.absolute(), min(prepared.request.at_once, len(prepared.notebooks))
    following = Tracker(layout, prepared.configured)
    with disk_errors(layout.runs), _forks(prepared, jobs, fork_server) as forks, following as tracker:
        scripts = {name: step.script for name, step in prepared.configured.steps.items()}
        pool = kernel_pool(forks, jobs, prepared.sources.values(), scripts, len(prepared.sources))
        record = _begin(layout, prepared)
        try:
            known = Notebooks(layout, prepared)
            with Rendering() as pages:
                with notebooks_environment(layout, jobs):
                    Execution(record, prepared, pool, known, pages, tracker, say).execute()
                if forks:
                    forks.release()
        except KeyboardInterrupt:
            record.end("interrupted")
            raise
        except DiskError:
            record.end("failed")
            raise
        finally:
            _end(layout, prepared, record, tracker)
    return record


@contextmanager
def _forks(prepared: Prepared, jobs: int, started: ForkServer | None) -> Iterator[ForkServer | None]:
    """Give what notebooks are forked from: what was `started`, if its libraries have as many threads."""
    variables = for_all(jobs)
    if started and variables.items() <= started.variables.items():
        yield started
        return
    with fork_source(prepared.request.engine, variables) as fork_server:
        yield fork_server


def _begin(layout: Layout, prepared: Prepared) -> RunManifest:
    """Make the folder of the run, with what its processes read there."""
    configured = prepared.configured
    folder = run_folder.new(layout.runs, configured.use_case, configured.environment)
    prepared.hand_over(layout, folder)
    return RunManifest(layout, folder, prepared)


def _end(layout: Layout, prepared: Prepared, record: RunManifest, tracker: Tracker) -> None:
    """Write what is known only now, however the run ended."""
    record.end()
    if record.status == "failed":
        record.tell("since_last_good", since_last_good(layout, record.content))
    track(record, tracker)
    _capsule(layout, record.folder, prepared, record)
    _pages(layout, record.folder)


def _capsule(layout: Layout, folder: RunFolder, prepared: Prepared, record: RunManifest) -> None:
    """Leave what a replay of a failure needs."""
    if record.status == "failed":
        from operation.engine.evidence.capsule.pack import pack_failure

        pack_failure(layout, folder, prepared, include_secrets=prepared.request.include_secrets)


def _pages(layout: Layout, folder: RunFolder) -> None:
    from operation.engine.evidence.reports.gallery import write_gallery
    from operation.engine.evidence.reports.latest import point_latest
    from operation.engine.evidence.reports.run_page import write_run_page

    write_run_page(folder.path)
    point_latest(layout.runs, folder.path)
    write_gallery(layout.runs)
