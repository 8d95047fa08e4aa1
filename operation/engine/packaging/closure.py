"""What an image installs: the packages that environment files name and all that those need, as locked."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from operation.engine.errors import WorkbenchError
from operation.setup import lockfile
from operation.setup.indexes import installer_environment, pip_settings, uv_options
from operation.setup.pins import read_pins

COMPILE = ["-m", "uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate"]


def closure(environments: Iterable[Path], lock: Path) -> list[str]:
    """Return the entries of the lock that an image needs, as they stand there: markers and hashes too.

    Parameters
    ----------
    environments : iterable of Path
        Environment files.
    lock : Path
        requirements.lock.

    Raises
    ------
    WorkbenchError
        When a package is not in the lock, or at another version.
    """
    locked, pins = lockfile.versions(lock), dict[str, str]()
    for file in environments:
        for name, version in read_pins(file).items():
            if name != "python" and version not in locked.get(name, set()):
                there = " and ".join(sorted(locked.get(name, ()))) or "none"
                raise WorkbenchError(
                    f"{file.name} pins {name} {version}; {lock.name} has {there}: pin that one, or name the "
                    "package in environment.yml and run `python3 -m operation lock`"
                )
            pins[name] = version
    pins.pop("python", None)
    needed = set(_resolved(pins, lock))
    return [entry for entry in lockfile.entries(lock) if entry.split()[0] in needed]


def _resolved(pins: dict[str, str], lock: Path) -> list[str]:
    """Return ``name==version`` of all that an image of Linux needs, as uv resolves it within the lock.

    Raises
    ------
    WorkbenchError
        When uv cannot do so: the index does not answer, or the lock does not fit.
    """
    settings = pip_settings(Path(sys.executable))
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "requirements.in"
        wanted.write_text("".join(f"{name}=={pin}\n" for name, pin in pins.items()), encoding="utf-8")
        words = [
            str(wanted),
            "--constraints",
            str(lock),
            "--python-version",
            "3.11",
            "--python-platform",
            "linux",
            *uv_options(settings),
        ]
        done = subprocess.run(
            [sys.executable, *COMPILE, *words],
            env=installer_environment(settings),
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
    if done.returncode:
        raise WorkbenchError(
            f"what the image installs cannot be resolved within {lock.name}:\n{done.stderr.strip()}"
        )
    return done.stdout.split()
