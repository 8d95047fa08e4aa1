"""The checkout and its environment: where they are, and whether the environment is complete."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

STAMP = "workbench.json"
VERSION = ("version", "version_info")  # as venv, and as virtualenv and uv write it


class Checkout:
    """The folder of the project, its lock file and its environment ``.venv``.

    Parameters
    ----------
    root : Path
        The folder that holds ``operation`` and ``requirements.lock``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lock = root / "requirements.lock"
        self.venv = root / ".venv"
        self.log = root / "runs" / "set-up.log"
        windows = os.name == "nt"
        self.python = self.venv / ("Scripts/python.exe" if windows else "bin/python")
        self.uv = self.venv / ("Scripts/uv.exe" if windows else "bin/uv")

    @classmethod
    def here(cls) -> Checkout:
        """Return the checkout that this file belongs to."""
        return cls(Path(__file__).resolve().parents[2])

    def inside(self) -> bool:
        """Return whether this very Python is the environment's."""
        return os.path.realpath(sys.prefix) == os.path.realpath(str(self.venv))

    def ready(self) -> bool:
        """Return whether the environment is complete and belongs to the lock file as it is now."""
        stamp = self.stamp()
        return stamp is not None and stamp == self.complete_stamp() and self.python.is_file()

    def can_resolve(self) -> bool:
        """Return whether the environment, of whatever lock, can write a lock that can be installed."""
        return self.python.is_file() and self.uv.is_file()

    def stamp(self) -> dict[str, str] | None:
        """Return what the last set-up wrote into the environment, None when none did."""
        try:
            found = json.loads((self.venv / STAMP).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def complete_stamp(self) -> dict[str, str]:
        """Return the stamp of a complete environment of this lock at this place."""
        return {"state": "complete", "lock": self.lock_digest(), "venv": os.path.realpath(str(self.venv))}

    def python_version(self) -> str:
        """Return the version of the environment's Python by its own record, empty when it has none."""
        try:
            text = (self.venv / "pyvenv.cfg").read_text(encoding="utf-8")
        except OSError:
            return ""
        pairs = (line.partition("=") for line in text.splitlines())
        return next((value.strip() for key, _, value in pairs if key.strip() in VERSION), "")

    def write_stamp(self, stamp: dict[str, str] | None) -> None:
        """Write `stamp`, whole or not at all; None takes it away."""
        if stamp is None:
            (self.venv / STAMP).unlink()
            return
        partial = self.venv / (STAMP + ".partial")
        partial.write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
        partial.replace(self.venv / STAMP)

    def lock_digest(self) -> str:
        """Return the digest of the lock file, the same on every platform."""
        text = self.lock.read_bytes().replace(b"\r\n", b"\n")  # git may check out either line ending
        return hashlib.sha256(text).hexdigest()
