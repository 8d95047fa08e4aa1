"""The command ``split``: who answers the requests of a running service, champion or challenger."""

from __future__ import annotations

import argparse
import time

from operation.commands.options import add_choice
from operation.commands.serve import model_words
from operation.engine.delivery.serving.settings import PLAN, REQUEST, state_folder
from operation.engine.foundation.errors import StepFailed, UsageError
from operation.engine.foundation.layout import Layout, project
from operation.engine.steps.runners import run_script

PATIENCE = 120.0  # seconds until a challenger is there


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``split``."""
    parser.description = (
        "Change which share of keys the challenger of a running service answers. Every request that begins "
        "after this command has ended follows it; 0 rolls back. Another challenger begins with no share."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation split 0.1\n"
        "  python3 -m operation split --shadow\n"
        "  python3 -m operation split 0\n"
        "  python3 -m operation split --challenger challenger"
    )
    add = parser.add_argument
    add("share", type=float, nargs="?", help="of keys, from 0 to 1; 0 rolls back")
    add("--shadow", action="store_true", help="the challenger scores everything and answers nobody")
    add("--salt", metavar="TEXT", help="name of the comparison: another one splits the keys afresh")
    add("--challenger", metavar="ALIAS|PATH", help="add or replace the second model of a running service")
    add_choice(parser)
    add("--port", type=int, default=5001, help="of the service (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Change the plan that the service reads, or the challenger."""
    if args.challenger is None and (args.share is None) != args.shadow:
        raise UsageError("give a share of keys, such as 0.1, or 0 to roll back, or --shadow")
    if args.challenger is not None and (args.share is not None or args.shadow):
        raise UsageError("--challenger: another challenger begins with no share; give one when it is there")
    layout = project()
    if args.challenger is not None:
        print(_challenged(args, layout))
        return 0
    file = state_folder(layout.runs, args.port) / PLAN
    if not file.is_file():
        raise UsageError(
            f"no service on port {args.port} has a challenger: start one with "
            f"python3 -m operation serve --challenger challenger --port {args.port}"
        )
    words = ["--file", str(file.resolve()), "--share", str(args.share or 0.0)]
    words += ["--shadow"] if args.shadow else []
    words += ["--salt", args.salt] if args.salt is not None else []
    run_script(layout.src / "scoring" / "split_plan.py", words)
    return 0


def _challenged(args: argparse.Namespace, layout: Layout) -> str:
    """Ask the service for another challenger, wait until it is there, and return which one it is."""
    from operation.engine.delivery.serving.lookup import file_signature, request_challenger
    from operation.engine.delivery.serving.models import read_status

    state = state_folder(layout.runs, args.port)
    if not read_status(state):
        raise UsageError(f"no service listens on port {args.port}: start one with python3 -m operation serve")
    file = state / REQUEST
    request_challenger(file, model_words("--challenger", args.challenger, args, layout))
    print(f"the service on port {args.port} looks for {args.challenger}, verifies and loads it", flush=True)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        status = read_status(state)
        if status and status["request"][0] == list(file_signature(file) or ()) and status["settled"]:
            if status["message"]:
                raise StepFailed(status["message"])
            return f"Challenger {status['served']['challenger']} is loaded and receives 0 % of traffic."
        time.sleep(0.1)
    raise StepFailed(f"the service on port {args.port} has not taken another challenger in {PATIENCE:g} s")
