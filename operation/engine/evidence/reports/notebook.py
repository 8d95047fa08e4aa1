"""An executed notebook as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from operation.engine.evidence.reports.cards import cards
from operation.engine.evidence.reports.pages import environment, write_page
from operation.engine.evidence.reports.run_record import (
    Metric,
    NotebookRecord,
    RunRecord,
    StepRecord,
    run_record,
)
from operation.engine.foundation.errors import WorkbenchError
from operation.engine.foundation.layout import project
from operation.engine.foundation.quick_imports import without_iri_grammar

_RUN = {"id": "", "status": "running"}
_PAGES = ("run.html.j2", "gallery.html.j2")


def render_notebook(executed: Path, target: Path, run: Mapping[str, object]) -> None:
    """Write the report of an executed notebook: self-contained HTML, replaced in one step.

    Parameters
    ----------
    executed : Path
        The executed notebook; a failed or interrupted one is welcome.
    target : Path
        The report. Its folder exists; an older report is replaced.
    run : mapping
        The run's manifest. The notebook's entry is the one whose name is the stem of `executed`;
        without an entry the report says only what the notebook itself knows.

    Raises
    ------
    WorkbenchError
        `executed` is missing or is not a notebook.
    """
    folders = (executed.parent, project().notebooks)
    write_page(target, as_html(_read(executed), executed.stem, run, folders))


def as_html(notebook: Any, name: str, run: Mapping[str, object], folders: tuple[Path, ...] = ()) -> str:
    """Return the report of a notebook.

    Parameters
    ----------
    notebook : NotebookNode
        The executed notebook; it is changed.
    name : str
        Of its entry in the manifest.
    run : mapping
        The manifest.
    folders : tuple of Path
        Where pictures that its markdown names are looked for.
    """
    with without_iri_grammar():
        from operation.engine.evidence.reports.cells import prepare
        from operation.engine.evidence.reports.exporter import exporter

        exporter()
    record = run_record(run)
    entry = _entry(record, name)
    outline = prepare(notebook, entry, folders)
    steps = _steps(record, entry)
    resources = {
        "run": record,
        "notebook": entry,
        "outline": outline,
        "executed": entry.notebook or f"{name}.ipynb",
        "steps": steps,
        "cards": cards(
            Metric(step.step, name, value) for step in steps for name, value in step.metrics.items()
        ),
    }
    html, _ = exporter().from_notebook_node(notebook, resources)
    return str(html)


def warm_up() -> None:
    """Import and compile what a notebook's report, a run's page and the gallery need.

    It takes half a second, which a process that waits for a notebook has.
    """
    with without_iri_grammar():
        import nbformat
    code = {"cell_type": "code", "metadata": {}, "source": "import this", "execution_count": 1}
    table = {"text/html": "<table><tr><td style='width: calc(1px)'>1</td></tr></table>"}
    code["outputs"] = [
        {"output_type": "stream", "name": "stdout", "text": "\x1b[31mred"},
        {"output_type": "display_data", "metadata": {}, "data": table},
    ]
    prose = {"cell_type": "markdown", "metadata": {}, "source": "# One\n\n$x$"}
    notebook = nbformat.from_dict({"cells": [prose, code], "metadata": {}})  # type: ignore[no-untyped-call]
    as_html(notebook, "warm", _RUN)
    for name in _PAGES:
        environment().get_template(name)
    from PIL import Image

    Image.init()


def _steps(run: RunRecord, entry: NotebookRecord) -> list[StepRecord]:
    """Return what the notebook executed, and what it reused of earlier notebooks."""
    own = [step for step in run.steps if step.notebook == entry.name]
    covered = {step.step for step in own}
    earlier = {step.step: step for step in run.steps if step.step in entry.steps}
    return own + [step for name, step in earlier.items() if name not in covered]


def _entry(run: RunRecord, name: str) -> NotebookRecord:
    for entry in run.notebooks:
        if entry.name == name:
            return entry
    return NotebookRecord(name=name, title=name, status="unfinished")


def _read(executed: Path) -> Any:
    import nbformat

    try:
        text = executed.read_text(encoding="utf-8")
        return nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
    except OSError as error:
        raise WorkbenchError(
            f"{executed}: cannot be read: {error.strerror}. Run the notebook again."
        ) from error
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise WorkbenchError(f"{executed}: not a notebook ({error}). Run the notebook again.") from error
