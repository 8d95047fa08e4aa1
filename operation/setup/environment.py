"""The environment of a checkout: where it is, and what the last set-up recorded of it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STAMP = "workbench.json"
_PACKAGING = re.compile(rb"\[(project|build-system|dependency-groups|tool\.hatch)\b")


@dataclass(frozen=True)
class Environment:
    """The folder ``.venv`` of the checkout at `root`, by default of this one."""

    root: Path = Path(__file__).resolve().parents[2]

    @property
    def lock(self) -> Path:
        """The lock file."""
        return self.root / "requirements.lock"

    @property
    def folder(self) -> Path:
        """The virtual environment."""
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.program("python")

    def program(self, name: str) -> Path:
        """Return the path of a program of the environment."""
        return self.folder / (f"Scripts/{name}.exe" if os.name == "nt" else f"bin/{name}")

    def is_running(self) -> bool:
        """Return whether this very Python is the environment's."""
        return os.path.realpath(sys.prefix) == os.path.realpath(str(self.folder))

    def holds(self, groups: Iterable[str] = ()) -> bool:
        """Return whether the environment is complete, of the lock as it is now, and has `groups`."""
        stamp = self.stamp()
        installed = stamp.get("groups", [])
        return {*groups} <= {*installed} and stamp == self.complete_stamp(installed) and self.python.is_file()

    def complete_stamp(self, groups: Iterable[str]) -> dict[str, Any]:
        """Return the record of a complete environment of this lock in this folder."""
        place = os.path.realpath(str(self.folder))
        return {"state": "complete", "lock": self.lock_digest(), "place": place, "groups": sorted(groups)}

    def stamp(self) -> dict[str, Any]:
        """Return what the last set-up recorded, nothing where none did."""
        try:
            stamp = json.loads((self.folder / STAMP).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return stamp if isinstance(stamp, dict) else {}

    def write_stamp(self, stamp: dict[str, Any]) -> None:
        """Record the state of the environment, whole or not at all; an empty record is no record."""
        partial = self.folder / f"{STAMP}.partial"
        partial.write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
        partial.replace(self.folder / STAMP)
        if not stamp:
            (self.folder / STAMP).unlink()

    def lock_digest(self) -> str:
        """Return the digest of what is installed: the lock, and how pyproject.toml packages the project.

        It is the same with either line ending; empty without a lock file.
        """
        try:
            files = [self.lock.read_bytes(), (self.root / "pyproject.toml").read_bytes()]
        except OSError:
            return ""
        lock, project = (content.replace(b"\r\n", b"\n") for content in files)
        tables = [table for table in re.split(rb"^(?=\[)", project, flags=re.M) if _PACKAGING.match(table)]
        return hashlib.sha256(b"".join([lock, *tables])).hexdigest()
