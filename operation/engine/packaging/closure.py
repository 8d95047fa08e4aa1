"""What an image installs: the packages that environment files name and all that those need, as locked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement

from operation.engine.errors import WorkbenchError
from operation.setup import lockfile
from operation.setup.pins import normalised, read_pins

PYTHON = "3.11"
# for whom the markers of dependencies are read: the image is the same whoever writes it
IMAGE = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": f"{PYTHON}.13",
    "python_version": PYTHON,
    "sys_platform": "linux",
}


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
    locked = entries(lock)
    versions = lockfile.versions(lock)
    for file in environments:
        for name, version in read_pins(file).items():
            if name != "python" and version not in versions.get(name, set()):
                there = " and ".join(sorted(versions.get(name, ()))) or "none"
                raise WorkbenchError(
                    f"{file.name} pins {name} {version}; {lock.name} has {there}: pin that one, or name the "
                    "package in environment.yml and run `python3 -m operation lock`"
                )
    named = [name for file in environments for name in read_pins(file) if name != "python"]
    needed = _needed(named, locked)
    return [entry for name in sorted(needed) for entry in locked[name]]


def entries(lock: Path) -> dict[str, list[str]]:
    """Return the entries of a lock by package; several where markers tell them apart."""
    found: dict[str, list[str]] = {}
    for entry in lockfile.entries(lock):
        found.setdefault(normalised(Requirement(_requirement(entry)).name), []).append(entry)
    return found


def _requirement(entry: str) -> str:
    """Return an entry's first line without what continues it."""
    return entry.partition("\n")[0].removesuffix("\\").strip()


def _needed(names: Iterable[str], locked: Mapping[str, list[str]]) -> set[str]:
    """Return `names` and what they need, as far as packages that are installed here tell."""
    found: set[str] = set()
    waiting = [(name, "") for name in names]
    seen: set[tuple[str, str]] = set()
    while waiting:
        name, extra = one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        if name not in locked:
            raise WorkbenchError(
                f"{name} is needed and requirements.lock does not have it: run `python3 -m operation lock`"
            )
        found.add(name)
        waiting += _dependencies(name, extra)
    return found


def _dependencies(name: str, extra: str) -> list[tuple[str, str]]:
    try:
        told = requires(name) or []
    except PackageNotFoundError:  # one for Linux alone, as gunicorn: its needs stand in scoring.yml
        return []
    wanted = [
        one
        for one in map(Requirement, told)
        if one.marker is None or one.marker.evaluate({**IMAGE, "extra": extra})
    ]
    return [(normalised(one.name), more) for one in wanted for more in ("", *sorted(one.extras))]
