"""``test``: lint, type-check and test the project, exactly as CI does."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from operation.engine.foundation.children import child
from operation.engine.foundation.layout import project

CHECKS = {
    "ruff check": ["-m", "ruff", "check", "."],
    "ruff format": ["-m", "ruff", "format", "--check", "."],
    "imports": ["-c", "from importlinter.cli import lint_imports_command as check; check(['--no-cache'])"],
    "mypy": ["-m", "mypy"],
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``test``; unknown ones are passed to pytest."""
    parser.description = "Run ruff, import-linter, mypy --strict and pytest. Other options go to pytest."
    parser.epilog = (
        "examples:\n  python3 -m operation test\n  python3 -m operation test tests/src -k gate --workers 1"
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=os.cpu_count() or 1,
        help="processes of pytest (default: the cores, %(default)s)",
    )
    parser.set_defaults(rest=[])


def run(args: argparse.Namespace) -> int:
    """Run the checks one after another, print their results, and return 1 when one failed."""
    root = project().root
    failed = [name for name, argv in CHECKS.items() if not passes(name, argv, root)]
    if not passes("pytest", ["-m", "pytest", "-n", str(args.workers), *args.rest], root):
        failed.append("pytest")
    if failed:
        print(f"failed: {', '.join(failed)}", flush=True)
    return 1 if failed else 0


def passes(name: str, argv: Sequence[str], root: Path) -> bool:
    """Run Python with `argv` in `root`, and print in a line how it ended."""
    begin = time.monotonic()
    with child([sys.executable, *argv], cwd=root, stdin=subprocess.DEVNULL) as process:
        code = process.wait()
    if name != "pytest":  # pytest's own closing line says it better
        outcome = "passed" if code == 0 else "FAILED"
        print(f"{name:12} {outcome}, {time.monotonic() - begin:.1f} s", flush=True)
    return code == 0
