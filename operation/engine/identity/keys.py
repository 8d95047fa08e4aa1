"""The key of an execution: everything that its output bytes depend on, and nothing else."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property


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
        Digest of the packages that the script may use, as locked.
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
        text = json.dumps(vars(self), sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode()).hexdigest()


def python_version() -> str:
    """Return the version of Python that runs the steps."""
    return platform.python_version()
