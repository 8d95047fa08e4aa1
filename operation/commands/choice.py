"""The options by which a command chooses its environment and its use case."""

from __future__ import annotations

import argparse


def add_choice(parser: argparse.ArgumentParser) -> None:
    """Declare ``--environment`` and ``--use-case``."""
    parser.add_argument("--environment", metavar="NAME", help="configuration-<NAME>.yml (default: DEV)")
    parser.add_argument(
        "--use-case", metavar="NAME", help="configuration-<NAME>.yml (default: the environment's)"
    )
