"""The Python version: the one that is running, and a better one on PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from operation.setup.errors import SetupError

WANTED = (3, 11)
PROBE = "import sys; print(sys.executable, *sys.version_info[:2], sep='\\n')"


def better_python(
    running: tuple[int, ...] = tuple(sys.version_info[:3]),
    find: Callable[[], Path | None] | None = None,
) -> Path | None:
    """Return a Python 3.11 to go on with, None when the running one is right.

    Parameters
    ----------
    running : tuple of int, default the version of this Python
        Major, minor and further numbers.
    find : callable, default `find_wanted`
        Looks for a Python 3.11 on this computer.

    Raises
    ------
    SetupError
        The running version is wrong and no Python 3.11 is found.
    """
    if running[:2] == WANTED:
        return None
    found = (find or find_wanted)()
    version = ".".join(map(str, running))
    if found is None:
        raise SetupError(
            f"the workbench needs Python 3.11 and this is Python {version} ({sys.executable}). "
            "No python3.11 is on PATH: install it (python.org, `apt install python3.11`, "
            "`brew install python@3.11`, `winget install Python.Python.3.11`, "
            "`conda env create -f environment.yml`) "
            "and run the same command again."
        )
    print(f"This is Python {version}; going on with Python 3.11, {found}.", file=sys.stderr)
    return found


def find_wanted() -> Path | None:
    """Return a Python 3.11 that really starts, None when there is none on PATH."""
    for command in _candidates():
        found = _probe(command)
        if found:
            return found
    return None


def _candidates() -> Iterator[list[str]]:
    if os.name == "nt" and shutil.which("py"):
        yield ["py", "-3.11"]
    for folder in os.get_exec_path():
        for name in ("python3.11", "python3", "python"):
            path = shutil.which(name, path=folder)
            if path:
                yield [path]


def _probe(command: list[str]) -> Path | None:
    """Ask `command` for its version: a shim of a version manager exists and yet may not start."""
    try:
        answer = subprocess.run(
            [*command, "-I", "-c", PROBE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = answer.stdout.decode("utf-8", "replace").split("\n")
    right = answer.returncode == 0 and [line.strip() for line in lines[1:3]] == [str(part) for part in WANTED]
    return Path(lines[0].strip()) if right else None
