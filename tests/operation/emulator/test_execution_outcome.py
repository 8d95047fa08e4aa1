"""How a job ended becomes a status and an error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from operation.emulator.jobs import execution_supervisor
from operation.emulator.jobs.execution_job import last_words, outcome

SUPERVISOR = Path(execution_supervisor.__file__)


def supervised(
    folder: Path, code: str, seconds: float | None = None, *, cancel: bool = False
) -> dict[str, Any]:
    """Run `code` under a supervisor of its own and return what that leaves."""
    work = folder / "work"
    work.mkdir(parents=True)
    job: dict[str, Any] = {
        "words": [sys.executable, "-c", code],
        "folder": str(work),
        "environment": dict(os.environ),
    }
    job |= {"log": str(folder / "log.txt"), "seconds": seconds}
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    if cancel:
        (folder / "cancel").touch()
    subprocess.run([sys.executable, "-S", "-E", str(SUPERVISOR), str(folder)], check=False, timeout=30)
    result: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return result


def told(folder: Path, result: dict[str, Any], seconds: float | None = None) -> tuple[str, str]:
    """Return the status and the message of a result."""
    status, error = outcome(folder, result, seconds)
    return status, error["error"]["message"] if error else ""


def test_a_job_that_ends_well_is_completed(tmp_path: Path) -> None:
    result = supervised(tmp_path, "print('hello'); open('outputs/x', 'w')")
    assert result == {"how": "ended", "code": 0, "folder": str(tmp_path / "work")}
    assert (tmp_path / "log.txt").read_text(encoding="utf-8").split() == ["hello"]
    assert told(tmp_path, result) == ("Completed", "")


def test_an_exit_code_is_told_with_the_last_line(tmp_path: Path) -> None:
    result = supervised(tmp_path, "import sys; print('no rows\\n'); sys.exit(4)")
    said = "The user program ended with exit code 4. Its last line: no rows"
    assert told(tmp_path, result) == ("Failed", said)
    assert last_words(tmp_path) == "no rows"


def test_a_job_and_its_children_end_when_the_time_is_up(tmp_path: Path) -> None:
    child = "import time; time.sleep(60)"
    result = supervised(
        tmp_path, f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{child}'])", 0.5
    )
    assert result["how"] == "time"
    said = "The run was stopped: it took longer than its limit of 0.5 s."
    assert told(tmp_path, result, 0.5) == ("Failed", said)


def test_a_job_that_is_canceled_before_it_starts_does_not_start(tmp_path: Path) -> None:
    result = supervised(tmp_path, "open('outputs/x', 'w')", cancel=True)
    assert told(tmp_path, result) == ("Canceled", "")
    assert not (tmp_path / "work" / "outputs").exists()


@pytest.mark.skipif(os.name == "nt", reason="there are no signals there")
def test_a_signal_is_named(tmp_path: Path) -> None:
    result = supervised(tmp_path, "import os; os.kill(os.getpid(), 15)")
    assert told(tmp_path, result) == ("Failed", "The user program was killed by SIGTERM.")


def test_what_cannot_be_started_or_is_lost_is_told(tmp_path: Path) -> None:
    lost = "The process that watched the job was killed, its end is unknown. Submit it again."
    assert told(tmp_path, {"how": "lost"}) == ("Failed", lost)
    absent = {"how": "not started", "said": "[Errno 2] No such file or directory: 'nothing'"}
    assert told(tmp_path, absent) == ("Failed", "[Errno 2] No such file or directory: 'nothing'")
