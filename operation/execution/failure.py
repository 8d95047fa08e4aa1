"""Why a remote run failed: type, message and place in ``src/``, from its log and what the service says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from operation.engine.foundation.errors import WorkbenchError
from operation.engine.steps.runners import ScriptFailed

_SDK = frozenset({"azureml", "azure", "msrest", "requests", "msal", "adal", "urllib3"})
TAIL = 20  # lines of a log without a traceback that are kept
_FRAME = re.compile(r'^\s*File "([^"]+)", line (\d+)')
_REJECTED = re.compile(r"(?:exit(?:ed)?|status)[\w ]*?(?:code|status)?:? 3\b|SystemExit: 3\b")


class RemoteError(WorkbenchError):
    """Azure ML could not be asked, or did not do what it was asked for."""


def script_failed(script: Path, details: Mapping[str, Any], log: str) -> ScriptFailed:
    """Return what a person needs to know of a run that did not complete."""
    said = _said(details)
    own = _own_words(log)
    found = {"type": "StepError", "message": own} if own else raised(log) or _of_service(details, said)
    file, line = place(log, script.parent)
    rejected = bool(own) and bool(_REJECTED.search(said))
    record = {
        "type": "GateRejected" if rejected else found["type"],
        "message": found["message"],
        "file": file or (f"src/{script.name}" if own else None),
        "line": line,
        "traceback": "\n".join([traceback_in(log), said]).strip(),
    }
    return ScriptFailed(record, 3 if rejected else 1)


def traceback_in(log: str) -> str:
    """Return the last traceback of a log with what stands below it; without one, the log's last lines."""
    _, found, below = log.rpartition("Traceback (most recent call last)")
    return f"{found}{below}".rstrip() if found else "\n".join(log.rstrip().splitlines()[-TAIL:])


def _said(details: Mapping[str, Any]) -> str:
    """Return what the service says of the failure."""
    error = (details.get("error") or {}).get("error") or {}
    inner = error.get("details") or []
    messages = [error.get("message"), *(one.get("message") for one in inner if isinstance(one, dict))]
    return "\n".join(dict.fromkeys(str(one) for one in messages if one))


def _own_words(log: str) -> str | None:
    """Return the sentence of a StepError: the script ended orderly, and said why."""
    lines = [line for line in log.splitlines() if line.startswith("error: ")]
    return lines[-1].removeprefix("error: ") if lines else None


def raised(log: str) -> dict[str, str] | None:
    """Return type and message of the exception that stands below the last traceback."""
    _, found, below = log.rpartition("Traceback (most recent call last)")
    if not found:
        return None
    for line in below.splitlines()[1:]:
        match = re.match(r"([A-Za-z_][\w.]*)(?:: (.*))?$", line)
        if match:
            kind = match[1].rpartition(".")[2]
            return {"type": kind, "message": match[2] or kind}
    return None


def _of_service(details: Mapping[str, Any], said: str) -> dict[str, str]:
    if details["status"] == "Canceled":
        return {"type": "Canceled", "message": "the run was cancelled"}
    return {"type": "RunFailed", "message": said or "the process was killed without output (out of memory?)"}


def place(log: str, folder: Path) -> tuple[str | None, int | None]:
    """Return the innermost frame of the last traceback that lies in the snapshot."""
    ours = sorted(
        (path.relative_to(folder).as_posix() for path in folder.rglob("*.py")), key=len, reverse=True
    )
    below = log.rpartition("Traceback (most recent call last)")[2]
    frames = [match for line in below.splitlines() if (match := _FRAME.match(line))]
    for match in reversed(frames):
        path = match[1].replace("\\", "/")
        name = next((name for name in ours if f"/{path}".endswith(f"/{name}")), None)
        if name and "site-packages" not in path:
            return f"src/{name}", int(match[2])
    return None, None


@contextmanager
def sdk_errors(doing: str) -> Iterator[None]:
    """Turn what the SDK raises into one sentence that says what was being done."""
    try:
        yield
    except Exception as error:
        if not _is_of_sdk(error):
            raise
        raise RemoteError(f"{doing}: {type(error).__name__}: {_sentence(error)}") from error


def _is_of_sdk(error: Exception) -> bool:
    """Tell whether the SDK, or what it speaks HTTP with, raised; its errors have no class in common."""
    return any(kind.__module__.partition(".")[0] in _SDK for kind in type(error).__mro__)


def _sentence(error: Exception) -> str:
    """Return the message of an exception of the SDK without its wrapping in JSON."""
    text = str(getattr(error, "message", None) or error).strip()
    found = re.findall(r'"(?:message|Message|error_description)":\s*("(?:[^"\\]|\\.)*")', text)
    if found:
        return str(json.loads(found[0]))
    lost = re.search(r"host='([^']+)', port=(\d+)", text)
    if lost:
        keeps = "What was submitted keeps running; rerun this command to reattach."
        return f"no connection to {lost[1]}:{lost[2]}. {keeps}"
    lines = [line.strip() for line in text.splitlines() if line.strip(" {}\t")]
    return lines[0] if lines else "no reason was given"
