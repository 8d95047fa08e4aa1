"""The command ``split``: who answers the requests of a running service, champion or challenger."""

from __future__ import annotations

import argparse

from operation.engine.errors import UsageError
from operation.engine.layout import project
from operation.engine.runners import child_process
from operation.engine.serving.settings import plan_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``split``."""
    parser.description = (
        "Change which share of keys the challenger of a running service answers. Every request that begins "
        "after this command has ended follows it; 0 rolls back."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation split 0.1\n"
        "  python3 -m operation split --shadow\n"
        "  python3 -m operation split 0"
    )
    add = parser.add_argument
    add("share", type=float, nargs="?", help="of keys, from 0 to 1; 0 rolls back")
    add("--shadow", action="store_true", help="the challenger scores everything and answers nobody")
    add("--salt", metavar="TEXT", help="name of the comparison: another one splits the keys afresh")
    add("--port", type=int, default=5001, help="of the service (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Change the plan that the service reads."""
    if (args.share is None) != args.shadow:
        raise UsageError("give a share of keys, such as 0.1, or 0 to roll back, or --shadow")
    layout = project()
    file = plan_file(layout.runs, args.port)
    if not file.is_file():
        raise UsageError(
            f"no service on port {args.port} has a challenger: start one with "
            f"python3 -m operation serve --challenger challenger --port {args.port}"
        )
    words = ["--file", str(file.resolve()), "--share", str(args.share or 0.0)]
    words += ["--shadow"] if args.shadow else []
    words += ["--salt", args.salt] if args.salt is not None else []
    child_process(layout.src / "split_plan.py", words)
    return 0
