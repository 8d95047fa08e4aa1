"""Commands as child processes: some at once, and none left behind."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from operation.engine.benchmarks.contender import Command
from operation.engine.errors import StepFailed

_LAST_LINES = 12
_STEERING = ("WORKBENCH_", "OMP_", "OPENBLAS_", "MKL_", "NUMEXPR_", "LOKY_", "MPLBACKEND")


def execute(commands: Sequence[Command], title: str, at_once: int = 1) -> list[str]:
    """Execute `commands` to their ends and return what each said.

    Parameters
    ----------
    title : str
        Who executes them, for the message of a failure.
    at_once : int, default=1
        How many at the same time; they start in their order.

    Raises
    ------
    StepFailed
        An exit code is not 0; with the last lines of what was said. The others are ended.
    """
    crew = _Crew(title)
    with ThreadPoolExecutor(at_once) as pool:
        try:
            said = [*pool.map(crew.execute, commands)]
        finally:  # an interrupt too: nothing more is begun and nothing is left
            crew.stop()
    if crew.failure:
        raise crew.failure
    return said


def last_lines(said: str) -> str:
    """Return the end of an output, indented."""
    return "\n".join(f"    {line}" for line in said.strip().splitlines()[-_LAST_LINES:])


class _Crew:
    """The processes that are executing; the first failure ends all."""

    def __init__(self, title: str) -> None:
        self.failure: StepFailed | None = None
        self._title = title
        self._over = False
        self._running: set[subprocess.Popen[str]] = set()
        self._turn = threading.Lock()

    def execute(self, command: Command) -> str:
        """Execute one command and return what it said; nothing once it is over."""
        process = self._started(command)
        if process is None:
            return ""
        with process:
            said, _ = process.communicate()
        if process.returncode and not self._over:
            words = " ".join(command.words)
            self._fail(f"exit code {process.returncode} of: {words}\n{last_lines(said)}")
        return said

    def stop(self) -> None:
        """End all that are executing, and begin nothing more."""
        with self._turn:
            self._over = True
            for process in self._running:
                process.terminate()  # does nothing to one that has ended

    def _fail(self, what: str) -> None:
        if self.failure is None:
            self.failure = StepFailed(f"{self._title}: {what}")
        self.stop()

    def _started(self, command: Command) -> subprocess.Popen[str] | None:
        with self._turn:
            if self._over:
                return None
            process = subprocess.Popen(
                list(command.words),
                cwd=command.folder,
                env=_environment(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
            )
            self._running.add(process)
        return process


def _environment(command: Command) -> dict[str, str]:
    """Return this process's variables without those that would steer a contender, and the command's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_STEERING)}
    chosen = {name: os.environ[name] for name in ("WORKBENCH_PYTHON",) if name in os.environ}
    return {**kept, **chosen, **command.variables}
