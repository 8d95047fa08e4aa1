"""``setup``: make or complete the environment, and say what it holds."""

import argparse

from operation.setup.environment import Environment
from operation.setup.groups import ALL


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``setup``, which were carried out before this process began."""
    parser.description = (
        "Create or complete the environment .venv with what notebooks, reports, registry and serving need. "
        "Packages that only some commands need are in optional groups; the first command that needs "
        "a group adds it. Call this before you lose the network."
    )
    parser.epilog = (
        "examples:\n  python3 -m operation setup --all\n  python3 -m operation setup --group azure"
    )
    parser.add_argument("--all", action="store_true", help="add every group, as for CI and images")
    parser.add_argument(
        "--group", action="append", choices=sorted(ALL), help="add this group of packages; may be repeated"
    )


def run(_: argparse.Namespace) -> int:
    """Print what the environment holds."""
    environment = Environment()
    groups = environment.stamp().get("groups") or ["none"]
    folder = environment.folder if environment.is_running() else "the activated environment"
    print(f"{folder} is complete; optional groups in it: {', '.join(groups)}")
    return 0
