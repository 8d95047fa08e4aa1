"""The key of an execution: everything that its output bytes depend on, and nothing else."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path


@dataclass(frozen=True)
class Components:
    """What a key is made of.

    Parameters
    ----------
    script : str
        File name of the Core Script.
    sources : Mapping[str, Mapping[str, str]]
        File name -> function -> digest of its syntax tree, for the script and all it imports.
    arguments : Mapping[str, object]
        Canonical values of all arguments that are neither inputs nor outputs.
    inputs : Mapping[str, str]
        Input argument -> digest of what it names.
    python : str
        Version of Python.
    lock : str
        Digest of the locked packages.
    """

    script: str
    sources: Mapping[str, Mapping[str, str]]
    arguments: Mapping[str, object]
    inputs: Mapping[str, str]
    python: str
    lock: str

    @cached_property
    def key(self) -> str:
        """SHA-256, hexadecimal, of the components as canonical JSON."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode()).hexdigest()


def python_version() -> str:
    """Return the version of Python that runs the steps."""
    return platform.python_version()


def lock_digest(lock: Path) -> str:
    """Return the digest of what the lock file pins; its comments and line breaks do not count."""
    text = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    return _lock_digest(text)


@lru_cache(maxsize=8)
def _lock_digest(text: str) -> str:
    lines = (line.partition(" #")[0].strip(" \\") for line in text.splitlines())
    kept = sorted(line for line in lines if line and not line.startswith("#"))
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()


def locked_versions(lock: Path) -> dict[str, str]:
    """Return the versions that the lock file pins, by package; several for one are joined by `` or ``."""
    text = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return {name: " or ".join(sorted(versions)) for name, versions in sorted(found.items())}
