"""How a Core Script fails, read in one way wherever it ran: its exit code, and what it printed.

A script that cannot do its work prints ``error: <message>`` and exits with 1, or with 3 when a gate said no;
anything else is Python's traceback.
"""

import re
import traceback
from pathlib import Path
from typing import Any

from operation.engine.foundation.errors import StepFailed

REJECTED = 3  # the exit code by which a gate says no
KILLED = "the process was killed without output (out of memory?)"
_TRACEBACK = "Traceback (most recent call last)"
_FRAME = re.compile(r'^[\s|]*File "([^"]+)", line (\d+)', re.MULTILINE)
_MEMBERS = re.compile(r"^[ |]*\+-\+-+ 1 -", re.MULTILINE)  # of a group of exceptions
_RAISED = re.compile(r"^([A-Za-z_][\w.]*)(?:: (.*))?$", re.MULTILINE)
# of messages that were written to be read alone
_WITHOUT_TYPE = {"StepError", "GateRejected", "StepFailed", "RunFailed", "Canceled"}
Location = tuple[str | None, int | None]


class ScriptFailed(StepFailed):
    """A Core Script ended with an error of its own; `details` is the ``error`` record of a manifest."""

    def __init__(self, details: dict[str, Any], exit_code: int) -> None:
        self.details = details
        self.exit_code = exit_code
        location = f"{details['file']}:{details['line']}: " if details.get("line") else ""
        super().__init__(f"{location}{described(details['type'], details['message'])}")


def described(kind: str, message: str) -> str:
    """Return an error as people read it: ``KeyError: 'carrier'``; what a script says itself has no type."""
    return message if kind in {*_WITHOUT_TYPE, message} else f"{kind}: {message}"


def exit_code_of(error: BaseException) -> int:
    """Return the exit code that an exception stands for: its own, else 1."""
    code = getattr(error, "exit_code", 1)
    return code if code in {2, REJECTED} else 1


def from_exception(error: BaseException, folder: Path) -> dict[str, Any]:
    """Return the error record of an exception, placed at its innermost frame in `folder`."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [(Path(frame.filename), frame.lineno) for frame in frames]
    if isinstance(error, SyntaxError) and error.filename:
        lines.append((Path(error.filename), error.lineno))
    inside = [line for line in lines if folder in line[0].parents] or lines
    file, line = inside[-1] if inside else (None, None)
    return {
        "type": type(error).__name__,
        "message": str(error) or type(error).__name__,
        "file": _source_name(file, folder) if file else None,
        "line": line,
        "traceback": "".join(traceback.format_exception(error)),
    }


def _source_name(file: Path, folder: Path) -> str:
    return f"src/{file.relative_to(folder).as_posix()}" if folder in file.parents else file.name


def from_text(
    text: str, script: Path, exit_code: int, raised: dict[str, str] | None = None
) -> dict[str, Any] | None:
    """Return the error record of what a script printed before it ended; None when it says nothing of it.

    `raised` has type and message of its exception, where more than the text is known.
    """
    _, _, below = text.rpartition(_TRACEBACK)
    own = "" if raised else below if exception_in(text) else text
    errors = [line for line in own.splitlines() if line.startswith("error: ")]
    raised = raised or exception_in(text)
    if not errors and raised is None:
        return None
    file, line = location(text, script.parent)
    if errors:
        message = errors[-1].removeprefix("error: ")
        raised = {"type": "GateRejected" if exit_code == REJECTED else "StepError", "message": message}
        file = file or f"src/{script.name}"
    return {**(raised or {}), "file": file, "line": line, "traceback": text}


def exception_in(text: str) -> dict[str, str] | None:
    """Return type and message of the exception below the last traceback; ``SystemExit`` is none."""
    _, traceback_head, below = text.rpartition(_TRACEBACK)
    match = _RAISED.search(below.partition("\n")[2]) if traceback_head else None
    if match is None or match[1] == "SystemExit":  # that is an exit code
        return None
    kind = match[1].rpartition(".")[2]
    return {"type": kind, "message": match[2] or kind}


def location(text: str, folder: Path) -> Location:
    """Return the innermost frame of the last traceback that lies in `folder` or in a copy of it."""
    whole = _MEMBERS.split(text)[0]
    frames = [(match[1], int(match[2])) for match in _FRAME.finditer(whole.rpartition(_TRACEBACK)[2])]
    for path, line in reversed(frames):
        if folder in Path(path).parents:
            return _source_name(Path(path), folder), line
    files = (path.relative_to(folder).as_posix() for path in folder.rglob("*.py"))
    names = sorted(files, key=len, reverse=True)
    for path, line in reversed(frames):
        copied = "/" + path.replace("\\", "/")
        name = next((name for name in names if copied.endswith(f"/{name}")), None)
        if name and "site-packages" not in path:
            return f"src/{name}", line
    return None, None
