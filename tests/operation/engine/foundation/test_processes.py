"""A record of what was killed is told as interrupted; where nobody can know, it stays as it was written."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import time
from typing import Any

import pytest

from operation.engine.foundation.manifest import as_ended
from operation.engine.foundation.processes import this_process

HERE = platform.node()


def _status(process: dict[str, Any] | None, host: str = HERE, status: str = "running") -> str:
    return str(as_ended({"status": status, "host": host, "process": process})["status"])


def test_what_runs_is_running() -> None:
    assert _status(this_process()) == "running"


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"started": 1}, id="another process has its number"),
        pytest.param({"boot": "earlier"}, id="the machine was started again"),
    ],
)
def test_what_runs_no_more_was_interrupted(changed: dict[str, Any]) -> None:
    assert _status({**this_process(), **changed}) == "interrupted"
    assert _status({**this_process(), **changed}, status="failed") == "failed"


def test_a_process_that_has_ended_was_interrupted_also_before_its_parent_knows() -> None:
    code = "import json; from operation.engine.foundation import processes"
    code += "; print(json.dumps(processes.this_process()))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        identity = json.loads(process.stdout.read() if process.stdout else "")
        while _status(identity) == "running":  # it is ending
            time.sleep(0.01)
    assert _status(identity) == "interrupted"


@pytest.mark.parametrize(
    ("process", "host"),
    [
        ({**this_process(), "started": 1}, "elsewhere"),
        ({**this_process(), "started": 1, "namespace": "pid:[1]"}, HERE),
        (None, HERE),
        ({}, HERE),
    ],
)
def test_where_nobody_can_know_it_stays_as_written(process: dict[str, Any] | None, host: str) -> None:
    assert _status(process, host) == "running"
