"""A notebook prepared for its page: titles, descriptions of pictures, times, the cell that failed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from operation.engine.evidence.reports.markup import Fragments, Heading
from operation.engine.evidence.reports.outputs import Outputs
from operation.engine.evidence.reports.run_record import NotebookRecord
from operation.engine.evidence.reports.step_record import Failure

OWN_ANCHORS = frozenset({"main", "contents", "failure", "all-code"})
_BANNER = "papermill-error-cell-tag"  # of cells that papermill adds to a notebook that failed


@dataclass
class Outline:
    """What the page says around the cells."""

    title: str
    headings: list[Heading] = field(default_factory=list)
    failure: Failure | None = None
    failed_cell: bool = False
    styles: str = ""  # of the outputs


def prepare(notebook: Any, record: NotebookRecord, folders: tuple[Path, ...]) -> Outline:
    """Annotate an executed notebook for the template: every cell gets ``metadata.report``.

    Pictures that its markdown names are looked for in `folders`.
    """
    from operation.engine.evidence.reports.prose import last_sentence, render

    fragments = Fragments(anchors=set(OWN_ANCHORS))
    outputs = Outputs(fragments, folders, _widgets(notebook))
    sentence = record.title
    for index, cell in enumerate(notebook.cells):
        report: dict[str, Any] = {"anchor": f"cell-{index}", "hidden": _BANNER in _tags(cell)}
        if cell.cell_type == "markdown" and not report["hidden"]:
            report["html"] = render(cell.source, fragments, cell.get("attachments"), folders)
            sentence = last_sentence(report["html"]) or sentence
        elif cell.cell_type == "code":
            report |= _code(cell, record.cell_seconds.get(index))
            outputs.prepare(cell, sentence)
        cell.metadata["report"] = report
    outline = Outline(record.title, fragments.headings, record.failure, styles="".join(fragments.sheets))
    _take_title(notebook, outline)
    _mark_failed_cell(notebook, record, outline)
    return outline


def _widgets(notebook: Any) -> Mapping[str, Any]:
    """Return the state of the widgets that was saved with the notebook, by model."""
    state: Any = notebook.metadata
    for name in ("widgets", "application/vnd.jupyter.widget-state+json", "state"):
        state = state.get(name)
        if not isinstance(state, dict):
            return {}
    widgets: dict[str, Any] = state
    return widgets


def _mark_failed_cell(notebook: Any, record: NotebookRecord, outline: Outline) -> None:
    """Mark the cell that stopped the notebook: the one that the manifest names, else the last that raised.

    An error alone does not tell: a cell tagged ``raises-exception`` is meant to raise.
    """
    if record.failure is None and record.status == "succeeded":
        return
    code = {index: cell for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"}
    raised = [cell for cell in code.values() if "raises-exception" not in _tags(cell) and _errors(cell)]
    failed = code.get(record.failure.cell) if record.failure and record.failure.cell is not None else None
    # A kernel that died raised nothing; and a notebook that grew since has other indices.
    if failed is None or (raised and failed not in raised and not _is_marked(failed)):
        failed = raised[-1] if raised else None
    if failed is not None:
        failed.metadata["report"] |= {"failed": True, "anchor": "failure"}
        outline.failed_cell = True
        outline.failure = record.failure or next(iter(_errors(failed)))


def _is_marked(cell: Any) -> bool:
    papermill = cell.metadata.get("papermill")
    return isinstance(papermill, Mapping) and papermill.get("exception") is True


def _errors(cell: Any) -> list[Failure]:
    return [
        Failure(type=str(output.get("ename", "")), message=str(output.get("evalue", "")))
        for output in cell.outputs
        if output.output_type == "error"
    ]


def _take_title(notebook: Any, outline: Outline) -> None:
    """Move the notebook's first heading into the page's header, when it opens the notebook."""
    for cell in notebook.cells:
        report = cell.metadata["report"]
        if report["hidden"] or not str(cell.source).strip():
            continue
        opening = re.match(r'\s*<h2 id="([^"]*)">(.*?)</h2>', report.get("html", ""), re.DOTALL)
        if opening and re.match(r"\s*(#\s|<h1|[^\n]+\n=+\s)", cell.source):
            outline.title = outline.headings.pop(0).text
            report["html"] = report["html"][opening.end() :]
        return


def _tags(cell: Any) -> list[Any]:
    tags = cell.metadata.get("tags")
    return tags if isinstance(tags, list) else []


def _code(cell: Any, recorded_seconds: float | None) -> dict[str, Any]:
    lines = [line.strip() for line in cell.source.splitlines()]
    statements = [line for line in lines if line and not line.startswith("#")]
    papermill = cell.metadata.get("papermill")
    # what stands in the cell itself comes first: nothing can shift it
    seconds = papermill.get("duration") if isinstance(papermill, Mapping) else None
    seconds = seconds if isinstance(seconds, int | float) else recorded_seconds
    count = cell.get("execution_count")
    return {
        "seconds": seconds,
        "preview": next(iter(statements or lines), "")[:100],
        "parameters": "injected-parameters" in _tags(cell),
        "count": count,
        "executed": seconds is not None or count is not None or bool(cell.get("outputs")),
    }
