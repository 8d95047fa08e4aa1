"""Why a remote run failed: type, message and place in ``src/``, from its log and what the service says."""

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
    """A request to Azure ML failed."""


def script_failed(script: Path, details: Mapping[str, Any], log: str) -> ScriptFailed:
    """Return the failure of a run that did not complete."""
    reported = _service_message(details)
    code = REJECTED if _REJECTED.search(reported) and re.search("^error: ", log, re.MULTILINE) else 1
    record = from_text(log, script, code) or {"file": None, "line": None, **_service_error(details, reported)}
    record["traceback"] = "\n".join([traceback_in(log), reported]).strip()
    return ScriptFailed(record, code)


def traceback_in(log: str) -> str:
    """Return the last traceback of a log with what stands below it; without one, the log's last lines."""
    _, head, below = log.rpartition("Traceback (most recent call last)")
    return f"{head}{below}".rstrip() if head else "\n".join(log.rstrip().splitlines()[-TAIL:])


def _service_message(details: Mapping[str, Any]) -> str:
    """Return what the service says of the failure."""
    error = (details.get("error") or {}).get("error") or {}
    inner = error.get("details") or []
    messages = [
        error.get("message"),
        *(detail.get("message") for detail in inner if isinstance(detail, dict)),
    ]
    return "\n".join(dict.fromkeys(str(message) for message in messages if message))


def _service_error(details: Mapping[str, Any], message: str) -> dict[str, str]:
    if details["status"] == "Canceled":
        return {"type": "Canceled", "message": "the run was cancelled"}
    return {"type": "RunFailed", "message": message or KILLED}


@contextmanager
def sdk_errors(action: str) -> Iterator[None]:
    """Turn what the SDK raises into one sentence that begins with the `action`."""
    try:
        yield
    except Exception as error:
        if not _is_of_sdk(error):
            raise
        raise RemoteError(f"{action}: {type(error).__name__}: {_sentence(error)}") from error


def _is_of_sdk(error: Exception) -> bool:
    """Tell whether the SDK, or what it speaks HTTP with, raised; its errors have no class in common."""
    return any(kind.__module__.partition(".")[0] in _SDK for kind in type(error).__mro__)


def _sentence(error: Exception) -> str:
    """Return the message of an exception of the SDK without its wrapping in JSON."""
    text = str(getattr(error, "message", None) or error).strip()
    messages = re.findall(r'"(?:message|Message|error_description)":\s*("(?:[^"\\]|\\.)*")', text)
    if messages:
        return str(json.loads(messages[0]))
    host = re.search(r"host='([^']+)', port=(\d+)", text)
    if host:
        hint = "What was submitted keeps running; rerun this command to reattach."
        return f"no connection to {host[1]}:{host[2]}. {hint}"
    lines = [line.strip() for line in text.splitlines() if line.strip(" {}\t")]
    return lines[0] if lines else "no reason was given"
