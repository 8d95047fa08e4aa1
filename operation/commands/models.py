"""Models of the environments: list, register, download, promote from one to the next, roll back."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from operation.commands.options import (
    add_choice,
    add_ci,
    add_emulator,
    add_json,
    emulated,
    quiet,
    whole_digest,
)
from operation.engine import configuration
from operation.engine.evidence.ci import REJECTED, Outcome, choice_of, conclude, rejection, system_of
from operation.engine.foundation.errors import UsageError, WorkbenchError
from operation.engine.foundation.layout import project
from operation.engine.steps.runners import child_process
from operation.engine.steps.session import Session
from operation.execution import promotion, registered_models
from operation.execution.failure import sdk_errors
from operation.execution.open_workspace import open_workspace
from operation.execution.registered_models import ModelVersion


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions of ``models`` and their arguments."""
    parser.description = (
        "List, register, download, promote and roll back models of Azure ML workspaces; with --registry, "
        "promote and roll back those of MLflow registries. Each version has tags with the digest of its "
        "bytes and its lineage; a download or promotion is verified by it. What the gate of an environment "
        "has accepted (judge lets it judge a model from elsewhere, on its own data) is promoted to the next, "
        "if it was trained from a clean commit with the packages that are locked here."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation models list --environment TEST\n"
        "  python3 -m operation models promote churn --environment DEV --to TEST --version 3\n"
        "  python3 -m operation models promote --registry --environment TEST --to PROD\n"
        "  python3 -m operation models rollback --registry --environment PROD"
    )
    add = parser.add_argument
    add("action", choices=_ACTIONS)
    add("name", nargs="?", help="name of the model: for download and promote; list shows all without it")
    add_choice(parser)
    add_emulator(parser)
    add("--version", type=int, metavar="NUMBER", help="version to download or promote (default: the newest)")
    add("--digest", type=whole_digest, metavar="SHA256", help="version with this digest, as list prints it")
    add("--to", metavar="NAME", help="promote: the target environment")
    registry = "judge, promote, rollback: in the MLflow registries of the use case, not in workspaces"
    add("--registry", action="store_true", help=registry)
    override = "promote, rollback: why, in spite of a refusal; the ledger keeps it"
    add("--override", metavar="REASON", help=override)
    add("--folder", type=Path, metavar="PATH", help="download: a new folder for the model")
    add_ci(parser)
    add_json(parser, "the versions")


def run(args: argparse.Namespace) -> int:
    """Carry out the action, and print what came of it; CI is told of what judge decides."""
    _check(args)
    if args.action != "judge":
        return _carry_out(args)
    choice, folder = choice_of(args.ci, as_json=args.json), project().runs / "decisions"
    what = f"{args.name or 'the model'} in {args.environment or 'DEV'}"
    try:
        _carry_out(args)
    except WorkbenchError as error:
        if error.exit_code != REJECTED or system_of(choice) is None:
            raise
        print(f"error: {error}", file=sys.stderr)
        return conclude(choice, REJECTED, [rejection(what, str(error))], folder)
    return conclude(choice, 0, [Outcome("accepted", "", f"## {what}: accepted\n")], folder)


def _carry_out(args: argparse.Namespace) -> int:
    if args.registry:
        return _in_registries(args)
    with emulated(project(), args.emulator), quiet(args.json), sdk_errors(f"models {args.action}"):
        versions, lines = _ACTIONS[args.action](args)
    if args.json:
        print(json.dumps([asdict(version) for version in versions], indent=1))
    else:
        print("\n".join(lines))
    return 0


def _check(args: argparse.Namespace) -> None:
    if args.registry and (
        args.action not in ("judge", "promote", "rollback") or args.emulator or args.version
    ):
        raise UsageError("--registry is for judge, promote and rollback, without --emulator and --version.")
    missing = [
        "NAME" if name == "name" else f"--{name}"
        for name in _NEEDED.get(args.action, ())
        if not getattr(args, name) and not (args.registry and name == "name")  # it is the use case's
    ]
    if missing:
        raise UsageError(f"models {args.action} needs {' and '.join(missing)}.")


def _in_registries(args: argparse.Namespace) -> int:
    """Promote or roll back in MLflow registries, and let services here take the new champion at once."""
    from operation.engine.delivery.serving.running import look_again
    from operation.execution import registries

    layout = project()
    target = configuration.load(args.to or args.environment, args.use_case, layout)
    with quiet(args.json):
        if args.action == "judge":
            digest = registries.judge(layout, target, args.digest)
            facts: Mapping[str, Any] = {"environment": target.environment, "model_digest": digest}
            print(f"accepted in {target.environment}: {digest[:12]}")
        elif args.action == "promote":
            source = configuration.load(args.environment, args.use_case, layout)
            facts = registries.promote(layout, source, target, args.digest, args.override)
        else:
            facts = registries.roll_back(layout, target, args.override)
        for line in look_again(layout.runs) if args.action != "judge" else ():
            print(line)
    if args.json:
        print(json.dumps(facts, indent=1))
    return 0


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
    layout = project()
    configured = (
        configuration.load(args.environment, args.use_case, layout),
        configuration.load(args.to, args.use_case, layout),
    )
    workspaces = open_workspace(args.environment), open_workspace(args.to)
    version = registered_models.find(workspaces[0], args.name, version=args.version, digest=args.digest)
    promoted = promotion.promote(workspaces, configured, version, layout, args.override)
    state = "promoted" if promoted.new else "registered before (same digest)"
    return [promoted], [_line(version), f"{args.to}: version {promoted.version}, {state}"]


def _judge(args: argparse.Namespace) -> tuple[list[ModelVersion], list[str]]:
    """Let the gate of an environment judge a model as if it had been trained there."""
    layout = project()
    configured = configuration.load(args.environment, args.use_case, layout)
    workspace = open_workspace(args.environment)
    version = registered_models.find(workspace, args.name, version=args.version, digest=args.digest)
    promotion.judge(workspace, configured, version, layout)
    return [version], [_line(version), f"accepted in {configured.environment}"]


def _rollback(args: argparse.Namespace) -> tuple[list[ModelVersion], list[str]]:
    layout = project()
    configured = configuration.load(args.environment, args.use_case, layout)
    workspace = open_workspace(args.environment)
    version = promotion.roll_back(workspace, configured, args.name, layout, args.override)
    deploy = f"python3 -m operation deploy --environment {configured.environment}"
    serve = f"serve it: {deploy} --model {version.name}:{version.version}"
    state = f"{configured.environment}: version {version.version} is the champion; {serve}"
    return [version], [_line(version), state]


def _line(version: ModelVersion) -> str:
    tags, digest = version.tags, version.digest or "unknown"
    origin = tags.get("promoted_from") or tags.get("azure_run") or tags.get("commit", "")
    return f"{version.name:<20} version {version.version:<4} digest {digest}  {origin}"


_NEEDED = {
    "download": ("name", "folder"),
    "promote": ("name", "to"),
    "rollback": ("name",),
    "judge": ("name",),
}
_ACTIONS: dict[str, Callable[[argparse.Namespace], Any]] = {
    "list": _list,
    "register": _register,
    "download": _download,
    "judge": _judge,
    "promote": _promote,
    "rollback": _rollback,
}
