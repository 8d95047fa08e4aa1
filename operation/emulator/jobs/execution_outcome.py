"""What a job's end means for its run: a status, and an error that says what to look at."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

from operation.emulator.history.runs import failure

Outcome = tuple[str, dict[str, Any] | None]


def outcome(folder: Path, result: dict[str, Any], seconds: float | None) -> Outcome:
    """Return the run's status, and its error document where it failed."""
    how, code = result["how"], result.get("code")
    if how == "canceled":
        return "Canceled", None
    if how == "time":
        said = f"The run was stopped: it took longer than its limit of {seconds:g} s."
        return "Failed", failure(said, type="MaxRunDurationExceeded", message=said)
    if how == "lost":
        said = "The process that watches the job is gone, and nobody knows how the job ended."
        return "Failed", failure(said, "ServiceError", type="JobLost", message=said)
    if how in ("not started", "not prepared"):
        return "Failed", failure(
            result["said"], type=result.get("type", "StartFailed"), message=result["said"]
        )
    if not code:
        return "Completed", None
    return "Failed", _failed(folder, code)


def _failed(folder: Path, code: int) -> dict[str, Any]:
    report = folder / "report.json"
    if report.exists():
        said = json.loads(report.read_text(encoding="utf-8"))
        message = f"User program failed with {said['type']}: {said['message']}"
        place = {name: str(said[name]) for name in ("file", "line") if name in said}
        return failure(
            message, type=said["type"], message=said["message"], traceback=said["traceback"], **place
        )
    if code < 0:
        name = signal.Signals(-code).name
        said = f"The user program was killed by {name}"
        said += ", as happens when the machine runs out of memory." if name == "SIGKILL" else "."
        return failure(said, type="Killed", message=said, signal=name)
    words = last_words(folder)
    said = f"The user program ended with exit code {code}." + (f" Its last line: {words}" if words else "")
    return failure(said, type="SystemExit", message=words or said, exit_code=str(code))


def last_words(folder: Path) -> str:
    """Return the last line that the job printed; empty when it printed nothing."""
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    log = Path(job["log"])
    text = log.read_bytes()[-8192:].decode("utf-8", "replace") if log.exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
