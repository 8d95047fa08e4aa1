"""``setup``: make or complete the environment, and say what it holds."""

from __future__ import annotations

import argparse

from operation.setup.environment import Environment
from operation.setup.groups import ALL


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``setup``: what they ask for was done before this process began."""
    parser.description = (
        "Make or complete the environment .venv: what notebooks, reports, registry and serving need. "
        "Packages that only some commands need are added by the first of them, or here. "
        "Where there is no network later, call this first."
    )
    parser.epilog = (
        "examples:\n  python3 -m operation setup --all\n  python3 -m operation setup --group azure"
    )
    parser.add_argument("--all", action="store_true", help="every group at once, as CI and images want it")
    parser.add_argument(
        "--group", action="append", choices=sorted(ALL), help="add this group of packages; may be repeated"
    )


def run(_: argparse.Namespace) -> int:
    """Say what the environment holds."""
    environment = Environment()
    groups = environment.stamp().get("groups") or ["none"]
    place = environment.folder if environment.is_running() else "the activated environment"
    print(f"{place} is complete; optional groups in it: {', '.join(groups)}")
    return 0
