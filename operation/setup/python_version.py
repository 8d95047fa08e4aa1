"""The right Python: Python 3.8 and later can read this file, to say that it is not the right one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

WANTED = (3, 11)
PROBE = "import sys; print(sys.executable, *sys.version_info[:2], sep='\\n')"


class SetupError(Exception):
    """The environment cannot be made; ``str(error)`` is all a person needs to read."""


def right_python(running: tuple[int, ...] = tuple(sys.version_info[:3])) -> str | None:
    """Return a Python 3.11 to continue with, None when the `running` one is right.

    Raises
    ------
    SetupError
        The running version is wrong and there is no Python 3.11.
    """
    if running[:2] == WANTED:
        return None
    version, python = ".".join(map(str, running)), find_python()
    if python is None:
        raise SetupError(
            f"the workbench needs Python 3.11 and this is Python {version} ({sys.executable}). "
            "No python3.11 is on PATH. Install it (python.org, `apt install python3.11`, "
            "`brew install python@3.11`, `winget install Python.Python.3.11`, "
            "`conda env create -f environment.yml`), then rerun."
        )
    print(f"This is Python {version}; continuing with Python 3.11, {python}.", file=sys.stderr)
    return python


def find_python() -> str | None:
    """Return a Python 3.11 that really starts, None when there is none on PATH."""
    commands = [["py", "-3.11"]] if os.name == "nt" and shutil.which("py") else []
    for folder in os.get_exec_path():
        paths = [shutil.which(name, path=folder) for name in ("python3.11", "python3", "python")]
        commands += [[path] for path in paths if path]
    return next(filter(None, map(_executable, commands)), None)


def _executable(command: list[str]) -> str | None:
    """Ask `command` for its version: a shim of a version manager exists and yet may not start."""
    probe = [*command, "-I", "-c", PROBE]
    try:
        output = subprocess.run(
            probe, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    path, *version = output.decode("utf-8", "replace").split("\n")
    return path.strip() if [part.strip() for part in version[:2]] == [str(part) for part in WANTED] else None
