"""One submission as a run: recorded from its beginning to its end, with pages and a failure's capsule."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from operation.engine import manifest
from operation.engine.capsule.pack import pack_failure
from operation.engine.configuration import Configuration, NotebookEntry
from operation.engine.layout import Layout
from operation.engine.notebooks.assignments import Assignments
from operation.engine.runs import folder as run_folder
from operation.engine.runs.folder import RunFolder
from operation.engine.runs.prepared import Prepared
from operation.engine.runs.request import Request
from operation.engine.surroundings import surroundings
from operation.execution.submission_record import error_of, write_record


@dataclass(frozen=True)
class SubmitRequest(Request):
    """A request that was made by ``submit``."""

    words: Sequence[str] = ()

    @property
    def command(self) -> str:
        """The command line that asks for the same again."""
        return " ".join(["python3", "-m", "operation", "submit", *self.words])


@dataclass
class Submission:
    """One submission.

    Parameters
    ----------
    layout : Layout
        The project's folders.
    configured : Configuration
        The use case and the environment.
    name : str
        ``submit-train``: of the notebook that replays it.
    words : sequence of str
        The command line behind ``submit``.
    folder : RunFolder
        Where it is recorded.
    logs : dict of str to str
        Step -> what it printed, in the order in which they were executed.
    notes : list of str
        What the page says besides, as Markdown.
    facts : dict
        What the manifest says besides, such as an AutoML baseline.
    """

    layout: Layout
    configured: Configuration
    name: str
    words: Sequence[str]
    folder: RunFolder
    logs: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def notebook(self) -> Path:
        """The notebook of this submission."""
        return self.folder.path / "notebooks" / f"{self.name}.ipynb"

    @property
    def request(self) -> SubmitRequest:
        """What was asked for."""
        configured = self.configured
        return SubmitRequest(configured.environment, configured.use_case, [self.name], words=self.words)

    @property
    def record(self) -> dict[str, Any]:
        """The manifest as it stands."""
        return manifest.read(self.folder.path / "manifest.json") or {}


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
    write_record(made, started, clock, "running", None)
    status, error = "succeeded", None
    try:
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
