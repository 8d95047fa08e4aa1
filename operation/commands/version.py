"""``version``: what is running."""

import argparse
import json
import platform
import sys
import tomllib
from pathlib import Path

from operation.commands.options import add_json
from operation.engine.foundation.git import commit
from operation.engine.foundation.layout import Layout, project
from operation.engine.identity.packages import whole_lock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``version``."""
    parser.description = "Print the versions of workbench and Python, platform, commit, lock and environment."
    parser.epilog = "example:\n  python3 -m operation version --json"
    add_json(parser, "the facts")


def run(args: argparse.Namespace) -> int:
    """Print the facts, a line each or as JSON."""
    content = facts(project())
    if args.json:
        print(json.dumps(content, indent=2))
        return 0
    words = {None: "unknown", True: "yes", False: "no"}
    for name, value in content.items():
        print(f"{name:12} {value if isinstance(value, str) else words[value]}")
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
