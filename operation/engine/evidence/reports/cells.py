"""A notebook made ready to be shown: titles, descriptions of pictures, times, the cell that failed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from operation.engine.evidence.reports.markup import Fragments, Heading
from operation.engine.evidence.reports.outputs import Outputs
from operation.engine.evidence.reports.run_record import Failure, NotebookRecord

OWN_ANCHORS = frozenset({"main", "contents", "failure", "all-code"})

# What papermill writes into a notebook that failed; the banner says it better.
_PAPERMILL_ERROR = "papermill-error-cell-tag"


@dataclass
class Outline:
    """What the page says around the cells."""

    title: str
    headings: list[Heading] = field(default_factory=list)
    failure: Failure | None = None
    failed_cell: bool = False
    styles: str = ""  # of the outputs


def prepare(notebook: Any, record: NotebookRecord, folders: tuple[Path, ...]) -> Outline:
    """Annotate a notebook for the template: every cell gets ``metadata.report``.

    Parameters
    ----------
    notebook : NotebookNode
        The executed notebook; it is changed.
    record : NotebookRecord
        What the manifest says about it.
    folders : tuple of Path
        Where pictures that its markdown names are looked for.
    """
    from operation.engine.evidence.reports.prose import last_sentence, render

    fragments = Fragments(anchors=set(OWN_ANCHORS))
    outputs = Outputs(fragments, folders, _widgets(notebook))
    sentence = record.title
    for index, cell in enumerate(notebook.cells):
        report: dict[str, Any] = {"anchor": f"cell-{index}", "hidden": _is_papermills(cell)}
        if cell.cell_type == "markdown" and not report["hidden"]:
            report["html"] = render(cell.source, fragments, cell.get("attachments"), folders)
            sentence = last_sentence(report["html"]) or sentence
        elif cell.cell_type == "code":
            report |= _code(cell, _seconds(cell, index, record))
            outputs.prepare(cell, sentence)
        cell.metadata["report"] = report
    return _outline(notebook, record, fragments)


def _widgets(notebook: Any) -> Mapping[str, Any]:
    """Return the state of the widgets that was saved with the notebook, by model."""
    found: dict[str, Any] = notebook.metadata
    for name in ("widgets", "application/vnd.jupyter.widget-state+json", "state"):
        inner = found.get(name)
        if not isinstance(inner, dict):
            return {}
        found = inner
    return found


def _outline(notebook: Any, record: NotebookRecord, fragments: Fragments) -> Outline:
    outline = Outline(record.title, fragments.headings, record.failure, styles="".join(fragments.sheets))
    _take_title(notebook, outline)
    failed = _failed_cell(notebook, record)
    if failed is not None:
        failed.metadata["report"] |= {"failed": True, "anchor": "failure"}
        outline.failed_cell = True
        outline.failure = record.failure or _failure_of(failed)
    return outline


def _failed_cell(notebook: Any, record: NotebookRecord) -> Any:
    """Return the cell that stopped the notebook: the one that the manifest names, else the last that raised.

    An error alone does not tell: a cell tagged ``raises-exception`` is meant to raise.
    """
    if record.failure is None and record.status == "succeeded":
        return None
    raised = [cell for cell in notebook.cells if cell.cell_type == "code" and _raised(cell)]
    named = _cell_at(notebook, record.failure.cell) if record.failure else None
    # A kernel that died raised nothing; and a notebook that grew since has other indices.
    if named is not None and (named in raised or not raised):
        return named
    return raised[-1] if raised else None


def _raised(cell: Any) -> bool:
    meant = "raises-exception" in _tags(cell)
    return not meant and any(output.output_type == "error" for output in cell.outputs)


def _take_title(notebook: Any, outline: Outline) -> None:
    """Move the notebook's first heading into the page's header, when it opens the notebook."""
    for cell in notebook.cells:
        report = cell.metadata["report"]
        if report["hidden"] or not str(cell.source).strip():
            continue
        opening = re.match(r'\s*<h2 id="([^"]*)">(.*?)</h2>', report.get("html", ""), re.DOTALL)
        if opening and re.match(r"\s*(#\s|<h1|[^\n]+\n=+\s)", cell.source):
            first = outline.headings.pop(0)
            outline.title = first.text
            report["html"] = report["html"][opening.end() :]
        return


def _cell_at(notebook: Any, index: int | None) -> Any:
    cells = notebook.cells
    inside = index is not None and 0 <= index < len(cells)
    return cells[index] if inside and cells[index].cell_type == "code" else None


def _failure_of(cell: Any) -> Failure:
    for output in cell.outputs:
        if output.output_type == "error":
            return Failure(output.get("ename", ""), output.get("evalue", ""))
    return Failure("", "execution stopped here")


def _tags(cell: Any) -> list[Any]:
    tags = cell.metadata.get("tags")
    return tags if isinstance(tags, list) else []


def _is_papermills(cell: Any) -> bool:
    return _PAPERMILL_ERROR in _tags(cell)


def _seconds(cell: Any, index: int, record: NotebookRecord) -> float | None:
    """Prefer what stands in the cell itself: nothing can shift it."""
    papermill = cell.metadata.get("papermill")
    own = papermill.get("duration") if isinstance(papermill, Mapping) else None
    return own if isinstance(own, int | float) else record.cell_seconds.get(index)


def _code(cell: Any, seconds: float | None) -> dict[str, Any]:
    lines = [line.strip() for line in cell.source.splitlines()]
    spoken = [line for line in lines if line and not line.startswith("#")]
    tags = _tags(cell)
    return {
        "seconds": seconds,
        "preview": next(iter(spoken or lines), "")[:100],
        "lines": len(lines),
        "parameters": "injected-parameters" in tags,
        "count": cell.get("execution_count"),
        "executed": seconds is not None
        or cell.get("execution_count") is not None
        or bool(cell.get("outputs")),
    }
