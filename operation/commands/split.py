"""The command ``split``: who answers the requests of a running service, champion or challenger."""

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
        "Change the challenger's share of the traffic of a running service. A key (such as a customer) "
        "always gets the same model. Requests that begin after this command has ended follow the new share; "
        "0 rolls back. A new challenger starts at 0."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation split 0.1\n"
        "  python3 -m operation split --shadow\n"
        "  python3 -m operation split 0\n"
        "  python3 -m operation split --challenger challenger"
    )
    add = parser.add_argument
    add(
        "share", type=float, nargs="?", help="share of keys that the challenger answers, 0 to 1; 0 rolls back"
    )
    add("--shadow", action="store_true", help="the challenger scores every request, the champion answers it")
    add("--salt", metavar="TEXT", help="name of the comparison: a new name draws the keys again")
    add("--challenger", metavar="ALIAS|PATH", help="add or replace the second model of a running service")
    add_choice(parser)
    add("--port", type=int, default=5001, help="port of the service (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Change the plan that the service reads, or the challenger."""
    if args.challenger is None and (args.share is None) != args.shadow:
        raise UsageError("Give a share of the keys such as 0.1, 0 to roll back, or --shadow.")
    if args.challenger is not None and (args.share is not None or args.shadow):
        raise UsageError("--challenger: a new challenger starts at 0. Give a share once it is loaded.")
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
