"""The key of an execution: everything that its output bytes depend on, and nothing else."""

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Components:
    """What a key is made of."""

    script: str  # file name of the Core Script
    # file name -> function -> digest of its syntax tree, for the script and all it imports
    sources: Mapping[str, Mapping[str, str]]
    arguments: Mapping[str, object]  # canonical values of all arguments that are neither inputs nor outputs
    inputs: Mapping[str, str]  # input argument -> digest of what it names
    python: str  # version of Python
    lock: str  # digest of the packages that the script may use, as locked

    @cached_property
    def key(self) -> str:
        """SHA-256, hexadecimal, of the components as canonical JSON."""
        text = json.dumps(vars(self), sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode()).hexdigest()


def python_version() -> str:
    """Return the version of Python that runs the steps."""
    return platform.python_version()
