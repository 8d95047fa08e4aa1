"""A submission, or a failed step, as a run: manifest, a notebook that does the same here, pages, capsule."""

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from operation.engine.configuration import Configuration, NotebookEntry
from operation.engine.evidence.capsule.pack import pack_failure
from operation.engine.foundation import manifest, run_folder
from operation.engine.foundation.children import environ
from operation.engine.foundation.errors import StepFailed, WorkbenchError
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.run_folder import RunFolder
from operation.engine.foundation.secrets import mask_values
from operation.engine.notebooks.assignments import Assignments
from operation.engine.notebooks.work import Outcome
from operation.engine.runs.request import Prepared, Request
from operation.engine.runs.run_manifest import RunManifest
from operation.engine.steps.failures import exit_code_of, from_exception
from operation.engine.steps.session import Session


@dataclass(frozen=True)
class SubmitRequest(Request):
    """A request of ``submit``, ``step`` or ``collect``."""

    words: Sequence[str] = ()
    verb: str = "submit"

    @property
    def command(self) -> str:
        """The command line that asks for the same again."""
        return " ".join(["python3", "-m", "operation", self.verb, *self.words])


@dataclass
class Submission:
    """A submission and its results so far."""

    layout: Layout
    configured: Configuration
    name: str  # ``submit-train``: of the notebook that replays it
    called: str  # what was submitted, or the step that failed
    request: SubmitRequest
    folder: RunFolder  # of its record
    values: Mapping[str, object]  # of the step that was called, where they are not as configured
    logs: dict[str, str] = field(default_factory=dict)  # step -> what it printed
    notes: list[str] = field(default_factory=list)  # more for the page, as Markdown
    facts: dict[str, Any] = field(default_factory=dict)  # more for the manifest

    @property
    def notebook(self) -> Path:
        """The notebook of this submission."""
        return self.folder.path / "notebooks" / f"{self.name}.ipynb"

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest as it stands."""
        return manifest.read(self.folder.path / "manifest.json") or {}


@contextmanager
def record_submission(
    layout: Layout,
    configured: Configuration,
    name: str,
    words: Sequence[str],
    *,
    verb: str = "submit",
    values: Mapping[str, object] | None = None,
    include_secrets: bool = False,
) -> Iterator[Submission]:
    """Record what is done in the block as a run; when it fails, leave a capsule.

    Sessions that are made in the block add their steps to the run.

    Parameters
    ----------
    name : str
        What is submitted.
    words : sequence of str
        The command line behind `verb`.
    verb : str, default="submit"
        The command.
    values : mapping, optional
        Arguments of the step `name` that are not as configured.
    include_secrets : bool, default=False
        As for `pack_failure`.
    """
    folder = run_folder.new(layout.runs, configured.use_case, configured.environment)
    title = name if name == verb else f"{verb}-{name}"
    choice = (configured.environment, configured.use_case, [title])
    request = SubmitRequest(*choice, words=words, verb=verb, include_secrets=include_secrets)
    submission = Submission(layout, configured, title, name, request, folder, values or {})
    variables = {run_folder.VARIABLE: str(folder.path.resolve()), "WORKBENCH_NOTEBOOK": submission.name}
    _write_notebook(submission, None)
    prepared = _prepared(submission)
    prepared.hand_over(layout, folder)
    record, clock = RunManifest(layout, folder, prepared), time.perf_counter()
    status, error = None, None
    try:
        with environ(variables):
            yield submission
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    except Exception as raised:  # every failure is recorded, and goes on to the boundary
        error = _error(submission, raised)
        raise
    finally:
        _write_notebook(submission, error)
        _end(submission, record, Outcome(time.perf_counter() - clock, error), status)
        if any(step["how"] == "failed" for step in folder.records()):
            pack_failure(layout, folder, prepared, include_secrets=include_secrets)
        if (folder.path / "capsule.zip").exists():
            capsule = layout.relative(folder.path / "capsule.zip")
            print(f"replay: python3 -m operation replay {capsule}", file=sys.stderr)
        _pages(submission)


def record_failure(
    layout: Layout,
    configured: Configuration,
    name: str,
    words: Sequence[str],
    error: StepFailed,
    *,
    verb: str,
    values: Mapping[str, object],
    fresh: bool = False,
    include_secrets: bool = False,
) -> None:
    """Leave what a failed run leaves of the step `name`, which raised `error`: it is not executed again.

    A failure that only the command line can help (exit code 2 or 3) leaves nothing; where this cannot be
    written, a warning says so: the disk may be full, and that is why the step failed.
    """

    def fail(*_: object) -> None:
        raise error

    if error.exit_code != 1:
        return
    options: dict[str, Any] = {"verb": verb, "values": values, "include_secrets": include_secrets}
    try:
        recorded = record_submission(layout, configured, name, words, **options)
        with suppress(StepFailed), recorded:
            Session(configured, layout, fail).step(name, values, fresh=fresh)
    except (OSError, WorkbenchError) as obstacle:
        print(f"warning: this failure left no report: {obstacle}", file=sys.stderr)


def _end(submission: Submission, record: RunManifest, outcome: Outcome, status: str | None) -> None:
    """Close the manifest."""
    record.add(submission.name, outcome, str(record.content["started"]))
    if status:
        record.entry(submission.name)["status"] = status
    compared = submission.facts.get("automl", {}).get("compared", [])
    record.content["metrics"] |= {f"automl.{row['metric']}": row["automl"] for row in compared}
    record.content |= submission.facts
    record.end(status)


def _pages(submission: Submission) -> None:
    """Write the pages that a run has."""
    from operation.engine.evidence.reports.gallery import write_gallery
    from operation.engine.evidence.reports.latest import point_latest
    from operation.engine.evidence.reports.notebook import render_notebook
    from operation.engine.evidence.reports.run_page import write_run_page

    render_notebook(
        submission.notebook, submission.folder.path / f"{submission.name}.html", submission.manifest
    )
    write_run_page(submission.folder.path)
    point_latest(submission.layout.runs, submission.folder.path)
    write_gallery(submission.layout.runs)


def _prepared(submission: Submission) -> Prepared:
    """Return the submission as a run of one notebook."""
    entry = NotebookEntry(submission.name, {})
    sources = {submission.name: submission.notebook}
    return Prepared(submission.request, submission.configured, [entry], Assignments({}, {}), sources)


def _error(submission: Submission, raised: Exception) -> dict[str, Any]:
    """Return what the manifest says of a failure, with its cell in the notebook."""
    details = getattr(raised, "details", None) or from_exception(raised, submission.layout.src)
    cells = _document(submission, {**details, "execution_count": 0, "cell": 0})["cells"]
    prompt = sum(cell["cell_type"] == "code" for cell in cells)
    location = {"notebook": submission.name, "cell": len(cells) - 1, "execution_count": prompt}
    return {**details, **location, "exit_code": exit_code_of(raised)}


def _write_notebook(submission: Submission, error: Mapping[str, Any] | None) -> None:
    submission.notebook.parent.mkdir(parents=True, exist_ok=True)
    submission.notebook.write_text(json.dumps(mask_values(_document(submission, error))), encoding="utf-8")


def _document(submission: Submission, error: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a notebook that does on this machine what was submitted; the failing cell is its last."""
    import nbformat.v4

    v4: Any = nbformat.v4  # its functions have no types

    records = submission.folder.records()
    failed = [step["step"] for step in records if step["how"] == "failed"][-1:]
    ended = [step["step"] for step in records] if failed else submission.logs
    title = {"submit": "Submission", "step": "Step"}.get(submission.request.verb, "Deliveries")
    notes = [f"# {': '.join(filter(None, [title, ' '.join(submission.request.words)]))}", *submission.notes]
    cells = [
        _code(
            f"use_case: str = {submission.configured.use_case!r}  # the experiment\n"
            f"environment: str = {submission.configured.environment!r}  # where it runs"
        ),
        _code("import core\n\ncore.use(use_case, environment)"),
    ]
    cells[0].metadata.tags = ["parameters"]
    for step in [*(step for step in submission.logs if step in ended and step not in failed), *failed]:
        called = f"core.{step}({_arguments(submission, step)})"
        cells.append(_code(called, submission.logs.get(step, ""), error if step in failed else None))
    if error and not failed:
        cells.append(_code("", error=error))
    for count, cell in enumerate(cells, start=1):
        cell.execution_count = count
    cells[:0] = [v4.new_markdown_cell(note) for note in notes]
    for index, cell in enumerate(cells):
        cell.id = f"cell-{index}"
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return dict(v4.new_notebook(cells=cells, metadata=metadata))


def _arguments(submission: Submission, step: str) -> str:
    """Return the arguments of a call of `step` in a notebook."""
    plain = (bool, int, float, str, list, type(None))
    values = submission.values.items() if submission.called == step else ()
    texts = {name: value if isinstance(value, plain) else str(value) for name, value in values}
    return ", ".join(f"{name}={value!r}" for name, value in texts.items())


def _code(source: str, text: str = "", error: Mapping[str, Any] | None = None) -> Any:
    """Return a code cell that printed `text`, and raised `error`."""
    import nbformat.v4

    v4: Any = nbformat.v4  # its functions have no types

    outputs = [v4.new_output("stream", name="stdout", text=text)] if text else []
    if error:
        lines = str(error["traceback"]).splitlines()
        raised = {"ename": error["type"], "evalue": error["message"], "traceback": lines}
        outputs.append(v4.new_output("error", **raised))
    return v4.new_code_cell(source, outputs=outputs, metadata={"papermill": {"exception": bool(error)}})
