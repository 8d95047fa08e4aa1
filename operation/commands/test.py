"""``test``: lint, type-check and test the project, exactly as CI does."""

import argparse
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from operation.engine.foundation.children import child, cores
from operation.engine.foundation.layout import project

CHECKS = {
    "ruff check": ["-m", "ruff", "check", "."],
    "ruff format": ["-m", "ruff", "format", "--check", "."],
    "imports": ["-c", "from importlinter.cli import lint_imports_command as check; check(['--no-cache'])"],
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
        default=cores() + 1,  # tests wait for what they start, while another one works
        help="processes of pytest (default: the cores and one more, %(default)s)",
    )
    parser.set_defaults(rest=[])


def run(args: argparse.Namespace) -> int:
    """Run the checks, print their results, and return 1 when one failed; mypy works beside pytest."""
    root = project().root
    failed = [name for name, argv in CHECKS.items() if not passes(name, argv, root)]
    with python(["-m", "mypy"], root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as mypy:
        telling = threading.Thread(target=tell, args=("mypy", mypy, time.monotonic()))
        telling.start()
        spread = ["-n", str(args.workers), "--dist", "worksteal"]  # what tests share is made by one worker
        with python(["-m", "pytest", *spread, *args.rest], root) as tests:
            codes = {"pytest": tests.wait()}
        telling.join()
    codes["mypy"] = mypy.returncode
    failed += [name for name in ("mypy", "pytest") if codes[name]]
    if failed:
        print(f"failed: {', '.join(failed)}", flush=True)
    return 1 if failed else 0


def python(argv: Sequence[str], root: Path, **options: Any) -> AbstractContextManager[subprocess.Popen[Any]]:
    """Start Python with `argv` in `root` for the block."""
    options |= {"stdin": subprocess.DEVNULL, "encoding": "utf-8", "errors": "replace"}
    return child([sys.executable, *argv], cwd=root, **options)


def passes(name: str, argv: Sequence[str], root: Path) -> bool:
    """Run Python with `argv` in `root`, and print in a line how it ended."""
    begin = time.monotonic()
    with python(argv, root) as process:
        tell(name, process, begin)
    return process.returncode == 0


def tell(name: str, process: subprocess.Popen[str], begin: float) -> None:
    """Wait for a check, and print how it ended, after what it said where that was kept."""
    said, _ = process.communicate()
    outcome = "passed" if process.returncode == 0 else "FAILED"
    ended = f"{name:12} {outcome}, {time.monotonic() - begin:.1f} s"
    print(ended if said is None else f"\n{said}{ended}", flush=True)
