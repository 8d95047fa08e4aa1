"""The lock file and the pins as text: what they hold, before any package can parse them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

PIN = re.compile(r"^\s*-\s+([A-Za-z0-9][A-Za-z0-9._-]*)\s*={1,2}\s*([^\s#;]+)\s*(?:#.*)?$", re.M)


class Entry(NamedTuple):
    """One package of the lock file."""

    name: str  # as package indexes compare it
    version: str
    text: str  # requirement, marker and hashes as they stand there
    parents: frozenset[str]  # the packages that need it
    is_direct: bool  # whether environment.yml names it


def normalised(name: str) -> str:
    """Return `name` as package indexes compare it: lower case, one ``-`` for runs of ``-``, ``_``, ``.``."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_pins(file: Path) -> dict[str, str]:
    """Return package name -> version of every ``- name==version`` line of an environment file."""
    pins = PIN.findall(file.read_text(encoding="utf-8"))
    return {normalised(name): version for name, version in pins}


def entries(lock: Path) -> list[Entry]:
    """Return the packages of `lock`, in its order; several of one name where markers tell them apart."""
    blocks = re.split(r"^(?=\w)", lock.read_text(encoding="utf-8"), flags=re.M)
    return [_entry(block) for block in blocks if "==" in block]


def _entry(block: str) -> Entry:
    name, version = re.findall(r"^([\w.-]+)[^=]*==(\S+)", block)[0]
    lines = [line.rstrip() for line in block.splitlines()]
    via = "".join(re.findall(r"# via (.*)", block)).split(",")
    parents = {parent.strip() for parent in via if parent.strip()}
    packages = frozenset(normalised(parent) for parent in parents if not parent.startswith("-r"))
    text = "\n".join(line for line in lines if line and not line.lstrip().startswith("#"))
    return Entry(normalised(name), version, text, packages, not parents or len(packages) < len(parents))


def versions(lock: Path) -> dict[str, set[str]]:
    """Return package name -> versions that `lock` holds."""
    locked: dict[str, set[str]] = {}
    for entry in entries(lock):
        locked.setdefault(entry.name, set()).add(entry.version)
    return locked


def read_groups(project: Path) -> dict[str, frozenset[str]]:
    """Return the optional groups of pyproject.toml: name -> packages that only it asks for."""
    import tomllib

    groups = tomllib.loads(project.read_text(encoding="utf-8")).get("dependency-groups", {})
    return {name: frozenset(map(normalised, packages)) for name, packages in groups.items()}


def closure(locked: Iterable[Entry], direct: Iterable[str]) -> list[Entry]:
    """Return the entries of the packages `direct` and of all that these need."""
    locked, names, added = list(locked), set[str](), set(map(normalised, direct))
    while added - names:
        names |= added
        added = {entry.name for entry in locked if entry.parents & names}
    return [entry for entry in locked if entry.name in names]
