"""Commands as child processes that nobody watches."""

from __future__ import annotations

import os
import subprocess

from operation.engine.benchmarks.contender import Command
from operation.engine.errors import StepFailed

_LAST_LINES = 12
_STEERING = ("WORKBENCH_", "OMP_", "OPENBLAS_", "MKL_", "NUMEXPR_", "LOKY_", "MPLBACKEND")


def execute(command: Command, title: str) -> str:
    """Execute `command` to its end and return all that it said.

    Parameters
    ----------
    title : str
        Who executes it, for the message of a failure.

    Raises
    ------
    StepFailed
        Its exit code is not 0; with the last lines of what it said.
    """
    done = subprocess.run(
        list(command.words),
        cwd=command.folder,
        env=_environment(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        words = " ".join(command.words)
        raise StepFailed(f"{title}: exit code {done.returncode} of: {words}\n{last_lines(done.stdout)}")
    return done.stdout


def last_lines(said: str) -> str:
    """Return the end of an output, indented."""
    return "\n".join(f"    {line}" for line in said.strip().splitlines()[-_LAST_LINES:])


def _environment(command: Command) -> dict[str, str]:
    """Return this process's variables without those that would steer a contender, and the command's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_STEERING)}
    chosen = {name: os.environ[name] for name in ("WORKBENCH_PYTHON",) if name in os.environ}
    return {**kept, **chosen, **command.variables}
