"""Models in the workspaces: list, register, download, promote from one environment to the next."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from operation.commands.options import (
    add_choice,
    add_emulator,
    add_json,
    emulated,
    quiet,
    whole_digest,
)
from operation.engine import configuration
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import project
from operation.engine.steps.runners import child_process
from operation.engine.steps.session import Session
from operation.execution import registered_models
from operation.execution.failure import sdk_errors
from operation.execution.open_workspace import open_workspace
from operation.execution.registered_models import ModelVersion


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions of ``models`` and their arguments."""
    parser.description = (
        "List, register, download and promote models of an Azure ML workspace. Each version has tags with "
        "the digest of its bytes and its lineage; a download or promotion is verified by the digest."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation models list --environment TEST\n"
        "  python3 -m operation models promote churn --environment DEV --to TEST --version 3"
    )
    add = parser.add_argument
    add("action", choices=_ACTIONS)
    add("name", nargs="?", help="name of the model: for download and promote; list shows all without it")
    add_choice(parser)
    add_emulator(parser)
    add("--version", type=int, metavar="NUMBER", help="version to download or promote (default: the newest)")
    add(
        "--digest",
        type=whole_digest,
        metavar="SHA256",
        help="version with this digest, as list prints it",
    )
    add("--to", metavar="NAME", help="promote: the target environment")
    add("--folder", type=Path, metavar="PATH", help="download: a new folder for the model")
    add_json(parser, "the versions")


def run(args: argparse.Namespace) -> int:
    """Carry out the action, and print the versions."""
    _check(args)
    with emulated(project(), args.emulator), quiet(args.json), sdk_errors(f"models {args.action}"):
        versions, lines = _ACTIONS[args.action](args)
    if args.json:
        print(json.dumps([asdict(version) for version in versions], indent=1))
    else:
        print("\n".join(lines))
    return 0


def _check(args: argparse.Namespace) -> None:
    needs = {"download": ["name", "folder"], "promote": ["name", "to"]}.get(args.action, [])
    missing = ["NAME" if name == "name" else f"--{name}" for name in needs if not getattr(args, name)]
    if missing:
        raise UsageError(f"models {args.action} needs {' and '.join(missing)}.")


def _list(args: argparse.Namespace) -> tuple[list[ModelVersion], list[str]]:
    versions = registered_models.versions(open_workspace(args.environment), args.name)
    return versions, [_line(version) for version in versions] or ["no models"]


def _register(args: argparse.Namespace) -> tuple[list[ModelVersion], list[str]]:
    """Register what passed its gate here; steps that are not in the store are executed on this machine."""
    layout = project()
    configured = configuration.load(args.environment, args.use_case, layout)
    session = Session(configured, layout, child_process)
    versions = [
        registered_models.register_passed(open_workspace(args.environment), session, session.step(step))
        for step in configured.steps
        if registered_models.is_registration(session.configured.step(step))
    ]
    return versions, [_line(version) for version in versions] or [
        f"no step of '{configured.use_case}' registers a model"
    ]


def _download(args: argparse.Namespace) -> tuple[list[ModelVersion], list[str]]:
    workspace = open_workspace(args.environment)
    version = registered_models.find(workspace, args.name, version=args.version, digest=args.digest)
    registered_models.download(workspace, version, args.folder)
    return [version], [_line(version), f"downloaded to {args.folder}, digest verified"]


def _promote(args: argparse.Namespace) -> tuple[list[ModelVersion], list[str]]:
    source, target = open_workspace(args.environment), open_workspace(args.to)
    version = registered_models.find(source, args.name, version=args.version, digest=args.digest)
    promoted = registered_models.promote(source, target, version)
    state = "promoted" if promoted.new else "registered before (same digest)"
    return [promoted], [_line(version), f"{args.to}: version {promoted.version}, {state}"]


def _line(version: ModelVersion) -> str:
    tags, digest = version.tags, version.digest or "unknown"
    origin = tags.get("promoted_from") or tags.get("azure_run") or tags.get("commit", "")
    return f"{version.name:<20} version {version.version:<4} digest {digest}  {origin}"


_ACTIONS: dict[str, Callable[[argparse.Namespace], Any]] = {
    "list": _list,
    "register": _register,
    "download": _download,
    "promote": _promote,
}
