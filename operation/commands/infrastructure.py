"""Create, update or remove what an environment needs in Azure."""

import argparse
import os
import sys

from operation.commands.options import ANY_SUBSCRIPTION, add_emulator
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import project
from operation.execution.infrastructure import COSTS, Azure, Emulated, parameters, resources


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions."""
    parser.description = (
        "Create or update what an environment needs in Azure: resource group, workspace, storage, key vault, "
        "insights and registry, by operation/pipelines/infrastructure.json and the environment's variables. "
        "what-if changes nothing; remove deletes the resource group and asks before it does."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation infrastructure what-if --environment TEST\n"
        "  python3 -m operation infrastructure remove --environment UAT"
    )
    parser.add_argument("action", choices=["what-if", "apply", "remove"])
    parser.add_argument("--environment", metavar="NAME", help="configuration-<NAME>.yml (default: DEV)")
    add_emulator(parser)
    parser.add_argument(
        "--yes", metavar="NAME", help="remove: the resource group, typed, in place of the question"
    )


def run(args: argparse.Namespace) -> int:
    """Carry out the action."""
    layout = project()
    values = parameters(layout, args.environment)
    # within `ci` the emulator stands for Azure
    emulated = args.emulator or os.environ.get("SUBSCRIPTION_ID") == ANY_SUBSCRIPTION
    target = Emulated(layout, values) if emulated else Azure(layout, values)
    if args.action == "what-if":
        target.what_if()
        for resource in resources(layout, values):
            if resource.kind in COSTS:
                print(f"cost       {resource.kind:45} {COSTS[resource.kind]}")
    elif args.action == "apply":
        target.apply()
    else:
        _confirm(values["resourceGroup"], args.yes)
        target.remove()
    return 0


def _confirm(group: str, typed: str | None) -> None:
    """Raise a UsageError unless a person has typed the name of what is deleted."""
    if typed is None and sys.stdin and sys.stdin.isatty():
        typed = input(f"This deletes resource group {group} with all its data. Type its name to go on: ")
    if typed != group:
        raise UsageError(f"nothing was removed: give the name of the resource group, --yes {group}.")
