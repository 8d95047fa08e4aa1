"""One submission as a run: recorded from its beginning to its end, with pages and a failure's capsule."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from operation.engine import manifest
from operation.engine.capsule.pack import pack_failure
from operation.engine.configuration import Configuration, NotebookEntry
from operation.engine.layout import Layout
from operation.engine.notebooks.assignments import Assignments
from operation.engine.runs import folder as run_folder
from operation.engine.runs.request import Prepared
from operation.engine.surroundings import surroundings
from operation.execution.submission_record import Submission, error_of, write_record


@contextmanager
def submission(
    layout: Layout, configured: Configuration, name: str, words: Sequence[str]
) -> Iterator[Submission]:
    """Record what is done in the block as a run; when it fails, leave a capsule.

    Sessions that are made in the block add their steps to the run.
    """
    folder = run_folder.new(layout.runs, configured.use_case, configured.environment)
    made = Submission(layout, configured, f"submit-{name}", words, folder)
    started, clock = manifest.now(), time.perf_counter()
    variables = {run_folder.VARIABLE: str(folder.path.resolve()), "WORKBENCH_NOTEBOOK": made.name}
    manifest.write(folder.path / "overrides.json", {})
    status, error = "succeeded", None
    try:
        write_record(made, started, clock, "running", None)
        with surroundings(variables):
            yield made
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    except Exception as raised:  # every failure is recorded, and goes on to the boundary
        error = error_of(made, raised)
        status = "rejected" if error["exit_code"] == 3 else "failed"
        raise
    finally:
        write_record(made, started, clock, status, error)
        if any(step["how"] == "failed" for step in folder.records()):
            pack_failure(layout, folder, _prepared(made))
        if (folder.path / "capsule.zip").exists():
            capsule = layout.relative(folder.path / "capsule.zip")
            print(f"replay: python3 -m operation replay {capsule}", file=sys.stderr)
        _pages(made)


def _pages(made: Submission) -> None:
    """Write the pages that a run has."""
    from operation.engine.reports.gallery import write_gallery
    from operation.engine.reports.latest import point_latest
    from operation.engine.reports.notebook import render_notebook
    from operation.engine.reports.run_page import write_run_page

    render_notebook(made.notebook, made.folder.path / f"{made.name}.html", made.record)
    write_run_page(made.folder.path)
    point_latest(made.layout.runs, made.folder.path)
    write_gallery(made.layout.runs)


def _prepared(made: Submission) -> Prepared:
    """Return what a capsule needs to know of the submission's notebook."""
    entry = NotebookEntry(made.name, {})
    return Prepared(made.request, made.configured, [entry], Assignments({}, {}), {made.name: made.notebook})
