"""Models in the workspaces: list, register, download, promote from one environment to the next."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from operation.commands.options import add_choice, add_emulator, emulated, quiet, whole_digest
from operation.engine import configuration
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import project
from operation.engine.steps.runners import child_process
from operation.engine.steps.session import Session
from operation.execution import models
from operation.execution.failure import sdk_errors
from operation.execution.models import Registered
from operation.execution.opening import opened


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions of ``models`` and their arguments."""
    parser.description = (
        "Models in the workspaces of Azure ML. Each version carries the digest of its bytes and where it "
        "comes from; what is downloaded or promoted is verified by it."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation models list --environment TEST\n"
        "  python3 -m operation models promote churn --environment DEV --to TEST --version 3"
    )
    add = parser.add_argument
    add("action", choices=_ACTIONS)
    add("name", nargs="?", help="the model; may be left out of list, and of register")
    add_choice(parser)
    add_emulator(parser)
    add("--version", type=int, metavar="NUMBER", help="of the model (default: the newest)")
    add("--digest", type=whole_digest, metavar="SHA256", help="of the model, as list prints it")
    add("--to", metavar="NAME", help="promote: the environment it goes to")
    add("--folder", type=Path, metavar="PATH", help="download: where to, a folder that is made")
    add("--json", action="store_true", help="for programs")


def run(args: argparse.Namespace) -> int:
    """Do what the action says."""
    _check(args)
    with emulated(project(), args.emulator), quiet(args.json), sdk_errors(f"models {args.action}"):
        found, lines = _ACTIONS[args.action](args)
    if args.json:
        print(json.dumps([asdict(one) for one in found], indent=1))
    else:
        print("\n".join(lines))
    return 0


def _check(args: argparse.Namespace) -> None:
    needs = {"download": ["name", "folder"], "promote": ["name", "to"]}.get(args.action, [])
    missing = ["a model's name" if one == "name" else f"--{one}" for one in needs if not getattr(args, one)]
    if missing:
        raise UsageError(f"models {args.action} needs {' and '.join(missing)}.")


def _list(args: argparse.Namespace) -> tuple[list[Registered], list[str]]:
    found = models.versions(opened(args.environment), args.name)
    return found, [_line(one) for one in found] or ["no models"]


def _register(args: argparse.Namespace) -> tuple[list[Registered], list[str]]:
    """Register what passed its gate here; what the store does not hold is executed on this machine."""
    layout = project()
    configured = configuration.load(args.environment, args.use_case, layout)
    session = Session(configured, layout, child_process)
    found = [
        models.register_passed(opened(args.environment), session, session.step(step))
        for step in configured.steps
        if models.is_registration(session.configured.step(step))
    ]
    return found, [_line(one) for one in found] or [f"no step of '{configured.use_case}' registers a model"]


def _download(args: argparse.Namespace) -> tuple[list[Registered], list[str]]:
    workspace = opened(args.environment)
    found = models.find(workspace, args.name, version=args.version, digest=args.digest)
    models.download(workspace, found, args.folder)
    return [found], [_line(found), f"downloaded to {args.folder}, digest verified"]


def _promote(args: argparse.Namespace) -> tuple[list[Registered], list[str]]:
    source, target = opened(args.environment), opened(args.to)
    found = models.find(source, args.name, version=args.version, digest=args.digest)
    made = models.promote(source, target, found)
    state = "promoted" if made.new else "registered before (same digest)"
    return [made], [_line(found), f"{args.to}: version {made.version}, {state}"]


def _line(one: Registered) -> str:
    origin = one.tags.get("promoted_from") or one.tags.get("azure_run") or one.tags.get("commit", "")
    return f"{one.name:<20} version {one.version:<4} digest {one.digest or 'unknown'}  {origin}"


_ACTIONS: dict[str, Callable[[argparse.Namespace], Any]] = {
    "list": _list,
    "register": _register,
    "download": _download,
    "promote": _promote,
}
