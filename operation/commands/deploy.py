"""``deploy``: a model as a web service of Azure ML or its emulator, or as an image."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from operation.commands.options import add_choice, add_emulator, emulated
from operation.engine import configuration
from operation.engine.configuration import Configuration
from operation.engine.configuration.targets import chosen_deployment
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import project
from operation.execution import open_workspace
from operation.execution.failure import sdk_errors
from operation.execution.services import deploy as services
from operation.execution.services.deployable_model import choose
from operation.execution.services.deployment import ModelDeployment, Service


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``deploy``."""
    parser.description = (
        "Deploy a registered model as a web service of Azure ML, described by a file in "
        "configuration/deployment/. The new model receives requests only after it has answered a test row; "
        "if it fails, the model before it keeps answering. On a cluster (kind aks) a challenger can receive "
        "a share of the requests; Azure draws it anew for each request."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation deploy --emulator --register\n"
        "  python3 -m operation deploy --environment PROD --model champion\n"
        "  python3 -m operation deploy --environment PROD --challenger challenger --traffic 0.1\n"
        "  python3 -m operation deploy --environment PROD --traffic 0     # rolls back\n"
        "  python3 -m operation deploy --package --dockerfile image"
    )
    add = parser.add_argument
    add(
        "--model",
        metavar="MODEL",
        help="alias of the local registry, or name:version, name:newest or digest in the workspace",
    )
    add("--to", metavar="NAME", help="configuration/deployment/<NAME>.yml (default: DEPLOYMENT)")
    add("--challenger", metavar="MODEL", help="deploy a second model behind the same endpoint (kind aks)")
    add("--traffic", type=float, metavar="SHARE", help="the challenger's share of the requests, 0 to 1")
    add(
        "--if-new",
        action="store_true",
        help="--challenger: without a service it is the first; else as needed",
    )
    add("--register", action="store_true", help="register the model if the workspace does not have it")
    add("--package", action="store_true", help="no service: build an image with the model and Azure's server")
    add("--dockerfile", type=Path, metavar="FOLDER", help="with --package: only write the build context")
    add("--list", action="store_true", help="list what is deployed")
    add("--delete", metavar="SERVICE", help="delete a service")
    add_choice(parser)
    add_emulator(parser)


def run(args: argparse.Namespace) -> int:
    """Do what the options say, and print how long it took."""
    action = _action(args)
    layout, started = project(), time.monotonic()
    configured = configuration.load(args.environment, args.use_case, layout)
    target = chosen_deployment(layout, configured, args.to)
    with emulated(layout, args.emulator), sdk_errors("deploy"):
        workspace = open_workspace.open_workspace(configured.environment)
        action(args, Service(workspace, layout, target, _say), configured)
    if not args.list:
        print(f"done in {time.monotonic() - started:.0f} s")
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


def _action(args: argparse.Namespace) -> Callable[[argparse.Namespace, Service, Configuration], None]:
    """Return the action that the options ask for; raise for options that exclude each other."""
    actions = {
        "list": _list,
        "delete": _delete,
        "package": _package,
        "challenger": _challenge,
        "model": _deploy,
        "traffic": _shift,
    }
    values = {name: getattr(args, name) for name in actions}
    chosen = [name for name, value in values.items() if value is not None and value is not False]  # not 0
    if len(chosen) > 1 and set(chosen) not in [{"challenger", "traffic"}, {"package", "model"}]:
        raise UsageError(f"{' and '.join(f'--{name}' for name in chosen)} exclude each other. Give one.")
    if args.dockerfile and not args.package:
        raise UsageError("--dockerfile needs --package.")
    if args.dockerfile and args.dockerfile.exists():
        raise UsageError(f"{args.dockerfile} exists. Name a new folder, or remove it.")
    return actions[chosen[0]] if chosen else _deploy


def _model(args: argparse.Namespace, service: Service, configured: Configuration) -> ModelDeployment:
    """Choose the model, and return it with its service."""
    name = args.challenger or args.model or "champion"
    model = choose(service.workspace, service.layout, configured, name, register=args.register)
    suffix = ", registered now" if model.version.new else ""
    service.say(f"model {model}{suffix}, to {service.name} ({service.target.name})")
    return ModelDeployment(service.workspace, service.layout, service.target, service.say, model)


def _deploy(args: argparse.Namespace, service: Service, configured: Configuration) -> None:
    _print_service(args, services.deploy(_model(args, service, configured)))


def _challenge(args: argparse.Namespace, service: Service, configured: Configuration) -> None:
    services.require_cluster(service)
    deployment = _model(args, service, configured)
    _print_service(args, services.challenge(deployment, args.traffic or 0.0, if_new=args.if_new))


def _shift(args: argparse.Namespace, service: Service, _: Configuration) -> None:
    _print_service(args, services.shift(service, args.traffic))


def _package(args: argparse.Namespace, service: Service, configured: Configuration) -> None:
    package = services.package(_model(args, service, configured), args.dockerfile)
    print(f"package: {package}")


def _list(_: argparse.Namespace, service: Service, __: Configuration) -> None:
    print("\n".join(services.describe(service.workspace)) or "no services")


def _delete(args: argparse.Namespace, service: Service, _: Configuration) -> None:
    services.delete(service.workspace, args.delete)
    print(f"service {args.delete} deleted")


def _print_service(args: argparse.Namespace, service: Any) -> None:
    token = getattr(service, "token_auth_enabled", False)
    access = "needs a token" if token else "needs one of its keys" if service.auth_enabled else "needs no key"
    print(f"service {service.name} ({access}): {service.scoring_uri}")
    if args.emulator:
        print("It answers only while an emulator runs: python3 -m operation emulator")
