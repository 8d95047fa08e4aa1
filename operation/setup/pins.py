"""The pins of an environment file, read without a YAML library."""

from __future__ import annotations

import re
from pathlib import Path

PIN = re.compile(r"^\s*-\s+([A-Za-z0-9][A-Za-z0-9._-]*)\s*={1,2}\s*([^\s#;]+)\s*(?:#.*)?$")


def read_pins(file: Path) -> dict[str, str]:
    """Return package name -> version of every ``- name==version`` (or ``name=version``) line.

    Names are normalised as package indexes do: lower case, one ``-`` for runs of ``-``, ``_``, ``.``.
    ``python`` is among them, with the digits that the file pins.
    """
    lines = file.read_text(encoding="utf-8").splitlines()
    return {normalised(match.group(1)): match.group(2) for match in map(PIN.match, lines) if match}


def normalised(name: str) -> str:
    """Return `name` as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
