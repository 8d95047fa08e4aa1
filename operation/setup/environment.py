"""The environment of a checkout: where it is, what it holds, and whether a person activated another."""

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

from operation.setup.lockfile import read_pins
from operation.setup.python_version import SetupError

STAMP = "workbench.json"
CHOICE = "WORKBENCH_PYTHON"
_PACKAGING = re.compile(rb"\[(project|build-system|dependency-groups|tool\.hatch)\b")


@dataclass(frozen=True)
class Environment:
    """The folder ``.venv`` of one checkout.

    Parameters
    ----------
    root : Path
        The folder that holds ``operation`` and ``requirements.lock``.
    """

    root: Path

    @classmethod
    def of_checkout(cls) -> Environment:
        """Return the environment of the checkout that this file belongs to."""
        return cls(Path(__file__).resolve().parents[2])

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

    def can_lock(self) -> bool:
        """Return whether the environment, of whatever lock, can write a lock that can be installed."""
        return self.python.is_file() and self.program("uv").is_file()

    def holds(self, groups: Iterable[str] = ()) -> bool:
        """Return whether the environment is complete, of the lock as it is now, and has `groups`."""
        stamp = self.stamp()
        there = stamp.get("groups", [])
        return set(groups) <= set(there) and stamp == self.complete_stamp(there) and self.python.is_file()

    def complete_stamp(self, groups: Iterable[str]) -> dict[str, Any]:
        """Return the record of a complete environment of this lock at this place."""
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
        """Record the state of the environment, whole or not at all; an empty record takes it away."""
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
            lock = self.lock.read_bytes().replace(b"\r\n", b"\n")
            project = (self.root / "pyproject.toml").read_bytes().replace(b"\r\n", b"\n")
        except OSError:
            return ""
        tables = [table for table in re.split(rb"^(?=\[)", project, flags=re.M) if _PACKAGING.match(table)]
        return hashlib.sha256(b"".join([lock, *tables])).hexdigest()


def is_activated(root: Path, prefix: str = sys.prefix) -> bool:
    """Return whether this Python is used as it is, after a look at its packages.

    So it is in an activated conda environment other than conda's base, and wherever
    WORKBENCH_PYTHON=current is set; WORKBENCH_PYTHON=venv asks for .venv in any case.

    Raises
    ------
    SetupError
        WORKBENCH_PYTHON has another value, or packages differ from environment.yml.
    """
    choice, conda = os.environ.get(CHOICE, ""), Path(prefix)
    if choice not in ("", "current", "venv"):
        raise SetupError(f"{CHOICE} is '{choice}': set it to 'current' or 'venv', or leave it unset.")
    is_conda = (conda / "conda-meta").is_dir() and not (conda / "condabin").is_dir()  # not everyone's base
    if choice == "venv" or (not choice and not is_conda):
        return False
    problems = differences(root / "environment.yml")
    if problems:
        listed = "\n  ".join([f"this Python ({prefix}) does not hold what environment.yml pins:", *problems])
        raise SetupError(
            f"{listed}\nFix it with `conda env update --file environment.yml --prune`, "
            f"or set {CHOICE}=venv to have .venv made and used instead."
        )
    return True


def differences(environment: Path) -> list[str]:
    """Return what differs between this Python and the pins of `environment`, a line each."""
    problems = []
    for name, wanted in read_pins(environment).items():
        version = _version(name)
        if not (version == wanted or (name == "python" and version.startswith(f"{wanted}."))):
            problems.append(f"{name} is {version or 'missing'}, environment.yml says {wanted}")
    return problems


def _version(name: str) -> str:
    if name == "python":
        return ".".join(map(str, sys.version_info[:3]))
    from importlib import metadata  # 16 ms that only those pay who use their own environment

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
