"""Why a remote run failed: type, message and place in ``src/``, from its log and what the service says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from operation.engine.foundation.errors import WorkbenchError
from operation.engine.steps.failures import KILLED, REJECTED, ScriptFailed, from_text

_SDK = frozenset({"azureml", "azure", "msrest", "requests", "msal", "adal", "urllib3"})
TAIL = 20  # lines of a log without a traceback that are kept
_REJECTED = re.compile(r"(?:exit(?:ed)?|status)[\w ]*?(?:code|status)?:? 3\b|SystemExit: 3\b")


class RemoteError(WorkbenchError):
    """Azure ML could not be asked, or did not do what it was asked for."""


def script_failed(script: Path, details: Mapping[str, Any], log: str) -> ScriptFailed:
    """Return what a person needs to know of a run that did not complete."""
    said = _said(details)
    code = REJECTED if _REJECTED.search(said) and re.search("^error: ", log, re.MULTILINE) else 1
    record = from_text(log, script, code) or {"file": None, "line": None, **_of_service(details, said)}
    record["traceback"] = "\n".join([traceback_in(log), said]).strip()
    return ScriptFailed(record, code)


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


def _of_service(details: Mapping[str, Any], said: str) -> dict[str, str]:
    if details["status"] == "Canceled":
        return {"type": "Canceled", "message": "the run was cancelled"}
    return {"type": "RunFailed", "message": said or KILLED}


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
