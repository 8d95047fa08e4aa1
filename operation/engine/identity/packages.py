"""The packages that code may use: named by an environment file or imported, and all that these need."""

from __future__ import annotations

import hashlib
import json
import sysconfig
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from operation.engine.foundation.layout import Layout
from operation.engine.identity.digests import Memory
from operation.setup import lockfile

KERNEL = ("ipykernel", "papermill")  # the packages that execute cells, beside those that code uses


@dataclass(frozen=True)
class Packages:
    """Packages by what pins them."""

    digest: str  # SHA-256 of their requirements, markers and hashes; order and comments do not count
    versions: Mapping[str, str]  # name -> version; several of one name are joined by `` or ``


class PackageLock:
    """What the lock file and the installed packages say of the packages that code may use.

    Core Scripts may use what ``configuration/environments/training.yml`` names, what they import beyond
    that, and all that these need. In a project without that file every locked package counts.

    Parameters
    ----------
    layout : Layout
        The project's folders.
    memory : Memory, optional
        What was worked out before: the lock file is long.
    """

    def __init__(self, layout: Layout, memory: Memory | None = None) -> None:
        self._files = (layout.lock, layout.configuration / "environments" / "training.yml")
        self._memory = memory
        self.used = cache(self._used)

    def _used(self, imports: frozenset[str], also: tuple[str, ...] = ()) -> Packages:
        """Return the packages of code that imports the modules `imports`, and the packages `also`."""
        parts = [self._texts, sorted(imports), also]
        return Packages(*self._remembered(parts, lambda: astuple(self._resolve(imports, also))))

    def _remembered(self, parts: object, work_out: Callable[[], object]) -> Any:
        """Return what follows from `parts` and from what is installed; it is worked out once."""
        text = json.dumps([_formula(), self._installed, parts])
        key = hashlib.sha256(text.encode()).hexdigest()
        known = self._memory.recall(key) if self._memory else None
        if known is None:
            known = json.dumps(work_out())
            if self._memory:
                self._memory.keep(key, known)
        return json.loads(known)

    @cached_property
    def _texts(self) -> list[str]:
        return [file.read_text(encoding="utf-8") if file.is_file() else "" for file in self._files]

    @cached_property
    def _installed(self) -> dict[str, str]:
        return installed_packages()

    def _resolve(self, imports: Iterable[str], also: Iterable[str]) -> Packages:
        lock, environment = self._files
        entries = lockfile.entries(lock) if lock.is_file() else []
        if not environment.is_file():
            return _packages(entries, self._installed, ())
        direct = {*lockfile.read_pins(environment), *also}
        named = {entry.name for entry in lockfile.closure(entries, direct)}
        for found in self._distributions(imports):  # several share a name, such as azure: one is enough
            direct |= set() if found & named else found
        return _packages(lockfile.closure(entries, direct), self._installed, direct)

    def _distributions(self, imports: Iterable[str]) -> list[set[str]]:
        """Return for each of the modules `imports` the names under which it is installed."""
        from importlib.metadata import packages_distributions

        known = self._remembered("modules", packages_distributions)
        return [{lockfile.normalised(found) for found in known.get(name, ())} for name in sorted(imports)]


def installed_packages() -> dict[str, str]:
    """Return name -> version of what is installed here, by the names of folders."""
    folders = Path(sysconfig.get_path("purelib")).glob("*.dist-info")
    found = (one.stem.rpartition("-") for one in folders)
    return {lockfile.normalised(name): version for name, _, version in sorted(found)}


@cache
def _formula() -> list[str]:
    """Return what tells these modules from another version's, which may come to other packages."""
    return [Path(file).read_text(encoding="utf-8") for file in (__file__, lockfile.__file__)]


def _packages(
    entries: Iterable[lockfile.Entry], installed: Mapping[str, str], direct: Iterable[str]
) -> Packages:
    """Return digest and versions of locked `entries`; what is installed at another version counts so."""
    versions = _versions(entries)
    differing = {
        name: installed[name]
        for name in sorted({*versions, *direct} & installed.keys())
        if installed[name] not in versions.get(name, ())
    }
    lines = [" ".join(_without_comments(entry.text).split()) for entry in entries]
    lines += [f"{name} is {version}" for name, version in differing.items()]
    digest = hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
    joined = {name: " or ".join(sorted(found)) for name, found in versions.items()}
    return Packages(digest, dict(sorted({**joined, **differing}.items())))


def _without_comments(text: str) -> str:
    return "\n".join(line.partition(" #")[0].rstrip("\\") for line in text.splitlines())


def _versions(entries: Iterable[lockfile.Entry]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for entry in entries:
        found.setdefault(entry.name, set()).add(entry.version)
    return found


def whole_lock(lock: Path) -> Packages:
    """Return all packages of a lock file, whatever uses them."""
    return _packages(lockfile.entries(lock) if lock.is_file() else [], {}, ())
