"""Where a notebook failed: the cell, and the line of the project's sources or of the cell that raised."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from operation.engine.notebooks.frames import Frame, line_without_frame, plain, printed, project_frames

_OF_A_CELL = re.compile(r" \(\d+\.py, line \d+\)$")  # where a SyntaxError of a cell is, as Python says it


def failing_cell(document: Mapping[str, Any]) -> int | None:
    """Return the index of the cell that stopped the notebook, else of the first that raised.

    An error that `display` catches lets the cells below be executed. A kernel that died before its cell could
    be marked was executing the last one that began.
    """
    states = [cell.get("metadata", {}).get("papermill", {}) for cell in document["cells"]]
    raised = [index for index, state in enumerate(states) if state.get("exception") is True]
    begun = [index for index, state in enumerate(states) if state.get("start_time")]
    stopped = begun[-1:] if set(begun[-1:]) & set(raised) else raised[:1] or begun[-1:]
    return stopped[0] if stopped else None


def error_record(
    document: Mapping[str, Any],
    notebook: str,
    error: BaseException,
    steps: Sequence[Mapping[str, Any]],
    root: Path,
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
    root : Path
        The project's folder.
    """
    index = failing_cell(document)
    cell = document["cells"][index] if index is not None else {}
    shown = _last_error(cell)
    frames = project_frames(cell, shown, root)
    raised = {} if _ended_from_outside(error) else shown
    kind = raised.get("ename") or type(error).__name__
    message = plain(raised.get("evalue", "") if raised else str(error)).strip()
    record = {
        "type": kind,
        "message": _OF_A_CELL.sub("", message) or kind,
        "notebook": notebook,
        "cell": index,
        "execution_count": cell.get("execution_count"),
        "traceback": plain("\n".join(shown.get("traceback", []))) or printed(cell) or str(error),
    }
    step = next((step["error"] for step in reversed(steps) if _is_shown(step, raised, frames)), None)
    if step:
        return {**record, **{name: step[name] for name in ("file", "line", "exit_code")}}
    file, line = frames[-1] if frames else Frame("", line_without_frame(cell, raised))
    return {**record, "file": file or f"notebooks/{notebook}.ipynb", "line": line, "exit_code": 1}


def _last_error(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the last error that the cell shows: one before it did not stop it."""
    errors = [output for output in cell.get("outputs", []) if output.get("output_type") == "error"]
    return errors[-1] if errors else {}


def _ended_from_outside(error: BaseException) -> bool:
    """Tell whether the cell was interrupted, or died: what it shows is not why it ended."""
    return isinstance(error, TimeoutError) or type(error).__name__ == "DeadKernelError"


def _is_shown(step: Mapping[str, Any], raised: Mapping[str, Any], frames: Sequence[Frame]) -> bool:
    """Tell whether a step failed with the error that the cell shows, and not with one that a cell caught."""
    if step["how"] != "failed" or not raised:
        return False
    error = step["error"]
    same = error["type"] == raised["ename"] and error["message"] in {raised["evalue"], raised["ename"]}
    return same and (not frames or not error["line"] or (error["file"], error["line"]) in frames)
