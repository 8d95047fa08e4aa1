"""Help, and the answer to a mistyped command, are given without an environment."""

from __future__ import annotations

import sys

from operation.setup.interpreter import WANTED


def without_environment(arguments: list[str]) -> bool:
    """Return whether `arguments` ask for an answer that this Python can give at once."""
    from operation import cli

    if not arguments or arguments[0] in cli.HELP:
        return True
    if sys.version_info[:2] != WANTED:
        return False
    if arguments[0] not in cli.COMMANDS:
        return True
    asked = "-h" in arguments or "--help" in arguments
    return asked and cli.importable(arguments[0])
