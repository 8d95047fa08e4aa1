"""The options that limit what a notebook may take."""

from __future__ import annotations

import argparse

from operation.engine.notebooks.forked.limits import Limits


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Declare ``--cell-seconds``, ``--seconds`` and ``--megabytes``."""
    parser.add_argument("--cell-seconds", type=more_than_zero, metavar="N", help="a cell may take so long")
    parser.add_argument("--seconds", type=more_than_zero, metavar="N", help="a notebook may take so long")
    parser.add_argument("--megabytes", type=more_than_zero, metavar="N", help="memory of a notebook")


def chosen_limits(args: argparse.Namespace) -> Limits:
    """Return the limits that were chosen."""
    memory = int(args.megabytes * 1_000_000) if args.megabytes else None
    return Limits(args.cell_seconds, args.seconds, memory)


def more_than_zero(text: str) -> float:
    """Read a number above 0."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text}")
    return value
