"""Set-up: make the project's environment when it is missing, then continue inside it.

It runs before anything is installed, so it uses the standard library alone. This file and `python_version`
are read by whatever Python a person has, 3.8 or later; the others by Python 3.11.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from operation.setup.environment import Environment


def enter(arguments: Sequence[str]) -> int | None:
    """Continue in the project's environment, making or completing it first where that is needed.

    Parameters
    ----------
    arguments : sequence of str
        The words after ``python3 -m operation``.

    Returns
    -------
    int or None
        None: this process is the right one, and continues. A number: the exit code, all is done. On
        POSIX a hand-over to another Python does not return.
    """
    from operation.setup.python_version import SetupError, right_python

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so CI cancels, and the installer must end too
    try:
        python = right_python()
        return replace([python, "-m", "operation", *arguments]) if python else _enter(list(arguments))
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; the next command completes the set-up", file=sys.stderr)
        return 130


def _enter(arguments: list[str]) -> int | None:
    from operation.setup.activated import is_activated
    from operation.setup.environment import Environment
    from operation.setup.groups import needed_groups

    environment = Environment()
    if is_activated(environment.root):
        return None
    groups = needed_groups(arguments)
    if not environment.holds(groups) and not _works_without(arguments, environment):
        from operation.setup.install import install

        if environment.is_running():  # by the Python that made it: this one may be replaced
            base: str = getattr(sys, "_base_executable", sys.executable)
            return replace([base, "-m", "operation", *arguments])
        install(environment, groups, arguments[0])
    if environment.is_running() or not environment.python.is_file():
        return None
    return replace([str(environment.python), "-m", "operation.cli", *arguments])


def _works_without(arguments: list[str], environment: Environment) -> bool:
    """Return whether a command needs no complete environment: help, a mistyped one, a lock to be repaired."""
    from operation import cli

    if not arguments or arguments[0] not in cli.COMMANDS:
        return True
    if {"-h", "--help"} & set(arguments) and cli.importable(arguments[0]):
        return True
    return arguments[0] == "lock" and environment.program("uv").is_file()


def replace(command: Sequence[str]) -> int:
    """Replace this process by `command`; on Windows run it and return its exit code."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name != "nt":
        os.execv(command[0], list(command))  # noqa: S606 - no shell is wanted
    with subprocess.Popen(list(command)) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # the child has received it too and decides
                continue
