"""The notebook of a submission: it does on this machine what was executed elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from operation.execution.submission import Submission


def document(made: Submission, error: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a notebook that does on this machine what was submitted; the failing cell is its last."""
    choice = (
        f"use_case: str = {made.configured.use_case!r}  # the experiment\n"
        f"environment: str = {made.configured.environment!r}  # where it runs"
    )
    executed = list(made.logs)
    failed = [step["step"] for step in made.folder.records() if step["how"] == "failed"][-1:]
    cells = [_markdown(f"# Submission: {' '.join(made.words)}"), _code(choice, 1, tags=["parameters"])]
    cells.append(_code("import core\n\ncore.use(use_case, environment)", 2))
    for step in [*executed, *(one for one in failed if one not in executed)]:
        ended_badly = error if step in failed else None
        cells.append(_code(f"core.{step}()", len(cells), text=made.logs.get(step, ""), error=ended_badly))
    if error and not failed:
        cells.append(_code("", len(cells), error=error))
    cells[1:1] = [_markdown(note) for note in made.notes]
    for index, cell in enumerate(cells):
        cell["id"] = f"cell-{index}"
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _markdown(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def _code(
    source: str,
    count: int,
    *,
    text: str = "",
    error: Mapping[str, Any] | None = None,
    tags: Sequence[str] = (),
) -> dict[str, Any]:
    outputs: list[dict[str, Any]] = []
    if text:
        outputs.append({"output_type": "stream", "name": "stdout", "text": text})
    if error:
        lines = str(error["traceback"]).splitlines()
        outputs.append(
            {"output_type": "error", "ename": error["type"], "evalue": error["message"], "traceback": lines}
        )
    metadata = {"tags": list(tags), "papermill": {"exception": bool(error)}}
    content = {"cell_type": "code", "execution_count": count, "metadata": metadata}
    return {**content, "outputs": outputs, "source": source}
