"""Where a notebook failed: the cell, and the line of ``src/`` or of the cell that raised."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_FRAME = re.compile(r"^File (?P<file>.+?\.py):(?P<line>\d+)", re.MULTILINE)
_CELL = re.compile(r"^Cell In\s?\[\d+\], line (?P<line>\d+)", re.MULTILINE)


def failing_cell(document: Mapping[str, Any]) -> int | None:
    """Return the index of the cell that raised; when the kernel died, of the last one that began."""
    states = [cell.get("metadata", {}).get("papermill", {}) for cell in document["cells"]]
    raised = [index for index, state in enumerate(states) if state.get("exception") is True]
    begun = [index for index, state in enumerate(states) if state.get("start_time")]
    cells = raised[:1] or begun[-1:]
    return cells[0] if cells else None


def error_record(
    document: Mapping[str, Any], notebook: str, error: BaseException, steps: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the ``error`` record of a run's manifest.

    Parameters
    ----------
    document : mapping
        The notebook as it was saved.
    error : BaseException
        What its execution raised.
    steps : sequence of mappings
        Records of the steps that it called: the one that failed has the exact location.
    """
    index = failing_cell(document)
    cell = document["cells"][index] if index is not None else {}
    raised: Mapping[str, Any] = next(
        (output for output in cell.get("outputs", []) if output.get("output_type") == "error"), {}
    )
    timed_out = isinstance(error, TimeoutError)  # then the cell shows only where it was interrupted
    kind = type(error).__name__ if timed_out else raised.get("ename") or type(error).__name__
    text = _ANSI.sub("", "\n".join(raised.get("traceback", [])))
    record = {
        "type": kind,
        "message": raised.get("evalue") or str(error).strip() or "the kernel died",
        "notebook": notebook,
        "cell": index,
        "execution_count": cell.get("execution_count"),
        "traceback": text or str(error),
    }
    step = next((step["error"] for step in reversed(steps) if _is_shown(step, raised)), None)
    if step:
        return {**record, **{name: step[name] for name in ("file", "line", "exit_code")}}
    file, line = _location(text, notebook)
    return {**record, "file": file, "line": line, "exit_code": 1}


def _is_shown(step: Mapping[str, Any], raised: Mapping[str, Any]) -> bool:
    """Tell whether a step failed with the error that the cell shows, and not with one that a cell caught."""
    if step["how"] != "failed" or not raised:
        return False
    error = step["error"]
    return error["type"] == raised["ename"] and error["message"] in {raised["evalue"], raised["ename"]}


def _location(traceback: str, notebook: str) -> tuple[str, int | None]:
    """Return the innermost frame in ``src/``, else the line of the cell."""
    frames = [(Path(match["file"]).parts, int(match["line"])) for match in _FRAME.finditer(traceback)]
    own = [(parts[parts.index("src") :], line) for parts, line in frames if "src" in parts[:-1]]
    if own:
        return "/".join(own[-1][0]), own[-1][1]
    cells = list(_CELL.finditer(traceback))
    return f"notebooks/{notebook}.ipynb", int(cells[-1]["line"]) if cells else None
