"""The lock file and the pins as text: what they hold, before any package can parse them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

PIN = re.compile(r"^\s*-\s+([A-Za-z0-9][A-Za-z0-9._-]*)\s*={1,2}\s*([^\s#;]+)\s*(?:#.*)?$")
MEGABYTES_A_PACKAGE = 5  # measured: 183 packages, byte-compiled, take 815 MB, all 284 1,364 MB
MEGABYTES_OF_PYTHON = 30


class Entry(NamedTuple):
    """One package of the lock file.

    Parameters
    ----------
    name, version : str
        The name as package indexes compare it.
    text : str
        Requirement, marker and hashes as they stand there.
    parents : frozenset of str
        The packages that need it.
    is_direct : bool
        Whether environment.yml names it.
    """

    name: str
    version: str
    text: str
    parents: frozenset[str]
    is_direct: bool


def normalised(name: str) -> str:
    """Return `name` as package indexes compare it: lower case, one ``-`` for runs of ``-``, ``_``, ``.``."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_pins(file: Path) -> dict[str, str]:
    """Return package name -> version of every ``- name==version`` line of an environment file."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return {normalised(match[1]): match[2] for match in map(PIN.match, lines) if match}


def entries(lock: Path) -> list[Entry]:
    """Return the packages of `lock`, in its order; several of one name where markers tell them apart."""
    blocks = re.split(r"^(?=\w)", lock.read_text(encoding="utf-8"), flags=re.M)
    return [_entry(block) for block in blocks if "==" in block]


def _entry(block: str) -> Entry:
    lines = [line.rstrip() for line in block.splitlines() if line.strip()]
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    via = next((line.partition("# via")[2] for line in lines if "# via" in line), "")
    name, _, rest = text.partition("==")
    needed_by = {parent.strip() for parent in via.split(",")}
    files = {parent for parent in needed_by if parent.startswith("-r")}
    return Entry(
        normalised(name.partition("[")[0].strip()),
        rest.split(maxsplit=1)[0],
        text,
        frozenset(normalised(parent) for parent in needed_by - files if parent),
        is_direct=bool(files) or not via,
    )


def versions(lock: Path) -> dict[str, set[str]]:
    """Return package name -> versions that `lock` holds."""
    found: dict[str, set[str]] = {}
    for entry in entries(lock):
        found.setdefault(entry.name, set()).add(entry.version)
    return found


def read_groups(project: Path) -> dict[str, frozenset[str]]:
    """Return the optional groups of pyproject.toml: name -> packages that only it asks for."""
    import tomllib

    if not project.is_file():
        return {}
    groups = tomllib.loads(project.read_text(encoding="utf-8")).get("dependency-groups", {})
    return {name: frozenset(map(normalised, packages)) for name, packages in groups.items()}


def closure(all_entries: Iterable[Entry], direct: Iterable[str]) -> list[Entry]:
    """Return the entries of the packages `direct` and of all that these need."""
    waiting, found = set(map(normalised, direct)), set[str]()
    listed = list(all_entries)
    while waiting - found:
        found |= waiting
        waiting = {entry.name for entry in listed if entry.parents & found}
    return [entry for entry in listed if entry.name in found]


def size_in_megabytes(count: int) -> int:
    """Return about how much disk an environment of `count` packages takes."""
    return MEGABYTES_OF_PYTHON + MEGABYTES_A_PACKAGE * count
