"""What an image installs: the packages that environment files name and all that those need, as locked."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from operation.engine.foundation.errors import WorkbenchError
from operation.setup import lockfile


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
        for name, version in lockfile.read_pins(file).items():
            if name != "python" and version not in locked.get(name, set()):
                there = " and ".join(sorted(locked.get(name, ()))) or "none"
                raise WorkbenchError(
                    f"{file.name} pins {name} {version}; {lock.name} has {there}: pin that one, or name the "
                    "package in environment.yml and run `python3 -m operation lock`"
                )
            pins[name] = version
    pins.pop("python", None)
    return [entry.text for entry in lockfile.closure(lockfile.entries(lock), pins)]
