"""Go on in another Python."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def enter_environment(python: Path, arguments: Sequence[str]) -> int:
    """Run the command in the complete environment of `python`, in place of this process.

    Returns
    -------
    int
        The exit code, where the platform cannot replace a process (Windows).
    """
    return replace([str(python), "-X", "workbench", "-m", "operation", *arguments])


def start_again(python: Path, arguments: Sequence[str]) -> int:
    """Run the command from its beginning, set-up included, in another `python`."""
    return replace([str(python), "-m", "operation", *arguments])


def replace(command: Sequence[str]) -> int:
    """Replace this process by `command`; on Windows run it and return its exit code."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name != "nt":
        os.execv(command[0], list(command))  # noqa: S606 - no shell is wanted
    process = subprocess.Popen(list(command))
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the child has received it too and decides
            continue
