"""The command ``deploy``: a model behind a web service of Azure ML, or its rehearsal; or as a package."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.commands.options import add_choice, add_rehearse, rehearsed
from operation.engine import configuration
from operation.engine.configuration import Configuration
from operation.engine.configuration.targets import Deployment, chosen_deployment
from operation.engine.errors import UsageError
from operation.engine.layout import Layout, project

if TYPE_CHECKING:
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
        "  python3 -m operation deploy --rehearse --register\n"
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
    add_rehearse(parser)


def run(args: argparse.Namespace) -> int:
    """Do what the words ask for, and say how long it took."""
    work = _work(args)
    layout, started = project(), time.monotonic()
    configured = configuration.load(args.environment, args.use_case, layout)
    deployment = chosen_deployment(layout, configured, args.to)
    with rehearsed(layout, args.rehearse):
        from operation.execution.failure import told
        from operation.execution.opening import opened

        with told("deploy"):
            work(args, Asked(layout, configured, deployment, opened(configured.environment)))
    if not args.list:
        print(f"done in {time.monotonic() - started:.0f} s")
    return 0


@dataclass(frozen=True)
class Asked:
    """What every action knows: the project, its configuration, the workspace."""

    layout: Layout
    configured: Configuration
    deployment: Deployment
    workspace: Any

    @property
    def place(self) -> Place:
        """The service."""
        from operation.execution.services.order import Place

        return Place(self.workspace, self.layout, self.deployment, _say)

    def order(self, named: str, *, register: bool) -> Order:
        """Return the order to deploy the model called `named`."""
        from operation.execution.services.chosen import choose
        from operation.execution.services.order import Order

        found = choose(self.workspace, self.layout, self.configured, named, register=register)
        new = ", registered now" if found.model.new else ""
        _say(f"model {found}{new}, to {self.deployment.service} ({self.deployment.name})")
        return Order(self.workspace, self.layout, self.deployment, _say, found)


def _say(line: str) -> None:
    print(line, flush=True)


def _work(args: argparse.Namespace) -> Callable[[argparse.Namespace, Asked], None]:
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


def _deploy(args: argparse.Namespace, asked: Asked) -> None:
    from operation.execution.services import deployed

    _tell(args, deployed.deploy(asked.order(args.model or "champion", register=args.register)))


def _challenge(args: argparse.Namespace, asked: Asked) -> None:
    from operation.execution.services import deployed

    deployed.of_cluster(asked.place)
    order = asked.order(args.challenger, register=args.register)
    _tell(args, deployed.challenge(order, args.traffic or 0.0))


def _shift(args: argparse.Namespace, asked: Asked) -> None:
    from operation.execution.services import deployed

    _tell(args, deployed.shift(asked.place, args.traffic))


def _package(args: argparse.Namespace, asked: Asked) -> None:
    from operation.execution.services.deployed import package

    place = package(asked.order(args.model or "champion", register=args.register), args.dockerfile)
    print(f"package: {place}")


def _list(args: argparse.Namespace, asked: Asked) -> None:
    from operation.execution.services import deployed

    del args
    print("\n".join(deployed.described(asked.workspace)) or "no services")


def _delete(args: argparse.Namespace, asked: Asked) -> None:
    from operation.execution.services import deployed

    deployed.delete(asked.workspace, args.delete)
    print(f"service {args.delete} is deleted")


def _tell(args: argparse.Namespace, service: Any) -> None:
    opened_by = "a token" if getattr(service, "token_auth_enabled", False) else "one of its keys"
    asks = (
        f"wants {opened_by}"
        if getattr(service, "token_auth_enabled", False) or service.auth_enabled
        else "is open"
    )
    print(f"service {service.name} {asks}: {service.scoring_uri}")
    if args.rehearse:
        print("it answers while a rehearsal runs: python3 -m operation rehearse")
