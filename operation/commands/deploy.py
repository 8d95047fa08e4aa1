"""The command ``deploy``: a model behind a web service of Azure ML, or its emulator; or as a package."""

from __future__ import annotations

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
from operation.execution import opening
from operation.execution.failure import sdk_errors
from operation.execution.services import deployed
from operation.execution.services.chosen import choose
from operation.execution.services.order import Order, Place


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``deploy``."""
    parser.description = (
        "Put a registered model behind a web service of Azure ML, as a file of configuration/deployment/ "
        "says. The service is said to be there when the model that was meant has answered a row; until then "
        "what answered before goes on. On a cluster a challenger may have a share of the requests, which "
        "Azure draws for each of them anew."
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
        help="alias in the registry of the use case, name:version or digest in the workspace (default: "
        "champion)",
    )
    add("--to", metavar="NAME", help="configuration/deployment/<NAME>.yml (default: DEPLOYMENT)")
    add("--challenger", metavar="MODEL", help="a second model behind the same endpoint, on a cluster")
    add("--traffic", type=float, metavar="SHARE", help="of the requests for the challenger, from 0 to 1")
    add("--register", action="store_true", help="register the model where the workspace does not have it")
    add("--package", action="store_true", help="no service: an image with the model and Azure ML's server")
    add("--dockerfile", type=Path, metavar="PATH", help="with --package: only what it is built from")
    add("--list", action="store_true", help="say what is deployed")
    add("--delete", metavar="SERVICE", help="delete a service")
    add_choice(parser)
    add_emulator(parser)


def run(args: argparse.Namespace) -> int:
    """Do what the words ask for, and say how long it took."""
    work = _work(args)
    layout, started = project(), time.monotonic()
    configured = configuration.load(args.environment, args.use_case, layout)
    deployment = chosen_deployment(layout, configured, args.to)
    with emulated(layout, args.emulator), sdk_errors("deploy"):
        work(args, Place(opening.opened(configured.environment), layout, deployment, _say), configured)
    if not args.list:
        print(f"done in {time.monotonic() - started:.0f} s")
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


def _order(place: Place, configured: Configuration, named: str, *, register: bool) -> Order:
    """Return the order to deploy the model called `named`."""
    found = choose(place.workspace, place.layout, configured, named, register=register)
    new = ", registered now" if found.model.new else ""
    place.say(f"model {found}{new}, to {place.service} ({place.deployment.name})")
    return Order(place.workspace, place.layout, place.deployment, place.say, found)


def _work(args: argparse.Namespace) -> Callable[[argparse.Namespace, Place, Configuration], None]:
    """Return what the words ask for."""
    wanted = {
        "--list": (args.list, _list),
        "--delete": (args.delete is not None, _delete),
        "--package": (args.package, _package),
        "--challenger": (args.challenger is not None, _challenge),
        "--model": (args.model is not None, _deploy),
        "--traffic": (args.traffic is not None, _shift),
    }
    given = [option for option, (is_given, _) in wanted.items() if is_given]
    together = [{"--challenger", "--traffic"}, {"--package", "--model"}]
    if len(given) > 1 and set(given) not in together:
        raise UsageError(f"{' and '.join(given)} ask for different things: give one of them.")
    if args.dockerfile and not args.package:
        raise UsageError("--dockerfile says where a package goes: give --package too.")
    if args.dockerfile and args.dockerfile.exists():
        raise UsageError(f"{args.dockerfile} exists: name a folder that does not, or remove it.")
    return wanted[given[0]][1] if given else _deploy


def _deploy(args: argparse.Namespace, place: Place, configured: Configuration) -> None:
    _tell(args, deployed.deploy(_order(place, configured, args.model or "champion", register=args.register)))


def _challenge(args: argparse.Namespace, place: Place, configured: Configuration) -> None:
    deployed.of_cluster(place)
    order = _order(place, configured, args.challenger, register=args.register)
    _tell(args, deployed.challenge(order, args.traffic or 0.0))


def _shift(args: argparse.Namespace, place: Place, configured: Configuration) -> None:
    del configured
    _tell(args, deployed.shift(place, args.traffic))


def _package(args: argparse.Namespace, place: Place, configured: Configuration) -> None:
    package = deployed.package(
        _order(place, configured, args.model or "champion", register=args.register), args.dockerfile
    )
    print(f"package: {package}")


def _list(args: argparse.Namespace, place: Place, configured: Configuration) -> None:
    del args, configured
    print("\n".join(deployed.described(place.workspace)) or "no services")


def _delete(args: argparse.Namespace, place: Place, configured: Configuration) -> None:
    del configured
    deployed.delete(place.workspace, args.delete)
    print(f"service {args.delete} is deleted")


def _tell(args: argparse.Namespace, service: Any) -> None:
    token = getattr(service, "token_auth_enabled", False)
    asks = "wants a token" if token else "wants one of its keys" if service.auth_enabled else "is open"
    print(f"service {service.name} {asks}: {service.scoring_uri}")
    if args.emulator:
        print("it answers while an emulator runs: python3 -m operation emulator")
