"""Help is given without an environment."""

from __future__ import annotations

import sys

from operation.setup.interpreter import WANTED


def without_environment(arguments: list[str]) -> bool:
    """Return whether `arguments` ask for help that this Python can give."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        return True
    asked = "-h" in arguments or "--help" in arguments
    if not asked or sys.version_info[:2] != WANTED:
        return False
    from operation import cli

    return arguments[0] in cli.COMMANDS and cli.importable(arguments[0])
