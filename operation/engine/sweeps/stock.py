"""Points executed by stock kernels, in processes of their own: where nothing can be forked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self

from operation.engine.children import die_with_parent, end
from operation.engine.notebooks.forked.limits import Limits
from operation.engine.sweeps.work import Outcome, Work, lost, perform

_ROOT = Path(__file__).resolve().parents[3]
_START = "import sys; sys.path.insert(0, {root!r}); from operation.engine.sweeps.stock import serve; serve()"
_PATIENCE = 10.0  # seconds that a worker has to end its kernel


class Stock:
    """Processes that execute one point after the other, each with papermill's stock engine.

    Parameters
    ----------
    workers : int
        How many.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._stopped = False
        self._all = [_start() for _ in range(workers)]
        self._idle: SimpleQueue[subprocess.Popen[str]] = SimpleQueue()
        for one in self._all:
            self._idle.put(one)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for one in self._all:
            with suppress(OSError, ValueError):
                one.communicate()

    def ready(self, folder: Path) -> None:
        """Begin at once: what a process still has to import, it imports."""

    def perform(self, work: Work) -> Outcome:
        """Execute one point and wait for it."""
        worker = self._idle.get()
        outcome = _ask(worker, work)
        if outcome is None and self._stopped:
            return lost(work, "KeyboardInterrupt", "the sweep was interrupted")
        if outcome is None:
            code = worker.wait()
            worker = _start()
            self._all.append(worker)
            outcome = lost(
                work, "DeadKernelError", f"the process that executed it has ended (exit code {code})"
            )
        self._idle.put(worker)
        return outcome

    def stop(self) -> None:
        """End every process and its kernel."""
        self._stopped = True
        for one in self._all:
            with suppress(OSError, ValueError):
                one.send_signal(signal.SIGTERM if os.name == "nt" else signal.SIGINT)
        for one in self._all:
            try:
                one.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                end(one)


def _start() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _START.format(root=str(_ROOT))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def _ask(worker: subprocess.Popen[str], work: Work) -> Outcome | None:
    """Have a point executed; None: the worker has ended."""
    assert worker.stdin is not None  # noqa: S101 - asked for above
    assert worker.stdout is not None  # noqa: S101 - asked for above
    try:
        worker.stdin.write(json.dumps(as_json(work)) + "\n")
        worker.stdin.flush()
        answer = worker.stdout.readline()
    except (OSError, ValueError):
        answer = ""
    return Outcome(**json.loads(answer)) if answer else None


def as_json(work: Work) -> dict[str, object]:
    """Return `work` as JSON holds it."""
    limits = [work.limits.cell, work.limits.run, work.limits.memory]
    paths = {"source": str(work.source), "folder": str(work.folder)}
    return {**vars(work), **paths, "parameters": dict(work.parameters), "limits": limits}


def from_json(content: dict[str, Any]) -> Work:
    """Return the work that `as_json` wrote down."""
    paths = {name: Path(content[name]) for name in ("source", "folder")}
    return Work(**{**content, **paths, "limits": Limits(*content["limits"])})


def serve() -> None:
    """Execute what is asked for on standard input, one line of JSON each; answer on standard output."""
    die_with_parent()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    with suppress(KeyboardInterrupt):
        for line in sys.stdin:
            work = from_json(json.loads(line))
            outcome = perform(replace(work, engine="nbclient"))
            answers.write(json.dumps(vars(outcome), default=str) + "\n")
            answers.flush()
