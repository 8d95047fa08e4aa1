"""``version``: what is running."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tomllib
from pathlib import Path

from operation.engine.foundation.git import commit
from operation.engine.foundation.layout import Layout, project
from operation.engine.identity.packages import whole_lock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``version``."""
    parser.description = "Say what is running: workbench, Python, platform, commit, lock and environment."
    parser.epilog = "example:\n  python3 -m operation version --json"
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Print the facts, a line each or as JSON."""
    found = facts(project())
    if args.json:
        print(json.dumps(found, indent=2))
        return 0
    for name, value in found.items():
        print(f"{name:12} {_told(value)}")
    return 0


def facts(layout: Layout) -> dict[str, str | bool | None]:
    """Return what identifies this workbench: versions, commit, digest of the lock, environment.

    ``commit`` and ``dirty`` are None where the root is not a git checkout.
    """
    return {
        "workbench": _workbench_version(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        **commit(layout.root),
        "lock": whole_lock(layout.lock).digest if layout.lock.is_file() else None,
        "environment": sys.prefix,
    }


def _workbench_version() -> str:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])


def _told(value: str | bool | None) -> str:
    return (
        {True: "yes", False: "no", None: "unknown"}.get(value, str(value))
        if not isinstance(value, str)
        else value
    )
